// Which builders to drain, cheapest to drain first, and why the others stay. Pure.

import type { Profile, Site } from "../config/index.ts";
import { TASK_STATE } from "../hub/index.ts";
import { round } from "./eligible.ts";
import type { Kept } from "./look-further.ts";
import { instanceCost } from "./offerings.ts";
import { idleSeconds, isAged, isDrifted, isUnready, type Slot } from "./slots.ts";
import type { Change, Memory } from "./types.ts";

export interface Surplus {
  readonly drains: readonly Extract<Change, { kind: "drain" }>[];
  readonly keep: readonly { readonly builder: string; readonly reason: string }[];
}

export interface Uses {
  /** Builders that the present queue will use. */
  readonly busySlots: ReadonlySet<string>;
  /** Builders with tasks that are not to be replaced now: what waits for room would wait for them. */
  readonly needed: ReadonlySet<string>;
  /** By profile, how many are worth keeping though they are idle; null = each stays for the hold time. */
  readonly kept: ReadonlyMap<string, Kept> | null;
}

/** Builders with tasks are drained only to be replaced. */
export function findSurplus(slots: readonly Slot[], uses: Uses, site: Site, memory: Memory, now: number): Surplus {
  const drains: Extract<Change, { kind: "drain" }>[] = [];
  const keep: { builder: string; reason: string }[] = [];
  const serving = slots.filter((slot) => slot.phase === "serving" && !slot.disabledByPerson);
  const candidates = serving.flatMap((slot) => {
    const judged = judge(slot, uses, site, memory, now);
    if ("candidate" in judged) return [judged.candidate];
    if (slot.instance === null || slot.instance.enabledAt !== null)
      keep.push({ builder: slot.name, reason: judged.stay });
    return [];
  });
  const spare = spareBuilders(serving, slots, uses.kept, site, memory, now);
  let replaceable = site.builders.disruption - slots.filter(isLeavingForGood).length;
  for (const candidate of candidates.sort(cheapestFirst)) {
    const { slot, unfit, idle } = candidate;
    const left = spare.get(slot.profile) ?? 0;
    if (unfit === null && left <= 0) {
      const reason = `idle ${Math.round(idle)} s, but ${floorReason(slot.profile, uses.kept)}`;
      keep.push({ builder: slot.name, reason });
      continue;
    }
    if (isBudgeted(unfit) && replaceable < 1) {
      const reason = `${drainReason(candidate, site, uses.kept)}, when its turn comes: ${site.builders.disruption} at a time`;
      keep.push({ builder: slot.name, reason });
      continue;
    }
    if (isBudgeted(unfit)) replaceable -= 1;
    if (unfit === null) spare.set(slot.profile, left - 1);
    const instanceId = slot.instance?.instanceId ?? "";
    const reason = drainReason(candidate, site, uses.kept);
    drains.push({ kind: "drain", slot: slot.name, instanceId, forGood: unfit !== null, reason });
  }
  return { drains, keep };
}

/** Why a builder is to be replaced, whatever the queue: null = it is fit. */
type Unfitness = "unwanted" | "silent" | "aged" | "retired" | "drifted" | "unready" | null;

interface Candidate {
  readonly slot: Slot;
  readonly unfit: Unfitness;
  readonly idle: number;
  readonly pricePerHour: number;
}

function unfitnessOf(slot: Slot, site: Site, memory: Memory, now: number): Unfitness {
  if (slot.instance?.pinned === true) return null;
  if (slot.instance?.drainNow === true) return "unwanted";
  if (slot.silent) return "silent";
  if (isAged(slot, site, now)) return "aged";
  if (slot.retired) return "retired";
  if (isDrifted(slot)) return "drifted";
  return isUnready(slot, site, memory, now) ? "unready" : null;
}

/** They serve as well as ever and go for the sake of order: few at a time. */
const isBudgeted = (unfit: Unfitness): boolean => unfit === "retired" || unfit === "drifted";

/** These are put out of service with tasks on them: a disabled builder ends what it has and takes nothing new. */
const mayBeBusy = (unfit: Unfitness): boolean => unfit === "unwanted" || unfit === "aged" || isBudgeted(unfit);

/** Drained, and not to be called back. */
function isLeavingForGood({ phase, instance }: Slot): boolean {
  return phase === "draining" && instance !== null && instance.enabledAt === null;
}

/** The break-even is about one boot. */
const HOLD_SECONDS = 150;

function holdOf(profile: Profile, site: Site): number {
  return profile.holdSeconds ?? site.builders.holdSeconds ?? HOLD_SECONDS;
}

/** Builders above each profile's floor, or what is worth keeping. Those that are unfit hold no floor: they are replaced. */
function spareBuilders(
  serving: readonly Slot[],
  slots: readonly Slot[],
  kept: Uses["kept"],
  site: Site,
  memory: Memory,
  now: number,
): Map<Profile, number> {
  const fit = serving.filter((slot) => unfitnessOf(slot, site, memory, now) === null);
  const coming = Map.groupBy(
    slots.filter(({ phase }) => phase === "launching" || phase === "booting"),
    (slot) => slot.profile,
  );
  const byProfile = Map.groupBy(fit, (slot) => slot.profile);
  return new Map(
    [...byProfile].map(([profile, own]) => {
      // What is on its way is there in a moment, and is as good as one that idles.
      const worth = (kept?.get(profile.name)?.builders ?? 0) - (coming.get(profile)?.length ?? 0);
      return [profile, own.length - Math.max(profile.min, kept === null ? 0 : worth)];
    }),
  );
}

