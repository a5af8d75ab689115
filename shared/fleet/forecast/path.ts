// How long a builder takes from its launch to work, and a task from FREE to OPEN: measured in every pass. Pure.

import type { Slot } from "../slots.ts";

/** Running means of seconds; `count` samples so far. */
export interface Mean {
  readonly count: number;
  readonly seconds: number;
}

/** The parts of the way that a launch takes, of one profile. */
export interface PathMemory {
  /** From launch to kojid's first check-in: EC2, boot and the start of kojid. */
  readonly boot: Mean;
  /** From there until the hub calls it ready: a pass and kojid's next poll, if its host was not enabled at the launch. */
  readonly ready: Mean;
  /** Slots whose builder is on its way: since when it has checked in; null = not yet. */
  readonly underWay: Readonly<Record<string, number | null>>;
}

const NONE: Mean = { count: 0, seconds: 0 };
export const NO_PATH: PathMemory = { boot: NONE, ready: NONE, underWay: {} };

/** Newer samples count more: the last thirty or so decide. */
const MOST_SAMPLES = 30;
/** The config's figure counts as so many samples until there are own ones. */
const PRIOR_SAMPLES = 3;

/** A check-in is known to within a poll only if a pass came by soon after it. */
const LONGEST_GAP_SECONDS = 90;

export interface PathTimes {
  readonly now: number;
  /** The pass before this one; null = none. */
  readonly since: number | null;
  /** A boot that takes longer has failed. */
  readonly longestSeconds: number;
}

function addSample({ count, seconds }: Mean, sample: number): Mean {
  const next = Math.min(count + 1, MOST_SAMPLES);
  return { count: next, seconds: seconds + (sample - seconds) / next };
}

/** `slots`: of one profile. */
export function notePath(
  memory: PathMemory,
  slots: readonly Slot[],
  { now, since: lastPass, longestSeconds }: PathTimes,
): PathMemory {
  let { boot, ready } = memory;
  const underWay: Record<string, number | null> = {};
  let changed = false;
  for (const { name, phase, instance, host, checkedIn, silentSeconds } of slots) {
    if (instance === null) continue;
    const before = memory.underWay[name];
    if (phase === "launching" || phase === "booting") {
      underWay[name] = null;
      continue;
    }
    if (before === undefined || phase !== "serving" || !checkedIn || host === null) continue;
    changed = true;
    const since = before ?? now - silentSeconds;
    const [booted, waited] = [since - instance.launchedAt, now - since];
    // What nobody looked at for a while, or what took longer than a boot may, tells nothing of the usual way.
    const isSeen = lastPass !== null && now - lastPass <= LONGEST_GAP_SECONDS;
    if (before === null && isSeen && booted <= longestSeconds) boot = addSample(boot, Math.max(1, booted));
    if (!host.enabled || !host.ready) underWay[name] = since;
    else if (isSeen && waited <= longestSeconds) ready = addSample(ready, Math.max(0, waited));
  }
  const same =
    !changed &&
    Object.keys(underWay).length === Object.keys(memory.underWay).length &&
    Object.keys(underWay).every((name) => Object.hasOwn(memory.underWay, name));
  return same ? memory : { boot, ready, underWay };
}

/** Seconds from a launch decided now to a builder that takes work. */
export function leadSeconds({ boot, ready }: PathMemory, expectedBootSeconds: number): number {
  const booted = (boot.seconds * boot.count + expectedBootSeconds * PRIOR_SAMPLES) / (boot.count + PRIOR_SAMPLES);
  return booted + (ready.seconds * ready.count) / (ready.count + PRIOR_SAMPLES);
}
