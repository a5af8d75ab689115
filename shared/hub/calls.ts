// What Toji asks the hub: each question as a call and a decoder, so that many fit in one multiCall.
// Arguments and fields: Koji's API as recorded from a 1.35.3 hub; the builders' names differ from Koji's only where
// Koji has one method for many questions.

import * as z from "zod";
import { unexpectedShape } from "./answers.ts";
import type { HubFault } from "./faults.ts";
import { type HubQuery, query } from "./query.ts";
import { requestedInRow } from "./requests.ts";
import type { HubCaller } from "./session.ts";
import {
  type Channel,
  type Host,
  type Refusal,
  type RepoRequest,
  TASK_STATE,
  type Task,
  type TaskRun,
} from "./state.ts";
import { named } from "./xmlrpc/encode.ts";

export type { HubQuery };

/** Throws what `HubCaller.call` throws. */
export async function ask<T>(caller: HubCaller, { call, decode }: HubQuery<T>): Promise<T> {
  return decode(await caller.call(call.method, call.params));
}

type Questions<T> = { readonly [Name in keyof T]: HubQuery<T[Name]> };
type Answers<T> = { readonly [Name in keyof T]: T[Name] | HubFault };

/**
 * All questions in one multiCall: one request, one state of the hub. A refused one has its fault as the answer. A fault
 * of a listTasks refuses the whole call, for the hub runs its query only while it writes the reply.
 */
export async function askAll<T extends object>(caller: HubCaller, questions: Questions<T>): Promise<Answers<T>> {
  const asked = Object.entries<HubQuery<unknown>>(questions);
  const outcomes = await caller.multiCall(asked.map(([, { call }]) => call));
  const answers = asked.map(([name, { decode }], index): [string, unknown] => {
    const outcome = outcomes[index];
    if (!outcome) throw unexpectedShape("multiCall", `it has no outcome for ${name}`);
    return [name, outcome.ok ? decode(outcome.value) : outcome.fault];
  });
  // The names are those of the questions, and every decoder gave its own type.
  return Object.fromEntries(answers) as Answers<T>;
}

const ACTIVE_STATES = [TASK_STATE.FREE, TASK_STATE.OPEN, TASK_STATE.ASSIGNED];

/** Every task that is not finished, most urgent first, with the package and build tag of its request. */
export const listActiveTasks = (): HubQuery<Task[]> =>
  query("listTasks", [{ state: ACTIVE_STATES, decode: true }, { order: "priority,create_time" }], taskRows);

/** The open and assigned tasks of these hosts, for a last look before a builder goes. */
export function listTasksOf(hostIds: readonly number[]): HubQuery<Task[]> {
  // "host_id IN ()" is an SQL error, and that of a listTasks fails a whole multiCall.
  if (hostIds.length === 0) throw new RangeError("listTasksOf needs at least one host.");
  const states = [TASK_STATE.OPEN, TASK_STATE.ASSIGNED];
  return query("listTasks", [{ state: states, host_id: hostIds }], taskRows);
}

/** A host as listHosts and getHost give it: its channels and what kojid reported come from other calls. */
export interface HostRow extends Omit<Host, "channels" | "data"> {
  readonly description: string | null;
  readonly comment: string | null;
}

/** In no order. */
export const listHosts = (): HubQuery<HostRow[]> => query("listHosts", [], hostRows);

/** The ids of the hosts in a channel, disabled hosts included. Koji has no bulk call for all channels. */
export const listHostsOf = (channel: number | string): HubQuery<number[]> =>
  query("listHosts", named([], { channelID: channel }), idsOfRows);

export const getHost = (name: string): HubQuery<HostRow | null> => query("getHost", [name], maybeHostRow);

/** The channels a host serves, disabled ones included. */
export const listChannelsOf = (host: string): HubQuery<Channel[]> => query("listChannels", [host], channelRows);

export const listChannels = (): HubQuery<Channel[]> => query("listChannels", [], channelRows);

/** What kojid reported of its methods and maxjobs. A host that never reported is missing. */
export const getHostData = (): HubQuery<{ readonly host_id: number; readonly data: Host["data"] }[]> =>
  query("scheduler.getHostData", [], hostDataRows);

export const getActiveRuns = (): HubQuery<TaskRun[]> => query("scheduler.getTaskRuns", [[["active", true]]], runRows);

