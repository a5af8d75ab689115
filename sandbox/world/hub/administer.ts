// What people and Toji ask of tasks: submit, cancel, free, assign, change priority; with the hub's checks of permission.

import { isArray, type XmlRpcStruct, type XmlRpcValue } from "../../../shared/hub/xmlrpc/values.ts";
import { assertLogin, assertPermission, type Caller, type HubContext, hasPermission, requireTask } from "./context.ts";
import { genericError, noRows, notAllowed } from "./fault.ts";
import type { TaskRow } from "./rows.ts";
import { addRun } from "./scheduling.ts";
import { requireTag } from "./tags.ts";
import * as tasks from "./tasks.ts";

export interface BuildOptions {
  readonly opts?: XmlRpcStruct;
  /** Relative to 20. */
  readonly priority?: number | null;
  readonly channel?: string | null;
}

/** The target is not looked at: a wrong one fails later, on a builder. */
export function build(
  hub: HubContext,
  caller: Caller,
  src: string,
  target: string | null,
  { opts = {}, priority = null, channel = null }: BuildOptions = {},
): TaskRow {
  assertLogin(caller);
  const asked = relativePriority(caller, priority);
  return tasks.createTask(hub, caller, { method: "build", args: [src, target, opts], channel, priority: asked });
}

/** kojihub: only admins may go before the default. */
function relativePriority(caller: Caller, priority: number | null): number {
  if (priority !== null && priority < 0 && !hasPermission(caller, "admin")) {
    throw notAllowed("only admins may create high-priority tasks");
  }
  return tasks.DEFAULT_PRIORITY + (priority ?? 0);
}

const NEW_REPO_PRIORITY = 15;

export function newRepo(hub: HubContext, caller: Caller, tag: number | string, opts: XmlRpcStruct = {}): TaskRow {
  if (!hasPermission(caller, "repo")) assertPermission(caller, "regen-repo");
  requireTag(hub, tag);
  const args: XmlRpcValue[] = [tag];
  if (Object.keys(opts).length > 0) args.push({ ...opts, __starstar: true });
  return tasks.createTask(hub, caller, { method: "newRepo", args, channel: "createrepo", priority: NEW_REPO_PRIORITY });
}

export interface ImageBuild {
  readonly name: string;
  readonly version: string;
  readonly arches: XmlRpcValue;
  readonly target: string;
  readonly ksfile: string;
  readonly type: string;
}

/** The permission and the channel have the name of the type; livemedia is noarch, the other two have one arch. */
export function buildImage(hub: HubContext, caller: Caller, image: ImageBuild, options: BuildOptions = {}): TaskRow {
  const { name, version, arches, target, ksfile, type } = image;
  if (!["livecd", "appliance", "livemedia"].includes(type)) throw genericError(`Unrecognized image type: ${type}`);
  assertPermission(caller, type);
  const [first = "noarch"] = isArray(arches) ? arches : [arches];
  return tasks.createTask(hub, caller, {
    method: type,
    args: [name, version, arches, target, ksfile, options.opts ?? {}],
    arch: type === "livemedia" || typeof first !== "string" ? "noarch" : first,
    channel: type,
    priority: relativePriority(caller, options.priority ?? null),
  });
}

export function makeTask(hub: HubContext, caller: Caller, wanted: tasks.NewTask): TaskRow {
  assertPermission(caller, "admin");
  return tasks.createTask(hub, caller, wanted);
}

/** For the owner, the host that runs it, and admins. A finished task stays as it is: no fault. */
export function cancelTask(hub: HubContext, caller: Caller, taskId: number, recurse = true): void {
  tasks.cancel(hub, cancelable(hub, caller, taskId), recurse);
}

export function cancelTaskChildren(hub: HubContext, caller: Caller, taskId: number): void {
  tasks.cancelChildren(hub, cancelable(hub, caller, taskId));
}

function cancelable(hub: HubContext, caller: Caller, taskId: number): TaskRow {
  const task = requireTask(hub, taskId);
  const owner = caller.user !== null && task.owner === caller.user.id;
  const host = caller.user === null ? undefined : hub.tables.hostOfUser(caller.user.id);
  const runs = host !== undefined && task.host_id === host.id;
  if (!owner && !runs && !hasPermission(caller, "admin")) throw notAllowed("Cannot cancel task, not owner");
  return task;
}

/** Admin: the whole tree. A child is refused unless `strict` is off. */
export function cancelTaskFull(hub: HubContext, caller: Caller, taskId: number, strict = true): void {
  assertPermission(caller, "admin");
  const task = requireTask(hub, taskId);
  if (task.parent !== null && strict) {
    throw genericError(`Task ${taskId} is not top-level (parent=${task.parent})`);
  }
  if (task.parent !== null) cancelTaskFull(hub, caller, task.parent, false);
  else cancelTree(hub, task);
}

/** Goes on below tasks that have finished, which a plain cancel does not. */
function cancelTree(hub: HubContext, task: TaskRow): void {
  tasks.cancel(hub, task, false);
  for (const child of hub.tables.childrenOf(task.id)) cancelTree(hub, child);
}

/** Admin only. */
export function freeTask(hub: HubContext, caller: Caller, taskId: number): void {
  assertPermission(caller, "admin");
  const task = hub.tables.tasks.get(taskId);
  if (task === undefined) throw noRows();
  tasks.free(hub, task, "freeTask");
}

export interface Assignment {
  /** Even if the task is not FREE. */
  readonly force?: boolean;
  /** The scheduler leaves it alone for good. */
  readonly override?: boolean;
}

/** Admin only. False = the task is not to be had. */
export function assignTask(
  hub: HubContext,
  caller: Caller,
  taskId: number,
  hostIdOrName: number | string,
  { force = false, override = false }: Assignment = {},
): boolean {
  assertPermission(caller, "admin");
  const task = requireTask(hub, taskId);
  const host = hub.tables.findHost(hostIdOrName);
  if (host === undefined) throw genericError(`Invalid hostInfo: ${hostIdOrName}`);
  if (!tasks.assignTo(hub, task, host.id, "assignTask", force)) return false;
  const older = hub.tables.activeRuns().filter((run) => run.task_id === task.id);
  if (!override) addRun(hub, task, older);
  else for (const run of older) hub.tables.endRun(run);
  return true;
}

/** Admin only; smaller = sooner. */
export function setTaskPriority(
  hub: HubContext,
  caller: Caller,
  taskId: number,
  priority: number,
  recurse = true,
): void {
  assertPermission(caller, "admin");
  const task = requireTask(hub, taskId);
  if (task.completion_ts !== null) throw genericError("Finished task's priority can't be updated");
  tasks.setPriority(hub, task, priority, recurse);
}
