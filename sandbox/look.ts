// One look at a running sandbox: the value that terminal and page show, made from what Toji stored and the hub's own state.

import * as z from "zod";
import { LATEST_DECISION } from "../shared/fleet/index.ts";
import type { BinQueue, BuilderView, SlotPhase } from "../shared/fleet/types.ts";
import { type HubState, TASK_STATE, type TaskState } from "../shared/hub/index.ts";
import type { ConsoleState, ShownDecision, ShownTask } from "./console/index.ts";
import { quantile } from "./quantile.ts";
import { BUCKET, type Sandbox } from "./sandbox.ts";

const SHOWN_TASKS = 200;
const SHOWN_DECISIONS = 20;
const HISTORY_POINTS = 180;

const phase: z.ZodType<SlotPhase> = z.enum([
  "empty",
  "launching",
  "booting",
  "serving",
  "draining",
  "stopping",
  "stopped",
  "lost",
  "unknown",
]);

/** The record that each pass stores: shared/fleet/record.ts. */
const recordSchema = z.object({
  at: z.number(),
  sentences: z.array(z.string()),
  keep: z.array(z.object({ builder: z.string(), reason: z.string() })),
  unserved: z.array(
    z.object({ taskId: z.number(), method: z.string(), channel: z.string(), arch: z.string(), reason: z.string() }),
  ),
  notes: z.array(z.string()),
  builders: z.array(
    z.object({
      slot: z.string(),
      profile: z.string(),
      phase,
      instanceId: z.string().nullable(),
      instanceType: z.string().nullable(),
      market: z.enum(["spot", "on-demand"]).nullable(),
      pricePerHour: z.number(),
      tasks: z.number(),
      load: z.number(),
    }),
  ),
  pricePerHour: z.number(),
});
type DecisionRecord = z.infer<typeof recordSchema>;

/** Looks again and again at one sandbox; keeps the short history for the chart. */
export function createLook(sandbox: Sandbox, speed: number): (pageUrl?: string) => ConsoleState {
  const history: { at: number; free: number; running: number; builders: number }[] = [];
  return (pageUrl) => {
    const now = sandbox.clock.now();
    const state = sandbox.hub.state();
    const latest = readRecord(sandbox, LATEST_DECISION);
    const tasks = shownTasks(state, now);
    const free = state.tasks.filter((task) => task.state === TASK_STATE.FREE).length;
    const running = state.tasks.filter((task) => task.state === TASK_STATE.OPEN).length;
    const builders = liveBuilders(state, latest?.builders ?? []);
    if (now - (history.at(-1)?.at ?? 0) >= speed) history.push({ at: now, free, running, builders: builders.length });
    if (history.length > HISTORY_POINTS) history.shift();
    return {
      now,
      speed,
      hubUrl: sandbox.hubUrl,
      ...(pageUrl === undefined ? {} : { pageUrl }),
      queue: queueNow(state, now),
      builders,
      capacities: Object.fromEntries(sandbox.site.builders.profiles.map((each) => [each.name, each.capacity])),
      tasks,
      decisions: decisions(sandbox, latest),
      totals: totals(sandbox, latest?.pricePerHour ?? 0),
      history,
    };
  };
}

function readRecord(sandbox: Sandbox, key: string): DecisionRecord | null {
  const text = sandbox.aws.s3.text(BUCKET, key);
  return text === null ? null : recordSchema.parse(JSON.parse(text));
}

/** Phases as of the last pass; tasks and load as the hub has them now. */
function liveBuilders(state: HubState, builders: DecisionRecord["builders"]): BuilderView[] {
  const hosts = new Map(state.hosts.map((host) => [host.name, host.id]));
  return builders.map((builder) => {
    const held = state.tasks.filter(
      (task) => task.host_id === hosts.get(builder.slot) && task.state !== TASK_STATE.FREE,
    );
    const load = held.reduce((sum, task) => sum + (task.waiting === true ? 0 : task.weight), 0);
    return { ...builder, tasks: held.length, load };
  });
}

