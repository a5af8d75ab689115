// A set of linked pools cut at every start and end, so that between two cuts no demand changes.
import type { LinkedPools } from "./linked.ts";

/** Jobs that the same pools can take with the same shares. */
export interface SharedGroup {
  /** By the pools' order; null = that pool cannot take them. */
  readonly shares: readonly (number | null)[];
  /** Jobs at once, by section. */
  readonly flying: Float64Array;
  /** Dollars for an hour of one such job in the pool where that is cheapest. */
  readonly workPricePerHour: number;
}

export interface Sections {
  readonly seconds: Float64Array;
  /** Builders' worth of work that only this pool can take, by pool, by section. */
  readonly own: readonly Float64Array[];
  readonly groups: readonly SharedGroup[];
}

interface Piece {
  readonly start: number;
  readonly seconds: number;
  readonly share: number;
}

export function cutSections({ pools, jobs, shared }: LinkedPools): Sections {
  const cuts = Float64Array.from(new Set(jobs.flatMap((job) => [job.start, job.start + job.seconds]))).sort();
  const indexOf = new Map(Array.from(cuts, (at, index) => [at, index]));
  const seconds = new Float64Array(Math.max(0, cuts.length - 1));
  for (let i = 0; i < seconds.length; i += 1) seconds[i] = (cuts[i + 1] ?? 0) - (cuts[i] ?? 0);

  const sum = (pieces: readonly Piece[]): Float64Array => {
    const demand = new Float64Array(cuts.length);
    for (const { start, seconds, share } of pieces) {
      add(demand, indexOf.get(start) ?? 0, share);
      add(demand, indexOf.get(start + seconds) ?? 0, -share);
    }
    for (let i = 1; i < demand.length; i += 1) add(demand, i, demand[i - 1] ?? 0);
    return demand.subarray(0, seconds.length);
  };
  // Work that takes no room anywhere costs nothing: to leave it out keeps the bound.
  const counted = shared.filter((job) => job.places.every((place) => place.share > 0));
  const key = (job: (typeof shared)[number]) => job.places.map(({ pool, share }) => `${pool} ${share}`).join("\n");
  const groups = [...Map.groupBy(counted, key).values()].map((members) => {
    const places = new Map(members[0]?.places.map((place) => [place.pool, place.share]));
    const shares = pools.map((pool) => places.get(pool.name) ?? null);
    return {
      shares,
      flying: sum(members.map((job) => ({ start: job.start, seconds: job.seconds, share: 1 }))),
      workPricePerHour: Math.min(...pools.flatMap((pool, i) => (shares[i] ? [pool.pricePerHour * shares[i]] : []))),
    };
  });
  return { seconds, own: pools.map((pool) => sum(pool.own)), groups };
}

export function add(array: Float64Array, index: number, by: number): void {
  array[index] = (array[index] ?? 0) + by;
}
