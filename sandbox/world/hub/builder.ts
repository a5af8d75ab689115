// What a builder may call (host.*): the caller is a host with its user's exclusive session (kojihub HostExports).

import { TASK_STATE } from "../../../shared/hub/index.ts";
import type { XmlRpcValue } from "../../../shared/hub/xmlrpc/values.ts";
import { type Caller, callingHost, type HubContext, requireTask } from "./context.ts";
import { KojiFault, notAllowed } from "./fault.ts";
import { taskValue } from "./results.ts";
import type { HostReport, HostRow, TaskResult, TaskRow } from "./rows.ts";
import { refuse, runScheduler } from "./scheduling.ts";
import { isActive, isFinished } from "./tables.ts";
import { cancelChildren, createTask, finish, free, type NewTask, openFor } from "./tasks.ts";

/** Moves update_ts whatever else changes. */
export function updateHost(
  hub: HubContext,
  caller: Caller,
  task_load: number,
  ready: boolean,
  data: HostReport | null = null,
): void {
  const host = callingHost(hub, caller);
  const update_ts = hub.clock.now();
  hub.tables.patch(host, { task_load, ready, update_ts, data: data ?? host.data });
}

/** Tasks ASSIGNED to the caller. With none, the scheduler gets its turn first. */
export function getTasks(hub: HubContext, caller: Caller): TaskRow[] {
  const host = callingHost(hub, caller);
  const assigned = assignedTo(hub, host);
  if (assigned.length > 0 || !runScheduler(hub)) return assigned;
  return assignedTo(hub, host);
}

export function assignedTo(hub: HubContext, host: HostRow): TaskRow[] {
  return [...hub.tables.heldBy(host.id).values()].filter((task) => task.state === TASK_STATE.ASSIGNED);
}

export interface HostTask {
  readonly task: TaskRow;
  /** It waits, and a child it waits for has finished. */
  readonly alert: boolean;
}

/** Tasks OPEN on the caller. */
export function getHostTasks(hub: HubContext, caller: Caller): HostTask[] {
  const host = callingHost(hub, caller);
  return [...hub.tables.heldBy(host.id).values()]
    .filter((task) => task.state === TASK_STATE.OPEN)
    .map((task) => ({ task, alert: task.waiting === true && awaited(hub, task.id).finished.length > 0 }));
}

/** null = it cannot be had (any more); no fault. */
export function openTask(hub: HubContext, caller: Caller, taskId: number): TaskRow | null {
  const host = callingHost(hub, caller);
  const task = requireTask(hub, taskId);
  return openFor(hub, task, host.id) ? task : null;
}

function ownTask(hub: HubContext, caller: Caller, taskId: number): TaskRow {
  const host = callingHost(hub, caller);
  const task = requireTask(hub, taskId);
  if (!holdsOpen(host, task)) throw notAllowed(`host ${host.id} does not own task ${taskId}`);
  return task;
}

const holdsOpen = (host: HostRow, task: TaskRow) => task.state === TASK_STATE.OPEN && task.host_id === host.id;

export function setTaskWeight(hub: HubContext, caller: Caller, taskId: number, weight: number): void {
  hub.tables.patchTask(ownTask(hub, caller, taskId), { weight });
}

/** Closes the task with a value, or fails it with a fault. */
export function endTask(hub: HubContext, caller: Caller, taskId: number, result: TaskResult): void {
  finish(hub, ownTask(hub, caller, taskId), result);
}

/** Tasks that are no longer the caller's are passed over. */
export function freeTasks(hub: HubContext, caller: Caller, taskIds: readonly number[]): void {
  const host = callingHost(hub, caller);
  for (const id of taskIds) {
    const task = requireTask(hub, id);
    if (holdsOpen(host, task)) free(hub, task, "host.freeTasks");
  }
}

/** Bars the caller from a task it holds, for good or (soft) for SoftRefusalTimeout, and frees it. */
export function refuseTask(hub: HubContext, caller: Caller, taskId: number, soft: boolean, msg: string): void {
  const host = callingHost(hub, caller);
  const task = requireTask(hub, taskId);
  if (!isActive(task) || task.host_id !== host.id) return;
  refuse(hub, task.id, host.id, { soft, by_host: true, msg });
  free(hub, task, "host.refuseTask");
}

/** With a label: the child that already has it, whatever its state. */
export function subtask(hub: HubContext, caller: Caller, wanted: NewTask & { readonly parent: number }): number {
  ownTask(hub, caller, wanted.parent);
  const { label = null } = wanted;
  const known = label === null ? undefined : childWithLabel(hub, wanted.parent, label);
  return (known ?? createTask(hub, caller, wanted)).id;
}

function childWithLabel(hub: HubContext, parent: number, label: string): TaskRow | undefined {
  return hub.tables.childrenOf(parent).find((child) => child.label === label);
}

/** Marks the parent as waiting for these children; null = for all of them. */
export function taskSetWait(hub: HubContext, caller: Caller, parent: number, tasks: readonly number[] | null): void {
  callingHost(hub, caller);
  hub.tables.patchTask(requireTask(hub, parent), { waiting: true });
  for (const child of hub.tables.childrenOf(parent)) {
    const wanted = tasks === null || tasks.includes(child.id);
    if (wanted) hub.tables.patchTask(child, { awaited: true });
    else if (child.awaited) hub.tables.patchTask(child, { awaited: false });
  }
}

export interface Awaited {
  readonly finished: readonly number[];
  readonly unfinished: readonly number[];
}

function awaited(hub: HubContext, parent: number): Awaited {
  const children = hub.tables.childrenOf(parent).filter((child) => child.awaited);
  return {
    finished: children.filter(isFinished).map((child) => child.id),
    unfinished: children.filter((child) => !isFinished(child)).map((child) => child.id),
  };
}

/** Finished children are reported once: they are not awaited any more. */
export function taskWait(hub: HubContext, caller: Caller, parent: number): Awaited {
  callingHost(hub, caller);
  const result = awaited(hub, parent);
  for (const id of result.finished) hub.tables.patchTask(requireTask(hub, id), { awaited: false });
  return result;
}

/** Results of finished children; ends the wait. Throws the fault of the first that failed, unless it may fail. */
export function taskWaitResults(
  hub: HubContext,
  caller: Caller,
  parent: number,
  tasks: readonly number[] | null,
  canfail: readonly number[] = [],
): [number, XmlRpcValue][] {
  callingHost(hub, caller);
  hub.tables.patchTask(requireTask(hub, parent), { waiting: false });
  const children = hub.tables.childrenOf(parent);
  for (const child of children) hub.tables.patchTask(child, { awaited: false });
  const ids = tasks ?? children.filter(isFinished).map((child) => child.id);
  return ids.map((id) => {
    const task = requireTask(hub, id);
    if (!canfail.includes(id)) return [id, taskValue(task, true)];
    try {
      return [id, taskValue(task, false)];
    } catch (error) {
      if (!(error instanceof KojiFault) || task.state !== TASK_STATE.CANCELED) throw error;
      return [id, { faultCode: error.code, faultString: error.message }];
    }
  });
}

/** A parent gives up on its other children when one failed. */
export function cancelOwnChildren(hub: HubContext, caller: Caller, parent: number): void {
  cancelChildren(hub, ownTask(hub, caller, parent));
}

/** kojihub build_notification: a top-level task of the builder's own user, made as the build completes. */
export function notifyBuild(hub: HubContext, caller: Caller, taskId: number): void {
  const task = ownTask(hub, caller, taskId);
  createTask(hub, caller, { method: "buildNotification", args: [[], { task_id: task.id }, {}, ""] });
}
