// The rules of a replay's world: what is released when, what waits for whom, and that nothing is lost or counted twice.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { playBaseline } from "../../../sandbox/replay/engine/baseline.ts";
import { measure } from "../../../sandbox/replay/engine/measure.ts";
import type { EngineSetting } from "../../../sandbox/replay/engine/setting.ts";
import type { PlayedTask } from "../../../sandbox/replay/engine/task.ts";
import { playToji } from "../../../sandbox/replay/engine/toji.ts";
import type { World } from "../../../sandbox/replay/engine/world.ts";
import { familyNamed } from "../../../sandbox/replay/policies/index.ts";
import type { Trace } from "../../../sandbox/replay/trace.ts";
import { anyBuilds, anySpans, flatTrace, settings, singleSlotSite, traceOf, twoArchSite, worldFor } from "./traces.ts";

const SITE = twoArchSite();
const karpenter = familyNamed("karpenter");
const play = (world: World): World => {
  playBaseline(world, karpenter.create(karpenter.defaults), karpenter.tickSeconds);
  return world;
};
const sum = (values: readonly number[]) => values.reduce((total, each) => total + each, 0);
const seen = (world: World) =>
  world.tasks.map(({ createdAt, openedAt, doneAt, restarts }) => [createdAt, openedAt, doneAt, restarts]);

function expectInOrder(tasks: readonly PlayedTask[]): void {
  const byId = new Map(tasks.map((task) => [task.is.id, task]));
  for (const { is, parent, state, createdAt, openedAt, doneAt, children, restarts } of tasks) {
    expect(state).toBe("done");
    expect(openedAt).toBeGreaterThanOrEqual(createdAt);
    const { release } = is;
    if ("at" in release) expect(createdAt).toBe(release.at);
    else {
      const before = release.after.map((id) => byId.get(id)?.doneAt ?? Number.NaN);
      // Of a parent that was cut off the last opening is known, not the one that released its children.
      const opened = parent === null || parent.restarts > 0 ? [] : [parent.openedAt];
      if (opened.length > 0) expect(createdAt).toBeCloseTo(Math.max(...opened, ...before) + release.delay, 6);
      for (const end of before) expect(createdAt).toBeGreaterThanOrEqual(end);
    }
    if (restarts > 0) continue;
    const begun = Math.max(openedAt, ...children.map((child) => child.doneAt));
    expect(doneAt).toBeCloseTo(begun + is.seconds, 6);
  }
}

describe("tasks", () => {
  it("start when they are released and no sooner, after what they depend on, and work as long as the trace says", () => {
    fc.assert(
      fc.property(anyBuilds, (trace) => {
        const world = play(worldFor(trace, SITE));
        expect(world.isOver).toBe(true);
        expectInOrder(world.tasks);
      }),
      settings,
    );
  });

  it("end once each, on builders or outside of them", () => {
    fc.assert(
      fc.property(anyBuilds, (trace) => {
        const world = worldFor(trace, SITE);
        const machines = new Map(world.fleet.hosts.map((host) => [host, new Set<{ served: number }>()]));
        const family = karpenter.create(karpenter.defaults);
        playBaseline(
          world,
          {
            step(now, pools, controls) {
              family.step(now, pools, controls);
              for (const host of world.fleet.manned) if (host.machine !== null) machines.get(host)?.add(host.machine);
            },
          },
          10,
        );
        const served = sum([...machines.values()].flatMap((own) => [...own].map((machine) => machine.served)));
        expect(served).toBe(world.tasks.length);
        expect(world.active.size + world.free.length).toBe(0);
      }),
      settings,
    );
  });

  it("that no builder of the site can run are open at once, and what follows them comes in time", () => {
    const trace = traceOf([
      { id: 1, channel: "createrepo", arch: "noarch", method: "newRepo", seconds: 10, release: { at: 5 } },
      {
        id: 2,
        parent: 1,
        channel: "createrepo",
        arch: "noarch",
        method: "createrepo",
        seconds: 90,
        release: { after: [], delay: 2 },
      },
    ]);
    const world = play(worldFor(trace, SITE));
    expect(seen(world)).toEqual([
      [5, 5, 107, 0],
      [7, 7, 97, 0],
    ]);
    expect(measure(world)).toMatchObject({ dollars: 0, launches: 0, noBuilderWaitHours: 0 });
  });

  it("that follow a task which does not come before them are refused", () => {
    expect(() => worldFor(traceOf([{ id: 1, release: { after: [2], delay: 0 } }]), SITE)).toThrow(
      "task 1 follows task 2, which does not come before it",
    );
  });
});

describe("the hub's row of a task", () => {
  it("has weight 1 until a builder has opened it, as the hub lists it", () => {
    const world = worldFor(traceOf([{ id: 1, weight: 4 }]), SITE);
    world.playUntil(0);
    expect(world.free.map((task) => world.taskRow(task).weight)).toEqual([1]);
  });

  it("names the target of a build, as its request does", () => {
    const world = worldFor(traceOf([{ id: 1, method: "build", arch: "noarch", target: "f44" }]), SITE);
    world.playUntil(0);
    expect(world.free.map((task) => world.taskRow(task).target)).toEqual(["f44"]);
  });
});

