// Tasks in the order in which the hub serves them: priority (null last), then age.

import type { PlayedTask } from "./task.ts";

export function isBefore(a: PlayedTask, b: PlayedTask): boolean {
  const [first, second] = [a.is.priority ?? Number.POSITIVE_INFINITY, b.is.priority ?? Number.POSITIVE_INFINITY];
  if (first !== second) return first < second;
  return a.createdAt === b.createdAt ? a.is.id < b.is.id : a.createdAt < b.createdAt;
}

/** Puts a task in its place behind the first `from`; most come last. */
export function insertInOrder(tasks: PlayedTask[], task: PlayedTask, from = 0): void {
  const last = tasks.at(-1);
  if (last === undefined || tasks.length <= from || isBefore(last, task)) {
    tasks.push(task);
    return;
  }
  let [low, high] = [from, tasks.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = tasks[middle];
    if (other !== undefined && isBefore(other, task)) low = middle + 1;
    else high = middle;
  }
  tasks.splice(low, 0, task);
}
