// `toji plan` and `toji snapshot` against the hub of another process, as an administrator would point them at theirs.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type HubServer, startHubServer } from "../../sandbox/server/hub.ts";
import { createHub, type Hub } from "../../sandbox/world/hub/index.ts";
import { schedule } from "../../shared/hub/index.ts";
import { runToji } from "./run-toji.ts";

const clock = { now: () => Date.now() / 1000, sleep: async () => {} };

let hub: Hub;
let server: HubServer;
const plan = (...args: string[]) => runToji(["plan", "--hub", server.url, ...args]);
const planJson = async (...args: string[]) => JSON.parse((await plan("--json", ...args)).stdout);

beforeAll(async () => {
  hub = createHub({ clock });
  hub.addUser("packager", ["livemedia"]);
  hub.addTag("el9-build", { arches: "x86_64 aarch64" });
  hub.addTag("el9");
  hub.addTarget("el9", "el9-build", "el9");
  server = await startHubServer({ hub, clock });
});
afterAll(() => server.close());

describe("toji plan", () => {
  it("says for an empty queue that nothing changes", async () => {
    const { code, stdout } = await plan();
    expect(code).toBe(0);
    expect(stdout).toContain("queue: no FREE task");
    expect(stdout).toContain("no change");
  });

  it("prints exactly the promised members with --json, and nothing else on stdout", async () => {
    const answer = await planJson();
    expect(Object.keys(answer)).toEqual(["hub", "queue", "launch", "drain", "keep", "unserved", "notes"]);
    expect(answer.hub).toEqual({ url: server.url, version: "1.35.3", offline: false });
    expect(answer.notes[0]).toMatch(/built-in example config/);
  });

  it("launches a builder for each arch that tasks wait for, and leaves alone what no profile can run", async () => {
    const admin = hub.as("kojiadmin");
    const arch = (name: string) => ({ method: "buildArch", args: ["foo.src.rpm", 1, name, true, {}], arch: name });
    for (let i = 0; i < 3; i++) admin.makeTask({ ...arch("x86_64"), channel: "default" });
    admin.makeTask({ ...arch("aarch64"), channel: "default" });
    const s390x = admin.makeTask({ ...arch("s390x"), channel: "default" });
    const repo = admin.makeTask({ method: "newRepo", args: ["el9-build"], channel: "createrepo" });
    const odd = admin.makeTask({ method: "frobnicate", args: [], channel: "default", arch: "riscv128" });

    const answer = await planJson();
    const launched = Object.fromEntries(
      answer.launch.map((each: { profile: string; count: number }) => [each.profile, each.count]),
    );
    // One of each has room for what waits; three x86 tasks at once announce more than a third, four to a builder.
    expect(launched).toEqual({ "default-x86": 3, "default-arm": 1 });
    for (const { reason } of answer.launch) expect(reason).toMatch(/buildArch tasks? .*no room/);
    expect(answer.unserved.map((each: { taskId: number }) => each.taskId).sort()).toEqual([s390x, repo, odd].sort());
    const bin = answer.queue.find((each: { arch: string }) => each.arch === "x86_64");
    expect(bin).toMatchObject({ channel: "default", free: 3, weight: 4.5 });
  });

  it("counts a running builder outside the pool before it launches", async () => {
    hub.addHost("static.example.org", { arches: "x86_64", capacity: 8 });
    const session = hub.connectBuilder("static.example.org");
    session.updateHost(0, true, { methods: [], maxjobs: 10 });
    const answer = await planJson();
    expect(answer.launch.map((each: { profile: string }) => each.profile)).toEqual(["default-arm"]);
  });

  it("says of an enabled host that never checked in that it may boot or be lost, for EC2 was not asked", async () => {
    const slot = "builder-x86-01.example.org";
    hub.addHost(slot, { arches: "x86_64", capacity: 8 });
    const answer = await planJson();
    hub.as("kojiadmin").disableHost(slot);
    const about = answer.keep.find((each: { builder: string }) => each.builder === slot);
    expect(about?.reason).toMatch(/^enabled and silent, without a task: its builder boots, or is lost/);
  });

  it("is a stated non-change and exit 1 while the hub is offline", async () => {
    hub.setOffline("moving house");
    const { code, stdout, stderr } = await plan("--json");
    hub.setOffline(null);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ hub: { offline: true }, launch: [], drain: [] });
    expect(JSON.parse(stdout).notes.at(-1)).toMatch(/no change: the hub answered "moving house" \(fault 1014\)/);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});

describe("a hub that does not behave", () => {
  const answerWith = async (listener: Parameters<typeof createServer>[1]) => {
    const odd: Server = createServer(listener);
    await new Promise<void>((resolve) => odd.listen(0, "127.0.0.1", resolve));
    const { port } = odd.address() as AddressInfo;
    const ran = await runToji(["plan", "--hub", `http://127.0.0.1:${port}/kojihub`, "--timeout", "1", "--json"]);
    odd.closeAllConnections();
    odd.close();
    return ran;
  };

  it.each([
    [
      "HTML",
      /HTTP 403/,
      (_: IncomingMessage, response: ServerResponse) =>
        response.writeHead(403, { "content-type": "text/html" }).end("<h1>Forbidden</h1>"),
    ],
    [
      "a gateway's 502",
      /HTTP 502/,
      (_: IncomingMessage, response: ServerResponse) => response.writeHead(502).end("<html>bad gateway"),
    ],
    [
      "half an answer",
      /not XML-RPC|ended|truncated/i,
      (_: IncomingMessage, response: ServerResponse) => response.end("<?xml version='1.0'?><methodResponse><params>"),
    ],
    ["a reset", /reset|closed|ended/i, (request: IncomingMessage) => request.socket.destroy()],
    ["silence", /answer|time/i, () => {}],
  ])("%s becomes one sentence and exit 1, without a launch", async (_, sentence, listener) => {
    const { code, stdout, stderr } = await answerWith(listener);
    expect(code).toBe(1);
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(JSON.parse(stdout)).toMatchObject({ launch: [], drain: [], hub: { offline: false } });
  });
});

describe("toji snapshot", () => {
  it("writes a state that toji schedule reads, and both agree with the replica", async () => {
    const snapshot = await runToji(["snapshot", "--hub", server.url]);
    expect(snapshot.code).toBe(0);
    const scheduled = await runToji(["schedule", "--state", "-", "--json"], snapshot.stdout);
    expect(scheduled.code).toBe(0);
    const result = JSON.parse(scheduled.stdout);
    expect(result).toEqual(JSON.parse(JSON.stringify(schedule(JSON.parse(snapshot.stdout)))));
    expect(result.assigned.length).toBeGreaterThan(0);
  });
});
