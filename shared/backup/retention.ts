// Which sets may go. Refuses (expires nothing, and says why) rather than guess. Pure; times in epoch seconds.

import type { RetentionRules } from "../config/index.ts";
import { isInstant } from "./calendar.ts";
import { isWholeIn, provedSets, regionsThatCount, whyRefused } from "./retention-checks.ts";
import { keepByRules } from "./retention-rules.ts";
import type { CatalogEntry, RetentionPlan } from "./types.ts";

/** `regions`: those that must keep `minimumVerified` sets each; default: all that verified sets lie in. */
export type RetentionInput = RetentionRules & { readonly regions?: readonly string[] };

const DAY = 86_400;
const REFUSED = "nothing goes while the plan is refused";

/**
 * Every set is named once: kept ones newest first with all their reasons, expiring ones oldest first. Sets go whole.
 * `disagreements`: where tags and manifests differ, one sentence each; any of them refuses the plan.
 */
export function planRetention(
  catalog: readonly CatalogEntry[],
  rules: RetentionInput,
  now: number,
  disagreements: readonly string[] = [],
): RetentionPlan {
  const sets = catalog.toSorted(newestFirst);
  const refused = whyRefused({ catalog: sets, rules, now, disagreements });
  if (refused !== null) {
    const ids = [...new Set(sets.map(({ id }) => id))];
    return { keep: ids.map((id) => ({ id, reasons: [REFUSED] })), expire: [], refused };
  }
  const wishes = wish(sets, rules, now);
  const going = sets
    .filter((set) => wishes.get(set.id)?.goes === true && pins(set).length === 0)
    .toReversed()
    .slice(0, rules.maxDeletions);
  const chosen = new Set(going.map(({ id }) => id));
  const keep = sets
    .filter(({ id }) => !chosen.has(id))
    .map((set) => ({ id: set.id, reasons: reasonsToKeep(set, wishes.get(set.id), rules) }));
  return { keep, expire: going.map(({ id }) => ({ id, reason: wishes.get(id)?.reasons[0] ?? "" })), refused: null };
}

/** What the rules want of a set, before locks and the limit of a run are looked at. */
interface Wish {
  readonly goes: boolean;
  readonly reasons: readonly string[];
}

function wish(sets: readonly CatalogEntry[], rules: RetentionInput, now: number): ReadonlyMap<string, Wish> {
  const proved = provedSets(sets, now);
  const byRules = keepByRules(proved, rules);
  const kept = withMinimum(proved, byRules.reasons, rules);
  const staying = proved.filter(({ id }) => kept.has(id));
  const judge = (set: CatalogEntry): Wish => {
    if (set.instant > now)
      return { goes: false, reasons: ["its instant is in the future: a clock was wrong, it counts for nothing"] };
    if (set.state !== "verified") return judgeUnproven(set, staying, rules, now);
    const reasons = kept.get(set.id);
    return reasons === undefined ? { goes: true, reasons: [byRules.explain(set)] } : { goes: false, reasons };
  };
  return new Map(sets.map((set) => [set.id, judge(set)]));
}

/** Adds the newest sets wherever the rules alone leave too few in a region. */
function withMinimum(
  proved: readonly CatalogEntry[],
  byRules: ReadonlyMap<string, readonly string[]>,
  rules: RetentionInput,
): ReadonlyMap<string, readonly string[]> {
  const kept = new Map(byRules);
  for (const region of regionsThatCount(proved, rules.regions)) {
    const whole = proved.filter((set) => isWholeIn(set, region));
    let count = whole.filter(({ id }) => kept.has(id)).length;
    for (const { id } of whole) {
      if (count >= rules.minimumVerified) break;
      if (kept.has(id)) continue;
      count += 1;
      kept.set(id, [`minimum: verified set ${count} of ${rules.minimumVerified} that stay in ${region}`]);
    }
  }
  return kept;
}

function judgeUnproven(
  { state, instant }: CatalogEntry,
  staying: readonly CatalogEntry[],
  rules: RetentionInput,
  now: number,
): Wish {
  if (state === "pending") return { goes: false, reasons: ["pending: it is still being made"] };
  const { unprovenDays, minimumVerified } = rules;
  const days = (now - instant) / DAY;
  const newer = staying.filter((set) => set.instant > instant).length;
  const age = `${state}, ${days.toFixed(1)} of ${unprovenDays} days old`;
  if (days <= unprovenDays) return { goes: false, reasons: [age] };
  const there = `${newer} newer verified set${newer === 1 ? " stays" : "s stay"}`;
  return newer < minimumVerified
    ? { goes: false, reasons: [`${age}, but only ${there} (at least ${minimumVerified})`] }
    : { goes: true, reasons: [`${age}, and ${there}`] };
}

function reasonsToKeep(set: CatalogEntry, wished: Wish | undefined, { maxDeletions }: RetentionInput): string[] {
  const held = pins(set);
  if (wished?.goes !== true) return [...(wished?.reasons ?? []), ...held];
  if (held.length > 0) return held;
  return [`next run: at most ${maxDeletions} set${maxDeletions === 1 ? " is" : "s are"} deleted at a time`];
}

/** What keeps EC2, or somebody who reads it, from losing the set. */
function pins({ members }: CatalogEntry): string[] {
  const named = (word: string, some: CatalogEntry["members"]) =>
    some.length === 0 ? [] : [`${word}: ${some.map(({ snapshot }) => snapshot).join(", ")}`];
  return [
    ...named(
      "locked",
      members.filter(({ locked }) => locked),
    ),
    ...named(
      "in use",
      members.filter(({ inUse }) => inUse),
    ),
  ];
}

function newestFirst(a: CatalogEntry, b: CatalogEntry): number {
  const [first, second] = [orderOf(a), orderOf(b)];
  if (first !== second) return first < second ? 1 : -1;
  return a.id < b.id ? 1 : a.id > b.id ? -1 : 0;
}

/** A set without a time has its place too, so that a refused plan reads the same each time. */
function orderOf({ instant }: CatalogEntry): number {
  return isInstant(instant) ? instant : Number.NEGATIVE_INFINITY;
}
