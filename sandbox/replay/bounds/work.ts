// Work bound: what the bare work of all tasks costs, each on the part of a builder that it takes.
import { type Bound, type BoundPool, BoundsError, type Job } from "./jobs.ts";

/**
 * Holds for every policy and every wait value: a builder is paid for each second in which it works. A job that several
 * pools can take is priced where it is cheapest.
 */
export function workBound(jobs: readonly Job[], pools: readonly BoundPool[]): Bound {
  return {
    dollars: workDollars(jobs, pools),
    note: "Bare work: no boot, no idle second, no part of a builder empty. No policy is cheaper, and none comes near it where tasks are few.",
  };
}

export function workDollars(jobs: readonly Job[], pools: readonly BoundPool[]): number {
  const prices = new Map(pools.map((pool) => [pool.name, pool.pricePerHour]));
  let dollars = 0;
  for (const job of jobs) {
    let cheapest = Number.POSITIVE_INFINITY;
    for (const place of job.places) {
      const price = prices.get(place.pool);
      if (price === undefined) {
        throw new BoundsError(
          `A job names pool ${place.pool}, which is not among the pools: give its price and boot time.`,
        );
      }
      cheapest = Math.min(cheapest, price * place.share);
    }
    dollars += (cheapest * job.seconds) / 3600;
  }
  return dollars;
}
