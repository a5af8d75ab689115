// What the forecast asks for beside the queue: launches ahead of demand, drains called off, builders kept. Pure.

import type { Profile } from "../config/index.ts";
import type { HubState } from "../hub/index.ts";
import { type Forecast, forecast, type Scene } from "./forecast.ts";
import { canReturn } from "./look-ahead.ts";
import type { Wanted } from "./pack.ts";
import type { Simulation, SlotCapacity } from "./simulate.ts";
import type { Slot, Slots } from "./slots.ts";
import type { Memory } from "./types.ts";

/** Idle builders of a profile down to `builders` stay, and the sentence. */
export interface Kept {
  readonly builders: number;
  readonly reason: string;
}

export interface Outlook {
  readonly wanted: readonly Wanted[];
  /** Draining builders that come back, and the sentence. */
  readonly called: ReadonlyMap<string, string>;
  /** By profile; null = builders stay for their own hold time. */
  readonly kept: ReadonlyMap<string, Kept> | null;
  /** null = as it was. */
  readonly memory: Forecast["memory"] | null;
}

export const WITHOUT_FORECAST: Outlook = { wanted: [], called: new Map(), kept: null, memory: null };

interface Further extends Omit<Scene, "slots" | "lookups" | "aliveOf" | "isThere"> {
  readonly slots: Slots;
  readonly snapshot: { readonly lookups: Scene["lookups"] };
  /** Draining builders that the queue calls back already. */
  readonly cancelled: ReadonlySet<string>;
  capacityOf(slot: Slot): SlotCapacity;
}

export function lookFurther(world: Further, memory: Memory): Outlook {
  const { slots, snapshot, site, cancelled, capacityOf } = world;
  const there = (slot: Slot) => cancelled.has(slot.name) || capacityOf(slot) !== "none";
  const alive = new Map<Profile, number>();
  for (const slot of slots.all) if (there(slot)) alive.set(slot.profile, (alive.get(slot.profile) ?? 0) + 1);
  const aliveOf = (profile: Profile) => alive.get(profile) ?? 0;
  const { pools, memory: remembered } = forecast(
    { ...world, slots: slots.all, lookups: snapshot.lookups, isThere: there, aliveOf },
    memory.forecast,
  );
  const wanted: Wanted[] = [];
  const called = new Map<string, string>();
  const kept = new Map<string, Kept>();
  for (const profile of site.builders.profiles) {
    const pool = pools.get(profile.name);
    if (pool === undefined) continue;
    kept.set(profile.name, { builders: pool.keep, reason: pool.keepSentence });
    let missing = atMost(pool.builders, profile) - aliveOf(profile);
    // The quickest capacity there is, and it costs no boot.
    for (const slot of missing > 0 ? slots.all.filter((each) => each.profile === profile) : []) {
      if (missing <= 0) break;
      if (cancelled.has(slot.name) || !canReturn(slot)) continue;
      called.set(slot.name, `${pool.launchSentence}; its drain is called off`);
      missing -= 1;
    }
    if (missing > 0) wanted.push({ profile, launches: missing, reason: pool.launchSentence });
  }
  return { wanted, called, kept, memory: remembered };
}

/** The queue without what is nobody's demand here: hosts outside the pool take it, or an administrator has to free it. */
export function withoutForeign(state: HubState, { outside, stuck }: Simulation): HubState {
  if (outside.size === 0 && stuck.length === 0) return state;
  const foreign = new Set([...outside, ...stuck.map((task) => task.id)]);
  return { ...state, tasks: state.tasks.filter((task) => !foreign.has(task.id)) };
}

const atMost = (builders: number, { max, slots }: Profile): number => Math.min(builders, max ?? slots.count);
