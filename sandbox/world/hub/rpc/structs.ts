// Rows as the hub sends them: all members present (nil where empty), in the order of their names, times twice.

import { encodeCall, encodeFault, encodeResponse } from "../../../../shared/hub/xmlrpc/encode.ts";
import { XmlRpcDouble, type XmlRpcStruct, type XmlRpcValue } from "../../../../shared/hub/xmlrpc/values.ts";
import type { ChannelRow, HostReport, HostRow, SessionRow, TagRow, TaskRow, UserRow } from "../rows.ts";
import type { BuildConfig } from "../tags.ts";

export const double = (value: number): XmlRpcDouble => new XmlRpcDouble(value);
export const maybeDouble = (value: number | null): XmlRpcDouble | null => (value === null ? null : double(value));

/** As PostgreSQL and Python write it: no fraction when it is zero. */
export function timeText(seconds: number): string {
  const microseconds = Math.round(seconds * 1e6);
  const whole = Math.floor(microseconds / 1e6);
  const rest = microseconds - whole * 1e6;
  const fraction = rest === 0 ? "" : `.${String(rest).padStart(6, "0")}`;
  return `${new Date(whole * 1000).toISOString().slice(0, 19).replace("T", " ")}${fraction}+00:00`;
}

const maybeTime = (seconds: number | null) => (seconds === null ? null : timeText(seconds));

export function taskStruct(task: TaskRow) {
  return {
    arch: task.arch,
    awaited: task.awaited,
    channel_id: task.channel_id,
    completion_time: maybeTime(task.completion_ts),
    completion_ts: maybeDouble(task.completion_ts),
    create_time: timeText(task.create_ts),
    create_ts: double(task.create_ts),
    host_id: task.host_id,
    id: task.id,
    label: task.label,
    method: task.method,
    owner: task.owner,
    parent: task.parent,
    priority: task.priority,
    start_time: maybeTime(task.start_ts),
    start_ts: maybeDouble(task.start_ts),
    state: task.state,
    waiting: task.waiting,
    weight: double(task.weight),
  } satisfies XmlRpcStruct;
}

/** With the decoded request, which the hub adds at the end. */
export const taskWithRequest = (task: TaskRow): XmlRpcStruct => ({ ...taskStruct(task), request: task.request });

export const rawRequest = (task: TaskRow): string => encodeCall(task.method, task.request);

export function rawResult({ result }: TaskRow): string | null {
  if (result === null) return null;
  return "value" in result ? encodeResponse(result.value) : encodeFault(result.fault.code, result.fault.text);
}

/** A success is a one-element array, a failure a struct. */
export function decodedResult({ result }: TaskRow): XmlRpcValue {
  if (result === null) return null;
  if ("value" in result) return [result.value];
  return { faultCode: result.fault.code, faultString: result.fault.text };
}

/** What host.getTasks shows of an assigned task. */
export function assignedStruct(task: TaskRow): XmlRpcStruct {
  const { arch, channel_id, host_id, id, method, priority, state } = task;
  return { arch, channel_id, create_ts: double(task.create_ts), host_id, id, method, priority, state };
}

export function hostStruct(host: HostRow): XmlRpcStruct {
  return {
    arches: host.arches,
    capacity: double(host.capacity),
    comment: host.comment,
    description: host.description,
    enabled: host.enabled,
    id: host.id,
    name: host.name,
    ready: host.ready,
    task_load: double(host.task_load),
    update_ts: maybeDouble(host.update_ts),
    user_id: host.user_id,
  };
}

export function hostReportStruct(data: HostReport): XmlRpcStruct {
  const report: Record<string, XmlRpcValue> = {};
  if (data.maxjobs !== undefined) report.maxjobs = data.maxjobs;
  if (data.methods !== undefined) report.methods = data.methods;
  return report;
}

export function channelStruct({ comment, description, enabled, id, name }: ChannelRow): XmlRpcStruct {
  return { comment, description, enabled, id, name };
}

export function userStruct({ id, name, status, usertype }: UserRow): XmlRpcStruct {
  return { id, name, status, usertype, krb_principals: [] };
}

export function sessionStruct({ id, key }: SessionRow): XmlRpcStruct {
  return { "session-id": id, "session-key": key, "header-auth": true };
}

export function tagStruct({ id, name, arches, extra }: TagRow): XmlRpcStruct {
  return {
    arches,
    id,
    locked: false,
    maven_include_all: false,
    maven_support: false,
    name,
    perm: null,
    perm_id: null,
    extra,
  };
}

export function buildConfigStruct({ tag, arches, extra, archesFrom, extraFrom }: BuildConfig): XmlRpcStruct {
  const short = ({ id, name }: TagRow) => ({ id, name });
  return {
    ...tagStruct(tag),
    arches,
    extra,
    config_inheritance: {
      extra: Object.fromEntries([...extraFrom].map(([key, from]) => [key, short(from)])),
      arches: archesFrom === null ? null : short(archesFrom),
    },
  };
}
