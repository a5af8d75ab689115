// When a replay is given up: it has already cost more than any use of its result could justify.

import type { World } from "./engine/world.ts";

/** J at this wait value that a replay must stay below, or at, to be of use. */
export interface Ceiling {
  readonly waitValuePerHour: number;
  readonly most: number;
}

const LOOKS_PER_TRACE = 200;

/**
 * True until the dollars and waits so far are above every ceiling. Both only grow, so what is cut could never have come
 * below one of them: a search that cuts at the best J it knows finds the same winners as one that does not.
 */
export function staysBelow(ceilings: readonly Ceiling[]): (world: World) => boolean {
  let lookAt = 0;
  let bills = 0;
  let billed = 0;
  return (world) => {
    const { now, fleet, setting } = world;
    if (now < lookAt) return true;
    lookAt = now + Math.max(600, setting.trace.spanSeconds / LOOKS_PER_TRACE);
    for (; bills < fleet.bills.length; bills++) billed += fleet.bills[bills]?.dollars ?? 0;
    let dollars = billed + fleet.launches * setting.launchFee;
    for (const { machine } of fleet.hosts) if (machine !== null) dollars += fleet.billOf(machine, now).dollars;
    const hours = waitHoursSoFar(world);
    return ceilings.some(({ waitValuePerHour, most }) => dollars + waitValuePerHour * hours <= most);
  };
}

function waitHoursSoFar({ tasks, now }: World): number {
  let seconds = 0;
  for (const task of tasks) {
    seconds += task.noBuilderSeconds;
    if (!Number.isNaN(task.unreservedSince)) seconds += now - task.unreservedSince;
  }
  return seconds / 3600;
}
