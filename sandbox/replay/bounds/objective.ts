// The best lower bound on J = dollars + waitValuePerHour x hours of waiting that holds for a trace.
import { assignmentDollars } from "./assignment.ts";
import { type Bound, type BoundPool, clairvoyance, type Job } from "./jobs.ts";
import { type LinkedPool, type LinkedPools, linkPools } from "./linked.ts";
import { workBound, workDollars } from "./work.ts";

/**
 * `graph`: a wait of one task may postpone another one's release. Then an overlap that the assignment charges for may
 * have gone away with an earlier task's wait, charged once for many tasks, so only the work bound holds. The zero-wait
 * bound holds for no trace: a policy that waits can be cheaper.
 *
 * The waits are those from release to open; a hub's own delay that a replay does not count as a wait for a builder is
 * taken as 0, and can bring a replay below the bound by as much as such delays hide waits.
 */
export function objectiveBound(input: {
  readonly jobs: readonly Job[];
  readonly pools: readonly BoundPool[];
  readonly waitValuePerHour: number;
  readonly launchFee?: number;
  readonly graph: boolean;
}): Bound {
  if (input.graph) {
    const work = workBound(input.jobs, input.pools);
    return {
      ...work,
      note: `${work.note} Tasks of this trace release one another, so no stronger bound is known to hold.`,
    };
  }
  const linked = linkPools(input.jobs, input.pools, input.launchFee ?? 0);
  const dollars = linked.reduce((sum, set) => sum + setDollars(set, input.waitValuePerHour), 0);
  return {
    dollars,
    note: `Every task is the first of its builder or follows another one, or waits for it, whatever the policy; at least the bare work. ${clairvoyance}`,
  };
}

function setDollars(set: LinkedPools, waitValuePerHour: number): number {
  const own = set.pools.reduce((sum, pool) => sum + poolDollars(pool, waitValuePerHour), 0);
  if (set.shared.length === 0) return own;
  return Math.max(own, workDollars(set.jobs, set.pools), pooledDollars(set, waitValuePerHour));
}

/** Of the jobs that only this pool can take: without the others no fleet gets dearer. */
function poolDollars(pool: LinkedPool, waitValuePerHour: number): number {
  const work = pool.own.reduce((sum, job) => sum + job.share * job.seconds, 0) * (pool.pricePerHour / 3600);
  return Math.max(work, assignmentDollars(pool.own, { ...slotPrices(pool), waitValuePerHour }));
}

/** All jobs of the set on slots of the lowest price and the cheapest boot among its pools. */
function pooledDollars({ jobs, pools }: LinkedPools, waitValuePerHour: number): number {
  const prices = pools.map(slotPrices);
  return assignmentDollars(jobs, {
    pricePerHour: Math.min(...prices.map((one) => one.pricePerHour)),
    bootDollars: Math.min(...prices.map((one) => one.bootDollars)),
    waitValuePerHour,
  });
}

/** A slot's part of a builder. Smaller shares mean more slots, each of which is cheaper: loose, but true. */
function slotPrices({ pricePerHour, bootDollars, slots }: LinkedPool) {
  return { pricePerHour: pricePerHour / slots, bootDollars: bootDollars / slots };
}
