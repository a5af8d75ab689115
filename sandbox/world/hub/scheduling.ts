// The hub's scheduler: the replica applied to the tables. It runs only inside a builder's call or by scheduler.doRun.

import { type HubState, schedule, TASK_STATE, type Task } from "../../../shared/hub/index.ts";
import { requestedInRow } from "../../../shared/hub/requests.ts";
import { assertPermission, type Caller, type HubContext } from "./context.ts";
import type { TaskRow, TaskRunRow } from "./rows.ts";
import { assignTo, free } from "./tasks.ts";

/** Rows by reference; finished tasks and ended runs are left out, for they change nothing. */
function rowsForRun({ tables }: HubContext) {
  return {
    channels: tables.channels.all(),
    hosts: tables.hostsInPlace(),
    tasks: [TASK_STATE.ASSIGNED, TASK_STATE.OPEN, TASK_STATE.FREE].flatMap((state) => [
      ...tables.inState(state).values(),
    ]),
    refusals: tables.refusals(),
    runs: tables.activeRuns(),
  };
}

/** A copy that does not change any more, as a client sees it: for tests, invariants, and a planner without XML-RPC. */
export function copyState(hub: HubContext): HubState {
  const { channels, hosts, tasks, refusals, runs } = rowsForRun(hub);
  return {
    now: hub.clock.now(),
    options: { ...hub.options },
    channels: channels.map(({ id, name, enabled }) => ({ id, name, enabled })),
    hosts: hosts.map(({ user_id: _user, description: _text, comment: _more, place: _place, ...host }) => host),
    tasks: tasks.map(copyTask),
    refusals: refusals.map(({ id: _id, msg: _msg, ...refusal }) => refusal),
    runs: runs.map((run) => ({ ...run })),
  };
}

function copyTask(task: TaskRow): Task {
  const { awaited: _awaited, owner: _owner, completion_ts: _end, request, result: _result, ...copy } = task;
  return { ...copy, ...requestedInRow(task.method, request) };
}

/** Whether it ran: not sooner than RunInterval after the last run, unless forced. */
export function runScheduler(hub: HubContext, force = false): boolean {
  const now = hub.clock.now();
  if (!force && now - hub.lastRun < hub.options.runInterval) return false;
  const { tables, lastRun } = hub;
  hub.lastRun = now;
  tables.journal.record(() => {
    hub.lastRun = lastRun;
  });
  const result = schedule({ now, options: hub.options, ...rowsForRun(hub) });
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
