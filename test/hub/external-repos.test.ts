// External repos, repos and requests for them: asked as the recordings did, understood, and asked for only once.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { onlyReads } from "../../shared/hub/delivery.ts";
import {
  checkRepoRequest,
  editExternalRepo,
  getExternalRepo,
  getExternalRepoList,
  getRepo,
  getTagExternalRepos,
  listExternalRepos,
  listQueuedRepos,
  listReadyRepos,
  listRepos,
  newRepo,
  repoInfo,
  requestRegeneration,
  requestRepo,
} from "../../shared/hub/external-repos.ts";
import { HubAnswerUnreadable, HubFault, HubWriteAlreadyDone } from "../../shared/hub/faults.ts";
import type { HubQuery } from "../../shared/hub/query.ts";
import { connectWithCertificate, type HubWriter } from "../../shared/hub/session.ts";
import { write } from "../../shared/hub/writes.ts";
import { decodeResponse } from "../../shared/hub/xmlrpc/decode.ts";
import { encodeCall } from "../../shared/hub/xmlrpc/encode.ts";
import type { XmlRpcValue } from "../../shared/hub/xmlrpc/values.ts";
import { instantClock, loseReply, TestHub } from "./hub-server.ts";
import { certificate } from "./scene.ts";
import { transcriptOf } from "./transcripts.ts";

const MIRROR = "http://mirror2.meadowlark.test/meadow/1/updates/$arch";
const recorded = (name: string): XmlRpcValue => decodeResponse(transcriptOf(name).response);

describe("a question of repos asks as the recording did", () => {
  it.each<[string, HubQuery<unknown>]>([
    ["listExternalRepos", listExternalRepos()],
    ["getExternalRepo", getExternalRepo("meadow-base")],
    ["getExternalRepo-after-edit", getExternalRepo("meadow-updates")],
    ["getExternalRepoList", getExternalRepoList("meadow1-heavy-build")],
    ["getTagExternalRepos", getTagExternalRepos("meadow-updates")],
    ["getRepo", getRepo("meadow1-build")],
    ["getRepo-none", getRepo("meadow1-armonly-build")],
    ["repoInfo", repoInfo(1)],
    ["repo.checkRequest", checkRepoRequest(1)],
    ["newRepo", newRepo("meadow1-armonly-build")],
  ])("%s, byte for byte, and understands the answer", (name, { call, decode }) => {
    expect(encodeCall(call.method, call.params)).toBe(transcriptOf(name).request);
    expect(() => decode(recorded(name))).not.toThrow();
  });

  it("editExternalRepo, byte for byte", () => {
    const { call } = editExternalRepo("meadow-updates", MIRROR);
    expect(encodeCall(call.method, call.params)).toBe(transcriptOf("editExternalRepo").request);
  });

  it("in the recorded forms of clauses and fields where no recording is the same", () => {
    const fields = ["id", "tag_name", "state", "create_ts", "create_event", "dist"];
    expect(listReadyRepos().call.params).toEqual([
      [
        ["state", "=", 1],
        ["dist", "IS", false],
      ],
      fields,
    ]);
    expect(listRepos([3, 4]).call.params).toEqual([[["id", "IN", [3, 4]]], fields]);
    expect(() => listRepos([])).toThrow("listRepos needs at least one id.");
    const { method, params } = requestRepo("el9-build", { force: true }).call;
    expect([method, params]).toEqual([
      "repo.request",
      ["el9-build", { min_event: "last", force: true, __starstar: true }],
    ]);
  });
});

describe("the answer to", () => {
  it("getExternalRepoList has the arches that a tag has a repo for, or null for all", () => {
    const row = { tag_name: "meadow1-build" };
    expect(getExternalRepoList("x").decode(recorded("getExternalRepoList"))).toEqual([
      {
        ...row,
        external_repo_id: 2,
        external_repo_name: "meadow-updates",
        url: "http://mirror.meadowlark.test/meadow/1/updates/$arch/",
        merge_mode: "bare",
        priority: 5,
        arches: ["x86_64", "aarch64"],
      },
      {
        ...row,
        external_repo_id: 1,
        external_repo_name: "meadow-base",
        url: "http://mirror.meadowlark.test/meadow/1/base/$arch/",
        merge_mode: "koji",
        priority: 10,
        arches: null,
      },
    ]);
  });

  it("getExternalRepo and getRepo is null for what is not there", () => {
    expect(getExternalRepo("x").decode(null)).toBeNull();
    expect(getRepo("meadow1-armonly-build").decode(recorded("getRepo-none"))).toBeNull();
    expect(repoInfo(99).decode(null)).toBeNull();
  });

  it("repoInfo and getRepo has the repo, on a hub that names no tag in it too", () => {
    const repo = {
      id: 1,
      tag_name: "meadow1-build",
      state: 1,
      create_event: 53,
      create_ts: 1795353247.971109,
      dist: false,
    };
    expect(repoInfo(1).decode(recorded("repoInfo"))).toEqual(repo);
    expect(
      getRepo("meadow1-build").decode({ id: 1, state: 1, create_event: 53, create_ts: 1795353247.971109 }),
    ).toEqual(repo);
  });

  it("repo.query is refused when it has not the fields that were asked for", () => {
    expect(() => listReadyRepos().decode(recorded("repo.query"))).toThrow(HubAnswerUnreadable);
    expect(listReadyRepos().decode([])).toEqual([]);
  });

  it("repo.request is a queued request, one that was there already, or a repo", () => {
    const { decode } = requestRepo("meadow1-heavy-build", { force: false });
    expect(decode(recorded("repo.request"))).toEqual({ request: 2, repo: null, duplicate: false });
    expect(decode(recorded("repo.request-again"))).toEqual({ request: 2, repo: null, duplicate: true });
    expect(decode({ request: null, repo: recorded("repoInfo"), duplicate: false })).toEqual({
      request: null,
      repo: 1,
      duplicate: false,
    });
  });

  it("repo.checkRequest has the request and its repo", () => {
    expect(checkRepoRequest(1).decode(recorded("repo.checkRequest"))).toMatchObject({
      request: { id: 1, active: false, repo_id: 1, task_id: null, tag_name: "meadow1-build" },
      repo: { id: 1, state: 1 },
    });
  });

  it("repo.queryQueue has the requests that wait", () => {
    const row = { id: 2, tag_name: "b", create_ts: 1.5, active: true, task_id: 37, repo_id: null };
    expect(listQueuedRepos().decode([row])).toEqual([row]);
    expect(listQueuedRepos().call.params?.[0]).toEqual([["active", "IS", true]]);
  });
});

