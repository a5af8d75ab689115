// Assignment bound: the least J for tasks whose releases are fixed, as a matching of ends to starts on one line.
import { type Bound, clairvoyance } from "./jobs.ts";

interface Span {
  readonly start: number;
  readonly seconds: number;
}

interface SlotPrices {
  readonly pricePerHour: number;
  /** Dollars of a launch: boot and fee. */
  readonly bootDollars: number;
  readonly waitValuePerHour: number;
}

/**
 * Lower bound on J for builders of one kind with `slots` tasks at most at once. With more than one slot, every slot
 * pays its part of the builder: true for a builder that is full all the time, too little for any other.
 */
export function assignmentBound(
  jobs: readonly Span[],
  builder: {
    readonly pricePerHour: number;
    readonly bootSeconds: number;
    readonly slots?: number;
    readonly launchFee?: number;
    readonly waitValuePerHour: number;
  },
): Bound {
  const { pricePerHour, bootSeconds, slots = 1, launchFee = 0, waitValuePerHour } = builder;
  const bootDollars = ((pricePerHour * bootSeconds) / 3600 + launchFee) / slots;
  const perSlot = slots > 1 ? ` Each of the ${slots} slots pays its part of the builder, which is loose.` : "";
  return {
    dollars: assignmentDollars(jobs, { pricePerHour: pricePerHour / slots, bootDollars, waitValuePerHour }),
    note: `Least dollars and wait together: every task is the first of its builder or follows another one, whatever the policy.${perSlot} ${clairvoyance}`,
  };
}

/**
 * Work, and the cheapest way to let every task either be the first of its slot (a boot) or follow another task. To
 * follow one that ends (if nothing waits) `gap` before the task's release costs price x gap; one that ends `overlap`
 * after it costs (v - price) x overlap.
 *
 * Why no schedule is cheaper. With w the wait of a task, the idle time between task j and its follower i is
 * gap + w(i) - w(j), never below 0, and w(i) is at least overlap + w(j). Along a chain the idle times add up to the
 * gaps less the overlaps, plus w(last) - w(first). So dollars and waits are at least price x (gaps - overlaps)
 * + v x overlaps + (v - price) x w(first), the last of which is not negative while v >= price. If v < price, an idle
 * hour is counted at v only, which makes it so. That a task may here follow itself or its followers only lowers the
 * result; at least one launch is always paid. The 60 s minimum of billing is not counted.
 *
 * The least matching: let f(h) be the least cost so far with h ends kept for later starts (h < 0: -h starts that hope
 * for a later end). f is convex. An end inserts a step of slope 0 into f, a start one of slope bootDollars (and moves
 * the origin), and time adds the price of idling to slopes right of 0 and takes the price of overlap from those left of
 * it. So new slopes come in only next to 0: two stacks hold them all. Linear after sorting.
 */
export function assignmentDollars(jobs: readonly Span[], prices: SlotPrices): number {
  if (jobs.length === 0) return 0;
  const starts = Float64Array.from(jobs, (job) => job.start).sort();
  const ends = Float64Array.from(jobs, (job) => job.start + job.seconds).sort();
  const idlePerSecond = Math.min(prices.pricePerHour, prices.waitValuePerHour) / 3600;
  const overlapPerSecond = prices.waitValuePerHour / 3600 - idlePerSecond;
  const right = new SlopeStack(idlePerSecond);
  const left = new SlopeStack(-overlapPerSecond);
  let links = 0;
  let ended = 0;
  const passEnds = (until: number): void => {
    for (let at = ends[ended]; at !== undefined && at <= until; at = ends[ended]) {
      ended += 1;
      // A start that was paid for otherwise takes this end if that is cheaper; what it had is free for another.
      const paid = left.pop(at);
      if (paid !== undefined && paid > 0) {
        links -= paid;
        right.push(at, paid);
      } else {
        left.clear();
        right.push(at, 0);
      }
    }
  };
  for (const at of starts) {
    passEnds(at);
    const kept = right.pop(at);
    if (kept !== undefined && kept > prices.bootDollars) right.clear();
    const paid = Math.min(kept ?? prices.bootDollars, prices.bootDollars);
    links += paid;
    left.push(at, paid);
  }
  passEnds(Number.POSITIVE_INFINITY);
  const seconds = jobs.reduce((sum, job) => sum + job.seconds, 0);
  return (seconds / 3600) * prices.pricePerHour + Math.max(links, prices.bootDollars);
}

/** Slopes that all grow by `perSecond`; kept as they would be at second 0. */
class SlopeStack {
  readonly #perSecond: number;
  #slopes: number[] = [];

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  push(at: number, slope: number): void {
    this.#slopes.push(slope - at * this.#perSecond);
  }

  pop(at: number): number | undefined {
    const slope = this.#slopes.pop();
    return slope === undefined ? undefined : slope + at * this.#perSecond;
  }

  clear(): void {
    this.#slopes = [];
  }
}
