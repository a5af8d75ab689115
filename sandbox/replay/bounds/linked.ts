// Pools that share tasks, set apart from those that do not: bounds of separate sets add up.
import { type BoundPool, BoundsError, type Job, type Place } from "./jobs.ts";
import type { Load } from "./levels.ts";

/** Pools that are linked, directly or not, by jobs that more than one of them can take; often a single pool. */
export interface LinkedPools {
  readonly pools: readonly LinkedPool[];
  readonly jobs: readonly Job[];
  /** Jobs with a choice. */
  readonly shared: readonly Job[];
}

export interface LinkedPool extends BoundPool {
  /** Jobs that only this pool can take. */
  readonly own: readonly Load[];
  /** Dollars of a launch: boot and fee. */
  readonly bootDollars: number;
  /** The most jobs that a builder can ever have at once, by the smallest share of any job that may run here. */
  readonly slots: number;
}

export function linkPools(jobs: readonly Job[], pools: readonly BoundPool[], launchFee: number): LinkedPools[] {
  const groupOf = new Map(pools.map((pool) => [pool.name, new Set([pool.name])]));
  const bySet = Map.groupBy(jobs, (job) => job.places.map((place) => place.pool).join("\n"));
  for (const [first] of bySet.values()) {
    for (const place of first?.places ?? []) merge(groupOf, first?.places[0], place);
  }
  return [...new Set(groupOf.values())].map((names) => {
    const members = jobs.filter((job) => names.has(job.places[0]?.pool ?? ""));
    return {
      pools: pools.filter((pool) => names.has(pool.name)).map((pool) => linkedPool(pool, members, launchFee)),
      jobs: members,
      shared: members.filter((job) => job.places.length > 1),
    };
  });
}

function merge(groupOf: Map<string, Set<string>>, one: Place | undefined, other: Place): void {
  const into = groupOf.get(one?.pool ?? "");
  const from = groupOf.get(other.pool);
  if (!into || !from) {
    throw new BoundsError(
      `A job names pool ${other.pool}, which is not among the pools: give its price and boot time.`,
    );
  }
  if (into === from) return;
  for (const name of from) {
    into.add(name);
    groupOf.set(name, into);
  }
}

function linkedPool(pool: BoundPool, jobs: readonly Job[], launchFee: number): LinkedPool {
  let least = Number.POSITIVE_INFINITY;
  const own: Load[] = [];
  for (const job of jobs) {
    const place = job.places.find((one) => one.pool === pool.name);
    if (!place) continue;
    least = Math.min(least, place.share);
    if (job.places.length === 1) own.push({ start: job.start, seconds: job.seconds, share: place.share });
  }
  return {
    ...pool,
    own,
    bootDollars: (pool.pricePerHour * pool.bootSeconds) / 3600 + launchFee,
    slots: Math.max(1, Math.floor(1 / least + 1e-9)),
  };
}
