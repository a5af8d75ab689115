// Which idle builders to drain, cheapest to drain first, and why the others stay. Pure.

import type { Site } from "../config/index.ts";
import { round } from "./eligible.ts";
import { instanceCost } from "./offerings.ts";
import { idleSeconds, isAged, isUnready, type Slot } from "./slots.ts";
import type { Change, Memory } from "./types.ts";

export interface Surplus {
  readonly drains: readonly Extract<Change, { kind: "drain" }>[];
  readonly keep: readonly { readonly builder: string; readonly reason: string }[];
}

/** `busySlots`: builders that the present queue will use. Only serving builders without any task are ever drained. */
export function findSurplus(
  slots: readonly Slot[],
  busySlots: ReadonlySet<string>,
  site: Site,
  memory: Memory,
  now: number,
): Surplus {
  const drains: Extract<Change, { kind: "drain" }>[] = [];
  const keep: { builder: string; reason: string }[] = [];
  for (const profile of site.builders.profiles) {
    const serving = slots.filter(
      (slot) => slot.profile === profile && slot.phase === "serving" && !slot.disabledByPerson,
    );
    const hold = profile.holdSeconds ?? site.builders.holdSeconds;
    // Those that are unfit hold no floor: they are replaced.
    let spare = serving.filter((slot) => unfitnessOf(slot, site, memory, now) === null).length - profile.min;
    const candidates: Candidate[] = [];
    for (const slot of serving) {
      const unfit = unfitnessOf(slot, site, memory, now);
      const reason = reasonToStay(slot, busySlots, unfit, memory, hold, now);
      if (reason !== null) {
        if (slot.instance === null || slot.instance.enabledAt !== null) keep.push({ builder: slot.name, reason });
        continue;
      }
      const pricePerHour = slot.instance === null ? 0 : instanceCost(slot.instance, site).pricePerHour;
      candidates.push({ slot, unfit, idle: idleSeconds(slot, memory, now), pricePerHour });
    }
    // None of them has work to lose, so the cheapest to drain is the one that saves most, then the longest idle.
    candidates.sort(
      (a, b) => b.pricePerHour - a.pricePerHour || b.idle - a.idle || (a.slot.name < b.slot.name ? 1 : -1),
    );
    for (const candidate of candidates) {
      const { slot, unfit, idle } = candidate;
      if (unfit === null && spare <= 0) {
        const reason = `idle ${Math.round(idle)} s, but ${profile.name} keeps a floor of ${profile.min}`;
        keep.push({ builder: slot.name, reason });
        continue;
      }
      if (unfit === null) spare -= 1;
      const instanceId = slot.instance?.instanceId ?? "";
      const reason = drainReason(candidate, hold, site);
      drains.push({ kind: "drain", slot: slot.name, instanceId, forGood: unfit !== null, reason });
    }
  }
  return { drains, keep };
}

/** Why a builder is to be replaced, whatever the queue: null = it is fit. */
type Unfitness = "silent" | "aged" | "unready" | null;

interface Candidate {
  readonly slot: Slot;
  readonly unfit: Unfitness;
  readonly idle: number;
  readonly pricePerHour: number;
}

function unfitnessOf(slot: Slot, site: Site, memory: Memory, now: number): Unfitness {
  if (slot.silent) return "silent";
  if (isAged(slot, site, now)) return "aged";
  return isUnready(slot, site, memory, now) ? "unready" : null;
}

function drainReason({ unfit, idle, pricePerHour }: Candidate, hold: number, site: Site): string {
  const seconds = Math.round(idle);
  switch (unfit) {
    case "silent":
      return "its kojid has gone silent and no task is on it: replaced rather than waited for";
    case "aged":
      return `its identity ends within ${round(site.builders.identityHours / 4)} hours: replaced while it is idle`;
    case "unready":
      return `idle ${seconds} s and still not ready, so short of disk or overloaded: replaced`;
    case null: {
      const saves = pricePerHour > 0 ? `, saves $${round(pricePerHour)} an hour` : "";
      return `idle ${seconds} s, break-even is ${hold} s, and the queue has no task for it${saves}`;
    }
  }
}

function reasonToStay(
  slot: Slot,
  busySlots: ReadonlySet<string>,
  unfit: Unfitness,
  memory: Memory,
  hold: number,
  now: number,
): string | null {
  if (slot.tasks.length > 0) {
    const load = slot.tasks.reduce((sum, task) => sum + (task.waiting === true ? 0 : task.weight), 0);
    const silent = slot.silent ? "; its kojid is silent, and the hub will free them" : "";
    return `has ${slot.tasks.length} task(s), load ${round(load)} of ${slot.host?.capacity ?? slot.profile.capacity}${silent}`;
  }
  if (slot.instance !== null && slot.instance.enabledAt === null) return "just checked in";
  if (slot.instance !== null && slot.instance.spotNoticeAt !== null)
    return "has a spot notice: its watcher stops kojid and EC2 takes it";
  if (busySlots.has(slot.name)) return "the queue has a task for it at the hub's next run";
  if (unfit === "silent" || unfit === "aged") return null;
  const idle = idleSeconds(slot, memory, now);
  if (idle >= hold) return null;
  if (unfit === "unready") return `idle ${Math.round(idle)} s and not ready, so no capacity: replaced after ${hold} s`;
  return `idle ${Math.round(idle)} s, break-even is ${hold} s`;
}
