// When each task of a trace is made and ends if nothing waits, and checks that hold for every trace.

import { expect } from "vitest";
import type { Trace, TraceTask } from "../../../sandbox/replay/trace.ts";

interface Times {
  readonly made: number;
  end: number;
}

/** By id. Fails when a task names one that does not come before it. */
export function zeroWaitTimes({ tasks }: Trace): ReadonlyMap<number, Times> {
  const times = new Map<number, Times>();
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const timesOf = (id: number): Times => {
    const found = times.get(id);
    if (found === undefined) throw new Error(`task ${id} does not come before the one that names it`);
    return found;
  };
  for (const { id, parent, release, seconds } of tasks) {
    const above = parent === null ? [] : [timesOf(parent).made];
    const made =
      "at" in release
        ? release.at
        : Math.max(...above, ...release.after.map((each) => timesOf(each).end)) + release.delay;
    times.set(id, { made, end: made + seconds });
    if (parent === null) continue;
    const ending = timesOf(parent);
    ending.end = Math.max(ending.end, made + seconds + (byId.get(parent)?.seconds ?? 0));
  }
  return times;
}

/** Ids grow from 1 in the order in which tasks are made; times and names are sound. */
export function expectSound(trace: Trace): void {
  const times = zeroWaitTimes(trace);
  const byId = new Map(trace.tasks.map((task) => [task.id, task]));
  let [lastMade, lastEnd] = [0, 0];
  const faults: string[] = [];
  trace.tasks.forEach((task, index) => {
    const { made, end } = times.get(task.id) ?? { made: Number.NaN, end: Number.NaN };
    if (task.id !== index + 1) faults.push(`task ${task.id} is number ${index + 1}`);
    if (!(made >= lastMade - 0.01)) faults.push(`task ${task.id} is made before the one before it`);
    if (!(task.seconds >= 0 && task.weight > 0)) faults.push(`task ${task.id} has ${task.seconds} s, ${task.weight}`);
    if ("after" in task.release && task.parent === null) faults.push(`task ${task.id} follows without a parent`);
    if (!followsSiblings(task, byId)) faults.push(`task ${task.id} follows one of another parent`);
    if (task.target !== null && trace.targets[task.target] === undefined) faults.push(`no arches of ${task.target}`);
    lastMade = made;
    lastEnd = Math.max(lastEnd, end);
  });
  expect(faults.slice(0, 5)).toEqual([]);
  const first = times.get(1)?.made ?? 0;
  expect(Math.abs(trace.spanSeconds - (lastEnd - first))).toBeLessThan(1);
}

function followsSiblings({ parent, release }: TraceTask, byId: ReadonlyMap<number, TraceTask>): boolean {
  return "at" in release || release.after.every((id) => byId.get(id)?.parent === parent);
}

/** Hours of the work of these methods. */
export function workHours({ tasks }: Trace, methods: readonly string[]): number {
  return tasks.reduce((sum, { method, seconds }) => sum + (methods.includes(method) ? seconds : 0), 0) / 3600;
}

export function countMethod({ tasks }: Trace, method: string): number {
  return tasks.filter((task) => task.method === method).length;
}

/** Most tasks of the methods at work at once. */
export function peakOf(trace: Trace, methods: readonly string[]): number {
  const times = zeroWaitTimes(trace);
  const steps = trace.tasks.flatMap(({ id, method }) => {
    const { made, end } = times.get(id) ?? { made: 0, end: 0 };
    return methods.includes(method) ? [[made, 1] as const, [end, -1] as const] : [];
  });
  let [running, peak] = [0, 0];
  for (const [, change] of steps.sort(([a, up], [b, other]) => a - b || up - other)) {
    running += change;
    peak = Math.max(peak, running);
  }
  return peak;
}
