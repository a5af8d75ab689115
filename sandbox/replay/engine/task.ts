// The tasks of a trace while they are played: released, FREE, assigned, open, done, and who follows whom.

import type { Profile, Site } from "../../../shared/config/index.ts";
import { needsTagArch, TASK_STATE, type Task } from "../../../shared/hub/index.ts";
import type { Trace, TraceTask } from "../trace.ts";
import type { Host } from "./host.ts";

export type PlayState = "pending" | "free" | "assigned" | "open" | "done";

export interface PlayedTask {
  readonly is: TraceTask;
  readonly parent: PlayedTask | null;
  readonly children: PlayedTask[];
  /** Tasks whose release counts this one's end. */
  readonly followers: PlayedTask[];
  /** Indexes of the profiles that can run it, cheapest first; empty = none: it runs outside the fleet. */
  readonly pools: readonly number[];
  /** Build target of the submission it belongs to. */
  readonly target: string | null;
  state: PlayState;
  /** What its release still waits for: open parent, ends of siblings. */
  blockedBy: number;
  /** Children that have not ended. */
  openChildren: number;
  createdAt: number;
  assignedAt: number;
  openedAt: number;
  doneAt: number;
  host: Host | null;
  /** The host whose room is put aside for it, by the measure of waits. */
  reservedOn: Host | null;
  /** Since when no builder has had room; only while it is FREE and has none reserved. */
  unreservedSince: number;
  noBuilderSeconds: number;
  schedulerSeconds: number;
  pollSeconds: number;
  /** How often it was cut off by a lost builder. */
  restarts: number;
  /** The hub's row of it, as long as nothing of it changes. */
  row: Task | null;
}

/** Where a task can run: profile indexes by channel, arch and, for noarch tasks, the arches of the build tag. */
export function poolsFor(
  site: Site,
  order: readonly number[],
): (task: TraceTask, arches: readonly string[]) => number[] {
  const known = new Map<string, number[]>();
  const { profiles } = site.builders;
  return (task, arches) => {
    const limited =
      task.arch === "noarch" && needsTagArch({ arch: "noarch", method: task.method }) && arches.length > 0;
    const key = `${task.channel}|${task.arch}|${limited ? arches.join(" ") : ""}`;
    let found = known.get(key);
    if (found === undefined) {
      found = order.filter((index) => {
        const profile = profiles[index];
        return profile !== undefined && canRun(profile, task, limited ? arches : null);
      });
      known.set(key, found);
    }
    return found;
  };
}

function canRun(profile: Profile, { channel, arch }: TraceTask, tagArches: readonly string[] | null): boolean {
  if (!profile.channels.includes(channel)) return false;
  if (arch !== "noarch") return profile.arches.includes(arch);
  return tagArches === null || profile.arches.some((each) => tagArches.includes(each));
}

/** All tasks of the trace, not released yet; those that nothing holds back have `blockedBy` 0. */
export function makeTasks(
  { tasks, targets }: Trace,
  poolsOf: (task: TraceTask, arches: readonly string[]) => readonly number[],
): PlayedTask[] {
  const byId = new Map<number, PlayedTask>();
  return tasks.map((is) => {
    const parent = is.parent === null ? null : (byId.get(is.parent) ?? null);
    const target = is.target ?? parent?.target ?? null;
    const task: PlayedTask = {
      is,
      parent,
      children: [],
      followers: [],
      target,
      pools: poolsOf(is, target === null ? [] : (targets[target] ?? [])),
      state: "pending",
      blockedBy: 0,
      openChildren: 0,
      createdAt: Number.NaN,
      assignedAt: Number.NaN,
      openedAt: Number.NaN,
      doneAt: Number.NaN,
      host: null,
      reservedOn: null,
      unreservedSince: Number.NaN,
      noBuilderSeconds: 0,
      schedulerSeconds: 0,
      pollSeconds: 0,
      restarts: 0,
      row: null,
    };
    byId.set(is.id, task);
    if (parent !== null) {
      parent.children.push(task);
      parent.openChildren += 1;
    }
    if ("after" in is.release) {
      if (parent !== null) task.blockedBy += 1;
      for (const id of is.release.after) {
        const before = byId.get(id);
        if (before === undefined)
          throw new RangeError(`task ${is.id} follows task ${id}, which does not come before it`);
        before.followers.push(task);
        task.blockedBy += 1;
      }
    }
    return task;
  });
}

/** The row as the hub lists it: a task that no builder has opened shows weight 1.0. `epoch`: of instant 0. */
export function rowOf(task: PlayedTask, epoch: number, channels: ReadonlyMap<string, number>): Task {
  task.row ??= {
    id: task.is.id,
    state: task.state === "open" ? TASK_STATE.OPEN : task.state === "assigned" ? TASK_STATE.ASSIGNED : TASK_STATE.FREE,
    waiting: task.state === "open" && task.openChildren > 0,
    weight: task.state === "open" || task.restarts > 0 ? task.is.weight : 1,
    channel_id: channels.get(task.is.channel) ?? 0,
    host_id: task.host?.id ?? null,
    arch: task.is.arch,
    method: task.is.method,
    priority: task.is.priority,
    create_ts: epoch + task.createdAt,
    parent: task.is.parent,
    label: task.is.arch,
    start_ts: task.state === "open" ? epoch + task.openedAt : null,
    build_tag: task.target,
    package: task.is.package,
    ...(task.is.target === null ? {} : { target: task.is.target }),
  };
  return task.row;
}