describe("whether a method only reads", () => {
  it.each([
    "repo.query",
    "repo.queryQueue",
    "repo.get",
    "repo.checkRequest",
    "repoInfo",
    "getRepo",
    "scheduler.getHostData",
  ])("%s does: it may be asked twice", (method) => expect(onlyReads(method)).toBe(true));

  it.each([
    "repo.request",
    "repo.checkQueue",
    "repo.setState",
    "repoExpire",
    "repoInfoX",
    "newRepo",
    "editExternalRepo",
    "host.getTasks",
  ])("%s does not", (method) => expect(onlyReads(method)).toBe(false));
});

describe("asking for a new repo", () => {
  let hub: TestHub;
  let writer: HubWriter;
  const answers = new Map<string, XmlRpcValue>();

  beforeEach(async () => {
    hub = await TestHub.start();
    writer = connectWithCertificate({ url: hub.url, clock: instantClock(), certificate });
    answers.clear();
    hub.perform = (method) => {
      const value = answers.get(method);
      if (value === undefined) throw new HubFault(1000, `Invalid method: ${method}`);
      return value;
    };
  });
  afterEach(async () => {
    await writer.close();
    await hub.stop();
  });

  it("is a request of the queue, or the repo that is there", async () => {
    answers.set("repo.request", recorded("repo.request"));
    expect(await requestRegeneration(writer, "meadow1-heavy-build", true)).toEqual({ kind: "request", id: 2 });
    answers.set("repo.request", { request: null, repo: recorded("repoInfo"), duplicate: false });
    expect(await requestRegeneration(writer, "meadow1-build", false)).toEqual({ kind: "repo", id: 1 });
  });

  it("is a task on a hub that has no queue", async () => {
    answers.set("newRepo", 36);
    expect(await requestRegeneration(writer, "meadow1-build", true)).toEqual({ kind: "task", id: 36 });
  });

  it("is found again in the queue when the reply was lost, and not asked for twice", async () => {
    answers.set("repo.request", recorded("repo.request"));
    const row = { create_ts: 1.5, active: true, task_id: null, repo_id: null };
    answers.set("repo.queryQueue", [
      { ...row, id: 7, tag_name: "el9-build" },
      { ...row, id: 9, tag_name: "other-build" },
    ]);
    hub.ahead.push(undefined, loseReply);
    expect(await requestRegeneration(writer, "el9-build", true)).toEqual({ kind: "request", id: 7 });
    expect(hub.commits.filter((commit) => commit.startsWith("repo.request("))).toHaveLength(1);
  });

  it("says that it was done when a lost reply's request is in the queue no more", async () => {
    answers.set("repo.request", recorded("repo.request"));
    answers.set("repo.queryQueue", []);
    hub.ahead.push(undefined, loseReply);
    await expect(requestRegeneration(writer, "el9-build", true)).rejects.toThrow(HubWriteAlreadyDone);
  });

  it("throws every other refusal, that of an unknown tag and of a missing permission among them", async () => {
    hub.perform = () => {
      throw new HubFault(1000, "No such tagInfo: 'nonesuch'");
    };
    await expect(requestRegeneration(writer, "nonesuch", true)).rejects.toThrow("No such tagInfo");
    hub.perform = (method) => {
      throw method === "newRepo"
        ? new HubFault(1004, "regen-repo permission required (logged in as toji-scaler)")
        : new HubFault(1000, `Invalid method: ${method}`);
    };
    await expect(requestRegeneration(writer, "el9-build", true)).rejects.toMatchObject({ code: 1004 });
  });

  it("the edit of a URL throws the recorded refusal when the login is no admin", async () => {
    hub.perform = () => recorded("editExternalRepo-denied");
    const edit = editExternalRepo("meadow-updates", MIRROR);
    await expect(write(writer, edit)).rejects.toMatchObject({
      code: 1004,
      faultString: "admin permission required (logged in as toji-scaler)",
    });
    hub.perform = () => recorded("editExternalRepo");
    expect(await write(writer, edit)).toBe("done");
  });
});