describe("a parent", () => {
  it("holds a job and no load while it waits for its children, and its own weight before and after", () => {
    const trace = traceOf([
      { id: 1, method: "build", arch: "noarch", weight: 0.2, seconds: 30 },
      { id: 2, parent: 1, release: { after: [], delay: 1 }, weight: 1.5, seconds: 200 },
    ]);
    const world = worldFor(trace, twoArchSite(), { ideal: true, boot: { median: 10, p95: 10 } });
    const host = world.fleet.takeSlot(0);
    if (host === undefined) throw new Error("the site has slots");
    world.fleet.enable(host);
    world.fleet.launch(host, world.fleet.offeringsOf(0));
    const at = (time: number) => {
      world.playUntil(time);
      return { jobs: host.tasks.size, load: Number(host.load.toFixed(6)), atWork: host.openJobsAtWork };
    };
    expect(at(10.5)).toEqual({ jobs: 1, load: 0, atWork: 0 });
    expect(at(50)).toEqual({ jobs: 2, load: 1.5, atWork: 1 });
    expect(at(215)).toEqual({ jobs: 1, load: 0.2, atWork: 1 });
    expect(at(250)).toEqual({ jobs: 0, load: 0, atWork: 0 });
  });
});

describe("waits", () => {
  const parts = ({ noBuilderSeconds, schedulerSeconds, pollSeconds }: PlayedTask) => [
    noBuilderSeconds,
    schedulerSeconds,
    pollSeconds,
  ];

  it("split into no builder, scheduler and poll, which add up", () => {
    fc.assert(
      fc.property(fc.oneof(anyBuilds, anySpans.map(flatTrace)), (trace) => {
        const world = play(worldFor(trace, SITE));
        for (const task of world.tasks) {
          for (const part of parts(task)) expect(part).toBeGreaterThanOrEqual(0);
          expect(sum(parts(task))).toBeCloseTo(task.openedAt - task.createdAt, 6);
          expect(task.pollSeconds).toBeLessThanOrEqual(world.pollSeconds + 1e-6);
        }
      }),
      settings,
    );
  });

  it("of a lone task at an empty site are a pass, a boot, and nothing of the hub's: its scheduler was due", () => {
    const site = singleSlotSite();
    const world = worldFor(flatTrace([{ start: 5, seconds: 60 }]), site, { boot: { median: 120, p95: 120 } });
    playToji(world, site);
    const [task] = world.tasks;
    expect(task?.noBuilderSeconds).toBeCloseTo(125, 6);
    expect(task?.schedulerSeconds).toBeCloseTo(0, 6);
  });
});

describe("work", () => {
  const site = singleSlotSite();
  const busy = (world: World) =>
    sum(world.fleet.bills.map((bill) => bill.busySeconds)) + sum(world.fleet.hosts.map((host) => host.busySeconds));

  it("is what builders are busy with: the seconds of the trace, and without a hub's delays nothing else", () => {
    fc.assert(
      fc.property(anySpans, fc.boolean(), (spans, ideal) => {
        const world = play(worldFor(flatTrace(spans), site, { ideal }));
        const polls = sum(world.tasks.map((task) => task.pollSeconds));
        expect(busy(world)).toBeCloseTo(sum(spans.map(({ seconds }) => seconds)) + polls, 4);
        if (ideal) expect(polls).toBe(0);
      }),
      settings,
    );
  });
});

describe("the bill", () => {
  const site = singleSlotSite();
  const launchOne = (world: World, until: number) => {
    const host = world.fleet.takeSlot(0);
    if (host === undefined) throw new Error("the site has slots");
    world.fleet.launch(host, world.fleet.offeringsOf(0));
    world.playUntil(until);
    world.fleet.terminate(host);
    return world.fleet.bills;
  };
  const idleWorld = (changes: Partial<EngineSetting> = {}) =>
    worldFor(flatTrace([{ start: 5000, seconds: 60 }]), site, changes);

  it("is by the second, and for a minute at least", () => {
    expect(launchOne(idleWorld(), 7)[0]).toMatchObject({ seconds: 60, dollars: (60 * 0.23184) / 3600, used: false });
    expect(launchOne(idleWorld(), 61)[0]?.seconds).toBe(61);
    expect(launchOne(idleWorld({ ideal: true }), 7)[0]?.seconds).toBe(7);
  });

  it("has the fee of each launch", () => {
    const dollarsAt = (launchFee: number) => measure(play(idleWorld({ launchFee })));
    const [without, dear] = [dollarsAt(0), dollarsAt(0.5)];
    expect(dear.launches).toBeGreaterThan(0);
    expect(dear.dollars - without.dollars).toBeCloseTo(0.5 * dear.launches, 9);
  });

  it("ends with the last task for builders that are still there, and says how much of it was idle", () => {
    const world = play(idleWorld({ boot: { median: 100, p95: 100 } }));
    const { instanceHours, idleShare, neverUsed } = measure(world);
    expect(neverUsed).toBe(0);
    expect(idleShare).toBeCloseTo(
      1 - sum(world.tasks.map(({ doneAt, assignedAt }) => doneAt - assignedAt)) / 3600 / instanceHours,
      6,
    );
  });
});

describe("the seed", () => {
  const rough = { bootFailureRate: 0.1, capacityErrorRate: 0.1, spotLossPerHour: 2 };
  const outcome = (trace: Trace, seed: number) => {
    const world = worldFor(trace, SITE, { seed, mishaps: rough });
    playToji(world, SITE);
    return { measured: measure(world), tasks: seen(world) };
  };

  it("decides everything: the same seed gives the same replay", () => {
    fc.assert(
      fc.property(anyBuilds, fc.nat(99), (trace, seed) => {
        expect(outcome(trace, seed)).toEqual(outcome(trace, seed));
      }),
      { ...settings, numRuns: 6 },
    );
  });

  it("changes boots and mishaps", () => {
    const trace = flatTrace([{ start: 0, seconds: 600 }]);
    expect(outcome(trace, 1)).not.toEqual(outcome(trace, 2));
  });
});
