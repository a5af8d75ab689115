// One pool's cheapest fleet if it must take its own work and is paid for each shared job that it takes.
import { shareTolerance } from "./levels.ts";

/** Shared jobs as one pool sees them. */
interface Offer {
  readonly share: number;
  /** By section. */
  readonly flying: Float64Array;
  /** Dollars for working on one of them during the section, by section. */
  readonly pay: Float64Array;
}

interface PoolDemand {
  readonly pricePerHour: number;
  readonly bootDollars: number;
  readonly seconds: Float64Array;
  readonly own: Float64Array;
  readonly offers: readonly Offer[];
}

interface PoolFleet {
  /** Builders and boots less the pay. */
  readonly dollars: number;
  /** Builders by section; null unless it was asked for. */
  readonly builders: Float64Array | null;
}

/** Cells of the table of `poolFleet`: sections x levels. */
export function poolCells(demand: PoolDemand): number {
  return demand.seconds.length * mostLevels(demand);
}

/**
 * Exact, level by level: the room that level k adds is worth what the best paid jobs not yet in levels below pay for
 * it, so the worth falls with k, and each level alone chooses when to be in service (a two-state recursion over the
 * sections) without ever wanting to be in service where the level below is not.
 */
export function poolFleet(demand: PoolDemand, withBuilders: boolean): PoolFleet {
  const { seconds, own, pricePerHour, bootDollars } = demand;
  const levels = mostLevels(demand);
  const on = new Float64Array(levels + 1).fill(Number.POSITIVE_INFINITY);
  const off = new Float64Array(levels + 1);
  const choices = withBuilders ? new Uint8Array(seconds.length * (levels + 1)) : null;
  const worth = new Float64Array(levels + 1);
  for (let i = 0; i < seconds.length; i += 1) {
    const needed = neededLevels(own[i] ?? 0);
    worth.fill(0);
    fillRoom(demand.offers, i, needed - (own[i] ?? 0), levels - needed, (level, _offer, _jobs, pay) => {
      // Room left in the needed levels, level 0 here, belongs to the highest of them.
      const at = needed + level;
      worth[at] = (worth[at] ?? 0) + pay;
    });
    const price = (pricePerHour * (seconds[i] ?? 0)) / 3600;
    for (let level = 1; level <= levels; level += 1) {
      const wasOn = on[level] ?? 0;
      const wasOff = off[level] ?? 0;
      const boots = wasOff + bootDollars < wasOn;
      const drains = wasOn < wasOff;
      on[level] = (boots ? wasOff + bootDollars : wasOn) + price - (worth[level] ?? 0);
      off[level] = level <= needed ? Number.POSITIVE_INFINITY : drains ? wasOn : wasOff;
      if (choices) choices[i * (levels + 1) + level] = (boots ? 1 : 0) | (drains ? 2 : 0);
    }
  }
  let dollars = 0;
  for (let level = 1; level <= levels; level += 1) dollars += Math.min(on[level] ?? 0, off[level] ?? 0);
  return { dollars, builders: choices && traceBack(choices, on, off, seconds.length) };
}

function traceBack(choices: Uint8Array, on: Float64Array, off: Float64Array, sections: number): Float64Array {
  const builders = new Float64Array(sections);
  for (let level = 1; level < on.length; level += 1) {
    let up = (on[level] ?? 0) < (off[level] ?? 0);
    for (let i = sections - 1; i >= 0; i -= 1) {
      const choice = choices[i * on.length + level] ?? 0;
      if (up) builders[i] = (builders[i] ?? 0) + 1;
      up = up ? (choice & 1) === 0 : (choice & 2) !== 0;
    }
  }
  return builders;
}

/** Jobs of each offer that `builders` take besides the pool's own work, best paid first. */
export function takeJobs(
  demand: PoolDemand,
  builders: Float64Array,
  take: (offer: number, section: number, jobs: number) => void,
) {
  for (let i = 0; i < builders.length; i += 1) {
    fillRoom(demand.offers, i, (builders[i] ?? 0) - (demand.own[i] ?? 0), 0, (_level, offer, jobs) =>
      take(offer, i, jobs),
    );
  }
}

/** Room first in what is left of level 0, then in `more` levels of one builder each; reports each piece. */
function fillRoom(
  offers: readonly Offer[],
  section: number,
  roomLeft: number,
  more: number,
  report: (level: number, offer: number, jobs: number, pay: number) => void,
): void {
  const order = offers
    .map((offer, index) => ({
      index,
      share: offer.share,
      jobs: offer.flying[section] ?? 0,
      pay: offer.pay[section] ?? 0,
    }))
    .filter((one) => one.jobs > 0 && one.pay > 0)
    .sort((a, b) => b.pay / b.share - a.pay / a.share);
  let level = 0;
  let room = Math.max(0, roomLeft);
  for (const one of order) {
    let jobs = one.jobs;
    while (jobs > 0) {
      if (room <= 0) {
        if (level >= more) return;
        level += 1;
        room = 1;
      }
      const taken = Math.min(jobs, room / one.share);
      report(level, one.index, taken, taken * one.pay);
      jobs -= taken;
      room = jobs > 0 ? 0 : room - taken * one.share;
    }
  }
}

function neededLevels(own: number): number {
  return Math.max(0, Math.ceil(own - shareTolerance));
}

/** Builders with room for all the work that this pool could have at once. */
function mostLevels({ seconds, own, offers }: PoolDemand): number {
  let most = 0;
  for (let i = 0; i < seconds.length; i += 1) {
    const shared = offers.reduce((sum, offer) => sum + offer.share * (offer.flying[i] ?? 0), 0);
    most = Math.max(most, neededLevels(own[i] ?? 0) + Math.ceil(shared));
  }
  return most;
}
