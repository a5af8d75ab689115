// The session of one builder, in-process: host.* as kojid calls it, without XML-RPC between. Any call may throw KojiFault.

import type { XmlRpcValue } from "../../../shared/hub/xmlrpc/values.ts";
import * as calls from "./builder.ts";
import { assertNotLockedOut, assertOnline, type Caller, type HubContext, requireTask } from "./context.ts";
import { authError } from "./fault.ts";
import { neededArches, servesOneOf } from "./placement.ts";
import { taskValue } from "./results.ts";
import type { HostReport, HostRow, SessionRow, TaskResult, TaskRow, UserRow } from "./rows.ts";
import { logout, makeExclusive, newSession } from "./sessions.ts";
import { type BuildConfig, buildConfig, requireTarget } from "./tags.ts";
import type { NewTask } from "./tasks.ts";

export class BuilderSession {
  readonly hostId: number;
  readonly #hub: HubContext;
  readonly #user: UserRow;
  readonly #session: SessionRow;

  /** Logs in as the host's user and takes the user's lock, as `kojid --force-lock` does: the older session is closed. */
  constructor(hub: HubContext, hostName: string) {
    assertOnline(hub);
    const host = hub.tables.findHost(hostName);
    const user = host && hub.tables.users.find(host.user_id);
    if (host === undefined || user === undefined) throw authError(`User ${hostName} is not a host`);
    this.hostId = host.id;
    this.#hub = hub;
    this.#user = user;
    this.#session = newSession(hub, user, null);
    makeExclusive(hub, this.#caller("exclusiveSession"), true);
  }

  #caller(method: string): Caller {
    assertOnline(this.#hub);
    if (this.#session.closed) throw authError("Invalid session or bad credentials");
    const caller = { user: this.#user, session: this.#session, exclusive: this.#session.exclusive };
    assertNotLockedOut(this.#hub, caller, method);
    this.#session.update_ts = this.#hub.clock.now();
    this.#user.last_call_ts = this.#session.update_ts;
    return caller;
  }

  getHost(): Readonly<HostRow> {
    this.#caller("host.getHost");
    const host = this.#hub.tables.hosts.get(this.hostId);
    if (host === undefined) throw authError("Host mismatch");
    return host;
  }

  updateHost(taskLoad: number, ready: boolean, data?: HostReport): void {
    calls.updateHost(this.#hub, this.#caller("host.updateHost"), taskLoad, ready, data);
  }

  /** ASSIGNED tasks; may run the scheduler. */
  getTasks(): readonly Readonly<TaskRow>[] {
    return calls.getTasks(this.#hub, this.#caller("host.getTasks"));
  }

  /** OPEN tasks. */
  getHostTasks(): readonly calls.HostTask[] {
    return calls.getHostTasks(this.#hub, this.#caller("host.getHostTasks"));
  }

  openTask(taskId: number): Readonly<TaskRow> | null {
    return calls.openTask(this.#hub, this.#caller("host.openTask"), taskId);
  }

  setTaskWeight(taskId: number, weight: number): void {
    calls.setTaskWeight(this.#hub, this.#caller("host.setTaskWeight"), taskId, weight);
  }

  subtask(wanted: NewTask & { readonly parent: number }): number {
    return calls.subtask(this.#hub, this.#caller("host.subtask"), wanted);
  }

  taskSetWait(parent: number, tasks: readonly number[] | null): void {
    calls.taskSetWait(this.#hub, this.#caller("host.taskSetWait"), parent, tasks);
  }

  taskWait(parent: number): calls.Awaited {
    return calls.taskWait(this.#hub, this.#caller("host.taskWait"), parent);
  }

  taskWaitResults(parent: number, tasks: readonly number[] | null): [number, XmlRpcValue][] {
    return calls.taskWaitResults(this.#hub, this.#caller("host.taskWaitResults"), parent, tasks);
  }

  endTask(taskId: number, result: TaskResult): void {
    const method = "value" in result ? "host.closeTask" : "host.failTask";
    calls.endTask(this.#hub, this.#caller(method), taskId, result);
  }

  freeTasks(taskIds: readonly number[]): void {
    calls.freeTasks(this.#hub, this.#caller("host.freeTasks"), taskIds);
  }

  refuseTask(taskId: number, options: { readonly soft: boolean; readonly msg: string }): void {
    calls.refuseTask(this.#hub, this.#caller("host.refuseTask"), taskId, options.soft, options.msg);
  }

  /** Throws the fault of a task that failed, or that it was canceled. */
  getTaskResult(taskId: number): XmlRpcValue {
    this.#caller("getTaskResult");
    return taskValue(requireTask(this.#hub, taskId), true);
  }

  cancelTaskChildren(parent: number): void {
    calls.cancelOwnChildren(this.#hub, this.#caller("cancelTaskChildren"), parent);
  }

  /** What the hub does at the end of host.completeBuild. */
  notifyBuild(taskId: number): void {
    calls.notifyBuild(this.#hub, this.#caller("host.completeBuild"), taskId);
  }

  logout(): void {
    logout(this.#hub, this.#caller("logout"));
  }

  // --- reads that handlers make

  getBuildTarget(name: string): { readonly buildTag: number; readonly destTag: number } {
    this.#caller("getBuildTarget");
    const target = requireTarget(this.#hub, name);
    return { buildTag: target.build_tag, destTag: target.dest_tag };
  }

  getBuildConfig(tag: number | string): BuildConfig {
    this.#caller("getBuildConfig");
    return buildConfig(this.#hub, tag);
  }

  getAverageBuildDuration(packageName: string): number | null {
    this.#caller("getAverageBuildDuration");
    return this.#hub.tables.packageSeconds(packageName);
  }

  getTaskInfo(taskId: number): Readonly<TaskRow> {
    this.#caller("getTaskInfo");
    return requireTask(this.#hub, taskId);
  }

  /** BaseTaskHandler.checkHost of noarch tasks: whether this host has an arch of the build tag. */
  canServe(taskId: number): boolean {
    const needed = neededArches(this.#hub, this.getTaskInfo(taskId));
    const host = this.#hub.tables.hosts.get(this.hostId);
    return needed === null || (host !== undefined && servesOneOf(host, needed));
  }
}
