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
    const isBroken = (slot: Slot) => slot.silent || isAged(slot, site, now) || isUnready(slot, site, memory, now);
    // Those that cannot serve hold no floor: they are replaced.
    let spare = serving.filter((slot) => !isBroken(slot)).length - profile.min;
    const candidates: { slot: Slot; idle: number; pricePerHour: number }[] = [];
    for (const slot of serving) {
      const reason =
        isAged(slot, site, now) && slot.tasks.length === 0 && !busySlots.has(slot.name)
          ? null
          : reasonToStay(slot, busySlots, isBroken(slot), memory, hold, now);
      if (reason !== null) {
        if (slot.instance === null || slot.instance.enabledAt !== null) keep.push({ builder: slot.name, reason });
        continue;
      }
      const pricePerHour = slot.instance === null ? 0 : instanceCost(slot.instance, site).pricePerHour;
      candidates.push({ slot, idle: idleSeconds(slot, memory, now), pricePerHour });
    }
    // None of them has work to lose, so the cheapest to drain is the one that saves most, then the longest idle.
    candidates.sort(
      (a, b) => b.pricePerHour - a.pricePerHour || b.idle - a.idle || (a.slot.name < b.slot.name ? 1 : -1),
    );
    for (const { slot, idle, pricePerHour } of candidates) {
      const broken = isBroken(slot);
      if (!broken && spare <= 0) {
        keep.push({
          builder: slot.name,
          reason: `idle ${Math.round(idle)} s, but ${profile.name} keeps a floor of ${profile.min}`,
        });
        continue;
      }
      if (!broken) spare -= 1;
      const saves = pricePerHour > 0 ? `, saves $${round(pricePerHour)} an hour` : "";
      const reason = slot.silent
        ? "its kojid has gone silent and no task is on it: replaced rather than waited for"
        : isAged(slot, site, now)
          ? `its identity ends within ${round(site.builders.identityHours / 4)} hours: replaced while it is idle`
          : broken
            ? `idle ${Math.round(idle)} s and still not ready, so short of disk or overloaded: replaced`
            : `idle ${Math.round(idle)} s, break-even is ${hold} s, and the queue has no task for it${saves}`;
      const instanceId = slot.instance?.instanceId ?? "";
      drains.push({ kind: "drain", slot: slot.name, instanceId, forGood: broken, reason });
    }
  }
  return { drains, keep };
}

function reasonToStay(
  slot: Slot,
  busySlots: ReadonlySet<string>,
  broken: boolean,
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
  if (slot.silent) return null;
  const idle = idleSeconds(slot, memory, now);
  if (idle >= hold) return null;
  if (broken) return `idle ${Math.round(idle)} s and not ready, so no capacity: replaced after ${hold} s`;
  return `idle ${Math.round(idle)} s, break-even is ${hold} s`;
}