const STATE_NAME: Partial<Record<TaskState, ShownTask["state"]>> = {
  [TASK_STATE.FREE]: "FREE",
  [TASK_STATE.ASSIGNED]: "ASSIGNED",
  [TASK_STATE.OPEN]: "OPEN",
};
const STATE_ORDER: readonly ShownTask["state"][] = ["FREE", "ASSIGNED", "OPEN"];

function shownTasks(state: HubState, now: number): ShownTask[] {
  const hosts = new Map(state.hosts.map((host) => [host.id, host.name]));
  const channels = new Map(state.channels.map((channel) => [channel.id, channel.name]));
  return state.tasks
    .flatMap((task): ShownTask[] => {
      const name = STATE_NAME[task.state];
      if (name === undefined) return [];
      const { id, method, arch } = task;
      const host = task.host_id === null ? null : (hosts.get(task.host_id) ?? null);
      const channel = channels.get(task.channel_id) ?? String(task.channel_id);
      return [{ id, method, arch, channel, state: name, host, ageSeconds: Math.round(now - task.create_ts) }];
    })
    .sort((a, b) => STATE_ORDER.indexOf(a.state) - STATE_ORDER.indexOf(b.state) || a.id - b.id)
    .slice(0, SHOWN_TASKS);
}

/** FREE tasks by bin, from the hub itself: newer than the last pass. Weights as the hub shows them. */
function queueNow(state: HubState, now: number): BinQueue[] {
  const channels = new Map(state.channels.map((channel) => [channel.id, channel.name]));
  const free = state.tasks.filter((task) => task.state === TASK_STATE.FREE);
  const bins = Map.groupBy(free, (task) => `${channels.get(task.channel_id)}:${task.arch}`);
  const sorted = [...bins].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([bin, tasks]) => ({
    channel: bin.slice(0, bin.lastIndexOf(":")),
    arch: bin.slice(bin.lastIndexOf(":") + 1),
    free: tasks.length,
    oldestSeconds: Math.round(Math.max(...tasks.map((task) => now - task.create_ts))),
    weight: tasks.reduce((sum, task) => sum + task.weight, 0),
  }));
}

function decisions(sandbox: Sandbox, latest: DecisionRecord | null): ShownDecision[] {
  const keys = sandbox.aws.s3.keys(BUCKET, "fleet/decisions/").filter((key) => key !== LATEST_DECISION);
  const stored = keys.slice(-SHOWN_DECISIONS).reverse();
  const older = stored.flatMap((key) => readRecord(sandbox, key) ?? []).filter((each) => each.at !== latest?.at);
  return [...(latest === null ? [] : [latest]), ...older].slice(0, SHOWN_DECISIONS).map((record) => ({
    at: record.at,
    changes: record.sentences,
    keep: record.keep.map(({ builder, reason }) => `keep ${builder}: ${reason}`),
    notes: [
      ...record.notes,
      ...record.unserved.map(
        ({ taskId, method, channel, arch, reason }) =>
          `leave task ${taskId} (${method}, ${channel}:${arch}): ${reason}`,
      ),
    ],
  }));
}

function totals({ hub, aws }: Sandbox, pricePerHour: number): ConsoleState["totals"] {
  let tasksDone = 0;
  for (const task of hub.tasks()) if (task.completion_ts !== null) tasksDone += 1;
  const waits = hub
    .waits()
    .map((each) => each.seconds)
    .sort((a, b) => a - b);
  const usage = aws.ec2.usage();
  return {
    tasksDone,
    waitP50Seconds: quantile(waits, 0.5),
    waitP95Seconds: quantile(waits, 0.95),
    instanceHours: usage.reduce((sum, each) => sum + each.seconds, 0) / 3600,
    dollars: usage.reduce((sum, each) => sum + each.dollars, 0),
    launches: usage.length,
    pricePerHour,
  };
}
