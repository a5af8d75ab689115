// The hub's external repos and the repos it makes with them: questions, the edit of a URL, and asking for a new repo.
// Methods and fields: Koji 1.35.3 as recorded; what hubs before 1.35 lack is said where it matters.

import * as z from "zod";
import { ask, listActiveTasks } from "./calls.ts";
import { HubFault, HubWriteAlreadyDone } from "./faults.ts";
import { type HubQuery, query } from "./query.ts";
import type { HubCaller } from "./session.ts";
import type { HubWrite } from "./writes.ts";
import { named } from "./xmlrpc/encode.ts";

/** Koji's REPO_STATES. */
export const REPO_STATE = { INIT: 0, READY: 1, EXPIRED: 2, DELETED: 3, PROBLEM: 4 } as const;
export type RepoState = (typeof REPO_STATE)[keyof typeof REPO_STATE];

/** `url` has the literal `$arch` and ends in a slash, which the hub adds. */
export interface ExternalRepo {
  readonly id: number;
  readonly name: string;
  readonly url: string;
}

/** An external repo as it hangs on a tag. */
export interface TagExternalRepo {
  readonly external_repo_id: number;
  readonly external_repo_name: string;
  readonly url: string;
  /** The tag it hangs on: a parent, where it is inherited. */
  readonly tag_name: string;
  /** koji, simple or bare. */
  readonly merge_mode: string;
  readonly priority: number;
  /** Only for these; null = for all of the tag. */
  readonly arches: readonly string[] | null;
}

/** A repo that the hub made of a tag. Times are epoch seconds. */
export interface Repo {
  readonly id: number;
  readonly tag_name: string;
  readonly state: RepoState;
  readonly create_event: number;
  readonly create_ts: number;
  readonly dist: boolean;
}

/** A request in the hub's repo queue. `active` is over once it has a repo or was given up. */
export interface QueuedRepo {
  readonly id: number;
  readonly tag_name: string;
  readonly create_ts: number;
  readonly active: boolean;
  readonly task_id: number | null;
  readonly repo_id: number | null;
}

export const listExternalRepos = (): HubQuery<ExternalRepo[]> => query("listExternalRepos", [], externalRepos);

export const getExternalRepo = (name: string): HubQuery<ExternalRepo | null> =>
  query("getExternalRepo", [name], externalRepo.nullable());

/** All that builds in the tag get, inherited ones included, in the hub's order. An unknown tag is a fault. */
export const getExternalRepoList = (tag: string): HubQuery<TagExternalRepo[]> =>
  query("getExternalRepoList", [tag], tagExternalRepos);

/** The tags that the repo hangs on itself; those that inherit it from them are not among them. */
export const getTagExternalRepos = (repo: string): HubQuery<TagExternalRepo[]> =>
  query("getTagExternalRepos", named([], { repo_info: repo }), tagExternalRepos);

const REPO_FIELDS = ["id", "tag_name", "state", "create_ts", "create_event", "dist"];

/** Those that builds may be using now; dist repos, which no build uses, are left out. A fault before Koji 1.35. */
export const listReadyRepos = (): HubQuery<Repo[]> =>
  query(
    "repo.query",
    [
      [
        ["state", "=", REPO_STATE.READY],
        ["dist", "IS", false],
      ],
      REPO_FIELDS,
    ],
    repos,
  );

/** Whatever their states; one that was never there is missing. A fault before Koji 1.35. */
export function listRepos(ids: readonly number[]): HubQuery<Repo[]> {
  // "id IN ()" is an SQL error, and that of a repo.query fails a whole multiCall.
  if (ids.length === 0) throw new RangeError("listRepos needs at least one id.");
  return query("repo.query", [[["id", "IN", ids]], REPO_FIELDS], repos);
}

/** Null = there is none of this id. */
export const repoInfo = (id: number): HubQuery<Repo | null> => query("repoInfo", [id], repo.nullable());

/** The tag's newest READY repo; null = it has none. Any hub has it. */
export const getRepo = (tag: string): HubQuery<Repo | null> =>
  query("getRepo", [tag], z.object({ ...repoFields, tag_name: z.string().default(tag) }).nullable());

const QUEUE_FIELDS = ["id", "tag_name", "create_ts", "active", "task_id", "repo_id"];

/** Repos that are asked for and not made yet. A fault before Koji 1.35. */
export const listQueuedRepos = (): HubQuery<QueuedRepo[]> =>
  query("repo.queryQueue", [[["active", "IS", true]], QUEUE_FIELDS], queuedRepos);

/** How a request stands. The hub forgets one some time after it was served ("No such request", code 1000). */
export const checkRepoRequest = (id: number): HubQuery<{ readonly request: QueuedRepo; readonly repo: Repo | null }> =>
  query("repo.checkRequest", [id], z.object({ request: queuedRepo, repo: repo.nullable() }));

export interface RepoRequested {
  /** Of the hub's queue; null = a repo was there already. */
  readonly request: number | null;
  readonly repo: number | null;
  /** The request was in the queue before. */
  readonly duplicate: boolean;
}

