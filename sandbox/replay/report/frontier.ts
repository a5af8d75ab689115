// What dollars buy: the policies that none beats in both dollars and wait, and the bound that none can pass. Pure.

import type { ReplayAnswer } from "../result.ts";

export interface Spot {
  readonly dollars: number;
  /** Mean seconds of a task. */
  readonly wait: number;
}

/** Those that no other policy beats in both, cheapest first. */
export function findFront(spots: readonly Spot[]): Spot[] {
  const front: Spot[] = [];
  for (const spot of spots.toSorted((a, b) => a.dollars - b.dollars || a.wait - b.wait)) {
    const last = front.at(-1);
    if (last === undefined || spot.wait < last.wait) front.push(spot);
  }
  return front;
}

/**
 * The least mean wait at each sum of dollars: J = dollars + value x hours may nowhere be below its bound, and dollars not
 * below the bare work. From the top left to where nothing waits.
 */
export function traceBound({ bounds, objective, trace }: ReplayAnswer, waits: readonly number[]): Spot[] {
  const bars = objective.filter(({ bound, waitValuePerHour }) => Number.isFinite(bound) && waitValuePerHour > 0);
  const highest = Math.max(bounds.work, ...bars.map(({ bound }) => bound));
  const top = Math.max(1, ...waits) * 2;
  if (!Number.isFinite(highest)) return [];
  const spots = [{ dollars: bounds.work, wait: top }];
  for (let step = 0; step <= 100; step++) {
    const dollars = bounds.work + ((highest - bounds.work) * step) / 100;
    const hours = Math.max(0, ...bars.map(({ bound, waitValuePerHour }) => (bound - dollars) / waitValuePerHour));
    spots.push({ dollars, wait: trace.tasks > 0 ? Math.min(top, (hours * 3600) / trace.tasks) : 0 });
  }
  return spots;
}
