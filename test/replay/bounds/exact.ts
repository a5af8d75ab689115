// Slow exact answers for small cases, in the plainest way: what the bounds are compared with.
import type { BoundPool, Job } from "../../../sandbox/replay/bounds/jobs.ts";

/**
 * Least dollars over all whole numbers of builders per pool and section between events that have room for the demand
 * (jobs with a choice may be split and moved at any moment). For at most two pools with at most one kind of shared job.
 */
export function leastFleetDollars(jobs: readonly Job[], pools: readonly BoundPool[], launchFee: number): number {
  const cuts = [...new Set(jobs.flatMap((job) => [job.start, job.start + job.seconds]))].sort((a, b) => a - b);
  const choices = pools.length === 1 ? counts(jobs.length).map((n) => [n]) : pairs(jobs.length);
  const none = choices.map((fleet) => fleet.every((n) => n === 0));
  let least = none.map((isNone) => (isNone ? 0 : Number.POSITIVE_INFINITY));
  for (let i = 0; i + 1 < cuts.length; i += 1) {
    const from = cuts[i] ?? 0;
    const seconds = (cuts[i + 1] ?? 0) - from;
    const flying = jobs.filter((job) => job.start <= from && from < job.start + job.seconds);
    const before = least;
    least = choices.map((fleet) => {
      if (!hasRoom(fleet, flying, pools)) return Number.POSITIVE_INFINITY;
      const hours = pools.reduce((sum, pool, p) => sum + ((fleet[p] ?? 0) * pool.pricePerHour * seconds) / 3600, 0);
      const reached = choices.map((old, c) => (before[c] ?? 0) + launches(old, fleet, pools, launchFee));
      return hours + Math.min(...reached);
    });
  }
  return Math.min(...least);
}

function launches(old: readonly number[], fleet: readonly number[], pools: readonly BoundPool[], fee: number): number {
  return pools.reduce((sum, pool, p) => {
    const launched = Math.max(0, (fleet[p] ?? 0) - (old[p] ?? 0));
    return sum + launched * ((pool.pricePerHour * pool.bootSeconds) / 3600 + fee);
  }, 0);
}

function hasRoom(fleet: readonly number[], flying: readonly Job[], pools: readonly BoundPool[]): boolean {
  const shared = flying.filter((job) => job.places.length > 1);
  let places = 0;
  for (const [p, pool] of pools.entries()) {
    const own = flying.filter((job) => job.places.length === 1 && job.places[0]?.pool === pool.name);
    const room = (fleet[p] ?? 0) - own.reduce((sum, job) => sum + (job.places[0]?.share ?? 0), 0);
    if (room < -1e-9) return false;
    const share = shared[0]?.places.find((place) => place.pool === pool.name)?.share;
    if (share) places += room / share;
  }
  return places >= shared.length - 1e-9;
}

const counts = (most: number) => Array.from({ length: most + 1 }, (_, n) => n);
const pairs = (most: number) => counts(most).flatMap((a) => counts(most).map((b) => [a, b]));

/** Least dollars of links: every start is paid `bootDollars` or takes an end of its own, in dollars per second apart. */
export function leastLinks(
  starts: readonly number[],
  ends: readonly number[],
  { bootDollars, idle, overlap }: { bootDollars: number; idle: number; overlap: number },
): number {
  let least = new Map([[0, 0]]);
  for (const start of starts) {
    const next = new Map<number, number>();
    const reach = (used: number, dollars: number) => {
      next.set(used, Math.min(dollars, next.get(used) ?? Number.POSITIVE_INFINITY));
    };
    for (const [used, dollars] of least) {
      reach(used, dollars + bootDollars);
      ends.forEach((end, e) => {
        if (used & (1 << e)) return;
        reach(used | (1 << e), dollars + (end <= start ? (start - end) * idle : (end - start) * overlap));
      });
    }
    least = next;
  }
  return Math.min(...least.values());
}