/**
 * A write with an answer: asks for a repo no older than the last change of the tag, its external repos' URLs included.
 * By itself the hub would take one that is an hour older (RepoLag, kojihub/repos.py default_min_event), so also one
 * begun before a URL was edited. `force`: a new one even if nothing changed in Koji, for what changed upstream.
 * Any user may; a fault before Koji 1.35.
 */
export const requestRepo = (tag: string, { force }: { readonly force: boolean }): HubQuery<RepoRequested> =>
  query("repo.request", named([tag], { min_event: "last", force }), requested);

/** A write with an answer, the task's id. Needs the permission repo or regen-repo. */
export const newRepo = (tag: string): HubQuery<number> => query("newRepo", [tag], id);

/** For all tags that use it, at once. Needs the permission admin; `tag` is not enough. */
export const editExternalRepo = (name: string, url: string): HubWrite => ({
  call: { method: "editExternalRepo", params: named([name], { url }) },
  // With the URL that it has already the hub does nothing and says nothing.
  already: () => false,
});

/** What to wait for: a request of the queue, a newRepo task, or nothing, for the repo is there. */
export type Regeneration =
  | { readonly kind: "request"; readonly id: number }
  | { readonly kind: "task"; readonly id: number }
  | { readonly kind: "repo"; readonly id: number };

/**
 * Asks for a new repo of a build tag by the queue, or on a hub without one by a newRepo task, which always makes a new
 * one. Throws what `HubCaller.call` throws; HubWriteAlreadyDone only if what was asked for cannot be found again.
 */
export async function requestRegeneration(caller: HubCaller, tag: string, force: boolean): Promise<Regeneration> {
  try {
    const { request, repo: made } = await ask(caller, requestRepo(tag, { force }));
    if (request !== null) return { kind: "request", id: request };
    if (made !== null) return { kind: "repo", id: made };
    throw new RangeError(`The hub neither queued a repo of ${tag} nor named one; look at its queue.`);
  } catch (error) {
    if (error instanceof HubWriteAlreadyDone) return await findRequest(caller, tag, error);
    if (!lacksMethod(error, "repo.request")) throw error;
  }
  try {
    return { kind: "task", id: await ask(caller, newRepo(tag)) };
  } catch (error) {
    if (error instanceof HubWriteAlreadyDone) return await findTask(caller, tag, error);
    throw error;
  }
}

/** The hub is too old, or lacks a plug-in: it does not know the method at all. */
export const lacksMethod = (error: unknown, method: string): boolean =>
  error instanceof HubFault && error.code === 1000 && error.faultString === `Invalid method: ${method}`;

async function findRequest(caller: HubCaller, tag: string, lost: HubWriteAlreadyDone): Promise<Regeneration> {
  const queued = await ask(caller, listQueuedRepos());
  return {
    kind: "request",
    id: newestId(
      queued.filter(({ tag_name }) => tag_name === tag),
      lost,
    ),
  };
}

async function findTask(caller: HubCaller, tag: string, lost: HubWriteAlreadyDone): Promise<Regeneration> {
  const tasks = await ask(caller, listActiveTasks());
  const ours = tasks.filter(({ method, build_tag }) => method === "newRepo" && build_tag === tag);
  return { kind: "task", id: newestId(ours, lost) };
}

function newestId(rows: readonly { readonly id: number }[], lost: HubWriteAlreadyDone): number {
  const ids = rows.map((row) => row.id);
  if (ids.length === 0) throw lost;
  return Math.max(...ids);
}

const id = z.int();
const epochSeconds = z.number();

const externalRepo = z.object({ id, name: z.string(), url: z.string() });
const externalRepos = z.array(externalRepo);

const tagExternalRepos = z.array(
  z.object({
    external_repo_id: id,
    external_repo_name: z.string(),
    url: z.string(),
    tag_name: z.string(),
    // Hubs before 1.22 have no modes: they merge as koji does.
    merge_mode: z
      .string()
      .nullish()
      .transform((mode) => mode ?? "koji"),
    priority: z.int(),
    arches: z
      .string()
      .nullish()
      .transform((words) => words?.split(/\s+/).filter((word) => word !== "") ?? [])
      .transform((words) => (words.length === 0 ? null : words)),
  }),
);

const repoFields = {
  id,
  tag_name: z.string(),
  state: z.literal(Object.values(REPO_STATE)),
  create_event: id,
  create_ts: epochSeconds,
  dist: z.boolean().default(false),
};
const repo = z.object(repoFields);
const repos = z.array(repo);

const queuedRepo = z.object({
  id,
  tag_name: z.string(),
  create_ts: epochSeconds,
  active: z.boolean(),
  task_id: id.nullable(),
  repo_id: id.nullable(),
});
const queuedRepos = z.array(queuedRepo);

const ofId = z
  .object({ id })
  .nullable()
  .transform((row) => row?.id ?? null);
const requested = z.object({ request: ofId, repo: ofId, duplicate: z.boolean() });
