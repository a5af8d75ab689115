// The breaker of a profile whose builders do not come up.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bootLimit } from "../../shared/fleet/boots.ts";
import type { BootRecord, Memory } from "../../shared/fleet/types.ts";
import { holds, SEED } from "./seed.ts";
import { builder, decideOn, free, idle, makeProfile, makeSite, NOW, type Scene, summary } from "./world.ts";

const site = makeSite({ profiles: [makeProfile({ slots: { prefix: "b", count: 6 } })] });
const dead = (launchedAt: number) => builder.shuttingDown({ update_ts: launchedAt - 100 });

/** An instance that ended and never checked in. */
function ended(instanceId: string, slot: string, changes = {}): NonNullable<Scene["instances"]>[number] {
  const launch = { launchedAt: NOW - 1000, checkInAfter: NOW - 7200, enabledAt: null };
  return { instanceId, slot, profile: "x86", state: "terminated", ...launch, ...changes };
}

const record = (changes: Partial<BootRecord> = {}): Partial<Memory> => ({
  boots: {
    x86: {
      failures: 3,
      failedAt: NOW - 60,
      failedSlot: "b-01",
      opened: 1,
      openUntil: NOW + 540,
      provenLaunch: 0,
      ...changes,
    },
  },
});
const boots = (scene: Scene, memory: Partial<Memory> = {}) => decideOn({ site, ...scene }, memory).memory.boots.x86;

describe("a boot has failed", () => {
  const resting = { "b-01": builder.resting(), "b-02": builder.resting(), "b-03": builder.resting() };

  it("when an instance has ended without a check-in, and each is counted once", () => {
    const scene = { builders: resting, instances: [ended("i-1", "b-01"), ended("i-2", "b-02")] };
    const { memory } = decideOn({ site, ...scene });
    expect(memory.boots.x86).toMatchObject({ failures: 2, openUntil: 0 });
    expect(boots(scene, memory)).toMatchObject({ failures: 2 });
  });

  it("when it is past the boot limit and still runs", () => {
    expect(boots({ builders: { "b-01": builder.booting(901) } })).toMatchObject({ failures: 1, failedSlot: "b-01" });
    expect(boots({ builders: { "b-01": builder.booting(899) } })).toBeUndefined();
  });

  it("when it is enabled and has never been ready", () => {
    const full = builder.serving({ launchedAt: NOW - 400, enabledAt: NOW - 250 }, { ready: false });
    expect(boots({ builders: { "b-01": full } }, idle(200, "b-01"))).toMatchObject({ failures: 1 });
  });

  it.each([
    ["EC2 took it back", { takenBySpot: true }],
    ["EC2 had announced that", { spotNoticeAt: NOW - 900 }],
    ["it had served", { enabledAt: NOW - 500 }],
    ["a person wanted it gone", { drainNow: true }],
  ])("but not when %s", (_, changes) => {
    expect(boots({ builders: resting, instances: [ended("i-1", "b-01", changes)] })).toBeUndefined();
  });

  it("nor when a later launch has come up: it says nothing of today", () => {
    const builders = { ...resting, "b-03": builder.serving({ launchedAt: NOW - 500 }) };
    expect(boots({ builders, instances: [ended("i-1", "b-01")] })).toMatchObject({ failures: 0 });
  });
});

describe("the breaker", () => {
  const three = [1, 2, 3].map((each) => ended(`i-${each}`, `b-0${each}`));
  const builders = Object.fromEntries([1, 2, 3].map((each) => [`b-0${each}`, builder.resting()]));
  const tasks = [free()];

  it("opens with the third failure in a row: no launch, an alarm and a sentence", () => {
    const decision = decideOn({ site, builders, instances: three, tasks });
    expect(summary(decision)).toEqual([]);
    const reason = "x86 failed to boot 3 times in a row, last b-03 at 12:53Z: no launch of it until 13:03Z";
    expect(decision.breakers).toEqual([{ stops: "launches", profile: "x86", reason }]);
    expect(decision.notes).toContain(`no launch for 1 more task(s) in default:x86_64: ${reason}`);
  });

  it("leaves other profiles alone", () => {
    const other = makeProfile({ name: "other", slots: { prefix: "o", count: 1 } });
    const two = makeSite({ profiles: [makeProfile({ slots: { prefix: "b", count: 6 } }), other] });
    expect(summary(decideOn({ site: two, builders, instances: three, tasks }))).toEqual(["launch o-01"]);
  });

  it("keeps no floor either", () => {
    const floor = makeSite({ profiles: [makeProfile({ min: 2 })] });
    const decision = decideOn({ site: floor }, record());
    expect(summary(decision)).toEqual([]);
    expect(decision.notes.join()).toMatch(/no launch for 2 more of the floor of 2 of x86: x86 failed to boot/);
  });

  it("lets one builder at a time through after its pause", () => {
    const after = record({ openUntil: NOW - 1 });
    const many = Array.from({ length: 30 }, () => free());
    expect(summary(decideOn({ site, tasks: many }, after))).toEqual(["launch b-01"]);
    const trying = { "b-01": builder.booting(20) };
    expect(summary(decideOn({ site, builders: trying, tasks: many }, after))).toEqual([]);
  });

  it("opens again, for twice as long, when that one fails", () => {
    const scene = {
      builders: { "b-04": dead(NOW - 100) },
      instances: [ended("i-4", "b-04", { launchedAt: NOW - 50 })],
    };
    expect(boots(scene, record({ openUntil: NOW - 1 }))).toMatchObject({
      failures: 4,
      opened: 2,
      openUntil: NOW + 1200,
    });
  });

  it("does not open wider for those that were under way when it opened", () => {
    const scene = {
      builders: { "b-04": dead(NOW - 100) },
      instances: [ended("i-4", "b-04", { launchedAt: NOW - 50 })],
    };
    expect(boots(scene, record())).toMatchObject({ failures: 4, opened: 1, openUntil: NOW + 540 });
  });

  it("closes when a builder launched since then is ready for work", () => {
    const up = { "b-04": builder.serving({ launchedAt: NOW - 50, enabledAt: NOW - 5 }) };
    expect(boots({ builders: up }, record({ openUntil: NOW - 1 }))).toMatchObject({
      failures: 0,
      opened: 0,
      openUntil: 0,
    });
    const old = { "b-04": builder.serving({ launchedAt: NOW - 5000 }) };
    expect(boots({ builders: old }, record())).toMatchObject({ failures: 3, opened: 1 });
  });

  it(`never pauses for longer than the longest pause, nor lets more than one through (TOJI_SEED=${SEED})`, () => {
    const any = fc.record({
      failures: fc.integer({ min: 3, max: 500 }),
      opened: fc.nat(400),
      ago: fc.integer({ min: -20_000, max: 20_000 }),
    });
    holds(any, ({ failures, opened, ago }) => {
      const memory = record({ failures, opened, openUntil: NOW - ago });
      const scene = {
        builders: { "b-04": dead(NOW - 100) },
        instances: [ended("i-4", "b-04", { launchedAt: NOW - 50 })],
      };
      const { openUntil } = boots(scene, memory) ?? { openUntil: 0 };
      expect(openUntil - NOW).toBeLessThanOrEqual(site.builders.bootBreaker.longestPauseSeconds);
      const [profile] = site.builders.profiles;
      const limit = profile === undefined ? null : bootLimit(profile, [], decideOn({ site }, memory).memory, site, NOW);
      expect(limit?.launches).toBeLessThanOrEqual(1);
    });
  });
});
