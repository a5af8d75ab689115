// listTasks: filters, order and shape. Errors of the query show while the reply is written, as in the hub.

import { TASK_STATE } from "../../../../shared/hub/index.ts";
import { isArray, XmlRpcDouble, type XmlRpcStruct, type XmlRpcValue } from "../../../../shared/hub/xmlrpc/values.ts";
import type { HubContext } from "../context.ts";
import { type KojiFault, lazyQueryError, parameterError } from "../fault.ts";
import type { TaskRow } from "../rows.ts";
import { asInt, asNumber, asText, isTrue } from "./args.ts";
import { decodedResult, rawRequest, rawResult, taskStruct } from "./structs.ts";

type Test = (task: TaskRow) => boolean;

/** A bare int in place of a list is an SQL error, an empty list too. */
function inList(field: string, value: XmlRpcValue): ReadonlySet<XmlRpcValue> {
  if (!isArray(value)) throw syntaxError(field, String(value), String(value));
  if (value.length === 0) throw syntaxError(field, "()", ")");
  return new Set(value);
}

function syntaxError(field: string, shown: string, near: string): KojiFault {
  const line = `LINE 5:  WHERE (${field} IN ${shown})`;
  const caret = " ".repeat(line.lastIndexOf(near === ")" ? "()" : near) + (near === ")" ? 1 : 0));
  return lazyQueryError("psycopg2.errors.SyntaxError", `syntax error at or near "${near}"\n${line}\n${caret}^\n`);
}

const listFields: { readonly [name: string]: (task: TaskRow) => XmlRpcValue } = {
  state: (task) => task.state,
  arch: (task) => task.arch,
};
const idFields: { readonly [name: string]: (task: TaskRow) => number | null } = {
  owner: (task) => task.owner,
  host_id: (task) => task.host_id,
  channel_id: (task) => task.channel_id,
  parent: (task) => task.parent,
};
const timeFields: { readonly [name: string]: (task: TaskRow) => number | null } = {
  created: (task) => task.create_ts,
  started: (task) => task.start_ts,
  complete: (task) => task.completion_ts,
};

/** Unknown names are ignored without a word: a typing error finds all tasks ever. */
function readTests(opts: XmlRpcStruct): Test[] {
  return Object.entries(opts).flatMap(([name, value]) => {
    const inverted = name.startsWith("not_");
    const field = name.replace(/^not_/, "");
    const listed = listFields[field];
    if (listed !== undefined) {
      const values = inList(field, value);
      return [(task: TaskRow) => values.has(listed(task)) !== inverted];
    }
    const id = idFields[field];
    if (id !== undefined) return [idTest(id, value, inverted)];
    if (name === "method") {
      const method = asText(value);
      return [(task: TaskRow) => task.method === method];
    }
    return timeTest(name, value);
  });
}

/** SQL: a row without the value matches neither `= x` nor `!= x`. */
function idTest(id: (task: TaskRow) => number | null, value: XmlRpcValue, inverted: boolean): Test {
  if (value === null) return (task) => (id(task) === null) !== inverted;
  const ids = new Set((isArray(value) ? value : [value]).map(asInt));
  return (task) => {
    const found = id(task);
    return found !== null && ids.has(found) !== inverted;
  };
}

function timeTest(name: string, value: XmlRpcValue): Test[] {
  const [, field = "", side = ""] = /^(created|started|complete)(Before|After)$/.exec(name) ?? [];
  const at = timeFields[field];
  if (at === undefined) return [];
  const limit = typeof value === "string" ? secondsOf(value) : asNumber(value);
  if (Number.isNaN(limit)) throw parameterError(`Invalid time format: ${String(value)}`);
  return [
    (task) => {
      const time = at(task);
      return time !== null && (side === "Before" ? time < limit : time > limit);
    },
  ];
}

/** PostgreSQL reads microseconds; Date.parse stops at milliseconds. */
function secondsOf(text: string): number {
  const [, fraction = ""] = /(\.\d+)/.exec(text) ?? [];
  return Date.parse(text.replace(fraction, "")) / 1000 + Number(fraction);
}

