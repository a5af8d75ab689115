// Which builders to launch for the demand: packed by price per task weight, under slots, max and budget. Pure.

import type { Profile, Site } from "../config/index.ts";
import type { HubOptions } from "../hub/index.ts";
import type { Demand } from "./eligible.ts";
import { type Budget, chooseOfferings, worstCase } from "./offerings.ts";
import type { Slot } from "./slots.ts";
import type { FailedOffering, OfferingChoice } from "./types.ts";

export interface PlannedLaunch {
  readonly slot: Slot;
  readonly offerings: readonly OfferingChoice[];
  /** What it is for; empty = the profile's floor (`min`). */
  readonly demand: readonly Demand[];
}

export interface Packing {
  readonly launches: readonly PlannedLaunch[];
  /** Demand that stays without a builder in this pass, with the reason. */
  readonly blocked: readonly { readonly demand: readonly Demand[]; readonly reason: string }[];
}

/** Demand that is alike for packing: same profiles, weights and refusals. Taken from the front. */
interface Group {
  readonly profiles: readonly Profile[];
  readonly weight: number;
  readonly hubWeight: number;
  readonly refusedHosts: ReadonlySet<number>;
  readonly waiting: Demand[];
  taken: number;
}

interface Pool {
  readonly profile: Profile;
  readonly empty: Slot[];
  /** Launches that `max` still allows. */
  room: number;
}

export function pack(
  demand: readonly Demand[],
  slots: readonly Slot[],
  site: Site,
  options: HubOptions,
  budget: Budget,
  failed: readonly FailedOffering[],
  now: number,
): Packing {
  const pools = new Map(site.builders.profiles.map((profile) => [profile, openPool(profile, slots)]));
  const launches: PlannedLaunch[] = [];
  let left = budget;
  const launch = (pool: Pool, slot: Slot, offerings: readonly OfferingChoice[], takes: readonly Demand[]) => {
    launches.push({ slot, offerings, demand: takes });
    pool.empty.splice(pool.empty.indexOf(slot), 1);
    pool.room -= 1;
    left = subtract(left, worstCase(offerings, pool.profile));
  };

  const groups = groupDemand(demand);
  const blocked: { demand: Demand[]; reason: string }[] = [];
  for (const head of groups) {
    while (head.taken < head.waiting.length) {
      const best = cheapest(head, groups, pools, (pool) => chooseOfferings(pool.profile, site, failed, left, now), {
        options,
        full: launches.length >= site.builders.maxLaunchesPerPass,
      });
      if (typeof best === "string") {
        blocked.push({ demand: head.waiting.slice(head.taken), reason: best });
        break;
      }
      launch(best.pool, best.slot, best.offerings, take(best.fill));
    }
  }
  for (const pool of pools.values()) {
    for (let missing = missingFloor(pool, slots, launches); missing > 0; missing--) {
      const offerings = chooseOfferings(pool.profile, site, failed, left, now);
      const slot = pool.empty[0];
      if (slot === undefined || offerings.length === 0 || launches.length >= site.builders.maxLaunchesPerPass) break;
      launch(pool, slot, offerings, []);
    }
  }
  return { launches, blocked };
}

/** Phases in which a slot's instance counts against the profile's max. */
export function isLive(slot: Slot): boolean {
  return slot.instance !== null || slot.phase === "serving" || slot.phase === "unknown";
}

function openPool(profile: Profile, slots: readonly Slot[]): Pool {
  const own = slots.filter((slot) => slot.profile === profile);
  const live = own.filter(isLive).length;
  return {
    profile,
    empty: own.filter((slot) => slot.phase === "empty"),
    room: (profile.max ?? profile.slots.count) - live,
  };
}

function missingFloor(pool: Pool, slots: readonly Slot[], launches: readonly PlannedLaunch[]): number {
  const counts = (slot: Slot) => slot.phase === "launching" || slot.phase === "booting" || slot.phase === "serving";
  const have = slots.filter((slot) => slot.profile === pool.profile && counts(slot)).length;
  const planned = launches.filter((each) => each.slot.profile === pool.profile).length;
  return Math.min(pool.profile.min - have - planned, pool.room);
}

