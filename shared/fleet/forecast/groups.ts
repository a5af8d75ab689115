// Who could run what: tasks by the profiles that can serve them, and how much of a builder each needs. Pure.

import type { Profile } from "../../config/index.ts";
import { expectedWeight, TASK_STATE, type Task } from "../../hub/index.ts";
import type { Judge } from "../eligible.ts";
import type { Slot } from "../slots.ts";
import { firstStageOf, isFirstStage } from "./families.ts";
import { isAtWork } from "./work-times.ts";

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
  /** Of that, what builds have fanned out into and has begun to work: it may have ended one boot later. */
  readonly children: { readonly task: Task; readonly size: number }[];
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

/** One task in typical tasks of a profile; however heavy, it takes one builder. */
export function sizeOf(weight: number, profile: Profile): number {
  return Math.min(1, Math.max(weight / profile.capacity, 1 / profile.maxJobs)) * tasksPerBuilder(profile);
}

export const weightOf = (task: Task): number => (task.state === TASK_STATE.OPEN ? task.weight : expectedWeight(task));

/** The group of a task; null = no profile serves it. `priceOf`: dollars an hour of a builder. */
export function findGroups(
  judge: Judge,
  profiles: readonly Profile[],
  priceOf: (profile: Profile) => number,
): { of(task: Task): Group | null; named(key: string): Group | null } {
  const byBin = new Map<string, Group | null>();
  const byKey = new Map<string, Group>();
  const pricePerTask = (profile: Profile) => priceOf(profile) / tasksPerBuilder(profile);
  const groupFor = (members: readonly Profile[]): Group | null => {
    const [home] = members.toSorted((a, b) => pricePerTask(a) - pricePerTask(b));
    if (home === undefined) return null;
    const key = members.map((profile) => profile.name).join(JOINT);
    const group = byKey.get(key) ?? { key, profiles: members, home };
    byKey.set(key, group);
    return group;
  };
  const of = (task: Task): Group | null => {
    // The hub admits any weight but a great one, so only that makes a bin of its own.
    const heavy = task.weight > HEAVY ? task.weight : 0;
    const bin = `${task.channel_id}:${task.arch}:${task.arch === "noarch" ? `${task.method}:${task.build_tag ?? ""}` : ""}:${heavy}`;
    const known = byBin.get(bin);
    if (known !== undefined) return known;
    // As a task that nobody has refused: a refusal is that one's own.
    const verdict = judge.judge({ ...task, id: -1 });
    const group = groupFor("demand" in verdict ? verdict.demand.profiles : []);
    byBin.set(bin, group);
    return group;
  };
  const named = (key: string): Group | null => {
    const names = key.split(JOINT);
    const members = profiles.filter((profile) => names.includes(profile.name));
    return members.length === names.length ? groupFor(members) : null;
  };
  return { of, named };
}

/** Between the names of a group's profiles; no name of a profile has one. */
const JOINT = "+";

const HEAVY = 5;

function emptyLoad(group: Group): GroupLoad {
  return { group, all: { weight: 0, jobs: 0 }, on: new Map(), children: [], queuedTasks: 0, came: 0 };
}

export function loadOf(loads: Map<string, GroupLoad>, group: Group): GroupLoad {
  const known = loads.get(group.key);
  if (known !== undefined) return known;
  const load = emptyLoad(group);
  loads.set(group.key, load);
  return load;
}

/** By group key. `slots`: those whose builders count as capacity; what others have on is on its way out with them. */
export function countLoads(
  tasks: readonly Task[],
  slots: readonly Slot[],
  groupOf: (task: Task) => Group | null,
  newestTask: number,
): Map<string, GroupLoad> {
  const loads = new Map<string, GroupLoad>();
  const slotOf = new Map<number, Slot>();
  for (const slot of slots) if (slot.host !== null) slotOf.set(slot.host.id, slot);
  const full = findFull(tasks, slotOf);
  for (const task of tasks) {
    const slot = task.host_id === null ? undefined : slotOf.get(task.host_id);
    // What runs outside the pool is nobody's demand here.
    if (task.state !== TASK_STATE.FREE && slot === undefined) continue;
    const group = groupOf(task) ?? (slot === undefined ? null : alone(slot.profile));
    if (group === null) continue;
    const load = loadOf(loads, group);
    addTask(load, task, slot?.profile ?? null, slot === undefined ? 1 : (full.get(slot) ?? 1));
    if (task.id > newestTask) load.came += 1;
    const first = firstStageOf(task);
    const firstGroup = first === null ? null : groupOf(first);
    if (first !== null && firstGroup !== null) addTask(loadOf(loads, firstGroup), first, null, 1);
  }
  return loads;
}

/** The group of what only this profile can serve. */
export const alone = (profile: Profile): Group => ({ key: profile.name, profiles: [profile], home: profile });

/** Builders that have more on than they admit, and the share of it that counts: it is one builder's work all the same. */
function findFull(tasks: readonly Task[], slotOf: ReadonlyMap<number, Slot>): ReadonlyMap<Slot, number> {
  const weights = new Map<Slot, number>();
  for (const task of tasks) {
    const slot = task.host_id === null || task.waiting === true ? undefined : slotOf.get(task.host_id);
    if (slot !== undefined) weights.set(slot, (weights.get(slot) ?? 0) + weightOf(task));
  }
  return new Map(
    [...weights].flatMap(([slot, weight]) => {
      const { capacity } = slot.profile;
      return weight > capacity ? [[slot, capacity / weight] as const] : [];
    }),
  );
}

function addTask(load: GroupLoad, task: Task, profile: Profile | null, counts: number): void {
  const { home } = load.group;
  const weight = task.waiting === true ? 0 : Math.min(weightOf(task) * counts, home.capacity);
  load.all.jobs += 1 / home.maxJobs;
  load.all.weight += weight / home.capacity;
  if (task.state === TASK_STATE.FREE) load.queuedTasks += sizeOf(weight, home);
  if (profile === null) return;
  if (isAtWork(task) && !isFirstStage(task)) load.children.push({ task, size: sizeOf(weight, home) });
  const on = load.on.get(profile) ?? { weight: 0, jobs: 0 };
  on.jobs += 1 / profile.maxJobs;
  on.weight += Math.min(1, weight / profile.capacity);
  load.on.set(profile, on);
}
