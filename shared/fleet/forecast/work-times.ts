// How long builds' own tasks run (what a build fans out into), learned as they end: when their builders are free again. Pure.

import { TASK_STATE, type Task } from "../../hub/index.ts";
import { Draft, lookUp, type Shards } from "./shards.ts";
import { addTime, chanceToEnd, NO_TIMES, priorTimes, refine, type Times } from "./stage-times.ts";

/** A task that was open when it was last seen. */
export interface Running {
  readonly id: number;
  readonly kind: string;
  readonly own: string | null;
  /** When it was opened, by the hub's clock. */
  readonly since: number;
  /** How long such tasks ran, as far as was known when it was seen first. */
  readonly times: Times;
}

export interface WorkMemory {
  readonly running: readonly Running[];
  /** Seconds from opened to ended, by method and arch, and by method and package. */
  readonly byKind: Shards<Times>;
  readonly byPackage: Shards<Times>;
}

export const NO_WORK: WorkMemory = { running: [], byKind: {}, byPackage: {} };

/** Before anything is learned: a small rpm's build. */
const PRIOR = priorTimes(150, 1200);

/** A child of a build that has begun to work. */
export const isAtWork = (task: Task): boolean =>
  task.state === TASK_STATE.OPEN && task.parent != null && task.waiting !== true && task.start_ts != null;

/** What this pass shows; tasks that have gone are learned from. `tasks`: all active ones. */
export function noteWork(memory: WorkMemory, tasks: readonly Task[], now: number): WorkMemory {
  const gone = new Map(memory.running.map((each) => [each.id, each]));
  const running: Running[] = [];
  let isSame = true;
  for (const task of tasks) {
    if (task.start_ts == null) continue;
    const before = gone.get(task.id);
    // One that is still active was freed: its builder was lost, and it says nothing of its length.
    gone.delete(task.id);
    if (!isAtWork(task)) {
      isSame &&= before === undefined;
      continue;
    }
    const since = task.start_ts;
    if (before?.since === since) running.push(before);
    else {
      running.push({ id: task.id, kind: kindOf(task), own: ownOf(task), since, times: timesOfWork(memory, task) });
      isSame = false;
    }
  }
  if (isSame && gone.size === 0) return memory;
  const byKind = new Draft(memory.byKind);
  const byPackage = new Draft(memory.byPackage);
  for (const { kind, own, since } of gone.values()) {
    const seconds = Math.max(1, now - since);
    byKind.set(kind, addTime(byKind.get(kind) ?? PRIOR, seconds));
    if (own !== null) byPackage.set(own, addTime(byPackage.get(own) ?? NO_TIMES, seconds));
  }
  return { running, byKind: byKind.result, byPackage: byPackage.result };
}

/** By task: the chance that it ends within so many seconds; 0 for one that is not at work. */
export function chancesOfEnd({ running }: WorkMemory, now: number): (task: Task, within: number) => number {
  const byId = new Map(running.map((each) => [each.id, each]));
  return ({ id }, within) => {
    const known = byId.get(id);
    return known === undefined ? 0 : chanceToEnd(known.times, Math.max(0, now - known.since), within);
  };
}

export function timesOfWork(memory: WorkMemory, work: Work): Times {
  const own = ownOf(work);
  return refine(lookUp(memory.byKind, kindOf(work)) ?? PRIOR, own === null ? undefined : lookUp(memory.byPackage, own));
}

type Work = Pick<Task, "method" | "arch" | "package">;

const kindOf = ({ method, arch }: Work): string => `${method} ${arch}`;
const ownOf = ({ method, package: name }: Work): string | null => (name == null ? null : `${method} ${name}`);
