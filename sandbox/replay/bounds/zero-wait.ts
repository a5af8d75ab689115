// Zero-wait bound: the least dollars of a fleet that lets no task wait at all.
import { type Bound, type BoundPool, clairvoyance, type Job } from "./jobs.ts";
import { levelDollars } from "./levels.ts";
import { type LinkedPools, linkPools } from "./linked.ts";
import { sharedWorkDollars } from "./shared-work.ts";
import { workDollars } from "./work.ts";

/**
 * Exact by level decomposition where each job has one pool; tasks may move between builders, which matters only where
 * a builder takes more than one. Where jobs have a choice: the best of several relaxations. Boots take their mean time.
 * The 60 s minimum of billing is left out, which keeps the bound below.
 *
 * It is no bound on J: a policy that lets tasks wait can spend less than this.
 */
export function zeroWaitBound(input: {
  readonly jobs: readonly Job[];
  readonly pools: readonly BoundPool[];
  readonly launchFee?: number;
}): Bound {
  const linked = linkPools(input.jobs, input.pools, input.launchFee ?? 0);
  const relaxed = linked.some((set) => set.shared.length > 0);
  const how = relaxed
    ? "a relaxation, as some tasks may run in several pools: the true least is at or above it"
    : "exact if tasks may move between builders";
  return {
    dollars: linked.reduce((sum, set) => sum + setDollars(set), 0),
    note: `Least dollars if no task ever waits (${how}); a policy that lets tasks wait can spend less. ${clairvoyance}`,
  };
}

function setDollars(set: LinkedPools): number {
  const own = set.pools.reduce((sum, pool) => sum + levelDollars(pool.own, pool.pricePerHour, pool.bootDollars), 0);
  if (set.shared.length === 0) return own;
  return Math.max(own, workDollars(set.jobs, set.pools), pooledDollars(set), sharedWorkDollars(set));
}

/**
 * All jobs of the set, each with its smallest share, in one pool at the lowest price and the cheapest boot. Any fleet
 * of the true pools, taken together, has room for them, costs no less by the hour, and launches no less often.
 */
function pooledDollars({ jobs, pools }: LinkedPools): number {
  const loads = jobs.map(({ start, seconds, places }) => ({
    start,
    seconds,
    share: Math.min(...places.map((place) => place.share)),
  }));
  return levelDollars(
    loads,
    Math.min(...pools.map((pool) => pool.pricePerHour)),
    Math.min(...pools.map((pool) => pool.bootDollars)),
  );
}
