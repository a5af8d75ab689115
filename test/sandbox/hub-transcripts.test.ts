// The hub model against recorded exchanges: the recorded request gets a reply of the recorded structure.

import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { encodeCall } from "../../shared/hub/xmlrpc/encode.ts";
import {
  asBuilder,
  builderTask,
  checkedIn,
  checkIn,
  closedParent,
  family,
  freedAfterOpen,
  inHeavyweight,
  leftDefault,
  liveImage,
  lockedOut,
  nothing,
  offline,
  type Prepare,
  ppc,
  queue,
  task,
  waitingBuild,
  withTmp,
  withTmpAsRecorded,
} from "./hub-prepare.ts";
import { misfits, read } from "./hub-shapes.ts";
import { createMeadow, transcriptOf } from "./hub-world.ts";

const RECORDED: [name: string, prepare?: Prepare][] = [
  ["addHost"],
  ["addHost-arches-string"],
  ["addHost-duplicate", withTmp],
  ["addHost-name-is-a-user"],
  ["addHostToChannel", withTmp],
  ["addHostToChannel-disabled-channel", withTmp],
  ["addHostToChannel-twice", inHeavyweight],
  ["addHostToChannel-unknown-channel", withTmp],
  ["assignTask", task(33, "FREE")],
  ["build"],
  ["build-anonymous"],
  ["build-negative-priority-denied"],
  ["build-unknown-target-accepted"],
  ["buildImage-bad-type"],
  ["buildImage-livemedia"],
  ["cancelTask", task(34, "FREE")],
  ["cancelTask-anonymous", task(33, "FREE")],
  ["cancelTask-denied", task(33, "FREE")],
  ["cancelTask-twice", task(34, "CANCELED")],
  ["disableHost", withTmp],
  ["disableHost-twice", withTmp],
  ["disableHost-unknown"],
  ["editHost", withTmp],
  ["editHost-capacity-too-low", withTmp],
  ["editHost-no-change", withTmp],
  ["editHost-unknown-field", withTmp],
  ["echo-i8-and-friends"],
  ["echo-too-big"],
  ["enableHost", withTmp],
  ["freeTask-already-free", task(35, "FREE")],
  ["freeTask-anonymous", task(33, "FREE")],
  ["freeTask-assigned", task(33, "ASSIGNED")],
  ["freeTask-canceled", task(34, "CANCELED")],
  ["freeTask-denied", task(33, "FREE")],
  ["freeTask-missing"],
  ["getAPIVersion"],
  ["getAllArches"],
  ["getAverageBuildDuration-none"],
  ["getBuildConfig"],
  ["getBuildTarget"],
  ["getBuildTarget-missing"],
  ["getBuildTargets"],
  ["getChannel"],
  ["getHost", ({ hub }) => checkIn(hub, "builder-arm-01.meadowlark.test")],
  ["getHost-after-string-arches", withTmpAsRecorded],
  ["getHost-empty-result-kwarg-starstar", ({ hub }) => checkIn(hub, "builder-x86-01.meadowlark.test")],
  ["getHost-missing"],
  ["getHost-missing-strict"],
  ["getKojiVersion"],
  ["getLastHostUpdate-never"],
  ["getLastHostUpdate-string", ({ hub }) => checkIn(hub, "builder-x86-01.meadowlark.test")],
  ["getLastHostUpdate-ts", ({ hub }) => checkIn(hub, "builder-x86-01.meadowlark.test")],
  ["getLoggedInUser"],
  ["getLoggedInUser-anonymous"],
  ["getPerms"],
  ["getTag"],
  ["getTaskChildren", family(5)],
  ["getTaskDescendents", family(1)],
  ["getTaskDescendents-request", family(5)],
  ["getTaskInfo-bad-id"],
  ["getTaskInfo-freed-after-open", freedAfterOpen],
  ["getTaskInfo-huge-id"],
  ["getTaskInfo-list", waitingBuild],
  ["getTaskInfo-missing"],
  ["getTaskInfo-missing-strict"],
  ["getTaskInfo-request", waitingBuild],
  ["getTaskInfo-string-id", closedParent(2)],
  ["getTaskRequest", liveImage],
  ["getTaskResult-canceled", task(34, "CANCELED")],
  ["getTaskResult-failed", task(8, "FAILED")],
  ["getTaskResult-raise-false", task(8, "FAILED")],
  ["getUser"],
  ["getUser-missing"],
  ["hasPerm"],
  ["host.closeTask-not-ours", asBuilder(task(10, "FREE"))],
  ["host.freeTasks", asBuilder(builderTask("OPEN"))],
  ["host.getHostTasks", asBuilder(nothing)],
  ["host.getHostTasks-open", asBuilder(builderTask("OPEN"))],
  ["host.getID", asBuilder(nothing)],
  ["host.getLoadData", asBuilder(checkedIn(builderTask("ASSIGNED")))],
  ["host.getTasks", asBuilder(builderTask("ASSIGNED"))],
  ["host.getTasks-as-a-person"],
  ["host.getTasks-not-exclusive", lockedOut],
  ["host.openTask", asBuilder(builderTask("ASSIGNED"))],
  ["host.openTask-again", asBuilder(builderTask("OPEN"))],
  ["host.refuseTask-not-ours", asBuilder(task(33, "FREE"))],
  ["host.setTaskWeight", asBuilder(builderTask("OPEN"))],
  ["host.subtask", asBuilder(builderTask("OPEN"))],
  ["host.taskSetWait", asBuilder(builderTask("OPEN"))],
  ["host.updateHost", asBuilder(nothing)],
  ["hub-generic-error"],
  ["hub-internal-error"],
  ["listChannels"],
  ["listChannels-of-host"],
  ["listHosts", ({ hub }) => checkIn(hub, "builder-x86-01.meadowlark.test")],
  ["listHosts-arch-ppc", ({ hub }) => checkIn(hub, ppc)],
  ["listHosts-channel-arch", ({ hub }) => checkIn(hub, "builder-img-01.meadowlark.test")],
  ["listHosts-empty-arches"],
  ["listHosts-queryOpts-ignored"],
  ["listHosts-ready-enabled", ({ hub }) => checkIn(hub, "builder-x86-01.meadowlark.test")],
  ["listHosts-unknown-channel"],
  ["listTasks-active", queue],
  ["listTasks-active-decoded", queue],
  ["listTasks-asList", queue],
  ["listTasks-assigned", queue],
  ["listTasks-bad-order"],
  ["listTasks-bad-state-type"],
  ["listTasks-countOnly", queue],
  ["listTasks-empty"],
  ["listTasks-empty-state-list"],
  ["listTasks-failed-decoded", task(8, "FAILED")],
  ["listTasks-failed-raw", task(8, "FAILED")],
  ["listTasks-finished-decoded", closedParent(1)],
  ["listTasks-free-limit", queue],
  ["listTasks-limit-zero", queue],
  ["listTasks-open-on-host", waitingBuild],
  ["listTasks-order-space"],
  ["listTasks-parent-null", waitingBuild],
  ["listTasks-unknown-filter", queue],
  ["lockout-anonymous", ({ hub }) => hub.setLockOut(true)],
  ["lockout-logged-in", ({ hub }) => hub.setLockOut(true)],
  ["lockout-multiCall", ({ hub }) => hub.setLockOut(true)],
  ["lockout-admin", ({ hub }) => hub.setLockOut(true)],
  ["lockout-sslLogin", ({ hub }) => hub.setLockOut(true)],
  ["logout"],
  ["logout-anonymous"],
  ["makeTask-admin"],
  ["makeTask-denied"],
  ["method-extra-args"],
  ["method-missing-args"],
  ["method-unknown"],
  ["method-unknown-kwarg"],
  ["multiCall-bad-member"],
  ["multiCall-empty"],
  ["multiCall-lazy-fault-kills-all"],
  ["multiCall-nested"],
  ["multiCall-one-fault", ({ hub }) => checkIn(hub, "builder-x86-01.meadowlark.test")],
  ["multiCall-partial-commit", withTmp],
  ["newRepo"],
  ["newRepo-denied"],
  ["offline-server", offline],
  ["offline-multiCall", offline],
  ["offline-sslLogin", offline],
  ["removeHostFromChannel", inHeavyweight],
  ["removeHostFromChannel-not-member", leftDefault],
  ["scheduler.doRun"],
  ["scheduler.doRun-denied"],
  ["scheduler.getHostData-one", ({ hub }) => checkIn(hub, "builder-x86-01.meadowlark.test")],
  ["scheduler.getTaskRefusals"],
  ["scheduler.getTaskRuns", waitingBuild],
  ["scheduler.getTaskRuns-bad-field"],
  ["scheduler.getTaskRuns-by-task", task(35, "ASSIGNED")],
  ["setTaskPriority", task(35, "FREE")],
  ["setTaskPriority-denied", task(33, "FREE")],
  ["setTaskPriority-finished", task(34, "CANCELED")],
  ["sslLogin-ok"],
  ["sslLogin-unknown-user"],
  ["sslLogin-blocked-user", ({ hub }) => hub.blockUser("pepper-dev")],
  ["sslLogin-wrong-path"],
  ["subsession"],
  ["system.listMethods"],
  ["system.multicall"],
];

