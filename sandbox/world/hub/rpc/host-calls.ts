// host.*, scheduler.* and the calls of sessions over XML-RPC.

import { HubFault } from "../../../../shared/hub/faults.ts";
import { decodeResponse } from "../../../../shared/hub/xmlrpc/decode.ts";
import { isStruct, type XmlRpcValue } from "../../../../shared/hub/xmlrpc/values.ts";
import * as builder from "../builder.ts";
import { type Caller, callingHost, type HubContext } from "../context.ts";
import type { HostReport, TaskResult } from "../rows.ts";
import { doRun } from "../scheduling.ts";
import * as sessions from "../sessions.ts";
import { type Args, asInt, asList, asText } from "./args.ts";
import { taskOptions } from "./changes.ts";
import { type Call, type MethodTable, nil } from "./method.ts";
import * as structs from "./structs.ts";
import { type Query, queryTaskRefusals, queryTaskRuns } from "./views.ts";

function report(value: XmlRpcValue): HostReport | null {
  if (!isStruct(value)) return null;
  const { methods = null, maxjobs = null } = value;
  return {
    ...(methods === null ? {} : { methods: asList(methods).map(asText) }),
    ...(maxjobs === null ? {} : { maxjobs: asInt(maxjobs) }),
  };
}

/** The document that a task handler left: its value or its fault. */
function readResult(xml: string): TaskResult {
  try {
    return { value: decodeResponse(xml, { exactDoubles: true }) };
  } catch (error) {
    if (!(error instanceof HubFault)) throw error;
    return { fault: { code: error.code, text: error.faultString } };
  }
}

const endTask = ({ hub, caller, args }: Call) =>
  nil(builder.endTask(hub, caller, args.int("task_id"), readResult(args.text("response"))));

function openTask(hub: HubContext, caller: Caller, taskId: number): XmlRpcValue {
  const task = builder.openTask(hub, caller, taskId);
  return task === null ? null : { ...structs.taskStruct(task), request: structs.rawRequest(task) };
}

function hostTask({ task, alert }: builder.HostTask): XmlRpcValue {
  const shown = { id: task.id, waiting: task.waiting, weight: structs.double(task.weight) };
  return alert ? { ...shown, alert } : shown;
}

/** Since 1.35 only the caller and what is assigned to it. */
function loadData(hub: HubContext, caller: Caller): XmlRpcValue {
  const host = callingHost(hub, caller);
  const assigned = builder.getTasks(hub, caller).map(structs.assignedStruct);
  return [[{ ...structs.hostStruct(host), channels: host.channels }], assigned];
}

const taskIds = (value: XmlRpcValue) => (value === null ? null : asList(value).map(asInt));

