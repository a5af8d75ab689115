// Each family's own formula, on worlds small enough to count by hand.

import { describe, expect, it } from "vitest";
import { FAMILIES, familyNamed } from "../../../sandbox/replay/policies/index.ts";
import { play } from "./fake-pools.ts";

const endless = 100_000;

function queue(tasks: number, at = 0, seconds = endless) {
  return [{ at, seconds, tasks }];
}

describe("owner's defaults", () => {
  it("are as documented", () => {
    expect(Object.fromEntries(FAMILIES.map(({ name, defaults }) => [name, defaults]))).toEqual({
      static: { builders: 2 },
      "target-tracking": { target: 1, min: 1, running: 0 },
      "buildkite-agent-scaler": { buffer: 0, idleSeconds: 600, min: 0, factor: 1, cooldownSeconds: 0 },
      "terraform-aws-github-runner": {
        ...{ mode: 0, idle: 0, minimumRunningSeconds: 300, delaySeconds: 30, scaleDownSeconds: 300 },
      },
      taskcluster: { ratio: 1, idleSeconds: 900, min: 0, ask: 1 },
      resalloc: { prealloc: 2, maxStarting: 1, reuseSeconds: 0, constantSpare: 0 },
      karpenter: { consolidateAfterSeconds: 0, buffer: 0, budget: 0.1 },
      "big-builder": { size: 4 },
    });
  });
});

describe("static and the big builder", () => {
  it("start at once and stay", () => {
    const { launches, drains } = play(familyNamed("static"), { builders: 3 }, { work: queue(9, 500, 60), until: 4000 });
    expect(launches.map(({ at }) => at)).toEqual([0, 0, 0]);
    expect(drains).toEqual([]);
  });

  it("is one machine of so many times the room", () => {
    const { launches } = play(familyNamed("big-builder"), { size: 8 }, { pools: 2, work: queue(50), until: 4000 });
    expect(launches).toEqual([0, 1].map((pool) => ({ at: 0, pool, ephemeral: false, size: 8 })));
  });
});

describe("target tracking", () => {
  const family = familyNamed("target-tracking");

  it("scales out at the third minute above the target, in proportion", () => {
    const { launches } = play(family, {}, { work: queue(13, 10), room: 2, until: 400 });
    // Seen at 60, 120 and 180 s. By then one builder is up and has two of them; 11 at two each are 6 builders.
    expect(launches.map(({ at }) => at)).toEqual([0, 180, 180, 180, 180, 180]);
  });

  it("takes no notice of a backlog at its target", () => {
    const { launches } = play(family, {}, { work: queue(4, 300), room: 2, until: 3000 });
    expect(launches).toHaveLength(1);
  });

  it("scales in after fifteen minutes below the target, and not before", () => {
    const { drains } = play(family, { running: 1 }, { work: queue(5, 0, 600), until: 6000 });
    const ended = Math.max(...drains.map(({ idleSeconds }) => idleSeconds ?? 0));
    expect(drains).toHaveLength(4);
    expect(ended).toBeGreaterThanOrEqual(14 * 60);
    expect(ended).toBeLessThanOrEqual(16 * 60);
  });
});

describe("buildkite-agent-scaler", () => {
  const family = familyNamed("buildkite-agent-scaler");

  it.each([
    { tasks: 3, room: 1, buffer: 0, launched: 3 },
    { tasks: 3, room: 1, buffer: 10, launched: 6 },
    { tasks: 20, room: 1, buffer: 10, launched: 30 },
    { tasks: 9, room: 4, buffer: 0, launched: 3 },
    { tasks: 9, room: 4, buffer: 2, launched: 5 },
  ])("$tasks jobs, room $room, buffer $buffer: $launched instances", ({ tasks, room, buffer, launched }) => {
    const { launches } = play(family, { buffer }, { work: queue(tasks), room, until: 100 });
    expect(launches).toHaveLength(launched);
  });

  it("takes the factor's part of the way at each look, and none while it cools down", () => {
    const { launches } = play(family, { factor: 0.5, cooldownSeconds: 20 }, { work: queue(8), until: 40 });
    expect([0, 10, 20, 30, 40].map((look) => launches.filter(({ at }) => at === look).length)).toEqual([4, 0, 2, 0, 1]);
  });

  it("ends agents after their idle time but not below the minimum", () => {
    const { drains, inService } = play(family, { idleSeconds: 60, min: 2 }, { work: queue(5, 0, 300), until: 3000 });
    expect(drains.map(({ idleSeconds }) => idleSeconds)).toEqual([60, 60, 60]);
    expect(inService).toEqual([2]);
  });
});

