// A step of the machine mirror-check: one look at one mirror for one arch, judged and remembered.

import { StoreConflict } from "../aws/store.ts";
import { mergeVouched } from "./accept.ts";
import { isSameArch, readDigest, readyArches } from "./digests.ts";
import { gather, type LookOrder } from "./gather.ts";
import { eachOf } from "./gather-parts.ts";
import { judge } from "./judge.ts";
import { type LiveDigest, type LiveEntry, liveOf, sameBase } from "./live-set.ts";
import { lookSettings, rulesForArch } from "./look-order.ts";
import type { MirrorsPorts } from "./ports.ts";
import { rulesOf } from "./rules.ts";
import { type LookState, lookStates } from "./states.ts";
import { checkRunSchema } from "./step-event.ts";
import { needSurveyFile, type PlannedLook, plannedLookSchema, type SurveyFile } from "./survey-file.ts";
import type { Accepted, Evidence, Judgement, Verdict } from "./types.ts";

export interface CheckAnswer extends PlannedLook {
  readonly verdict: Verdict;
}

const READS_AT_ONCE = 4;

const checkEvent = checkRunSchema.extend({ look: plannedLookSchema });

/** What a mirror does is a verdict; what is thrown is trouble of our own. */
export async function checkStep(ports: MirrorsPorts, event: unknown): Promise<CheckAnswer> {
  const { mirrors, store, clock, fetcher, telemetry } = ports;
  const { look } = checkEvent.parse(event);
  const { repo, arch, url, role } = look;
  const survey = await needSurveyFile(store);
  const before = await lookStates.get(store, repo, arch, url);
  // Cut off behind its write, or made by another run: a second look would count twice.
  if (before !== null && before.value.at >= survey.at) return { ...look, verdict: before.value.verdict };
  const rules = rulesForArch(rulesOf(mirrors, repo), arch);
  const live = role === "candidate" ? null : await findLive(ports, survey, look);
  const order: LookOrder = {
    ...{ url, arch, live, trust: rules.trust, settings: lookSettings(mirrors) },
    // Nobody takes rpms from a candidate.
    depth: role === "candidate" ? "metadata" : "full",
    last: await lastAccepted(ports, survey, look, before?.value.accepted ?? null),
    turn: before === null ? 0 : before.value.turn + 1,
  };
  const evidence = await gather(fetcher, order, clock.now());
  const judgement = judge(evidence, order.last, rules, clock.now());
  const state = stateAfter(look, { evidence, judgement, live }, before?.value ?? null, order.turn, clock.now());
  tell(ports, state, before?.value ?? null);
  try {
    await lookStates.put(store, state, before?.etag ?? "absent", repo, arch, url);
  } catch (error) {
    if (!(error instanceof StoreConflict)) throw error;
    telemetry.info(`another run has looked at ${url} meanwhile: its look counts`);
  }
  return { ...look, verdict: judgement.verdict };
}

/** Its own past, and of the repo's present address only what upstream has vouched for: that holds for every copy. */
async function lastAccepted(
  { store }: MirrorsPorts,
  { looks }: SurveyFile,
  { repo, arch, role }: PlannedLook,
  own: Accepted | null,
): Promise<Accepted | null> {
  if (own === null || role === "current") return own;
  const current = looks.find((each) => each.repo === repo && each.arch === arch && each.role === "current");
  if (current === undefined) return own;
  const shared = (await lookStates.get(store, repo, arch, current.url))?.value.accepted?.vouched ?? [];
  return { ...own, vouched: mergeVouched(own.vouched, shared) };
}

/** What READY repos take from there; the repos that could not be read yet are not among them. */
async function findLive(
  { store }: MirrorsPorts,
  { ready, repos, digests }: SurveyFile,
  { arch, url }: PlannedLook,
): Promise<NonNullable<LookOrder["live"]>> {
  const base = sameBase(url);
  const asked = readyArches(ready, repos).filter((each) => {
    const known = digests.find((digest) => isSameArch(digest, each));
    return each.arch === arch && (known === undefined || (base !== null && known.bases.includes(base)));
  });
  const found = await eachOf(asked, READS_AT_ONCE, (each) => readDigest(store, each));
  const read: readonly LiveDigest[] = found.filter((digest) => digest !== null);
  const newest = new Set(ready.filter((each) => each.newest).map(({ id }) => id));
  const entries = liveOf(read, url, newest);
  return { tags: [...new Set(entries.flatMap(({ tags }) => tags))].sort(), entries };
}

interface Found {
  readonly evidence: Evidence;
  readonly judgement: Judgement;
  readonly live: LookOrder["live"];
}

function stateAfter(
  look: PlannedLook,
  { evidence, judgement, live }: Found,
  before: LookState | null,
  turn: number,
  now: number,
): LookState {
  const { verdict, trusted, checks, metadata, accepted, lagSeconds } = judgement;
  const { bytes, latencyMilliseconds, milliseconds } = evidence;
  return {
    ...{ ...look, at: now, turn, verdict, trusted, metadata, lagSeconds, bytes, latencyMilliseconds, milliseconds },
    checks: [...checks],
    accepted: accepted === null ? null : { ...accepted },
    good: trusted ? (before?.good ?? 0) + 1 : 0,
    bad: trusted ? 0 : (before?.bad ?? 0) + 1,
    live: evidence.live === null ? null : liveState(evidence.live, live?.entries ?? []),
  };
}

function liveState(
  { tags, total, missing }: NonNullable<Evidence["live"]>,
  entries: readonly LiveEntry[],
): NonNullable<LookState["live"]> {
  const newest = new Set(entries.filter((entry) => entry.newest).map(({ url }) => url));
  return {
    tags: [...tags],
    total,
    // The tags whose next build may miss it: none where only older READY repos refer to it.
    missing: missing.map(({ url, tags: users, problem }) => ({
      url,
      tags: newest.has(url) ? [...users] : [],
      status: problem.status ?? null,
    })),
  };
}

function tell({ telemetry }: MirrorsPorts, state: LookState, before: LookState | null): void {
  const { repo, arch, url, role, verdict, checks } = state;
  const failing = checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`);
  const sentence = `${repo} (${arch}, ${role}) at ${url} is ${verdict}${failing.length === 0 ? "" : `: ${failing.join("; ")}`}`;
  if (verdict === "ok" || role === "candidate") telemetry.info(sentence);
  else telemetry.warn(sentence, { sinceLooks: before === null || before.verdict !== verdict ? 0 : state.bad });
}
