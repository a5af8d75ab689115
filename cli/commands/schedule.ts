// `toji schedule`: what one run of the hub's scheduler would do to a state; one result for each input line.

import { parseArgs } from "node:util";
import * as z from "zod";
import {
  DEFAULT_HUB_OPTIONS,
  type HubState,
  schedule as runScheduler,
  type ScheduleResult,
  TASK_STATE,
} from "../../shared/hub/index.ts";
import { type Command, EXIT, readInput, UsageError } from "../io.ts";

export const schedule: Command = {
  summary: "what the hub's scheduler would do to a state from a file",
  usage: [
    "usage: npx toji schedule --state FILE [--json]",
    "",
    "FILE holds one state as JSON for each line (`toji snapshot` writes one), gzip-compressed or not; - is stdin.",
    "With --json each line of stdout is the result for that line of the input.",
  ].join("\n"),
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: { state: { type: "string" }, json: { type: "boolean" } },
    });
    if (values.state === undefined) throw new UsageError("name the file with the state: --state FILE");
    const states = readStates(readInput(values.state), values.state);
    for (const { name, state } of states) {
      const result = runScheduler(state);
      io.out(values.json === true ? JSON.stringify(result) : describeResult(name, state, result));
    }
    return EXIT.fine;
  },
};

const id = z.number().int();
const option = (name: keyof typeof DEFAULT_HUB_OPTIONS) => z.number().default(DEFAULT_HUB_OPTIONS[name]);

const stateSchema = z.object({
  name: z.string().optional(),
  now: z.number(),
  options: z
    .object({
      maxJobs: option("maxJobs"),
      capacityOvercommit: option("capacityOvercommit"),
      readyTimeout: option("readyTimeout"),
      assignTimeout: option("assignTimeout"),
      softRefusalTimeout: option("softRefusalTimeout"),
      hostTimeout: option("hostTimeout"),
      runInterval: option("runInterval"),
    })
    .prefault({}),
  channels: z.array(z.object({ id, name: z.string(), enabled: z.boolean() })),
  hosts: z.array(
    z.object({
      id,
      name: z.string(),
      arches: z.string(),
      capacity: z.number(),
      enabled: z.boolean(),
      ready: z.boolean(),
      task_load: z.number().default(0),
      update_ts: z.number().nullable(),
      channels: z.array(id),
      data: z
        .object({ maxjobs: z.number().nullable().optional(), methods: z.array(z.string()).optional() })
        .transform(({ maxjobs, methods }) => ({
          ...(maxjobs === undefined ? {} : { maxjobs }),
          ...(methods === undefined ? {} : { methods }),
        }))
        .nullable()
        .default(null),
    }),
  ),
  tasks: z.array(
    z.object({
      id,
      state: z.literal(Object.values(TASK_STATE)),
      waiting: z.boolean().nullable().default(null),
      weight: z.number(),
      channel_id: id,
      host_id: id.nullable(),
      arch: z.string(),
      method: z.string(),
      priority: z.number().nullable(),
      create_ts: z.number(),
    }),
  ),
  refusals: z
    .array(
      z.object({ task_id: id, host_id: id, soft: z.boolean(), by_host: z.boolean().default(false), ts: z.number() }),
    )
    .default([]),
  runs: z.array(z.object({ id, task_id: id, host_id: id, active: z.boolean(), create_ts: z.number() })).default([]),
});

/** One state a line; a file that is one JSON document over many lines is one state. */
function readStates(text: string, file: string): { name: string; state: HubState }[] {
  const lines = text.split("\n").map((line, index) => ({ line: line.trim(), number: index + 1 }));
  const filled = lines.filter(({ line }) => line !== "");
  if (filled.length === 0)
    throw new UsageError(`${file} is empty: write a state into it, for example with \`npx toji snapshot\``);
  const whole = filled[0]?.line === "{" ? parseJson(text) : undefined;
  if (whole !== undefined) return [readState(whole, file)];
  return filled.map(({ line, number }) => {
    const json = parseJson(line);
    if (json === undefined) throw new UsageError(`${file}, line ${number}: this is not JSON`);
    return readState(json, `${file}, line ${number}`);
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The caller names the line.
    return undefined;
  }
}

function readState(json: unknown, where: string): { name: string; state: HubState } {
  const result = stateSchema.safeParse(json);
  if (result.success) return { name: result.data.name ?? where, state: result.data };
  const issue = result.error.issues[0];
  throw new UsageError(`${where}: not a hub state, ${issue?.path.join(".") || "the document"}: ${issue?.message}`);
}

function describeResult(name: string, state: HubState, result: ScheduleResult): string {
  const hosts = new Map(state.hosts.map((host) => [host.id, host.name]));
  const host = (hostId: number) => hosts.get(hostId) ?? `host ${hostId}`;
  const lines = [
    ...result.marked_not_ready.map((hostId) => `mark ${host(hostId)} not ready`),
    ...result.assigned.map((each) => `assign task ${each.task_id} to ${host(each.host_id)}`),
    ...result.assign_failed.map(
      (each) => `fail to assign task ${each.task_id} to ${host(each.host_id)}: it still names a host`,
    ),
    ...result.freed.map((each) => `free task ${each.task_id}: ${each.reason}`),
    ...result.refusals_added.map((each) => `bar ${host(each.host_id)} from task ${each.task_id} for a while`),
    ...result.refusals_dropped.map(([taskId, hostId]) => `drop the refusal of task ${taskId} by ${host(hostId)}`),
    ...result.runs_ended.map((run) => `end run ${run}`),
  ];
  return [`${name}:`, ...(lines.length === 0 ? ["nothing to do"] : lines).map((line) => `  ${line}`)].join("\n");
}
