// The hub model's external repos, repos and repo queue: recorded shapes, permissions, and what a new repo is made with.

import { describe, expect, it } from "vitest";
import type { RepoRow } from "../../sandbox/world/hub/index.ts";
import { REPO_STATE, TASK_STATE } from "../../shared/hub/index.ts";
import { encodeCall } from "../../shared/hub/xmlrpc/encode.ts";
import { isStruct, type XmlRpcValue } from "../../shared/hub/xmlrpc/values.ts";
import { misfits, read } from "./hub-shapes.ts";
import { createMeadow, headersOf, logIn, type Meadow, resultOf, transcriptOf } from "./hub-world.ts";
import { createSite as createBuilders } from "./kojid-site.ts";

const BUILDER = "builder-x86-01.meadowlark.test";
const [ADMIN, SCALER] = [1, 2];
const UPDATES = "http://mirror.meadowlark.test/meadow/1/updates/$arch";
const OTHER = "http://mirror2.meadowlark.test/meadow/1/updates/$arch";

function createSite(): Meadow {
  const meadow = createMeadow();
  const { hub } = meadow;
  hub.addExternalRepo("meadow-base", "http://mirror.meadowlark.test/meadow/1/base/$arch");
  hub.addExternalRepo("meadow-updates", UPDATES);
  hub.addExternalRepo("thirdparty-tools", "https://tools.example.test/el/$arch/");
  hub.addTagExternalRepo("meadow1-build", "meadow-base", { priority: 10 });
  hub.addTagExternalRepo("meadow1-build", "meadow-updates", {
    priority: 5,
    mergeMode: "bare",
    arches: "x86_64 aarch64",
  });
  return meadow;
}

/** Repo 1 made by task 1, which answered request 1; request 2 waits with a task. */
function createRecordedSite(): Meadow {
  const meadow = createSite();
  meadow.call(ADMIN, "repo.request", ["meadow1-build"]);
  meadow.hub.runKojira();
  buildRepo(meadow, 1);
  return meadow;
}

/** What a builder does of a newRepo task. */
function buildRepo({ hub, builder }: Meadow, id: number): void {
  hub.as("kojiadmin").assignTask(id, BUILDER);
  const session = builder(BUILDER);
  session.openTask(id);
  session.endTask(id, { value: [id, id] });
}

const value = (meadow: Meadow, user: number | null, method: string, params: readonly XmlRpcValue[]): XmlRpcValue =>
  resultOf(meadow.call(user, method, params));
const faultOf = (meadow: Meadow, user: number | null, method: string, params: readonly XmlRpcValue[]) =>
  read(meadow.call(user, method, params).body);
const lastRepo = ({ hub }: Meadow): Readonly<RepoRow> => {
  const repo = hub.repos().at(-1);
  if (repo === undefined) throw new Error("there is no repo");
  return repo;
};

const RECORDED: [name: string, prepare?: (meadow: Meadow) => void][] = [
  ["listExternalRepos"],
  ["getExternalRepo"],
  ["getExternalRepoList"],
  ["getTagExternalRepos"],
  ["editExternalRepo"],
  ["editExternalRepo-denied"],
  ["getExternalRepo-after-edit", (meadow) => meadow.post(ADMIN, transcriptOf("editExternalRepo").request)],
  ["getRepo"],
  ["getRepo-none"],
  ["repo.get"],
  ["repo.query"],
  [
    "repo.queryQueue",
    ({ hub, call }) => {
      call(SCALER, "repo.request", ["meadow1-heavy-build"]);
      hub.runKojira();
    },
  ],
  ["repo.request"],
  [
    "repo.request-again",
    ({ hub, call }) => {
      call(SCALER, "repo.request", ["meadow1-heavy-build"]);
      hub.runKojira();
    },
  ],
  ["repo.checkQueue"],
  ["repoInfo"],
];

