// Zero-wait bound where some jobs may run in several pools: the dual of the LP relaxation.
import { levelDollars } from "./levels.ts";
import type { LinkedPool, LinkedPools } from "./linked.ts";
import { poolCells, poolFleet, takeJobs } from "./pool-fleet.ts";
import { add, cutSections, type Sections, type SharedGroup } from "./sections.ts";

/** Cells that may be computed in all (about a second), and in one table (a byte each). */
const mostCells = 1.5e8;
const mostTableCells = 3e7;
const mostRounds = 120;

interface Round {
  readonly dollars: number;
  /** By group and section: jobs in flight less jobs taken; null if it was not asked for. */
  readonly missing: readonly Float64Array[] | null;
}

/**
 * The relaxation: jobs with a choice may be split among their pools and moved at any moment. Give each of them a
 * pay per section instead of the rule that somebody must take it: then every pool alone chooses its cheapest fleet
 * (`poolFleet`), and pay of all shared jobs + what the pools make of it is at most the least cost, for *any* pay of 0 or
 * more (a true schedule takes every job and earns exactly that pay). So each round is a bound, and the best is kept. The
 * first pay is the price of bare work where it is cheapest; then pay rises where jobs are not taken and falls where
 * they are taken twice (subgradient steps of Polyak's length towards the cost of a schedule that is known to work).
 * Where pools and tasks are too many for steps, the first round stands.
 */
export function sharedWorkDollars(linked: LinkedPools): number {
  const sections = cutSections(linked);
  const pays = sections.groups.map((group) =>
    sections.seconds.map((seconds) => (group.workPricePerHour * seconds) / 3600),
  );
  const cells = linked.pools.map((_, index) => poolCells(demandOf(linked, sections, pays, index)));
  const perRound = cells.reduce((sum, one) => sum + one, 0);
  const rounds = Math.max(...cells) > mostTableCells ? 1 : Math.min(mostRounds, Math.floor(mostCells / perRound));
  if (rounds < 2) return playRound(linked, sections, pays, false).dollars;

  const target = cheapestPlaceDollars(linked);
  let best = 0;
  let boldness = 1;
  let since = 0;
  for (let round = 0; round < rounds; round += 1) {
    const { dollars, missing } = playRound(linked, sections, pays, true);
    since = dollars > best + 1e-9 * target ? 0 : since + 1;
    best = Math.max(best, dollars);
    if (!missing || target - best < 1e-4 * target) break;
    if (since >= 4) {
      boldness /= 2;
      since = 0;
    }
    step(sections, pays, missing, boldness * (target - dollars));
  }
  return best;
}

function playRound(
  linked: LinkedPools,
  sections: Sections,
  pays: readonly Float64Array[],
  withMissing: boolean,
): Round {
  let dollars = 0;
  sections.groups.forEach((group, g) => {
    group.flying.forEach((jobs, i) => {
      dollars += jobs * (pays[g]?.[i] ?? 0);
    });
  });
  const missing = withMissing ? sections.groups.map((group) => group.flying.slice()) : null;
  linked.pools.forEach((_, index) => {
    const demand = demandOf(linked, sections, pays, index);
    const fleet = poolFleet(demand, withMissing);
    dollars += fleet.dollars;
    if (!fleet.builders) return;
    takeJobs(demand, fleet.builders, (offer, i, jobs) => {
      const rest = missing?.[demand.offers[offer]?.group ?? 0];
      if (rest) add(rest, i, -jobs);
    });
  });
  return { dollars, missing };
}

function demandOf(linked: LinkedPools, sections: Sections, pays: readonly Float64Array[], index: number) {
  const pool = linked.pools[index];
  return {
    pricePerHour: pool?.pricePerHour ?? 0,
    bootDollars: pool?.bootDollars ?? 0,
    seconds: sections.seconds,
    own: sections.own[index] ?? new Float64Array(sections.seconds.length),
    offers: sections.groups.flatMap((group, g) => {
      const share = group.shares[index];
      const pay = pays[g];
      return share && pay ? [{ group: g, share, flying: group.flying, pay }] : [];
    }),
  };
}

/** Each pay changes by the part of its jobs that is missing; sections count by their job-seconds. */
function step(
  sections: Sections,
  pays: readonly Float64Array[],
  missing: readonly Float64Array[],
  towards: number,
): void {
  const each = (visit: (pay: Float64Array, i: number, part: number, seconds: number, group: SharedGroup) => void) => {
    sections.groups.forEach((group, g) => {
      const pay = pays[g];
      if (!pay) return;
      group.flying.forEach((jobs, i) => {
        if (jobs > 0) visit(pay, i, (missing[g]?.[i] ?? 0) / jobs, sections.seconds[i] ?? 0, group);
      });
    });
  };
  let length = 0;
  each((_pay, i, part, seconds, group) => {
    length += seconds * (group.flying[i] ?? 0) * part * part;
  });
  if (length === 0) return;
  each((pay, i, part, seconds) => {
    pay[i] = Math.max(0, (pay[i] ?? 0) + (towards / length) * seconds * part);
  });
}

/** A schedule that works: every job where its work is cheapest. */
function cheapestPlaceDollars({ pools, jobs }: LinkedPools): number {
  const priceOf = new Map(pools.map((pool) => [pool.name, pool.pricePerHour]));
  const chosen = jobs.flatMap((job) => {
    const place = job.places.reduce((a, b) =>
      b.share * (priceOf.get(b.pool) ?? 0) < a.share * (priceOf.get(a.pool) ?? 0) ? b : a,
    );
    return [{ start: job.start, seconds: job.seconds, share: place.share, pool: place.pool }];
  });
  const cost = (pool: LinkedPool) =>
    levelDollars(
      chosen.filter((one) => one.pool === pool.name),
      pool.pricePerHour,
      pool.bootDollars,
    );
  return pools.reduce((sum, pool) => sum + cost(pool), 0);
}