describe("the hub model answers recorded requests", () => {
  it.each(RECORDED.map(([name, prepare = nothing]) => ({ name, prepare })))("$name", ({ name, prepare }) => {
    const { request, response, meta } = transcriptOf(name);
    const meadow = createMeadow();
    // The recorded key tells the user; the session itself is one of ours, begun before what the case is about.
    const key = meta.request_headers["Koji-Session-Key"];
    const userId = key === undefined ? null : Number(key.split("-")[0]);
    if (userId !== null && userId <= 5) meadow.sessionOf(userId);
    prepare(meadow);
    const commonName = meta.client_certificate_cn ?? null;
    const reply = meadow.post(userId, request, {
      path: new URL(meta.url).pathname,
      ssl: { verify: commonName === null ? "NONE" : "SUCCESS", commonName },
    });
    expect(reply.status).toBe(meta.http_status);
    const [ours, recorded] = [read(reply.body), read(response)];
    if (!("shape" in ours) || !("shape" in recorded)) {
      expect(ours).toEqual(recorded);
      return;
    }
    expect(misfits(ours.shape, recorded.shape)).toEqual([]);
    // A list shows what happens to be in the table; a single value has to be the same both ways.
    if (!recorded.shape.types.includes("array")) expect(misfits(recorded.shape, ours.shape)).toEqual([]);
  });

  it.each([["http-empty-body"], ["http-get"]])("%s, to the letter", (name) => {
    const { request, response, meta } = transcriptOf(name);
    const reply = createMeadow().post(null, request, { method: meta.http_method });
    expect(reply).toMatchObject({ status: meta.http_status, body: response });
    expect(reply.headers["Content-Type"]).toBe(meta.response_headers?.["Content-Type"]);
    expect(reply.headers.Allow).toBe(meta.response_headers?.Allow);
    expect(reply.headers["Koji-Version"]).toBe("1.35.3");
  });

  it.each([["http-not-xml"], ["http-truncated-xml"], ["http-doctype"]])("%s is a 400 in plain text", (name) => {
    const { request, meta } = transcriptOf(name);
    const reply = createMeadow().post(null, request);
    expect(reply.status).toBe(meta.http_status);
    expect(reply.headers["Content-Type"]).toBe("text/plain");
    expect(reply.body).toMatch(/^Invalid request: /);
  });

  it("http-gzip-request: compressed bytes are not XML either", () => {
    const reply = createMeadow().post(null, gzipSync(encodeCall("getAPIVersion")));
    expect(reply).toMatchObject({ status: 400, headers: { "Content-Type": "text/plain" } });
  });
});
