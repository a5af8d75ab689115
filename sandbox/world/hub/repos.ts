// Repos of tags: made by newRepo tasks, asked for in the repo queue, which kojira looks through (kojihub/repos.py).

import { REPO_STATE, TASK_STATE } from "../../../shared/hub/index.ts";
import type { XmlRpcStruct, XmlRpcValue } from "../../../shared/hub/xmlrpc/values.ts";
import { isStruct } from "../../../shared/hub/xmlrpc/values.ts";
import { assertLogin, assertPermission, type Caller, type HubContext, hasPermission } from "./context.ts";
import type { TaskEvent } from "./events.ts";
import { externalRepoList, lastChange } from "./external-repos.ts";
import { notAllowed, parameterError } from "./fault.ts";
import type { RepoRequestRow, RepoRow, TagRow } from "./rows.ts";
import { isFinished } from "./tables.ts";
import { requireTag } from "./tags.ts";
import { createTask, DEFAULT_PRIORITY } from "./tasks.ts";

/** hub.conf: MaxRepoTasks, RepoRetries, RepoLag, RepoLagWindow. */
const MOST_TASKS = 10;
const RETRIES = 3;
const LAG_SECONDS = 3600;
const LAG_WINDOW_SECONDS = 600;
const NEW_REPO_PRIORITY = 15;
/** How long a repo stays READY after there is a newer one: builds that began with it go on. A day here is short. */
const LINGER_SECONDS = 1800;

// --- repos

/** kojihub repo_init: INIT, with the URLs that the hub has now. */
export function beginRepo(hub: HubContext, tagInfo: number | string, taskId: number | null): RepoRow {
  const { tables, clock } = hub;
  const tag = requireTag(hub, tagInfo);
  const begin = lastChange(hub, tag.id);
  const create = tables.newEvent(clock.now());
  const externals = externalRepoList(hub, tag.id).map(({ repo: { name, url } }) => ({ name, url }));
  const row = { tag_id: tag.id, create, begin, state: REPO_STATE.INIT, state_ts: create.ts, task_id: taskId };
  return tables.insertRepo({ ...row, dist: false, externals });
}

/** kojihub repo_ready and repo_done_hook: READY, and an answer to every request that it is new enough for. */
export function finishRepo(hub: HubContext, repo: RepoRow): void {
  setState(hub, repo, REPO_STATE.READY);
  for (const request of hub.tables.repoRequests.values()) {
    if (!request.active || request.tag_id !== repo.tag_id || request.min_event > repo.create.id) continue;
    hub.tables.patch(request, { repo_id: repo.id, active: false, update_ts: hub.clock.now() });
  }
}

function setState(hub: HubContext, repo: RepoRow, state: RepoRow["state"]): void {
  hub.tables.patch(repo, { state, state_ts: hub.clock.now() });
}

/** The newest READY repo of a tag. */
export function readyRepo(hub: HubContext, tag: number | string, minEvent = 0): RepoRow | null {
  const { id } = requireTag(hub, tag);
  const ready = [...hub.tables.repos.values()].filter(
    (repo) => repo.tag_id === id && repo.state === REPO_STATE.READY && !repo.dist && repo.create.id >= minEvent,
  );
  return ready.reduce<RepoRow | null>(
    (best, repo) => (best === null || repo.create.id > best.create.id ? repo : best),
    null,
  );
}

/** What a transition of a newRepo task does to its repo: the builder's host.repoInit and host.repoDone. */
export function followNewRepo(hub: HubContext, { taskId, method, to }: TaskEvent): void {
  if (method !== "newRepo" || to === TASK_STATE.ASSIGNED) return;
  const last = hub.tables.repoOfTask(taskId);
  const begun = last?.state === REPO_STATE.INIT ? last : undefined;
  if (to === TASK_STATE.OPEN) {
    const tag = tagOf(hub, taskId);
    if (begun === undefined && tag !== undefined) beginRepo(hub, tag.id, taskId);
  } else if (begun !== undefined && to === TASK_STATE.CLOSED) {
    finishRepo(hub, begun);
  } else if (begun !== undefined) {
    setState(hub, begun, REPO_STATE.DELETED);
  }
}

/** The queue's own tasks name the tag as a struct. A tag that the hub does not have fails the task on its builder. */
function tagOf(hub: HubContext, taskId: number): TagRow | undefined {
  const [first = null] = hub.tables.tasks.get(taskId)?.request ?? [];
  const tag: XmlRpcValue = isStruct(first) ? (first.id ?? null) : first;
  return typeof tag === "number" || typeof tag === "string" ? hub.tables.tags.find(tag) : undefined;
}

// --- requests