export const HOST_CALLS: MethodTable = {
  "host.getID": ["HostExports.getID(self)", ({ hub, caller }) => callingHost(hub, caller).id],
  "host.getHost": ["HostExports.getHost(self)", ({ hub, caller }) => structs.hostStruct(callingHost(hub, caller))],
  "host.isEnabled": ["HostExports.isEnabled(self)", ({ hub, caller }) => callingHost(hub, caller).enabled],
  "host.updateHost": [
    "HostExports.updateHost(self, task_load, ready, data=None)",
    ({ hub, caller, args }) =>
      nil(builder.updateHost(hub, caller, args.number("task_load"), args.flag("ready"), report(args.value("data")))),
  ],
  "host.getTasks": [
    "HostExports.getTasks(self)",
    ({ hub, caller }) => builder.getTasks(hub, caller).map(structs.assignedStruct),
  ],
  "host.getLoadData": ["HostExports.getLoadData(self)", ({ hub, caller }) => loadData(hub, caller)],
  "host.getHostTasks": [
    "HostExports.getHostTasks(self)",
    ({ hub, caller }) => builder.getHostTasks(hub, caller).map(hostTask),
  ],
  "host.openTask": [
    "HostExports.openTask(self, task_id)",
    ({ hub, caller, args }) => openTask(hub, caller, args.int("task_id")),
  ],
  "host.setTaskWeight": [
    "HostExports.setTaskWeight(self, task_id, weight)",
    ({ hub, caller, args }) => nil(builder.setTaskWeight(hub, caller, args.int("task_id"), args.number("weight"))),
  ],
  "host.closeTask": ["HostExports.closeTask(self, task_id, response)", endTask],
  "host.failTask": ["HostExports.failTask(self, task_id, response)", endTask],
  "host.freeTasks": [
    "HostExports.freeTasks(self, tasks)",
    ({ hub, caller, args }) => nil(builder.freeTasks(hub, caller, args.list("tasks").map(asInt))),
  ],
  "host.refuseTask": [
    "HostExports.refuseTask(self, task_id, soft=True, msg='')",
    ({ hub, caller, args }) =>
      nil(builder.refuseTask(hub, caller, args.int("task_id"), args.flag("soft", true), args.maybeText("msg") ?? "")),
  ],
  "host.subtask": [
    "HostExports.subtask(self, method, arglist, parent, **opts)",
    ({ hub, caller, args }) =>
      builder.subtask(hub, caller, {
        method: args.text("method"),
        args: args.list("arglist"),
        parent: args.int("parent"),
        ...taskOptions(hub, args),
      }),
  ],
  "host.taskSetWait": [
    "HostExports.taskSetWait(self, parent, tasks)",
    ({ hub, caller, args }) => nil(builder.taskSetWait(hub, caller, args.int("parent"), taskIds(args.value("tasks")))),
  ],
  "host.taskWait": [
    "HostExports.taskWait(self, parent)",
    ({ hub, caller, args }) => {
      const { finished, unfinished } = builder.taskWait(hub, caller, args.int("parent"));
      return [finished, unfinished];
    },
  ],
  "host.taskWaitResults": [
    "HostExports.taskWaitResults(self, parent, tasks, canfail=None)",
    ({ hub, caller, args }) => {
      const canfail = taskIds(args.value("canfail")) ?? [];
      return builder.taskWaitResults(hub, caller, args.int("parent"), taskIds(args.value("tasks")), canfail);
    },
  ],
};

const query = (args: Args): Query => ({
  clauses: args.value("clauses"),
  fields: args.value("fields"),
  opts: args.struct("opts"),
});

export const SCHEDULER_CALLS: MethodTable = {
  "scheduler.doRun": [
    "SchedulerExports.doRun(self, force=False)",
    ({ hub, caller, args }) => doRun(hub, caller, args.flag("force")),
  ],
  "scheduler.getTaskRuns": [
    "SchedulerExports.getTaskRuns(self, clauses=None, fields=None, opts=None)",
    ({ hub, args }) => queryTaskRuns(hub, query(args)),
  ],
  "scheduler.getTaskRefusals": [
    "SchedulerExports.getTaskRefusals(self, clauses=None, fields=None, opts=None)",
    ({ hub, args }) => queryTaskRefusals(hub, query(args)),
  ],
  "scheduler.getHostData": [
    "get_host_data(hostID=None)",
    ({ hub, args }) => {
      const id = args.maybeInt("hostID");
      return [...hub.tables.hosts.values()].flatMap((host) =>
        host.data === null || (id !== null && host.id !== id)
          ? []
          : [{ data: structs.hostReportStruct(host.data), host_id: host.id }],
      );
    },
  ],
};

export const SESSION_CALLS: MethodTable = {
  sslLogin: [
    "sslLogin(proxyuser=None, proxyauthtype=None, renew=False, exclusive=None)",
    ({ hub, caller, args, ssl }) =>
      structs.sessionStruct(
        sessions.sslLogin(hub, caller, ssl, { proxyuser: args.maybeText("proxyuser"), renew: args.flag("renew") }),
      ),
  ],
  logout: [
    "logout(session_id=None)",
    ({ hub, caller, args }) => nil(sessions.logout(hub, caller, args.maybeInt("session_id"))),
  ],
  subsession: ["subsession()", ({ hub, caller }) => structs.sessionStruct(sessions.subsession(hub, caller))],
  logoutChild: [
    "logoutChild(session_id)",
    ({ hub, caller, args }) => nil(sessions.logoutChild(hub, caller, args.int("session_id"))),
  ],
  exclusiveSession: [
    "exclusiveSession(force=False)",
    ({ hub, caller, args }) => nil(sessions.makeExclusive(hub, caller, args.flag("force"))),
  ],
  sharedSession: ["sharedSession()", ({ hub, caller }) => nil(sessions.makeShared(hub, caller))],
};
