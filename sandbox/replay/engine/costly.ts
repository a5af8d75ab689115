// Which decisions cost most: launches whose builders stood idle, and those that came after tasks had waited long.

import type { CostlyDecision } from "../result.ts";
import type { World } from "./world.ts";

/** One sentence of a pass, and the instances that were launched by it. */
export interface LaunchDecision {
  readonly at: number;
  readonly sentence: string;
  readonly instanceIds: readonly string[];
}

const MOST = 5;

export function findCostly(
  decisions: readonly LaunchDecision[],
  world: World,
  waitValuePerHour: number,
): CostlyDecision[] {
  const bills = new Map(world.fleet.bills.map((bill) => [bill.instanceId, bill]));
  const idle = decisions.map(({ at, sentence, instanceIds }): CostlyDecision => {
    const own = instanceIds.flatMap((id) => bills.get(id) ?? []);
    const dollars = own.reduce((sum, each) => sum + each.dollars * (1 - each.busySeconds / each.seconds), 0);
    const unused = own.filter((each) => !each.used).length;
    const because = `${own.length} builder(s) launched; what they cost while they booted, stood idle or were drained${unused === 0 ? "" : `, ${unused} of them without ever having a task`}`;
    return { at, sentence, dollars, because };
  });
  return [...idle, ...findWaits(decisions, world, waitValuePerHour)]
    .sort((a, b) => b.dollars - a.dollars)
    .slice(0, MOST);
}

/** Waits count against the first launch after the task came: the one that should have been made before. */
function findWaits(decisions: readonly LaunchDecision[], world: World, waitValuePerHour: number): CostlyDecision[] {
  const waited = decisions.map(() => ({ tasks: 0, seconds: 0 }));
  for (const task of world.tasks) {
    if (task.noBuilderSeconds < 1) continue;
    const count = waited[firstAfter(decisions, task.createdAt)];
    if (count === undefined) continue;
    count.tasks += 1;
    count.seconds += task.noBuilderSeconds;
  }
  return decisions.map(({ at, sentence }, index): CostlyDecision => {
    const { tasks = 0, seconds = 0 } = waited[index] ?? {};
    const because = `${tasks} task(s) that had come by then waited ${Math.round(seconds / 60)} minutes in all for a builder`;
    return { at, sentence, dollars: (seconds / 3600) * waitValuePerHour, because };
  });
}

function firstAfter(decisions: readonly LaunchDecision[], time: number): number {
  let [low, high] = [0, decisions.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((decisions[middle]?.at ?? time) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
