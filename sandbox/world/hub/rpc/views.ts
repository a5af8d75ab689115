// scheduler.*: the hub's own query language over task runs, refusals and host data (kojihub QueryView).

import { isArray, XmlRpcDouble, type XmlRpcStruct, type XmlRpcValue } from "../../../../shared/hub/xmlrpc/values.ts";
import type { HubContext } from "../context.ts";
import { parameterError } from "../fault.ts";
import { asList, asText, isTrue } from "./args.ts";
import { cut } from "./list-tasks.ts";
import { double, maybeDouble } from "./structs.ts";

type Row = XmlRpcStruct;

/** What a row says of its task and host on request. */
function joined(hub: HubContext, taskId: number, hostId: number): Row {
  const task = hub.tables.tasks.get(taskId);
  const host = hub.tables.hosts.get(hostId);
  return {
    method: task?.method ?? null,
    state: task?.state ?? null,
    owner: task?.owner ?? null,
    arch: task?.arch ?? null,
    channel_id: task?.channel_id ?? null,
    host_name: host?.name ?? null,
    host_ready: host?.ready ?? null,
    start_ts: maybeDouble(task?.start_ts ?? null),
    completion_ts: maybeDouble(task?.completion_ts ?? null),
  };
}

const JOINED = ["method", "state", "owner", "arch", "channel_id", "host_name", "host_ready"];

interface View {
  readonly defaults: readonly string[];
  readonly more: readonly string[];
  /** `withJoined`: with what their tasks and hosts say, which is more work than the rows themselves. */
  rows(hub: HubContext, withJoined: boolean): Row[];
}

const TASK_RUNS: View = {
  defaults: ["id", "task_id", "host_id", "active", "create_ts"],
  more: [...JOINED, "start_ts", "completion_ts"],
  rows: (hub, withJoined) =>
    [...hub.tables.runs.values()].map((run) => ({
      ...(withJoined ? joined(hub, run.task_id, run.host_id) : {}),
      ...run,
      create_ts: double(run.create_ts),
    })),
};

const TASK_REFUSALS: View = {
  defaults: ["id", "task_id", "host_id", "by_host", "soft", "msg", "ts"],
  more: JOINED,
  rows: (hub, withJoined) =>
    hub.tables.refusals().map((refusal) => ({
      ...(withJoined ? joined(hub, refusal.task_id, refusal.host_id) : {}),
      ...refusal,
      ts: double(refusal.ts),
    })),
};

export interface Query {
  readonly clauses: XmlRpcValue;
  readonly fields: XmlRpcValue;
  readonly opts: XmlRpcStruct;
}

export const queryTaskRuns = (hub: HubContext, query: Query) => runQuery(hub, TASK_RUNS, query);
export const queryTaskRefusals = (hub: HubContext, query: Query) => runQuery(hub, TASK_REFUSALS, query);

function runQuery(hub: HubContext, view: View, { clauses, fields, opts }: Query): XmlRpcValue {
  const known = new Set([...view.defaults, ...view.more]);
  const names = readFields(view, fields).toSorted();
  const tests = (clauses === null ? [] : asList(clauses)).map(readClause);
  const asked = [...names, ...tests.map((test) => test.field)];
  for (const name of asked) if (!known.has(name)) throw parameterError(`Invalid field for query ${name}`);
  const withJoined = typeof opts.order === "string" || asked.some((name) => view.more.includes(name));
  const rowsOfView = view.rows(hub, withJoined);
  const found = rowsOfView.filter((row) => tests.every((test) => test.holds(plain(row[test.field] ?? null))));
  if (isTrue(opts.countOnly ?? null)) return found.length;
  const rows = cut(inOrder(found, opts.order ?? null), opts);
  return rows.map((row) => Object.fromEntries(names.map((name) => [name, row[name] ?? null])));
}

/** nil and `*`: the usual fields; `**`: all. */
function readFields(view: View, fields: XmlRpcValue): readonly string[] {
  if (fields === null || fields === "*") return view.defaults;
  if (fields === "**") return [...view.defaults, ...view.more];
  return (isArray(fields) ? fields : [fields]).map(asText);
}

type Plain = XmlRpcValue;
const plain = (value: XmlRpcValue): Plain => (value instanceof XmlRpcDouble ? value.value : value);

interface Clause {
  readonly field: string;
  holds(value: Plain): boolean;
}

/** `[field, value]` or `[field, op, value]`; a list of values means IN. */
function readClause(clause: XmlRpcValue): Clause {
  const [field = null, ...rest] = asList(clause);
  const op = rest.length === 2 ? asText(rest[0] ?? null).toUpperCase() : isArray(rest[0]) ? "IN" : "=";
  const value = plain(rest.at(-1) ?? null);
  return { field: asText(field), holds: operator(op, value) };
}

function operator(op: string, wanted: Plain): (value: Plain) => boolean {
  switch (op) {
    case "=":
    case "IS":
      return (value) => value === wanted;
    case "!=":
    case "IS NOT":
      return (value) => value !== wanted;
    case "IN": {
      const values = new Set(asList(wanted).map(plain));
      return (value) => values.has(value);
    }
    case "<":
    case ">":
    case "<=":
    case ">=":
      return (value) => compares(op, value, wanted);
    default:
      throw parameterError(`Invalid clause operator: ${op}`);
  }
}

function compares(op: "<" | ">" | "<=" | ">=", value: Plain, wanted: Plain): boolean {
  if (value === null || wanted === null) return false;
  if (op === "<") return value < wanted;
  if (op === ">") return value > wanted;
  return op === "<=" ? value <= wanted : value >= wanted;
}

function inOrder(rows: readonly Row[], order: XmlRpcValue): readonly Row[] {
  if (order === null) return rows;
  const fields = asText(order).split(",");
  return rows.toSorted((a, b) => {
    for (const word of fields) {
      const name = word.replace(/^-/, "");
      const [left, right] = word.startsWith("-") ? [b, a] : [a, b];
      const [x, y] = [plain(left[name] ?? null), plain(right[name] ?? null)];
      if (compares("<", x, y)) return -1;
      if (compares(">", x, y)) return 1;
    }
    return 0;
  });
}
