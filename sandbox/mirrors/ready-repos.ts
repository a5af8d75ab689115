// The hub's side of external repos: kojira's rounds, and the merged metadata of READY repos below the site's topUrl.

import { REPO_STATE, TASK_STATE } from "../../shared/hub/index.ts";
import { expandArch } from "../../shared/mirrors/index.ts";
import type { VirtualClock } from "../world/clock.ts";
import type { Hub, RepoRow } from "../world/hub/index.ts";
import type { MirrorHosts } from "./hosts.ts";
import type { MemoryWeb } from "./memory-web.ts";
import { makeRepository, type PackageSeed } from "./repository.ts";

const ROUND_SECONDS = 20;

export interface BuildTag {
  readonly name: string;
  readonly arches: readonly string[];
}

export interface ReadyReposInput {
  readonly clock: VirtualClock;
  readonly hub: Hub;
  readonly web: MemoryWeb;
  readonly hosts: Pick<MirrorHosts, "listedAt">;
  readonly topUrl: string;
  readonly tags: readonly BuildTag[];
}

/** Makes a first repo of each tag, and serves that and all later ones while they are READY. Returns how to end it. */
export function serveReadyRepos(input: ReadyReposInput): () => void {
  const { clock, hub, web, topUrl } = input;
  const served = new Map<number, string>();
  const tags = new Map<number, BuildTag>();
  const serve = (repo: Readonly<RepoRow>) => {
    const tag = tags.get(repo.tag_id);
    if (tag === undefined) return;
    const base = `${topUrl}/repos/${tag.name}/${repo.id}/`;
    for (const arch of tag.arches) web.serve(`${base}${arch}/`, mergedMetadata(input, repo, tag, arch));
    served.set(repo.id, base);
  };
  for (const tag of input.tags) {
    const repo = hub.makeRepo(tag.name);
    tags.set(repo.tag_id, tag);
    serve(repo);
  }
  const stopEvents = hub.onEvent(({ method, to, taskId }) => {
    if (method !== "newRepo" || to !== TASK_STATE.CLOSED) return;
    const repo = hub.repos().findLast((each) => each.task_id === taskId && each.state === REPO_STATE.READY);
    if (repo !== undefined) serve(repo);
  });
  let cancel = () => {};
  const round = () => {
    cancel = clock.after(ROUND_SECONDS, round);
    // Kojira is a client like any other.
    if (hub.settings.offline !== null) return;
    hub.runKojira();
    const ready = new Set(hub.repos().flatMap(({ id, state }) => (state === REPO_STATE.READY ? [id] : [])));
    for (const [id, base] of served) {
      if (ready.has(id)) continue;
      web.dropBelow(base);
      served.delete(id);
    }
  };
  cancel = clock.after(ROUND_SECONDS, round);
  return () => {
    cancel();
    stopEvents();
  };
}

/**
 * As mergerepo_c writes it: rpms of external repos stay where they are. A mirror that is dead counts with what it last
 * listed; Koji's own newRepo task would fail.
 */
function mergedMetadata(
  { clock, hosts }: ReadyReposInput,
  { externals }: Readonly<RepoRow>,
  tag: BuildTag,
  arch: string,
): ReadonlyMap<string, Uint8Array> {
  const own: PackageSeed = { name: `${tag.name}-own`, version: "1.0", release: "1", arch };
  const packages = externals.flatMap(({ url }) => {
    const base = expandArch(url, arch);
    return hosts.listedAt(base).map((seed): PackageSeed => ({ ...seed, base }));
  });
  return makeRepository({ packages: [own, ...packages], timestamp: Math.floor(clock.now()) }).files;
}