describe("the hub model answers recorded requests about repos", () => {
  it.each(RECORDED)("%s", (name, prepare = () => {}) => {
    const { request, response, meta } = transcriptOf(name);
    const meadow = createRecordedSite();
    const key = meta.request_headers["Koji-Session-Key"];
    const userId = key === undefined ? null : Number(key.split("-")[0]);
    prepare(meadow);
    const [ours, recorded] = [read(meadow.post(userId, request).body), read(response)];
    if (!("shape" in ours) || !("shape" in recorded)) {
      expect(ours).toEqual(recorded);
      return;
    }
    expect(misfits(ours.shape, recorded.shape)).toEqual([]);
    if (!recorded.shape.types.includes("array")) expect(misfits(recorded.shape, ours.shape)).toEqual([]);
  });

  it("repo.checkRequest, of a request that was served without a task of its own", () => {
    const { request, response } = transcriptOf("repo.checkRequest");
    const meadow = createSite();
    meadow.call(ADMIN, "repo.request", ["meadow1-build"]);
    buildRepo(meadow, meadow.hub.as("kojiadmin").newRepo("meadow1-build"));
    const [ours, recorded] = [read(meadow.post(ADMIN, request).body), read(response)];
    if (!("shape" in ours) || !("shape" in recorded)) throw new Error("a fault");
    expect(misfits(ours.shape, recorded.shape)).toEqual([]);
    expect(misfits(recorded.shape, ours.shape)).toEqual([]);
  });
});

describe("a repo of a tag", () => {
  it("takes the URLs that the hub has when its task begins, and is READY when it ends", () => {
    const meadow = createSite();
    const id = meadow.hub.as("kojiadmin").newRepo("meadow1-heavy-build");
    expect(meadow.hub.repos()).toEqual([]);
    meadow.hub.as("kojiadmin").assignTask(id, BUILDER);
    const session = meadow.builder(BUILDER);
    session.openTask(id);
    meadow.call(ADMIN, "editExternalRepo", ["meadow-updates", { url: OTHER, __starstar: true }]);
    expect(lastRepo(meadow)).toMatchObject({ state: REPO_STATE.INIT, task_id: id });
    session.endTask(id, { value: null });
    expect(lastRepo(meadow)).toMatchObject({
      state: REPO_STATE.READY,
      externals: [
        { name: "meadow-updates", url: `${UPDATES}/` },
        { name: "meadow-base", url: "http://mirror.meadowlark.test/meadow/1/base/$arch/" },
      ],
    });
    expect(meadow.hub.externalRepo("meadow-updates").url).toBe(`${OTHER}/`);
  });

  it("is none when its task fails, and begun anew when its task is freed", () => {
    const meadow = createSite();
    const admin = meadow.hub.as("kojiadmin");
    const id = admin.newRepo("meadow1-build");
    admin.assignTask(id, BUILDER);
    meadow.builder(BUILDER).openTask(id);
    admin.freeTask(id);
    admin.assignTask(id, BUILDER);
    const session = meadow.builder(BUILDER);
    session.openTask(id);
    session.endTask(id, { fault: { code: 1000, text: "failed to merge repos" } });
    expect(meadow.hub.repos().map(({ state }) => state)).toEqual([REPO_STATE.DELETED, REPO_STATE.DELETED]);
    expect(value(meadow, null, "getRepo", ["meadow1-build"])).toBeNull();
  });

  it("is taken back with the call that began it", () => {
    const meadow = createSite();
    const admin = meadow.hub.as("kojiadmin");
    const id = admin.newRepo("meadow1-build");
    admin.assignTask(id, BUILDER);
    const user = meadow.hub.host(BUILDER).user_id;
    meadow.call(user, "exclusiveSession", [true]);
    const open = { methodName: "host.openTask", params: [id] };
    // Refused while the answer is written, and all of the multiCall with it.
    const late = { methodName: "listTasks", params: [{ state: 0 }] };
    expect(faultOf(meadow, user, "multiCall", [[open, late]])).toMatchObject({ code: 1 });
    expect(meadow.hub.repos()).toEqual([]);
    meadow.call(user, "multiCall", [[open]]);
    expect(meadow.hub.repos()).toMatchObject([{ id: 1, state: REPO_STATE.INIT }]);
  });

  it("is EXPIRED some time after a newer one is READY, and the newest never is", () => {
    const { hub, clock } = createSite();
    const [first, second] = [hub.makeRepo("meadow1-build"), hub.makeRepo("meadow1-build")];
    const other = hub.makeRepo("meadow1-heavy-build");
    clock.time += 60;
    hub.runKojira();
    expect(first.state).toBe(REPO_STATE.READY);
    clock.time += 86_400;
    hub.runKojira();
    expect([first.state, second.state, other.state]).toEqual([REPO_STATE.EXPIRED, REPO_STATE.READY, REPO_STATE.READY]);
  });
});