function groupDemand(demand: readonly Demand[]): Group[] {
  const groups = new Map<string, Group>();
  for (const each of demand) {
    const names = each.profiles.map((profile) => profile.name).join(",");
    const key = `${names} ${each.weight} ${each.task.weight} ${[...each.refusedHosts].sort().join(",")}`;
    const group = groups.get(key);
    if (group !== undefined) group.waiting.push(each);
    else {
      groups.set(key, {
        profiles: each.profiles,
        weight: each.weight,
        hubWeight: each.task.weight,
        refusedHosts: each.refusedHosts,
        waiting: [each],
        taken: 0,
      });
    }
  }
  return [...groups.values()];
}

type Fill = readonly { readonly group: Group; readonly count: number }[];

interface Offer {
  readonly pool: Pool;
  readonly slot: Slot;
  readonly offerings: readonly OfferingChoice[];
  readonly fill: Fill;
  readonly pricePerWeight: number;
}

/** The launch that serves the head of the queue for the least money per weight it takes, or why there is none. */
function cheapest(
  head: Group,
  groups: readonly Group[],
  pools: ReadonlyMap<Profile, Pool>,
  offeringsOf: (pool: Pool) => OfferingChoice[],
  bounds: { readonly options: HubOptions; readonly full: boolean },
): Offer | string {
  let best: Offer | undefined;
  const refusals: string[] = [];
  for (const profile of head.profiles) {
    const pool = pools.get(profile);
    if (pool === undefined) continue;
    const slot = pool.empty.find((each) => each.host === null || !head.refusedHosts.has(each.host.id));
    if (slot === undefined) {
      refusals.push(`all ${profile.slots.count} slots of ${profile.name} are taken`);
    } else if (pool.room < 1) {
      refusals.push(`${profile.name} is at its max of ${profile.max ?? profile.slots.count}`);
    } else if (bounds.full) {
      refusals.push("this pass has made all the launches it may (maxLaunchesPerPass); the rest follows in the next");
    } else {
      const offerings = offeringsOf(pool);
      if (offerings.length === 0) {
        refusals.push(`the budget or lately failed offerings leave nothing to launch for ${profile.name}`);
        continue;
      }
      const fill = fillBuilder(head, groups, slot, bounds.options);
      const weight = fill.reduce((sum, { group, count }) => sum + group.weight * count, 0);
      const pricePerWeight = (offerings[0]?.pricePerHour ?? 0) / weight;
      if (best === undefined || pricePerWeight < best.pricePerWeight)
        best = { pool, slot, offerings, fill, pricePerWeight };
    }
  }
  return best ?? [...new Set(refusals)].join("; ");
}

/** What a new builder in this slot would take: the head first, then the rest of the queue in order. */
function fillBuilder(head: Group, groups: readonly Group[], slot: Slot, options: HubOptions): Fill {
  const { profile } = slot;
  const fill: { group: Group; count: number }[] = [];
  let load = 0;
  let jobs = 0;
  for (const group of [head, ...groups.filter((each) => each !== head)]) {
    if (jobs >= profile.maxJobs || load >= profile.capacity) break;
    const free = group.waiting.length - group.taken;
    if (free === 0 || !group.profiles.includes(profile)) continue;
    if (slot.host !== null && group.refusedHosts.has(slot.host.id)) continue;
    // The hub's own admission test; the first task may be heavier than the builder's capacity.
    if (profile.capacity - load <= Math.max(0, group.hubWeight - options.capacityOvercommit)) continue;
    const byWeight = Math.floor((profile.capacity - load) / group.weight + 1e-9);
    const count = Math.min(free, profile.maxJobs - jobs, load === 0 ? Math.max(1, byWeight) : byWeight);
    if (count < 1) continue;
    fill.push({ group, count });
    load += group.weight * count;
    jobs += count;
  }
  return fill;
}

function take(fill: Fill): Demand[] {
  return fill.flatMap(({ group, count }) => {
    const taken = group.waiting.slice(group.taken, group.taken + count);
    group.taken += count;
    return taken;
  });
}

function subtract(left: Budget, used: Budget): Budget {
  return {
    instances: left.instances - used.instances,
    vcpus: left.vcpus - used.vcpus,
    dollarsPerHour: left.dollarsPerHour - used.dollarsPerHour,
  };
}
