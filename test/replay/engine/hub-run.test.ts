// The hub of a replay places tasks as the scheduler replica does over all hosts, though it looks at those with room only.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Host } from "../../../sandbox/replay/engine/host.ts";
import { place } from "../../../sandbox/replay/engine/hub-run.ts";
import type { PlayedTask } from "../../../sandbox/replay/engine/task.ts";
import { playToji } from "../../../sandbox/replay/engine/toji.ts";
import type { World } from "../../../sandbox/replay/engine/world.ts";
import { schedule } from "../../../shared/hub/index.ts";
import { anyBuilds, flatTrace, settings, traceOf, twoArchSite, worldFor } from "./traces.ts";

const SITE = twoArchSite();
const some = <T>(...values: T[]) => fc.constantFrom(...values);

const anyTask = fc.record({
  arch: some("x86_64", "x86_64", "aarch64", "noarch"),
  weight: some(0.2, 1, 1.5, 4, 7),
  priority: some(20, 19, null),
  /** Where it runs; null = it is FREE. */
  on: fc.option(fc.nat(7), { nil: null, freq: 2 }),
});

/** Hosts of both pools, some not ready, and tasks that are FREE or on them. */
const anyQueue = fc.record({
  tasks: fc.array(anyTask, { maxLength: 40 }),
  unready: fc.uniqueArray(fc.nat(7), { maxLength: 4 }),
  refusals: fc.array(fc.record({ task: fc.integer({ min: 1, max: 40 }), host: fc.nat(7) }), { maxLength: 8 }),
});

describe("the hub's placement", () => {
  it("is that of the full scheduler over all hosts", () => {
    fc.assert(
      fc.property(anyQueue, ({ tasks, unready, refusals }) => {
        const trace = traceOf(
          tasks.map(({ on: _, ...task }, index) => ({ ...task, id: index + 1, release: { at: 0 } })),
        );
        const world = worldFor(trace, SITE);
        const hosts = [...world.fleet.hosts.slice(0, 4), ...world.fleet.hosts.slice(30, 34)];
        for (const [index, host] of hosts.entries()) putUp(host, !unready.includes(index));
        const free: PlayedTask[] = [];
        for (const [index, task] of world.tasks.entries()) {
          const on = tasks[index]?.on ?? null;
          const host = on === null ? undefined : hosts[on];
          if (host === undefined) free.push(asFree(task));
          else putOn(task, host);
        }
        expect(placed(world, hosts, free, refusals)).toEqual(fullRun(world, hosts, free, refusals));
      }),
      { ...settings, numRuns: 150 },
    );
  });

  it("is that of the full scheduler in every run of a replay", () => {
    fc.assert(
      fc.property(anyBuilds, (trace) => {
        const world = worldFor(trace, SITE);
        let [runs, wrong] = [0, 0];
        const check = () => {
          const all = [...world.fleet.hosts];
          const here = [...world.fleet.manned].sort((a, b) => a.id - b.id);
          if (world.free.length > 0) {
            runs += 1;
            const [some, full] = [placed(world, here, world.free, []), fullRun(world, all, world.free, [])];
            if (JSON.stringify(some) !== JSON.stringify(full)) wrong += 1;
          }
          world.at(world.now + 17, check);
        };
        world.at(0, check);
        playToji(world, SITE);
        expect(runs).toBeGreaterThan(0);
        expect(wrong).toBe(0);
      }),
      { ...settings, numRuns: 12 },
    );
  });

  it("leaves out the host whose assignment has timed out, as long as the hub remembers", () => {
    const world = worldFor(flatTrace([{ start: 0, seconds: 60 }]), SITE, { boot: { median: 10, p95: 10 } });
    const [first, second] = world.fleet.hosts;
    if (first === undefined || second === undefined) throw new Error("the site has slots");
    for (const host of [first, second]) {
      world.fleet.enable(host);
      world.fleet.launch(host, world.fleet.offeringsOf(0));
    }
    // The first would take it, but its kojid opens nothing until the hub's AssignTimeout has passed.
    const open = world.openAssigned.bind(world);
    world.openAssigned = (host) => {
      if (host !== first) open(host);
    };
    world.playUntil(1000);
    expect(world.tasks.map(({ state }) => state)).toEqual(["done"]);
    expect(second.machine?.served).toBe(1);
  });
});

interface Refused {
  readonly task: number;
  readonly host: number;
}

const rows = (world: World, hosts: readonly Host[]) => ({
  now: world.epoch + world.now,
  options: world.options,
  channels: world.channels,
  taskRow: (task: PlayedTask) => world.taskRow(task),
  hostRow: (host: Host) => world.fleet.rowOf(host),
  hosts,
});

/** As the world of a replay asks. */
function placed(world: World, hosts: readonly Host[], free: readonly PlayedTask[], refused: readonly Refused[]) {
  const candidates = hosts.filter(
    (host) => host.isReady(world.now, world.pollSeconds) && host.tasks.size < host.maxJobs && host.load < host.capacity,
  );
  const refusals = refused.map(({ task, host }) => ({ task, host: idOf(hosts, host), at: world.epoch + world.now }));
  return place(candidates, free, refusals, rows(world, hosts));
}

function fullRun(world: World, hosts: readonly Host[], free: readonly PlayedTask[], refused: readonly Refused[]) {
  const { now, options, channels, taskRow, hostRow } = rows(world, hosts);
  const active = hosts.flatMap((host) => [...host.tasks]);
  const result = schedule({
    now,
    options,
    channels,
    hosts: hosts.map(hostRow),
    tasks: [...free, ...active].map(taskRow),
    refusals: refused.map(({ task, host }) => ({
      task_id: task,
      host_id: idOf(hosts, host),
      soft: true,
      by_host: false,
      ts: now,
    })),
    runs: [],
  });
  return result.assigned.map(({ task_id, host_id }) => ({ task: task_id, host: host_id }));
}

const idOf = (hosts: readonly Host[], index: number) => hosts[index]?.id ?? -1;

function putUp(host: Host, ready: boolean): void {
  host.enabled = true;
  host.polling = true;
  host.readySince = ready ? 0 : Number.NaN;
}

function asFree(task: PlayedTask): PlayedTask {
  task.state = "free";
  task.createdAt = 0;
  return task;
}

function putOn(task: PlayedTask, host: Host): void {
  task.state = "open";
  task.createdAt = 0;
  task.openedAt = 0;
  task.host = host;
  host.tasks.add(task);
  host.load += task.is.weight;
  host.openLoad += task.is.weight;
  host.openJobs += 1;
}