describe("the repo queue", () => {
  const requested = (meadow: Meadow, tag: string, keywords: { readonly [name: string]: XmlRpcValue }) => {
    const answer = value(meadow, SCALER, "repo.request", [tag, { ...keywords, __starstar: true }]);
    if (!isStruct(answer)) throw new Error("no struct");
    const id = (part: XmlRpcValue | undefined) => (isStruct(part) ? part.id : null);
    return { request: id(answer.request), repo: id(answer.repo), duplicate: answer.duplicate };
  };

  it("makes no repo when there is one that is new enough, unless it is told to", () => {
    const meadow = createSite();
    const { id } = meadow.hub.makeRepo("meadow1-build");
    expect(requested(meadow, "meadow1-build", { min_event: "last" })).toMatchObject({ repo: id, request: null });
    expect(requested(meadow, "meadow1-build", { min_event: "last", force: true })).toMatchObject({ request: 1 });
    expect(requested(meadow, "meadow1-build", { min_event: "last", force: true }).duplicate).toBe(true);
  });

  it("does not take a repo from before a URL was edited for one that is asked for since its last change", () => {
    const meadow = createSite();
    meadow.clock.time += 7200;
    const old = meadow.hub.makeRepo("meadow1-heavy-build");
    meadow.clock.time += 60;
    meadow.call(ADMIN, "editExternalRepo", ["meadow-updates", { url: OTHER, __starstar: true }]);
    // By itself the hub takes one that is up to an hour behind.
    expect(requested(meadow, "meadow1-heavy-build", {}).repo).toBe(old.id);
    expect(requested(meadow, "meadow1-heavy-build", { min_event: "last" })).toMatchObject({ request: 1, repo: null });
  });

  it("is served by a task that a builder does, made in kojira's round", () => {
    const meadow = createSite();
    requested(meadow, "meadow1-build", { min_event: "last", force: true });
    expect([...meadow.hub.tasks()]).toEqual([]);
    meadow.hub.runKojira();
    meadow.hub.runKojira();
    expect([...meadow.hub.tasks()]).toMatchObject([
      { method: "newRepo", priority: 15, request: [{ name: "meadow1-build" }, {}] },
    ]);
    expect(value(meadow, null, "repo.checkRequest", [1])).toMatchObject({
      repo: null,
      task: { id: 1, state: TASK_STATE.FREE },
    });
    buildRepo(meadow, 1);
    const answer = value(meadow, null, "repo.checkRequest", [1]);
    expect(answer).toMatchObject({ request: { active: false, repo_id: 1 }, repo: { state: REPO_STATE.READY } });
    expect(answer).not.toHaveProperty("task");
  });

  it("tries again when a task fails, and gives up in the end", () => {
    const meadow = createSite();
    requested(meadow, "meadow1-build", {});
    for (let round = 1; round <= 6; round++) {
      meadow.hub.runKojira();
      for (const task of meadow.hub.freeTasks()) meadow.hub.as("kojiadmin").cancelTask(task.id);
    }
    expect([...meadow.hub.tasks()]).toHaveLength(4);
    expect(meadow.hub.repoRequests()).toMatchObject([{ active: false, repo_id: null, tries: 4 }]);
  });

  it("is open to every login, the edit of a URL only to admins", () => {
    const meadow = createSite();
    expect(faultOf(meadow, null, "repo.request", ["meadow1-build"])).toMatchObject({ code: 1004 });
    expect(faultOf(meadow, SCALER, "repo.checkQueue", [])).toEqual({
      code: 1004,
      text: "repo permission required (logged in as toji-scaler)",
    });
    expect(faultOf(meadow, SCALER, "repo.request", ["nonesuch"])).toMatchObject({ code: 1000 });
    expect(faultOf(meadow, null, "repo.checkRequest", [99])).toEqual({ code: 1000, text: "No such request" });
    expect(faultOf(meadow, ADMIN, "editExternalRepo", ["nonesuch", null, OTHER])).toMatchObject({ code: 1000 });
  });

  it("is served by kojid, whose task the queue made", async () => {
    const { hub, start, run } = createBuilders();
    hub.addHost("repo", { arches: "x86_64", channels: ["createrepo"], capacity: 4 });
    start("repo");
    const headers = headersOf({ ...logIn(hub, "kojiadmin"), callnum: 0 });
    const body = encodeCall("repo.request", ["el9-build"]);
    resultOf(hub.answer({ method: "POST", url: "/kojihub", headers, body }));
    hub.runKojira();
    await run(10_000);
    expect(hub.repoRequests()).toMatchObject([{ active: false, repo_id: 1 }]);
    expect(hub.repos()).toMatchObject([{ state: REPO_STATE.READY, task_id: 1 }]);
  });
});
