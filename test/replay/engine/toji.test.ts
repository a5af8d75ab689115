// Toji in a replay: it ends what failed to boot, never what has work, and what EC2 takes back begins anew.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { measure } from "../../../sandbox/replay/engine/measure.ts";
import { NO_MISHAPS } from "../../../sandbox/replay/engine/setting.ts";
import { playToji } from "../../../sandbox/replay/engine/toji.ts";
import type { World } from "../../../sandbox/replay/engine/world.ts";
import type { Decision } from "../../../shared/fleet/index.ts";
import { anyBuilds, anySpans, flatTrace, settings, singleSlotSite, twoArchSite, worldFor } from "./traces.ts";

/** How many tasks were on builders when they were terminated, by what was done and not by EC2. */
function watchEnds(world: World): number[] {
  const { fleet } = world;
  const terminate = fleet.terminate.bind(fleet);
  const tasks: number[] = [];
  fleet.terminate = (host) => {
    if (host.machine?.spotNoticeAt === null) tasks.push(host.tasks.size);
    terminate(host);
  };
  return tasks;
}

describe("Toji in a replay", () => {
  it.each([true, false])("never terminates a builder with a task on it (forecast: %s)", (forecast) => {
    const site = twoArchSite({ forecast });
    fc.assert(
      fc.property(fc.oneof(anyBuilds, anySpans.map(flatTrace)), fc.nat(99), (trace, seed) => {
        const world = worldFor(trace, site, {
          seed,
          mishaps: { ...NO_MISHAPS, bootFailureRate: 0.1, spotLossPerHour: 1 },
        });
        const ends = watchEnds(world);
        playToji(world, site);
        expect(ends.filter((tasks) => tasks > 0)).toEqual([]);
        expect(world.isOver).toBe(true);
      }),
      { ...settings, numRuns: 8 },
    );
  });

  it("launches for the queue and lets its builders go when the work is done", () => {
    const site = singleSlotSite({ forecast: false });
    const spans = [
      { start: 0, seconds: 100 },
      { start: 0, seconds: 100 },
      { start: 3000, seconds: 100 },
    ];
    const world = worldFor(flatTrace(spans), site, { boot: { median: 100, p95: 100 } });
    const decisions: Decision[] = [];
    playToji(world, site, { note: (decision) => decisions.push(decision) });
    const kinds = decisions.flatMap(({ changes }) => changes.map(({ kind }) => kind));
    expect(kinds.filter((kind) => kind === "launch")).toHaveLength(3);
    expect(kinds.filter((kind) => kind === "terminate")).toHaveLength(2);
    expect(measure(world)).toMatchObject({ launches: 3, neverUsed: 0, tasksLost: 0 });
  });
});

describe("a boot that fails", () => {
  it("is paid for until the boot limit, and no longer than the way out takes", () => {
    const site = singleSlotSite({ bootLimitSeconds: 400 });
    const spans = Array.from({ length: 30 }, (_, index) => ({ start: index * 20, seconds: 2000 }));
    const world = worldFor(flatTrace(spans), site, { mishaps: { ...NO_MISHAPS, bootFailureRate: 0.3 } });
    playToji(world, site);
    const failed = world.fleet.bills.filter(({ used, seconds }) => !used && seconds >= 400);
    expect(failed.length).toBeGreaterThan(3);
    for (const { seconds } of failed) expect(seconds).toBeLessThan(400 + 150);
    expect(measure(world).neverUsed).toBeGreaterThanOrEqual(failed.length);
  });
});

describe("a spot instance that EC2 takes back", () => {
  const site = singleSlotSite();
  const spot = {
    ...site,
    builders: {
      ...site.builders,
      profiles: site.builders.profiles.map((profile) => ({
        ...profile,
        offerings: profile.offerings.map((offering) => ({ ...offering, markets: ["spot" as const] })),
      })),
    },
  };
  const spans = Array.from({ length: 40 }, (_, index) => ({ start: index * 30, seconds: 900 }));
  const world = worldFor(flatTrace(spans), spot, { mishaps: { ...NO_MISHAPS, spotLossPerHour: 1 } });
  playToji(world, spot);
  const restarts = world.tasks.reduce((sum, task) => sum + task.restarts, 0);

  it("gives its tasks back to the queue, where they begin anew and end all the same", () => {
    expect(restarts).toBeGreaterThan(3);
    for (const task of world.tasks) {
      expect(task.state).toBe("done");
      expect(task.doneAt).toBeCloseTo(task.openedAt + task.is.seconds, 6);
    }
  });

  it("has its lost tasks counted, each time", () => {
    expect(measure(world).tasksLost).toBe(restarts);
  });

  it("costs the work twice: busy time is more than the trace has", () => {
    const busy = world.fleet.bills.reduce((sum, bill) => sum + bill.busySeconds, 0);
    const open = world.fleet.hosts.reduce((sum, host) => sum + host.busySeconds, 0);
    expect(busy + open).toBeGreaterThan(40 * 900);
  });

  it("is no other than the market says: on demand nothing is taken back", () => {
    const safe = worldFor(flatTrace(spans), site, { mishaps: { ...NO_MISHAPS, spotLossPerHour: 50 } });
    playToji(safe, site);
    expect(measure(safe).tasksLost).toBe(0);
  });
});

describe("EC2 without capacity", () => {
  it("has the next offering tried, and the launch again in a later pass", () => {
    const site = twoArchSite();
    const world = worldFor(flatTrace([{ start: 0, seconds: 100 }]), site, {
      seed: 3,
      mishaps: { ...NO_MISHAPS, capacityErrorRate: 0.7 },
    });
    playToji(world, site);
    expect(world.isOver).toBe(true);
  });
});
