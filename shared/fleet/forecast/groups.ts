// Who could run what: tasks by the profiles that can serve them, and how much of a builder each needs. Pure.

import type { Profile } from "../../config/index.ts";
import { expectedWeight, TASK_STATE, type Task } from "../../hub/index.ts";
import type { Judge } from "../eligible.ts";
import type { Slot } from "../slots.ts";

/** Tasks that the same profiles can serve: of one profile alone, or of several (noarch), where the hub may take any. */
export interface Group {
  readonly key: string;
  readonly profiles: readonly Profile[];
  /** Where a builder is launched for it: the cheapest by task. */
  readonly home: Profile;
}

/** Work of a group, in builders: by weight, and by job slots (a waiting parent holds one). */
export interface Load {
  weight: number;
  jobs: number;
}

export interface GroupLoad {
  readonly group: Group;
  /** At work and queued. */
  readonly all: Load;
  /** Of that, what each profile's builders have on. */
  readonly on: Map<Profile, Load>;
  /** Queued, in typical tasks of the home profile. */
  queuedTasks: number;
  /** Tasks that no pass has seen before. */
  came: number;
}

/** Typical tasks that a builder works on at once: as many buildArch (weight 1.5) as it admits. */
export function tasksPerBuilder({ capacity, maxJobs }: Pick<Profile, "capacity" | "maxJobs">): number {
  return Math.max(1, Math.min(maxJobs, Math.floor(capacity / 1.5 + 1e-9)));
}

/** In typical tasks of a profile. */
export function demandOf({ weight, jobs }: Load, profile: Profile): number {
  return Math.max(weight, jobs) * tasksPerBuilder(profile);
}

/** One task in typical tasks of a profile. */
export function sizeOf(weight: number, profile: Profile): number {
  return Math.max(weight / profile.capacity, 1 / profile.maxJobs) * tasksPerBuilder(profile);
}

export const weightOf = (task: Task): number => (task.state === TASK_STATE.OPEN ? task.weight : expectedWeight(task));

/** The group of a task; null = no profile serves it. `priceOf`: dollars an hour of a builder. */
export function findGroups(judge: Judge, priceOf: (profile: Profile) => number): (task: Task) => Group | null {
  const byBin = new Map<string, Group | null>();
  const byKey = new Map<string, Group>();
  const pricePerTask = (profile: Profile) => priceOf(profile) / tasksPerBuilder(profile);
  return (task) => {
    // The hub admits any weight but a great one, so only that makes a bin of its own.
    const heavy = task.weight > HEAVY ? task.weight : 0;
    const bin = `${task.channel_id}:${task.arch}:${task.arch === "noarch" ? `${task.method}:${task.build_tag ?? ""}` : ""}:${heavy}`;
    const known = byBin.get(bin);
    if (known !== undefined) return known;
    const verdict = judge.judge(task);
    const profiles = "demand" in verdict ? verdict.demand.profiles : [];
    const [home] = profiles.toSorted((a, b) => pricePerTask(a) - pricePerTask(b));
    const key = profiles.map((profile) => profile.name).join("+");
    const group = home === undefined ? null : (byKey.get(key) ?? { key, profiles, home });
    if (group !== null) byKey.set(key, group);
    byBin.set(bin, group);
    return group;
  };
}

const HEAVY = 5;

export function emptyLoad(group: Group): GroupLoad {
  return { group, all: { weight: 0, jobs: 0 }, on: new Map(), queuedTasks: 0, came: 0 };
}

/** By group key. `newestTask`: what no pass has seen before has a higher id. */
export function countLoads(
  tasks: readonly Task[],
  slots: readonly Slot[],
  groupOf: (task: Task) => Group | null,
  newestTask: number,
): Map<string, GroupLoad> {
  const loads = new Map<string, GroupLoad>();
  const slotOf = new Map<number, Slot>();
  for (const slot of slots) if (slot.host !== null) slotOf.set(slot.host.id, slot);
  for (const task of tasks) {
    const slot = task.host_id === null ? undefined : slotOf.get(task.host_id);
    // What runs outside the pool is nobody's demand here.
    if (task.state !== TASK_STATE.FREE && slot === undefined) continue;
    const group = groupOf(task) ?? (slot === undefined ? null : alone(slot.profile));
    if (group === null) continue;
    let load = loads.get(group.key);
    if (load === undefined) {
      load = emptyLoad(group);
      loads.set(group.key, load);
    }
    addTask(load, task, slot?.profile ?? null);
    if (task.id > newestTask) load.came += 1;
  }
  return loads;
}

const alone = (profile: Profile): Group => ({ key: profile.name, profiles: [profile], home: profile });

function addTask(load: GroupLoad, task: Task, profile: Profile | null): void {
  const { home } = load.group;
  const weight = task.waiting === true ? 0 : weightOf(task);
  load.all.jobs += 1 / home.maxJobs;
  load.all.weight += weight / home.capacity;
  if (task.state === TASK_STATE.FREE) load.queuedTasks += sizeOf(weight, home);
  if (profile === null) return;
  const on = load.on.get(profile) ?? { weight: 0, jobs: 0 };
  on.jobs += 1 / profile.maxJobs;
  on.weight += weight / profile.capacity;
  load.on.set(profile, on);
}
