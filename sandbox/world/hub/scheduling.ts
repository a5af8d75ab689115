// The hub's scheduler: the replica applied to the tables. It runs only inside a builder's call or by scheduler.doRun.

import { type HubState, schedule, TASK_STATE, type Task } from "../../../shared/hub/index.ts";
import { requestedBuild } from "../../../shared/hub/requests.ts";
import { assertPermission, type Caller, type HubContext } from "./context.ts";
import type { TaskRow, TaskRunRow } from "./rows.ts";
import { assignTo, free } from "./tasks.ts";

/** The state a run looks at: rows by reference, finished tasks and ended runs left out (they change nothing). */
function stateForRun(hub: HubContext): HubState {
  const { tables } = hub;
  const tasks = [TASK_STATE.ASSIGNED, TASK_STATE.OPEN, TASK_STATE.FREE].flatMap((state) => [
    ...tables.inState(state).values(),
  ]);
  return {
    now: hub.clock.now(),
    options: hub.options,
    channels: tables.channels.all(),
    hosts: tables.hostsInPlace(),
    tasks,
    refusals: tables.refusals(),
    runs: tables.activeRuns(),
  };
}

/** A copy that does not change any more: for tests, invariants, and a planner without XML-RPC. */
export function copyState(hub: HubContext): HubState {
  const state = stateForRun(hub);
  return {
    ...state,
    options: { ...state.options },
    channels: state.channels.map((row) => ({ ...row })),
    hosts: state.hosts.map((row) => ({ ...row })),
    tasks: state.tasks.map(copyTask),
    refusals: state.refusals.map((row) => ({ ...row })),
    runs: state.runs.map((row) => ({ ...row })),
  };
}

function copyTask(task: Task): Task {
  const request = "request" in task ? task.request : null;
  return { ...task, ...requestedBuild(task.method, request) };
}

/** Whether it ran: not sooner than RunInterval after the last run, unless forced. */
export function runScheduler(hub: HubContext, force = false): boolean {
  const now = hub.clock.now();
  if (!force && now - hub.lastRun < hub.options.runInterval) return false;
  hub.lastRun = now;
  const { tables } = hub;
  const result = schedule(stateForRun(hub));
  for (const id of result.marked_not_ready) {
    const host = tables.hosts.get(id);
    if (host !== undefined) tables.patch(host, { ready: false });
  }
  for (const [taskId, hostId] of result.refusals_dropped) tables.deleteRefusal(taskId, hostId);
  const runsOfTask = Map.groupBy(tables.activeRuns(), (run) => run.task_id);
  for (const { task_id, host_id } of result.assigned) {
    const task = tables.tasks.get(task_id);
    if (task !== undefined && assignTo(hub, task, host_id, "scheduler")) addRun(hub, task, runsOfTask.get(task_id));
  }
  for (const { task_id, host_id } of result.refusals_added) {
    refuse(hub, task_id, host_id, { soft: true, by_host: false, msg: "assignment timeout" });
  }
  for (const { task_id, reason } of result.freed) {
    const task = tables.tasks.get(task_id);
    if (task !== undefined) free(hub, task, reason);
  }
  for (const id of result.runs_ended) {
    const run = tables.runs.get(id);
    if (run?.active) tables.endRun(run);
  }
  return true;
}

/** scheduler.doRun: admins only. */
export function doRun(hub: HubContext, caller: Caller, force: boolean): boolean {
  assertPermission(caller, "admin");
  return runScheduler(hub, force);
}

/** A new active run of a task that was just given to a host; older ones end. */
export function addRun(hub: HubContext, task: TaskRow, older: readonly TaskRunRow[] | undefined): void {
  for (const run of older ?? []) hub.tables.endRun(run);
  if (task.host_id === null) return;
  const create_ts = hub.clock.now();
  hub.tables.insertRun({ task_id: task.id, host_id: task.host_id, active: true, create_ts });
}

/** At most one refusal of a task and host: an older one is changed in place and keeps its time. */
export function refuse(
  hub: HubContext,
  taskId: number,
  hostId: number,
  refusal: { readonly soft: boolean; readonly by_host: boolean; readonly msg: string },
): void {
  const known = hub.tables.findRefusal(taskId, hostId);
  if (known !== undefined) hub.tables.patch(known, refusal);
  else hub.tables.insertRefusal({ task_id: taskId, host_id: hostId, ...refusal, ts: hub.clock.now() });
}