/** Refusals of the tasks that are not finished; those of finished ones stay in the table until it is swept. */
export const getActiveRefusals = (): HubQuery<Refusal[]> =>
  query("scheduler.getTaskRefusals", [[["state", "IN", ACTIVE_STATES]]], refusalRows);

/** Repos that are asked for and not made yet. A fault before Koji 1.35, which has no such queue. */
export const getRepoRequests = (): HubQuery<RepoRequest[]> =>
  query("repo.queryQueue", [[["active", "IS", true]], ["id", "tag_id", "create_ts", "task_id"]], repoRequestRows);

/** Null when anonymous, which is also what a session gets whose headers were lost on the way. */
export const getLoggedInUser = (): HubQuery<{ readonly id: number; readonly name: string } | null> =>
  query("getLoggedInUser", [], maybeUser);

export const getKojiVersion = (): HubQuery<string> => query("getKojiVersion", [], text);

/** The tag with the arches that builds in it have, inherited ones included. An unknown tag is a fault. */
export const getBuildConfig = (tag: string | number): HubQuery<{ readonly name: string; readonly arches: string[] }> =>
  query("getBuildConfig", [tag], buildConfig);

/** Seconds, over the last months; null when the package was not built in them. */
export const getAverageBuildDuration = (pkg: string, months = 6): HubQuery<number | null> =>
  query("getAverageBuildDuration", [pkg, months], maybeSeconds);

const id = z.int();
const epochSeconds = z.number();

const taskRow = z
  .object({
    id,
    state: z.literal(Object.values(TASK_STATE)),
    waiting: z.boolean().nullable().default(null),
    weight: z.number(),
    channel_id: id,
    host_id: id.nullable(),
    arch: z.string(),
    method: z.string(),
    priority: z.int().nullable(),
    create_ts: epochSeconds,
    parent: id.nullable().default(null),
    label: z.string().nullable().default(null),
    start_ts: epochSeconds.nullable().default(null),
    request: z.unknown(),
  })
  .transform(({ request, ...task }): Task => ({ ...task, ...requestedInRow(task.method, request) }));

const hostRow = z.object({
  id,
  name: z.string(),
  // A host without arches serves nothing: kojihub's own scheduler stops on it when it is enabled.
  arches: z
    .string()
    .nullable()
    .transform((arches) => arches ?? ""),
  capacity: z.number(),
  enabled: z.boolean(),
  ready: z.boolean(),
  task_load: z.number(),
  update_ts: epochSeconds.nullable(),
  description: z.string().nullable().default(null),
  comment: z.string().nullable().default(null),
});

const channelRow = z.object({ id, name: z.string(), enabled: z.boolean() });

const hostDataRow = z.object({
  host_id: id,
  data: z
    .object({ maxjobs: z.number().nullish(), methods: z.array(z.string()).nullish() })
    .transform(({ maxjobs, methods }) => ({ ...(maxjobs == null ? {} : { maxjobs }), ...(methods ? { methods } : {}) }))
    .nullable(),
});

const runRow = z.object({ id, task_id: id, host_id: id, active: z.boolean(), create_ts: epochSeconds });

const refusalRow = z.object({ task_id: id, host_id: id, soft: z.boolean(), by_host: z.boolean(), ts: epochSeconds });

const repoRequestRow = z
  .object({ id, tag_id: id, create_ts: epochSeconds, task_id: id.nullable() })
  .transform(({ tag_id, ...row }): RepoRequest => ({ ...row, tag: tag_id }));

const archWords = z
  .string()
  .nullable()
  .transform((arches) => (arches ?? "").split(/\s+/).filter((arch) => arch !== ""));

// Made once, and compiled: a pass reads every row of these answers, and checking them was a fifth of its work.
const taskRows = z.compile(z.array(taskRow));
const hostRows = z.compile(z.array(hostRow));
const maybeHostRow = hostRow.nullable();
const idsOfRows = z.compile(z.array(z.object({ id }).transform((row) => row.id)));
const channelRows = z.compile(z.array(channelRow));
const hostDataRows = z.compile(z.array(hostDataRow));
const runRows = z.compile(z.array(runRow));
const refusalRows = z.compile(z.array(refusalRow));
const repoRequestRows = z.compile(z.array(repoRequestRow));
const maybeUser = z.object({ id, name: z.string() }).nullable();
const text = z.string();
const buildConfig = z.object({ name: z.string(), arches: archWords });
const maybeSeconds = z.number().nullable();
