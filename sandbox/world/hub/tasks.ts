// The life of a task: made, given to a host, opened, freed, finished. Access is checked by the callers (kojihub Task).

import { canonicalArch, TASK_STATE, type TaskState } from "../../../shared/hub/index.ts";
import type { XmlRpcValue } from "../../../shared/hub/xmlrpc/values.ts";
import type { Caller, HubContext } from "./context.ts";
import { genericError } from "./fault.ts";
import { chooseChannel, neededArches, refuseForeignHosts } from "./placement.ts";
import type { TaskResult, TaskRow } from "./rows.ts";
import { isFinished } from "./tables.ts";

/** Lower goes first. Source: koji PRIO_DEFAULT, make_task. */
export const DEFAULT_PRIORITY = 20;

/** What a FREE task weighs, whatever its method, until a builder opens it: the database's default. */
const UNOPENED_WEIGHT = 1;

export interface NewTask {
  readonly method: string;
  readonly args: readonly XmlRpcValue[];
  readonly parent?: number;
  readonly label?: string | null;
  readonly channel?: string | null;
  readonly arch?: string;
  readonly priority?: number;
  /** Host id: the task is born ASSIGNED, without a run, so the scheduler leaves it alone. */
  readonly assign?: number;
}

/** kojihub make_task. A child takes owner, arch and channel of its parent and goes one before it. */
export function createTask(hub: HubContext, caller: Caller, wanted: NewTask): TaskRow {
  const parent = wanted.parent === undefined ? null : openParent(hub, wanted.parent);
  const owner = parent?.owner ?? caller.user?.id;
  if (owner === undefined) throw genericError("task must have an owner");
  const { method, args } = wanted;
  const channel = chooseChannel(hub, { method, args, requested: wanted.channel ?? null, parent });
  const assigned = wanted.assign !== undefined;
  const task: TaskRow = {
    id: hub.tables.nextTaskId(),
    state: assigned ? TASK_STATE.ASSIGNED : TASK_STATE.FREE,
    waiting: null,
    awaited: null,
    weight: UNOPENED_WEIGHT,
    channel_id: channel.id,
    host_id: wanted.assign ?? null,
    arch: wanted.arch ?? parent?.arch ?? "noarch",
    method,
    priority: wanted.priority ?? (parent === null ? DEFAULT_PRIORITY : parent.priority - 1),
    owner,
    parent: parent?.id ?? null,
    label: parent === null ? null : (wanted.label ?? null),
    create_ts: hub.clock.now(),
    start_ts: null,
    completion_ts: null,
    request: args,
    result: null,
  };
  const needed = neededArches(hub, task);
  hub.tables.insertTask(task);
  hub.log.add({
    at: task.create_ts,
    taskId: task.id,
    method,
    from: null,
    to: task.state,
    hostId: task.host_id,
    why: assigned ? "assign" : "",
  });
  if (needed !== null) refuseForeignHosts(hub, task, needed);
  return task;
}

function openParent(hub: HubContext, id: number): TaskRow {
  const parent = hub.tables.tasks.get(id);
  if (parent === undefined) throw genericError(`Invalid parent task: ${id}`);
  if (parent.state !== TASK_STATE.OPEN) throw genericError(`Parent task (id ${id}) is not open`);
  return parent;
}

/** The arch of the task for a child that builds for `arch`: the spelling that host arches are compared with. */
export const taskArch = (arch: string): string => (arch === "noarch" ? arch : canonicalArch(arch));

function move(hub: HubContext, task: TaskRow, to: TaskState, changes: Partial<TaskRow>, why = ""): void {
  const from = task.state;
  const held = task.host_id;
  hub.tables.patchTask(task, { ...changes, state: to });
  const hostId = task.host_id ?? held;
  hub.log.add({ at: hub.clock.now(), taskId: task.id, method: task.method, from, to, hostId, why });
}

/** kojihub Task.lock: whether this host may have the task. */
function mayHave(task: TaskRow, hostId: number): boolean {
  if (task.state === TASK_STATE.FREE) return task.host_id === null;
  return task.state === TASK_STATE.ASSIGNED && task.host_id === hostId;
}

/** False = it is not to be had: nothing was done, no fault. */
export function assignTo(hub: HubContext, task: TaskRow, hostId: number, why: string, force = false): boolean {
  if (!force && !mayHave(task, hostId)) return false;
  if (force || task.state === TASK_STATE.FREE) move(hub, task, TASK_STATE.ASSIGNED, { host_id: hostId }, why);
  return true;
}

export function openFor(hub: HubContext, task: TaskRow, hostId: number): boolean {
  if (!mayHave(task, hostId)) return false;
  move(hub, task, TASK_STATE.OPEN, { host_id: hostId, start_ts: hub.clock.now() });
  return true;
}

const STATE_NAME: ReadonlyMap<TaskState, string> = new Map([
  [TASK_STATE.CLOSED, "CLOSED"],
  [TASK_STATE.CANCELED, "CANCELED"],
  [TASK_STATE.FAILED, "FAILED"],
]);

/** Weight, start_time and waiting keep their values. */
export function free(hub: HubContext, task: TaskRow, why: string): void {
  // The hub takes state 0 for a missing task: `if not oldstate` in kojihub Task.free.
  if (task.state === TASK_STATE.FREE) throw genericError(`No such task: ${task.id}`);
  const finished = STATE_NAME.get(task.state);
  if (finished !== undefined) throw genericError(`Cannot free task ${task.id}, state is ${finished}`);
  move(hub, task, TASK_STATE.FREE, { host_id: null }, why);
}

export function finish(hub: HubContext, task: TaskRow, result: TaskResult): void {
  const to = "value" in result ? TASK_STATE.CLOSED : TASK_STATE.FAILED;
  move(hub, task, to, { result, completion_ts: hub.clock.now() });
}

/** Children too, unless told otherwise. A finished task stays as it is, and so do its children. */
export function cancel(hub: HubContext, task: TaskRow, recurse: boolean): void {
  if (isFinished(task)) return;
  move(hub, task, TASK_STATE.CANCELED, { completion_ts: hub.clock.now() });
  if (recurse) cancelChildren(hub, task);
}

export function cancelChildren(hub: HubContext, task: TaskRow): void {
  for (const child of hub.tables.childrenOf(task.id)) cancel(hub, child, true);
}

/** An absolute value; with `recurse`, for all below it as well. */
export function setPriority(hub: HubContext, task: TaskRow, priority: number, recurse: boolean): void {
  hub.tables.patchTask(task, { priority });
  if (!recurse) return;
  for (const child of hub.tables.childrenOf(task.id)) setPriority(hub, child, priority, true);
}