function floorReason({ name, min }: Profile, kept: Uses["kept"]): string {
  const worth = kept?.get(name);
  return worth === undefined || worth.builders <= min ? `${name} keeps a floor of ${min}` : worth.reason;
}

/** The one that saves most, then the longest idle; of those with work the one with least of it. */
function cheapestFirst(a: Candidate, b: Candidate): number {
  return (
    a.slot.tasks.length - b.slot.tasks.length ||
    b.pricePerHour - a.pricePerHour ||
    b.idle - a.idle ||
    (a.slot.name < b.slot.name ? 1 : -1)
  );
}

function judge(
  slot: Slot,
  uses: Uses,
  site: Site,
  memory: Memory,
  now: number,
): { readonly candidate: Candidate } | { readonly stay: string } {
  const unfit = unfitnessOf(slot, site, memory, now);
  const stay = reasonToStay(slot, uses, unfit, site, memory, now);
  if (stay !== null) return { stay };
  const pricePerHour = slot.instance === null ? 0 : instanceCost(slot.instance, site).pricePerHour;
  return { candidate: { slot, unfit, idle: idleSeconds(slot, memory, now), pricePerHour } };
}

function drainReason({ slot, unfit, idle, pricePerHour }: Candidate, site: Site, kept: Uses["kept"]): string {
  const seconds = Math.round(idle);
  const busy = slot.tasks.length === 0 ? "while it is idle" : `once its ${slot.tasks.length} task(s) have ended`;
  switch (unfit) {
    case "unwanted":
      return `a person wants it gone: replaced ${busy}`;
    case "silent":
      return "its kojid has gone silent and no task is on it: replaced rather than waited for";
    case "aged":
      return `its identity ends within ${round(site.builders.identityHours / 4)} hours: replaced ${busy}`;
    case "retired":
      return `no profile of the config has its slot any more: put out of service ${busy}`;
    case "drifted":
      return `its image is ${slot.instance?.imageId}, ${slot.profile.name} has ${slot.profile.imageId}: replaced ${busy}`;
    case "unready":
      return `idle ${seconds} s and still not ready, so short of disk or overloaded: replaced`;
    case null: {
      const saves = pricePerHour > 0 ? `, saves $${round(pricePerHour)} an hour` : "";
      const worth = kept?.get(slot.profile.name);
      if (worth !== undefined) return `idle ${seconds} s, and ${worth.reason}${saves}`;
      return `idle ${seconds} s, break-even is ${holdOf(slot.profile, site)} s, and the queue has no task for it${saves}`;
    }
  }
}

function reasonToStay(
  slot: Slot,
  { busySlots, needed, kept }: Uses,
  unfit: Unfitness,
  site: Site,
  memory: Memory,
  now: number,
): string | null {
  const { instance } = slot;
  if (instance?.pinned === true) return describePinned(slot);
  if (slot.tasks.length > 0 && !canLeaveBusy(slot, unfit)) return describeBusy(slot);
  if (needed.has(slot.name)) return `${describeBusy(slot)}; to be replaced once the queue has room elsewhere`;
  if (instance !== null && instance.enabledAt === null) return "just checked in";
  if (instance !== null && instance.spotNoticeAt !== null)
    return "has a spot notice: its watcher stops kojid and EC2 takes it";
  if (unfit !== null && unfit !== "unready" && unfit !== "silent") return null;
  if (busySlots.has(slot.name)) return "the queue has a task for it at the hub's next run";
  if (unfit === "silent") return null;
  const idle = idleSeconds(slot, memory, now);
  const hold = holdOf(slot.profile, site);
  if (idle >= hold || (kept !== null && unfit === null)) return null;
  if (unfit === "unready") return `idle ${Math.round(idle)} s and not ready, so no capacity: replaced after ${hold} s`;
  return `idle ${Math.round(idle)} s, break-even is ${hold} s`;
}

/** What it was given and has not opened would hang: the hub skips disabled hosts, and they open nothing. */
function canLeaveBusy(slot: Slot, unfit: Unfitness): boolean {
  return mayBeBusy(unfit) && !slot.silent && slot.tasks.every((task) => task.state === TASK_STATE.OPEN);
}

function describePinned({ instance, tasks }: Slot): string {
  const also = instance?.drainNow === true ? "; it is also marked to be drained now, and the pin comes first" : "";
  return `pinned by a person: never drained${tasks.length > 0 ? `; has ${tasks.length} task(s)` : ""}${also}`;
}

function describeBusy(slot: Slot): string {
  const load = slot.tasks.reduce((sum, task) => sum + (task.waiting === true ? 0 : task.weight), 0);
  const silent = slot.silent ? "; its kojid is silent, and the hub will free them" : "";
  return `has ${slot.tasks.length} task(s), load ${round(load)} of ${slot.host?.capacity ?? slot.profile.capacity}${silent}`;
}
