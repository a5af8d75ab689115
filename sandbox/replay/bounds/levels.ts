// Level decomposition: the cheapest fleet of one kind of builder that always has room for a known demand.

/** A demand for part of a builder. */
export interface Load {
  readonly start: number;
  readonly seconds: number;
  readonly share: number;
}

/** A builder in service: needed from `start` (its boot lies before) to `end`, idle for a while in between perhaps. */
export interface Run {
  readonly start: number;
  readonly end: number;
}

/** Sums of shares such as 1/3 are not exact. Too much tolerance only lowers a bound. */
export const shareTolerance = 1e-6;

/**
 * Level k (from 1) is needed while the demand is more than k - 1 builders. A gap of a level is bridged if it is at most
 * `bridgeSeconds` (a boot, and what its fee buys), else the level is given up and booted anew.
 *
 * Least cost for n(t) >= ceil(demand(t)): time in service and number of launches of any n(t) are the sums over its
 * levels {t: n(t) >= k}, each of which contains the need of level k, so no n is cheaper than the sum of the levels'
 * own least costs. These make an n(t): where a level bridges a gap, the level below has no longer gap there.
 *
 * A job of 0 seconds needs nothing here.
 */
export function levelRuns(loads: readonly Load[], bridgeSeconds: number): Run[] {
  const changes = loads.flatMap(({ start, seconds, share }) => [
    { at: start, by: share },
    { at: start + seconds, by: -share },
  ]);
  changes.sort((a, b) => a.at - b.at);
  const runs: { start: number; end: number }[] = [];
  const latest: { start: number; end: number }[] = [];
  let demand = 0;
  let levels = 0;
  changes.forEach(({ at, by }, index) => {
    demand += by;
    if (changes[index + 1]?.at === at) return;
    const needed = Math.max(0, Math.ceil(demand - shareTolerance));
    for (; levels < needed; levels += 1) {
      const before = latest[levels];
      if (before && at - before.end <= bridgeSeconds) continue;
      const run = { start: at, end: at };
      latest[levels] = run;
      runs.push(run);
    }
    for (; levels > needed; levels -= 1) {
      const run = latest[levels - 1];
      if (run) run.end = at;
    }
  });
  return runs;
}

/** Dollars of these runs. `bootDollars`: of one launch, its fee included. */
export function levelDollars(loads: readonly Load[], pricePerHour: number, bootDollars: number): number {
  const runs = levelRuns(loads, (bootDollars / pricePerHour) * 3600);
  return runs.reduce((sum, run) => sum + bootDollars + ((run.end - run.start) / 3600) * pricePerHour, 0);
}
