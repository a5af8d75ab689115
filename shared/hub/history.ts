// The hub's history of tasks: page by page in the order of their creation, with what their requests tell.

import * as z from "zod";
import { unexpectedShape } from "./answers.ts";
import { ask } from "./calls.ts";
import { type HubQuery, query } from "./query.ts";
import { type RequestedWork, requestedWork } from "./requests.ts";
import type { HubCaller } from "./session.ts";
import { TASK_STATE, type TaskState } from "./state.ts";

/** A task as it stands in the hub's table, finished or not. Times are epoch seconds, microseconds kept. */
export interface HistoryTask extends RequestedWork {
  readonly id: number;
  readonly parent: number | null;
  readonly method: string;
  readonly label: string | null;
  readonly arch: string;
  readonly channel_id: number;
  readonly host_id: number | null;
  readonly weight: number;
  readonly priority: number | null;
  readonly state: TaskState;
  readonly create_ts: number;
  readonly start_ts: number | null;
  readonly completion_ts: number | null;
}

/**
 * How far a reader has come: all tasks made before `at` are read, and those of that very instant up to `id`. `skip`:
 * how many tasks of that instant the next page may pass over, when there are more of them than a page holds.
 */
export interface HistoryPlace {
  readonly at: number;
  readonly id: number;
  readonly skip: number;
}

export interface HistoryPage {
  /** By creation, then id. May be empty before the end. */
  readonly tasks: readonly HistoryTask[];
  /** null = that was the last page. */
  readonly next: HistoryPlace | null;
}

export const historyStart = (since: number): HistoryPlace => ({ at: since, id: 0, skip: 0 });

/**
 * The next tasks, those made before `until`. A page starts at the creation time where the last one ended, not at a row
 * number: a creation time never changes, while rows move when koji-sweep-db deletes some before them. One call; throws
 * what `HubCaller.call` throws.
 */
export async function readHistoryPage(
  hub: HubCaller,
  place: HistoryPlace,
  { until, rows }: { readonly until: number; readonly rows: number },
): Promise<HistoryPage> {
  const found = await ask(hub, listTasksMade(place, until, rows));
  const tasks = found.filter((task) => isAfter(task, place));
  requireOrder(found);
  const last = found.at(-1);
  if (last === undefined || found.length < rows) return { tasks, next: null };
  // A multiCall makes all its tasks at one instant, so a whole page may have the time where it began.
  const skip = microseconds(last.create_ts) === microseconds(place.at) ? place.skip + found.length : 0;
  const read = tasks.at(-1);
  return { tasks, next: { at: last.create_ts, id: read?.id ?? place.id, skip } };
}

function listTasksMade(place: HistoryPlace, until: number, rows: number): HubQuery<HistoryTask[]> {
  // The hub takes what is later, so the instant itself needs the microsecond before. As text with an offset: a number
  // the hub turns into its own local time, which the database may read in another zone.
  const opts = {
    createdAfter: isoTime(microseconds(place.at) - 1),
    createdBefore: isoTime(microseconds(until)),
    decode: true,
  };
  const paging = { order: "create_time,id", limit: rows, ...(place.skip === 0 ? {} : { offset: place.skip }) };
  return query("listTasks", [opts, paging], historyRows);
}

function isAfter(task: HistoryTask, place: HistoryPlace): boolean {
  const later = microseconds(task.create_ts) - microseconds(place.at);
  return later > 0 || (later === 0 && task.id > place.id);
}

/** Another order would lose tasks without a word. */
function requireOrder(tasks: readonly HistoryTask[]): void {
  const at = tasks.findIndex((task, index) => {
    const before = tasks[index - 1];
    return before !== undefined && !isAfter(task, { at: before.create_ts, id: before.id, skip: 0 });
  });
  if (at >= 0) throw unexpectedShape("listTasks", `[${at}] is out of the order create_time,id that was asked for`);
}

/** The database's resolution. A double of epoch seconds is exact to a quarter of it. */
const microseconds = (seconds: number): number => Math.round(seconds * 1e6);

function isoTime(micros: number): string {
  const seconds = Math.floor(micros / 1e6);
  const fraction = String(micros - seconds * 1e6).padStart(6, "0");
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${fraction}+00:00`;
}

/** All build targets with the names of their build tags. */
export const getBuildTargets = (): HubQuery<{ readonly name: string; readonly build_tag_name: string }[]> =>
  query("getBuildTargets", [], targetRows);

const id = z.int();
const epochSeconds = z.number();

const historyRow = z
  .object({
    id,
    parent: id.nullable(),
    method: z.string(),
    label: z.string().nullable(),
    arch: z.string(),
    channel_id: id,
    host_id: id.nullable(),
    weight: z.number(),
    priority: z.int().nullable(),
    state: z.literal(Object.values(TASK_STATE)),
    create_ts: epochSeconds,
    start_ts: epochSeconds.nullable(),
    completion_ts: epochSeconds.nullable(),
    request: z.unknown(),
  })
  .transform(({ request, ...task }): HistoryTask => ({ ...task, ...requestedWork(task.method, request) }));

// Not compiled beforehand: the functions load this file too and never read history.
const historyRows = z.array(historyRow);
const targetRows = z.array(z.object({ name: z.string(), build_tag_name: z.string() }));
