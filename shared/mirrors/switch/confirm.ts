// What the new repos take from where: all of it from the new address, nothing from the old one, and it is there.

import { problemIn } from "../budget.ts";
import type { Asked } from "../fetcher.ts";
import { eachOf } from "../gather-parts.ts";
import { type LiveDigest, liveOf, planLive, readReadyRepo, sameBase } from "../live-set.ts";
import type { MirrorsPorts } from "../ports.ts";
import { expandArch } from "../rules.ts";
import { MirrorTrouble } from "../trouble.ts";
import type { Problem } from "../types.ts";
import { countText, someOf } from "../words.ts";
import { SwitchOvertaken, SwitchStuck } from "./errors.ts";
import { readSwitchEvent, type SwitchRun } from "./event.ts";
import { ownRecord, writeRecord } from "./record.ts";

/** Of each arch: enough to see that the addresses in the repo lead somewhere; the looks ask for the others in turn. */
const HEADS = 20;
const AT_ONCE = 4;
/** The step's own time in statemachines/mirror-switch.asl.yaml, less what the hub and the bucket take. */
const BUDGET_SECONDS = 240;
/** Of records of merged metadata that are listed without a size. */
const RECORD_MAX_BYTES = 1024 ** 3;

export interface Confirmed {
  /** That the new repos take from the new address. */
  readonly rpms: number;
}

/** Throws SwitchStuck when a repo is not as it should be, MirrorTrouble when it could not be asked now. */
export async function confirmRepos(ports: MirrorsPorts, event: unknown): Promise<Confirmed> {
  const read = readSwitchEvent(event);
  const { run } = read.progress;
  if (run === undefined) throw new SwitchOvertaken("the switch has no plan: begin it first");
  const kept = await ownRecord(ports, read);
  const made = kept.value.tags.flatMap(({ tag, repo }) =>
    (run.tags.find((use) => use.tag === tag)?.arches ?? []).map((arch) => ({ id: repo, tag, arch })),
  );
  const end = new AbortController();
  const used = () => new MirrorTrouble("budget", `the ${BUDGET_SECONDS} s for looking into new repos were used up`);
  const timer = setTimeout(() => end.abort(used()), BUDGET_SECONDS * 1000);
  const asked: Asked = { signal: end.signal, maxBytes: RECORD_MAX_BYTES };
  try {
    const digests = await eachOf(made, AT_ONCE, async ({ id, tag, arch }) => {
      if (id === null) throw new SwitchStuck(`${tag} has no new repo`);
      return await readReadyRepo(ports.fetcher, ports.site.hub.topUrl, { id, tag, arch }, asked);
    });
    const wrong = digests.flatMap((digest) => contentRefusals(digest, run));
    if (wrong.length > 0) throw new SwitchStuck(someOf(wrong, wrong.length, "; "));
    await askForSome((url) => ports.fetcher.head(url, asked), digests, run);
    const rpms = digests.reduce((sum, digest) => sum + countOf(digest, run.to), 0);
    await writeRecord(ports, kept, {}, `the new repos take ${rpms} rpms from ${run.to}`);
    return { rpms };
  } finally {
    clearTimeout(timer);
  }
}

/** What is wrong with one repo; none = it is as the switch wants it. Pure. */
export function contentRefusals(digest: LiveDigest, { from, to, empty, isShared }: SwitchRun): string[] {
  const { repo, tag, arch } = digest;
  const refusals: string[] = [];
  const old = countOf(digest, from);
  if (old > 0 && !isShared)
    refusals.push(`repo ${repo} of ${tag} for ${arch} still takes ${countText(old, "rpm")} from ${from}`);
  if (countOf(digest, to) === 0 && !empty.includes(arch)) {
    refusals.push(`repo ${repo} of ${tag} for ${arch} takes nothing from ${to}`);
  }
  return refusals;
}

function countOf({ arch, origins }: LiveDigest, template: string): number {
  const base = sameBase(expandArch(template, arch));
  return origins.find((origin) => origin.base === base)?.count ?? 0;
}

async function askForSome(
  head: (url: string) => Promise<unknown>,
  digests: readonly LiveDigest[],
  { to }: SwitchRun,
): Promise<void> {
  const arches = [...new Set(digests.map(({ arch }) => arch))];
  const entries = arches.flatMap((arch) => {
    const own = digests.filter((digest) => digest.arch === arch);
    const newest = new Set(own.map(({ repo }) => repo));
    return planLive(liveOf(own, expandArch(to, arch), newest), () => true, HEADS, 0);
  });
  const problems = await eachOf(entries, AT_ONCE, async ({ url }) => ({
    url,
    problem: await problemIn(() => head(url)),
  }));
  const missing = problems.flatMap(({ url, problem }) => (problem === null ? [] : [{ url, problem }]));
  const [first] = missing;
  if (first === undefined) return;
  if (missing.every(({ problem }) => isPassing(problem))) throw new MirrorTrouble(first.problem.kind, wordsOf(first));
  throw new SwitchStuck(`rpms of the new repos do not answer: ${someOf(missing.map(wordsOf), missing.length, "; ")}`);
}

/** May be over at the next attempt. */
function isPassing({ kind }: Problem): boolean {
  return new MirrorTrouble(kind, "").retryable;
}

function wordsOf({ url, problem }: { readonly url: string; readonly problem: Problem }): string {
  return `${url} (${problem.detail})`;
}
