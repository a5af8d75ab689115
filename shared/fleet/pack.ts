// Which builders to launch for the demand: packed by price per task weight, under slots, max and budget. Pure.

import type { Profile, Site } from "../config/index.ts";
import type { HubOptions } from "../hub/index.ts";
import type { Demand } from "./eligible.ts";
import {
  addBudget,
  type Budget,
  chooseOfferings,
  NO_BUDGET,
  subtractBudget,
  UNLIMITED,
  worstCase,
} from "./offerings.ts";
import type { Slot } from "./slots.ts";
import type { FailedOffering, OfferingChoice } from "./types.ts";

export interface PlannedLaunch {
  readonly slot: Slot;
  readonly offerings: readonly OfferingChoice[];
  /** What it will take; empty for launches that have a reason of their own. */
  readonly demand: readonly Demand[];
  readonly reason: string | null;
}

export interface Packing {
  readonly launches: readonly PlannedLaunch[];
  /** Demand that stays without a builder in this pass, with the reason. */
  readonly blocked: readonly { readonly demand: readonly Demand[]; readonly reason: string }[];
  /** Launches without demand that are not possible: one sentence each. */
  readonly unmet: readonly string[];
}

export interface Bounds {
  readonly options: HubOptions;
  readonly budget: Budget;
  readonly now: number;
  /** How many launches of a profile are allowed, and why no more; null = no such limit. */
  limitOf(profile: Profile): { readonly launches: number; readonly reason: string } | null;
  /** Lost slots with tasks that a new builder in them would bring back sooner than the hub does, and the sentence. */
  readonly recoveries: ReadonlyMap<string, string>;
  /** Slots whose last launch got no answer: they come first, and money for what they may hold is put aside. */
  readonly uncertain: ReadonlySet<string>;
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
  /** Launches that something else than slots and money limits. */
  limit: { launches: number; readonly reason: string } | null;
}

/** Builders that are worth launching beside those that the queue needs. */
export interface Wanted {
  readonly profile: Profile;
  /** Launches, those for the queue included. */
  readonly launches: number;
  readonly reason: string;
}

/** `watch`: why one builder is needed even if nothing else asks for one; null = it is not. */
export function pack(
  demand: readonly Demand[],
  slots: readonly Slot[],
  site: Site,
  bounds: Bounds,
  failed: readonly FailedOffering[],
  watch: string | null,
  wanted: readonly Wanted[] = [],
): Packing {
  const { options, now, recoveries } = bounds;
  const pools = new Map(site.builders.profiles.map((profile) => [profile, openPool(profile, slots, bounds)]));
  const launches: PlannedLaunch[] = [];
  const reserved = reserveUncertain(slots, site, bounds);
  let left = [...reserved.values()].reduce(subtractBudget, bounds.budget);
  // What is put aside for a slot is there for its own launch only.
  const leftFor = (slot: Slot) => addBudget(left, reserved.get(slot.name) ?? NO_BUDGET);
  const launch = (pool: Pool, { slot, offerings }: Opening, takes: readonly Demand[], reason: string | null) => {
    launches.push({ slot, offerings, demand: takes, reason });
    pool.empty.splice(pool.empty.indexOf(slot), 1);
    pool.room -= 1;
    if (pool.limit !== null) pool.limit.launches -= 1;
    left = subtractBudget(leftFor(slot), worstCase(offerings, pool.profile));
    reserved.delete(slot.name);
  };
  const open = (pool: Pool, refused: ReadonlySet<number> = NOBODY, only?: Slot) =>
    openingOf(
      only === undefined ? pool : { ...pool, empty: [only] },
      refused,
      launches.length >= site.builders.maxLaunchesPerPass,
      (slot) => chooseOfferings(slot.profile, site, failed, leftFor(slot), now),
    );

  const groups = groupDemand(demand);
  const blocked: { demand: Demand[]; reason: string }[] = [];
  for (const head of groups) {
    while (head.taken < head.waiting.length) {
      const best = cheapest(head, groups, pools, (pool) => open(pool, head.refusedHosts), options);
      if (typeof best === "string") {
        blocked.push({ demand: head.waiting.slice(head.taken), reason: best });
        break;
      }
      launch(best.pool, best.opening, take(best.fill), null);
    }
  }
  const unmet: string[] = [];
  for (const [name, reason] of recoveries) {
    const slot = slots.find((each) => each.name === name);
    const pool = slot === undefined ? undefined : pools.get(slot.profile);
    if (pool === undefined || slot === undefined || !pool.empty.includes(slot)) continue;
    const opening = open(pool, NOBODY, slot);
    if (typeof opening === "string") unmet.push(`no launch into ${name} though ${reason}: ${opening}`);
    else launch(pool, opening, [], reason);
  }
  for (const pool of pools.values()) {
    const { name, min } = pool.profile;
    for (let missing = missingFloor(pool, slots, launches); missing > 0; missing--) {
      const opening = open(pool);
      if (typeof opening === "string") {
        unmet.push(`no launch for ${missing} more of the floor of ${min} of ${name}: ${opening}`);
        break;
      }
      launch(pool, opening, [], `${name} keeps a floor of ${min}`);
    }
  }
  for (const { profile, launches: count, reason } of wanted) {
    const pool = pools.get(profile);
    let missing = count - launches.filter((each) => each.slot.profile === profile).length;
    for (; pool !== undefined && missing > 0; missing--) {
      const opening = open(pool);
      // What is only likely is not worth a sentence where a limit forbids it.
      if (typeof opening === "string") break;
      launch(pool, opening, [], reason);
    }
  }
  if (watch !== null && launches.length === 0) {
    const openings = [...pools.values()].map((pool) => ({ pool, opening: open(pool) }));
    const possible = openings.flatMap(({ pool, opening }) => (typeof opening === "string" ? [] : [{ pool, opening }]));
    const [best] = possible.sort((a, b) => firstPrice(a.opening) - firstPrice(b.opening));
    if (best !== undefined) launch(best.pool, best.opening, [], watch);
    else unmet.push(`no launch though ${watch}: ${openings.map((each) => each.opening).join("; ")}`);
  }
  return { launches, blocked, unmet };
}