/** Looks only where tasks of these states are kept. */
function candidates(hub: HubContext, opts: XmlRpcStruct): Iterable<TaskRow> {
  const { state } = opts;
  if (state === undefined || !isArray(state)) return hub.tables.tasks.values();
  return Object.values(TASK_STATE).flatMap((each) =>
    state.includes(each) ? [...hub.tables.inState(each).values()] : [],
  );
}

export function listTasks(hub: HubContext, opts: XmlRpcStruct, queryOpts: XmlRpcStruct): XmlRpcValue {
  const tests = readTests(opts);
  const found = [...candidates(hub, opts)].filter((task) => tests.every((test) => test(task)));
  if (isTrue(queryOpts.countOnly ?? null)) return found.length;
  // Where the call asks for no order, PostgreSQL promises none either.
  found.sort((a, b) => a.id - b.id);
  const decode = isTrue(opts.decode ?? null);
  const asRows = isTrue(queryOpts.asList ?? null);
  return cut(sorted(found, queryOpts.order ?? null), queryOpts).map((each) => {
    const row = rowOf(hub, each, decode && !asRows);
    return asRows ? Object.values(row) : row;
  });
}

/** 0 and nil: no limit, no offset. */
export function cut<Row>(rows: readonly Row[], queryOpts: XmlRpcStruct): Row[] {
  const offset = asInt(queryOpts.offset ?? 0);
  const limit = asInt(queryOpts.limit ?? 0);
  return rows.slice(offset, limit > 0 ? offset + limit : undefined);
}

const MEMBERS = [
  "arch awaited channel_id completion_time completion_ts create_time create_ts host_id id label method owner",
  "owner_name owner_type parent priority request result start_time start_ts state waiting weight",
].flatMap((names) => names.split(" "));

interface Keyed {
  readonly task: TaskRow;
  readonly struct: ReturnType<typeof taskStruct>;
}

/** The members as in MEMBERS. */
function rowOf(hub: HubContext, { task, struct }: Keyed, decode: boolean): XmlRpcStruct {
  const owner = hub.tables.users.find(task.owner);
  const { parent, priority, start_time, start_ts, state, waiting, weight, ...first } = struct;
  return {
    ...first,
    owner_name: owner?.name ?? null,
    owner_type: owner?.usertype ?? null,
    parent,
    priority,
    request: decode ? task.request : rawRequest(task),
    result: decode ? decodedResult(task) : rawResult(task),
    start_time,
    start_ts,
    state,
    waiting,
    weight,
  };
}

function sorted(tasks: readonly TaskRow[], order: XmlRpcValue): readonly Keyed[] {
  const keyed = tasks.map((task): Keyed => ({ task, struct: taskStruct(task) }));
  if (order === null || order === "") return keyed;
  const fields = asText(order).split(",").map(readOrder);
  keyed.sort((a, b) => {
    for (const { member, sign } of fields) {
      const result = compare(memberOf(a, member), memberOf(b, member)) * sign;
      if (result !== 0) return result;
    }
    return 0;
  });
  return keyed;
}

const memberOf = ({ struct }: Keyed, name: string): XmlRpcValue => (isMember(name, struct) ? struct[name] : null);

const isMember = (name: string, struct: Keyed["struct"]): name is keyof Keyed["struct"] => Object.hasOwn(struct, name);

function readOrder(word: string): { member: string; sign: number } {
  const name = word.replace(/^-/, "");
  if (!MEMBERS.includes(name)) throw lazyQueryError("Exception", `Invalid order: ${name}`);
  return { member: name.replace(/_time$/, "_ts"), sign: word.startsWith("-") ? -1 : 1 };
}

/** PostgreSQL: nothing is more than anything. */
function compare(a: XmlRpcValue, b: XmlRpcValue): number {
  const left = a instanceof XmlRpcDouble ? a.value : a;
  const right = b instanceof XmlRpcDouble ? b.value : b;
  if (left === right) return 0;
  if (left === null) return 1;
  if (right === null) return -1;
  return left < right ? -1 : 1;
}
