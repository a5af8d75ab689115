// External repos: their one address, and the tags they hang on, with inheritance (kojihub get_external_repo_list).

import { assertPermission, type Caller, type HubContext } from "./context.ts";
import { genericError } from "./fault.ts";
import type { EventRow, ExternalRepoRow, TagExternalRepoRow, TagRow } from "./rows.ts";
import { ancestors, requireTag } from "./tags.ts";

type IdOrName = number | string;

export interface TagExternalRepoSeed {
  readonly priority: number;
  /** Default: koji. */
  readonly mergeMode?: "koji" | "simple" | "bare";
  readonly arches?: string | null;
}

/** An external repo as it hangs on a tag. */
export interface AttachedRepo {
  readonly tag: TagRow;
  readonly repo: ExternalRepoRow;
  readonly row: TagExternalRepoRow;
}

const withSlash = (url: string) => (url.endsWith("/") ? url : `${url}/`);

export function addExternalRepo(hub: HubContext, name: string, url: string): ExternalRepoRow {
  const { externalRepos } = hub.tables;
  const changed = hub.tables.newEvent(hub.clock.now());
  return externalRepos.insert({ id: externalRepos.nextId, name, url: withSlash(url), changed });
}

export function addTagExternalRepo(hub: HubContext, tag: IdOrName, repo: IdOrName, seed: TagExternalRepoSeed): void {
  const found = requireTag(hub, tag);
  const { id } = requireExternalRepo(hub, repo);
  const { priority, mergeMode = "koji", arches = null } = seed;
  hub.tables.addTagExternalRepo({ tag_id: found.id, external_repo_id: id, priority, merge_mode: mergeMode, arches });
  hub.tables.patch(found, { changed: hub.tables.newEvent(hub.clock.now()) });
}

export function requireExternalRepo(hub: HubContext, info: IdOrName): ExternalRepoRow {
  const found = hub.tables.externalRepos.find(info);
  if (found === undefined) throw genericError(`No such repo: ${info}`);
  return found;
}

/** kojihub edit_external_repo: the permission tag is not enough; the URL that it has already is no change. */
export function editExternalRepo(hub: HubContext, caller: Caller, info: IdOrName, url: string | null): void {
  assertPermission(caller, "admin");
  const repo = requireExternalRepo(hub, info);
  if (url === null || withSlash(url) === repo.url) return;
  hub.tables.patch(repo, { url: withSlash(url), changed: hub.tables.newEvent(hub.clock.now()) });
}

/** Those of the tag itself, or of one repo, or all. */
export function tagExternalRepos(
  hub: HubContext,
  { tag, repo }: { readonly tag: IdOrName | null; readonly repo: IdOrName | null },
): AttachedRepo[] {
  const tagId = tag === null ? null : requireTag(hub, tag).id;
  const repoId = repo === null ? null : requireExternalRepo(hub, repo).id;
  return hub.tables
    .tagExternalRepos()
    .filter((row) => (tagId ?? row.tag_id) === row.tag_id && (repoId ?? row.external_repo_id) === row.external_repo_id)
    .map((row) => {
      const attached = { tag: requireTag(hub, row.tag_id), repo: requireExternalRepo(hub, row.external_repo_id) };
      return { ...attached, row };
    })
    .sort((a, b) => a.row.priority - b.row.priority);
}

/** What builds in the tag get: the tag's own by priority, then its parents'; each repo once. */
export function externalRepoList(hub: HubContext, info: IdOrName): AttachedRepo[] {
  const tag = requireTag(hub, info);
  const seen = new Set<number>();
  return [tag, ...ancestors(hub, tag)]
    .flatMap(({ id }) => tagExternalRepos(hub, { tag: id, repo: null }))
    .filter(({ repo }) => !seen.has(repo.id) && seen.add(repo.id));
}

/** kojihub tag_last_change_event, of what can change here: the tag, its parents, and their external repos' URLs. */
export function lastChange(hub: HubContext, info: IdOrName): EventRow {
  const tag = requireTag(hub, info);
  const changed = [tag, ...ancestors(hub, tag), ...externalRepoList(hub, tag.id).map(({ repo }) => repo)];
  return changed.map((row) => row.changed).reduce((a, b) => (a.id > b.id ? a : b));
}
