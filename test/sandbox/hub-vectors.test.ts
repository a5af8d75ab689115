// The model's tables after one run of the scheduler, against what the hub's real scheduler did to the same state.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { createHub } from "../../sandbox/world/hub/index.ts";
import { TASK_STATE } from "../../shared/hub/index.ts";

const number = z.number();
const vector = z.object({
  name: z.string(),
  now: number,
  options: z.object({
    maxJobs: number,
    capacityOvercommit: number,
    readyTimeout: number,
    assignTimeout: number,
    softRefusalTimeout: number,
    hostTimeout: number,
    runInterval: number,
  }),
  channels: z.array(z.object({ id: number, name: z.string(), enabled: z.boolean() })),
  hosts: z.array(
    z.object({
      id: number,
      name: z.string(),
      arches: z.string(),
      capacity: number,
      enabled: z.boolean(),
      ready: z.boolean(),
      task_load: number,
      update_ts: number.nullable(),
      channels: z.array(number),
      data: z.object({ maxjobs: number.nullish() }).nullable(),
    }),
  ),
  tasks: z.array(
    z.object({
      id: number,
      state: number,
      weight: number,
      channel_id: number,
      host_id: number.nullable(),
      arch: z.string(),
      priority: number.nullable(),
      create_ts: number,
    }),
  ),
  refusals: z.array(z.unknown()),
  expected: z.object({
    assigned: z.array(z.object({ task_id: number, host_id: number })),
    marked_not_ready: z.array(number),
  }),
});
type Vector = z.infer<typeof vector>;

/** Through its calls the model cannot be brought into every state: FREE tasks that were never open, hosts that check in. */
function isReachable({ channels, hosts, tasks, refusals, expected }: Vector): boolean {
  return (
    expected.assigned.length > 0 &&
    refusals.length === 0 &&
    channels.every((channel) => channel.enabled) &&
    tasks.every((task) => task.state === TASK_STATE.FREE && task.host_id === null && task.weight === 1) &&
    hosts.every((host) => host.capacity > 1)
  );
}

/** The vector's state by way of the model's own calls; task and host ids of the vector to ours. */
function seed({ now, options, channels, hosts, tasks }: Vector) {
  const clock = { time: now, now: () => clock.time };
  const hub = createHub({ clock, options });
  const channelNames = new Map(channels.map(({ id, name }) => [id, `c-${name}`]));
  const nameOf = (id: number) => channelNames.get(id) ?? "default";
  for (const name of channelNames.values()) hub.addChannel(name);
  for (const { name, arches, capacity, enabled, channels: ids, ...host } of hosts) {
    hub.addHost(name, { arches, capacity, enabled, channels: ids.map(nameOf) });
    if (host.update_ts === null) continue;
    clock.time = host.update_ts;
    const { maxjobs } = host.data ?? {};
    hub.connectBuilder(name).updateHost(host.task_load, host.ready, maxjobs === undefined ? undefined : { maxjobs });
  }
  const ours = new Map<number, number>();
  for (const task of tasks) {
    clock.time = task.create_ts;
    hub.settings.channelPolicy = () => ({ use: nameOf(task.channel_id) });
    const priority = task.priority ?? Number.MAX_SAFE_INTEGER;
    ours.set(task.id, hub.as("kojiadmin").makeTask({ method: "sleep", args: [1], arch: task.arch, priority }));
  }
  clock.time = now;
  return { hub, taskId: (id: number) => ours.get(id) ?? 0 };
}

describe("a run leaves in the tables what the hub's real scheduler left", () => {
  const vectors = gunzipSync(readFileSync(new URL("../fixtures/scheduler-vectors.jsonl.gz", import.meta.url)))
    .toString("utf8")
    .trim()
    .split("\n")
    .map((line) => vector.parse(JSON.parse(line)))
    .filter(isReachable);
  it("has vectors to look at", () => expect(vectors.length).toBeGreaterThan(20));

  it.each(vectors)("$name", (given) => {
    const { hub, taskId } = seed(given);
    hub.runScheduler();
    const hostNames = new Map(given.hosts.map(({ id, name }) => [id, name]));
    const expected = new Map(given.expected.assigned.map(({ task_id, host_id }) => [task_id, hostNames.get(host_id)]));
    for (const { id } of given.tasks) {
      const task = hub.task(taskId(id));
      const host = hub.hosts().find((each) => each.id === task.host_id);
      expect([id, host?.name]).toEqual([id, expected.get(id)]);
      expect(task.state).toBe(expected.has(id) ? TASK_STATE.ASSIGNED : TASK_STATE.FREE);
    }
    for (const id of given.expected.marked_not_ready) expect(hub.host(hostNames.get(id) ?? "").ready).toBe(false);
  });
});