describe("terraform-aws-github-runner", () => {
  const family = familyNamed("terraform-aws-github-runner");

  it("launches for a message after the delay, once", () => {
    const { launches } = play(family, {}, { work: queue(3, 40), until: 250 });
    expect(launches.map(({ at }) => at)).toEqual([70, 70, 70]);
  });

  it("launches nothing for a job that an idle runner has taken in the meantime", () => {
    const work = [...queue(1, 0, 110), ...queue(1, 250, 10)];
    const { launches } = play(family, { minimumRunningSeconds: 3600 }, { work, until: 1000 });
    expect(launches).toHaveLength(1);
  });

  it("launches one-job runners at once in ephemeral mode", () => {
    const { launches, waits } = play(family, { mode: 2 }, { work: queue(5, 50, 60), room: 4, until: 1000 });
    expect(launches.map(({ at, ephemeral }) => ({ at, ephemeral }))).toEqual(
      Array(5).fill({ at: 50, ephemeral: true }),
    );
    expect(waits).toEqual(Array(5).fill(120));
  });

  it("tops up its pool, and counts the booting as in it", () => {
    const { launches } = play(
      family,
      { mode: 1, idle: 4, minimumRunningSeconds: 3600 },
      { work: queue(2, 200), until: 900 },
    );
    expect(launches.map(({ at }) => at)).toEqual([0, 0, 0, 0, 240, 240]);
  });

  it("ends idle runners past the minimum age when its cron comes, but for the newest", () => {
    const params = { minimumRunningSeconds: 120, idle: 1 };
    const { drains, inService } = play(family, params, { work: queue(3, 0, 100), until: 2000 });
    expect(drains.map(({ at }) => at)).toEqual([300, 300]);
    expect(inService).toEqual([1]);
  });

  it("sends the message again for a job that waits for long", () => {
    const { launches } = play(family, {}, { work: queue(1), bootSeconds: 400, until: 500 });
    expect(launches.map(({ at }) => at)).toEqual([30, 300]);
  });
});

describe("taskcluster", () => {
  const family = familyNamed("taskcluster");

  it.each([
    [0.5, 5],
    [1, 10],
    [2, 20],
  ])("spawns pending x ratio %s once, and counts what was requested", (ratio, spawned) => {
    const { launches } = play(family, { ratio }, { work: queue(10), until: 110 });
    expect(launches).toHaveLength(spawned);
  });

  it("lets workers go after their idle time, but for the newest of the target where they are to ask", () => {
    const work = [...queue(4, 0, 100), ...queue(2, 0, 2000)];
    const asked = play(family, { idleSeconds: 60, ratio: 2 }, { work, until: 1500 });
    const unasked = play(family, { idleSeconds: 60, ratio: 2, ask: 0 }, { work, until: 1500 });
    // Of twelve workers two, not of the newest, go on working; asked, the four newest are kept for them.
    expect(asked.inService).toEqual([6]);
    expect(unasked.inService).toEqual([2]);
  });
});

describe("resalloc", () => {
  const family = familyNamed("resalloc");

  it("starts one at a time up to its reserve, whatever waits", () => {
    const { launches } = play(family, {}, { work: queue(9), until: 500 });
    expect(launches.map(({ at }) => at)).toEqual([0, 120, 240, 360, 480]);
    expect(launches.every(({ ephemeral }) => ephemeral)).toBe(true);
  });

  it("keeps its reserve beside what works", () => {
    const params = { prealloc: 3, maxStarting: 100, reuseSeconds: 300 };
    const { launches, inService } = play(family, params, { work: queue(2, 500), until: 2000 });
    expect(launches.map(({ at }) => at)).toEqual([0, 0, 0, 500, 500]);
    expect(inService).toEqual([5]);
  });

  it("as constant spare starts for those who wait too, and ends no builder of the reserve", () => {
    const params = { prealloc: 2, maxStarting: 100, reuseSeconds: 60, constantSpare: 1 };
    const { launches, drains, inService } = play(family, params, { work: queue(6, 200, 300), until: 2000 });
    // Two of six find the reserve; four and the reserve are started.
    expect(launches.filter(({ at }) => at === 200)).toHaveLength(6);
    expect(drains.length).toBe(launches.length - 2);
    expect(inService).toEqual([2]);
  });
});

describe("karpenter", () => {
  const family = familyNamed("karpenter");

  it("packs what waits on nodes that exist and boot before it buys more", () => {
    const work = [...queue(10, 0), ...queue(2, 50), ...queue(1, 60)];
    const { launches } = play(family, {}, { work, room: 4, until: 100 });
    expect(launches.map(({ at }) => at)).toEqual([0, 0, 0, 60]);
  });

  it("ends empty nodes after consolidateAfter and the second look, a tenth at once", () => {
    const { drains } = play(family, { consolidateAfterSeconds: 30 }, { work: queue(20, 0, 100), until: 1000 });
    const first = drains.filter(({ at }) => at === drains[0]?.at);
    expect(drains).toHaveLength(20);
    expect(drains[0]?.idleSeconds).toBe(45);
    expect(first).toHaveLength(2);
  });

  it("keeps its buffer of empty nodes, and buys another when it is used", () => {
    const { launches, drains } = play(family, { buffer: 3 }, { work: queue(2, 500), until: 2000 });
    expect(launches.map(({ at }) => at)).toEqual([0, 0, 0, 500, 500]);
    expect(drains).toEqual([]);
  });
});
