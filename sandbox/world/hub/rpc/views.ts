// scheduler.* and repo.*: the hub's own query language over task runs, refusals, repos and requests of them (kojihub QueryView).

import { isArray, XmlRpcDouble, type XmlRpcStruct, type XmlRpcValue } from "../../../../shared/hub/xmlrpc/values.ts";
import type { HubContext } from "../context.ts";
import { parameterError } from "../fault.ts";
import type { HostRow, RefusalRow, TaskRow, TaskRunRow } from "../rows.ts";
import { asList, asText, isTrue } from "./args.ts";
import { cut } from "./list-tasks.ts";
import { double, maybeDouble } from "./structs.ts";

/** A table as clauses and fields see it. */
export interface View<Row> {
  /** Its usual fields. */
  readonly columns: { readonly [name: string]: (row: Row, hub: HubContext) => XmlRpcValue };
  /** Those that are given on request only. */
  readonly more: { readonly [name: string]: (row: Row, hub: HubContext) => XmlRpcValue };
  rows(hub: HubContext): readonly Row[];
}

/** What a row of either table has, and what it is joined with by. */
interface Placed {
  readonly task_id: number;
  readonly host_id: number;
}

const taskOf = (row: Placed, hub: HubContext): TaskRow | undefined => hub.tables.tasks.get(row.task_id);
const hostOf = (row: Placed, hub: HubContext): HostRow | undefined => hub.tables.hosts.get(row.host_id);

/** What a row says of its task and host on request. */
const JOINED_BY_BOTH: View<Placed>["more"] = {
  method: (row, hub) => taskOf(row, hub)?.method ?? null,
  state: (row, hub) => taskOf(row, hub)?.state ?? null,
  owner: (row, hub) => taskOf(row, hub)?.owner ?? null,
  arch: (row, hub) => taskOf(row, hub)?.arch ?? null,
  channel_id: (row, hub) => taskOf(row, hub)?.channel_id ?? null,
  host_name: (row, hub) => hostOf(row, hub)?.name ?? null,
  host_ready: (row, hub) => hostOf(row, hub)?.ready ?? null,
};

const TASK_RUNS: View<TaskRunRow> = {
  columns: {
    id: (run) => run.id,
    task_id: (run) => run.task_id,
    host_id: (run) => run.host_id,
    active: (run) => run.active,
    create_ts: (run) => double(run.create_ts),
  },
  more: {
    ...JOINED_BY_BOTH,
    start_ts: (run, hub) => maybeDouble(taskOf(run, hub)?.start_ts ?? null),
    completion_ts: (run, hub) => maybeDouble(taskOf(run, hub)?.completion_ts ?? null),
  },
  rows: (hub) => [...hub.tables.runs.values()],
};

const TASK_REFUSALS: View<RefusalRow> = {
  columns: {
    id: (refusal) => refusal.id,
    task_id: (refusal) => refusal.task_id,
    host_id: (refusal) => refusal.host_id,
    by_host: (refusal) => refusal.by_host,
    soft: (refusal) => refusal.soft,
    msg: (refusal) => refusal.msg,
    ts: (refusal) => double(refusal.ts),
  },
  more: JOINED_BY_BOTH,
  rows: (hub) => hub.tables.refusals(),
};

export interface Query {
  readonly clauses: XmlRpcValue;
  readonly fields: XmlRpcValue;
  readonly opts: XmlRpcStruct;
}

export const queryTaskRuns = (hub: HubContext, query: Query) => runQuery(hub, TASK_RUNS, query);
export const queryTaskRefusals = (hub: HubContext, query: Query) => runQuery(hub, TASK_REFUSALS, query);

export function runQuery<Row>(
  hub: HubContext,
  view: View<Row>,
  { clauses, fields, opts }: Query,
): XmlRpcStruct[] | number {
  const known = { ...view.more, ...view.columns };
  const names = readFields(Object.keys(view.columns), Object.keys(view.more), fields).toSorted();
  const tests = (clauses === null ? [] : asList(clauses)).map(readClause);
  for (const name of [...names, ...tests.map((test) => test.field)]) {
    if (!Object.hasOwn(known, name)) throw parameterError(`Invalid field for query ${name}`);
  }
  const read: Read<Row> = (row, name) => known[name]?.(row, hub) ?? null;
  const found = view.rows(hub).filter((row) => tests.every((test) => test.holds(plain(read(row, test.field)))));
  if (isTrue(opts.countOnly ?? null)) return found.length;
  const rows = cut(inOrder(found, read, opts.order ?? null), opts);
  return rows.map((row) => Object.fromEntries(names.map((name) => [name, read(row, name)])));
}

type Read<Row> = (row: Row, name: string) => XmlRpcValue;

/** nil and `*`: the usual fields; `**`: all. */
function readFields(defaults: readonly string[], more: readonly string[], fields: XmlRpcValue): readonly string[] {
  if (fields === null || fields === "*") return defaults;
  if (fields === "**") return [...defaults, ...more];
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

function inOrder<Row>(rows: readonly Row[], read: Read<Row>, order: XmlRpcValue): readonly Row[] {
  if (order === null) return rows;
  const fields = asText(order).split(",");
  return rows.toSorted((a, b) => {
    for (const word of fields) {
      const name = word.replace(/^-/, "");
      const [left, right] = word.startsWith("-") ? [b, a] : [a, b];
      const [x, y] = [plain(read(left, name)), plain(read(right, name))];
      if (compares("<", x, y)) return -1;
      if (compares(">", x, y)) return 1;
    }
    return 0;
  });
}
