// The rules of retention over proved sets: which rule keeps which set, and why no rule keeps another. Pure.

import type { RetentionRules } from "../config/index.ts";
import { type SlotKind, slotOf } from "./calendar.ts";
import type { CatalogEntry } from "./types.ts";

const SLOT_KINDS: readonly SlotKind[] = ["hourly", "daily", "weekly", "monthly", "yearly"];
const NOUNS: Readonly<Record<SlotKind, string>> = {
  hourly: "hour",
  daily: "day",
  weekly: "week",
  monthly: "month",
  yearly: "year",
};

interface FilledRule {
  readonly kind: SlotKind;
  readonly count: number;
  /** Slot -> the newest set in it, in the order they were filled (newest first). */
  readonly slots: ReadonlyMap<string, string>;
}

export interface RulesKept {
  /** Set id -> a reason for each rule that keeps it. */
  readonly reasons: ReadonlyMap<string, readonly string[]>;
  /** Why no rule keeps this set. */
  explain(set: CatalogEntry): string;
}

/** No rule keeps anything. */
export function isEmpty(rules: RetentionRules): boolean {
  return rules.last === 0 && SLOT_KINDS.every((kind) => rules[kind] === 0);
}

/** `proved`: verified sets, newest first. Slots are counted over days (weeks, ...) that have a set, not over the calendar. */
export function keepByRules(proved: readonly CatalogEntry[], rules: RetentionRules): RulesKept {
  const reasons = new Map<string, string[]>();
  const say = (id: string, reason: string) => void reasons.set(id, [...(reasons.get(id) ?? []), reason]);
  for (const [index, { id }] of proved.slice(0, rules.last).entries()) say(id, `last ${index + 1} of ${rules.last}`);
  const filled = SLOT_KINDS.filter((kind) => rules[kind] > 0).map((kind) => fill(kind, proved, rules));
  for (const { kind, count, slots } of filled) {
    for (const [index, [slot, id]] of [...slots].entries())
      say(id, `${kind} ${index + 1} of ${count}: newest of ${slot}`);
  }
  keepOldest(proved, filled, say);
  return { reasons, explain: (set) => explainNot(set, rules, filled) };
}

function fill(kind: SlotKind, proved: readonly CatalogEntry[], rules: RetentionRules): FilledRule {
  const slots = new Map<string, string>();
  for (const { id, instant } of proved) {
    if (slots.size === rules[kind]) break;
    const slot = slotOf(kind, instant, rules.timezone);
    if (!slots.has(slot)) slots.set(slot, id);
  }
  return { kind, count: rules[kind], slots };
}

/** A rule that reaches further back than the sets do has no younger set that could stand in for the oldest one. */
function keepOldest(
  proved: readonly CatalogEntry[],
  filled: readonly FilledRule[],
  say: (id: string, reason: string) => void,
): void {
  const oldest = proved.at(-1);
  if (oldest === undefined) return;
  for (const { kind, count, slots } of filled) {
    if (slots.size >= count || [...slots.values()].includes(oldest.id)) continue;
    const are = slots.size === 1 ? "slot is" : "slots are";
    say(oldest.id, `oldest: only ${slots.size} of ${count} ${kind} ${are} filled`);
  }
}

function explainNot({ instant }: CatalogEntry, rules: RetentionRules, filled: readonly FilledRule[]): string {
  const why = rules.last > 0 ? [`the last ${rules.last} are newer`] : [];
  const taken: string[] = [];
  for (const { kind, count, slots } of filled) {
    const slot = slotOf(kind, instant, rules.timezone);
    if (slots.has(slot)) taken.push(`${NOUNS[kind]} ${slot}`);
    else why.push(`${kind} ${count} of ${count} are filled back to ${[...slots.keys()].at(-1)}`);
  }
  if (taken.length > 0) why.push(`${taken.join(", ")}: has a newer one`);
  return `no rule keeps it: ${why.join("; ")}`;
}