const NOBODY: ReadonlySet<number> = new Set();

/** What counts against the profile's max: every instance that claims one of its slots, and whoever polls for one. */
function countLive(slot: Slot): number {
  const there = slot.instance !== null || slot.phase === "serving" || slot.phase === "unknown";
  return slot.rivals.length + (there ? 1 : 0);
}

function openPool(profile: Profile, slots: readonly Slot[], { limitOf, recoveries, uncertain }: Bounds): Pool {
  const own = slots.filter((slot) => slot.profile === profile);
  const rank = ({ name }: Slot) => (uncertain.has(name) ? 0 : recoveries.has(name) ? 1 : 2);
  const leaving = slots.filter((slot) => slot.retired && slot.profile.name === profile.name);
  const live = [...own, ...leaving].reduce((sum, slot) => sum + countLive(slot), 0);
  // First those that may hold an instance already, then those where a launch brings lost work back besides.
  const empty = own
    .filter((slot) => slot.phase === "empty" || recoveries.has(slot.name))
    .sort((a, b) => rank(a) - rank(b));
  const unseen = own.filter((slot) => uncertain.has(slot.name) && !empty.includes(slot) && countLive(slot) === 0);
  return {
    profile,
    empty,
    room: (profile.max ?? profile.slots.count) - live - unseen.length,
    limit: copyOf(limitOf(profile)),
  };
}

const copyOf = <T extends object>(value: T | null): T | null => (value === null ? null : { ...value });

function missingFloor(pool: Pool, slots: readonly Slot[], launches: readonly PlannedLaunch[]): number {
  const counts = ({ phase, instance }: Slot) =>
    phase === "launching" || phase === "booting" || (phase === "serving" && (instance?.spotNoticeAt ?? null) === null);
  const have = slots.filter((slot) => slot.profile === pool.profile && counts(slot)).length;
  const planned = launches.filter((each) => each.slot.profile === pool.profile).length;
  return pool.profile.min - have - planned;
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

/** Where the next builder of a pool would go, and as what. */
interface Opening {
  readonly slot: Slot;
  readonly offerings: readonly OfferingChoice[];
}

interface Offer {
  readonly pool: Pool;
  readonly opening: Opening;
  readonly fill: Fill;
  readonly pricePerWeight: number;
}

const firstPrice = ({ offerings }: Opening): number => offerings[0]?.pricePerHour ?? 0;

/** The pool's next launch into a slot whose host is not among `refused`, or why there is none. */
function openingOf(
  pool: Pool,
  refused: ReadonlySet<number>,
  full: boolean,
  offeringsOf: (slot: Slot) => readonly OfferingChoice[],
): Opening | string {
  const { profile } = pool;
  if (pool.empty.length === 0) return `all ${profile.slots.count} slots of ${profile.name} are taken`;
  const slot = pool.empty.find((each) => each.host === null || !refused.has(each.host.id));
  if (slot === undefined) return `the free slots of ${profile.name} have refused it`;
  if (pool.room < 1) return `${profile.name} is at its max of ${profile.max ?? profile.slots.count}`;
  if (pool.limit !== null && pool.limit.launches < 1) return pool.limit.reason;
  if (full) return "this pass has made all the launches it may (maxLaunchesPerPass); the rest follows in the next";
  const offerings = offeringsOf(slot);
  if (offerings.length > 0) return { slot, offerings };
  return `the budget or lately failed offerings leave nothing to launch for ${profile.name}`;
}

/** The launch that serves the head of the queue for the least money per weight it takes, or why there is none. */
function cheapest(
  head: Group,
  groups: readonly Group[],
  pools: ReadonlyMap<Profile, Pool>,
  open: (pool: Pool) => Opening | string,
  options: HubOptions,
): Offer | string {
  let best: Offer | undefined;
  const refusals: string[] = [];
  for (const profile of head.profiles) {
    const pool = pools.get(profile);
    if (pool === undefined) continue;
    const opening = open(pool);
    if (typeof opening === "string") {
      refusals.push(opening);
      continue;
    }
    const fill = fillBuilder(head, groups, opening.slot, options);
    const weight = fill.reduce((sum, { group, count }) => sum + group.weight * count, 0);
    const pricePerWeight = firstPrice(opening) / weight;
    if (best === undefined || pricePerWeight < best.pricePerWeight) best = { pool, opening, fill, pricePerWeight };
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

/** By slot: the most that an instance of which nothing is known yet may take of the budget. */
function reserveUncertain(slots: readonly Slot[], site: Site, { uncertain, now }: Bounds): Map<string, Budget> {
  const unseen = slots.filter((slot) => uncertain.has(slot.name) && slot.instance === null && !slot.retired);
  return new Map(
    unseen.map(({ name, profile }) => [name, worstCase(chooseOfferings(profile, site, [], UNLIMITED, now), profile)]),
  );
}