export interface RepoWish {
  readonly tag: number | string;
  /** "last": no older than the tag's last change. null: the hub's own choice. */
  readonly minEvent: number | "last" | null;
  readonly opts: XmlRpcStruct;
  /** Relative to 20. */
  readonly priority: number | null;
  readonly force: boolean;
}

export interface RepoWished {
  readonly repo: RepoRow | null;
  readonly request: RepoRequestRow | null;
  readonly duplicate: boolean;
}

/** kojihub request_repo, without repos at an event. */
export function requestRepo(hub: HubContext, caller: Caller, wish: RepoWish): RepoWished {
  const owner = assertLogin(caller);
  const tag = requireTag(hub, wish.tag);
  const min_event =
    wish.minEvent === "last" ? lastChange(hub, tag.id).id : (wish.minEvent ?? defaultEvent(hub, tag.id));
  const relative = wish.priority ?? 0;
  if (relative < 0 && !hasPermission(caller, "admin")) {
    throw notAllowed("only admins may create high-priority requests");
  }
  const priority = DEFAULT_PRIORITY + relative;
  const repo = wish.force ? null : readyRepo(hub, tag.id, min_event);
  if (repo !== null) return { repo, request: null, duplicate: false };
  const opts = JSON.stringify(wish.opts);
  const known = queued(hub).find(
    (request) => request.tag_id === tag.id && request.min_event >= min_event && JSON.stringify(request.opts) === opts,
  );
  if (known !== undefined) {
    if (known.priority > priority) hub.tables.patch(known, { priority });
    return { repo: null, request: known, duplicate: true };
  }
  const now = hub.clock.now();
  const request = hub.tables.insertRepoRequest({
    owner: owner.id,
    tag_id: tag.id,
    priority,
    create_ts: now,
    min_event,
    opts: wish.opts,
    active: true,
    task_id: null,
    tries: 0,
    repo_id: null,
    update_ts: now,
  });
  return { repo: null, request, duplicate: false };
}

/** A repo from before the last hour's changes will do. */
function defaultEvent(hub: HubContext, tagId: number): number {
  const since = Math.floor((hub.clock.now() - LAG_SECONDS) / LAG_WINDOW_SECONDS) * LAG_WINDOW_SECONDS;
  const last = lastChange(hub, tagId).id;
  return Math.min(hub.tables.eventBefore(since)?.id ?? last, last);
}

function queued(hub: HubContext): RepoRequestRow[] {
  const active = [...hub.tables.repoRequests.values()].filter((request) => request.active);
  return active.sort((a, b) => a.priority - b.priority || a.id - b.id);
}

// --- kojira's rounds

/** kojihub check_repo_queue: tasks for requests, new ones for those whose task failed, at most so many at a time. */
export function checkRepoQueue(hub: HubContext, caller: Caller): void {
  assertPermission(caller, "repo");
  let running = 0;
  for (const request of queued(hub)) if (isRunning(hub, request)) running += 1;
  for (const request of queued(hub)) {
    if (isRunning(hub, request)) continue;
    if (request.tries > RETRIES) {
      hub.tables.patch(request, { active: false, update_ts: hub.clock.now() });
    } else if (running < MOST_TASKS) {
      const task = createTask(hub, caller, newRepoTask(hub, request));
      hub.tables.patch(request, { task_id: task.id, tries: request.tries + 1, update_ts: hub.clock.now() });
      running += 1;
    }
  }
}

function isRunning(hub: HubContext, { task_id }: RepoRequestRow): boolean {
  const task = task_id === null ? undefined : hub.tables.tasks.get(task_id);
  return task !== undefined && !isFinished(task);
}

function newRepoTask(hub: HubContext, { tag_id, opts }: RepoRequestRow) {
  const args = [
    { id: tag_id, name: requireTag(hub, tag_id).name },
    { opts, __starstar: true },
  ];
  return { method: "newRepo", args, channel: "createrepo", priority: NEW_REPO_PRIORITY };
}

/** kojira expires what a newer READY repo has replaced for a while. */
export function expireRepos(hub: HubContext): void {
  const now = hub.clock.now();
  for (const repo of hub.tables.repos.values()) {
    if (repo.state !== REPO_STATE.READY) continue;
    const newer = readyRepo(hub, repo.tag_id);
    if (newer === null || newer.id === repo.id || now - newer.state_ts < LINGER_SECONDS) continue;
    setState(hub, repo, REPO_STATE.EXPIRED);
  }
}

/** What repo.request takes as min_event. */
export function readMinEvent(value: XmlRpcValue): RepoWish["minEvent"] {
  if (value === null || value === "last" || typeof value === "number") return value;
  throw parameterError(`Invalid event: ${String(value)}`);
}
