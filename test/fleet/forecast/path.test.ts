// The way from launch to work, measured once for each launch, and the time that it will take.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leadSeconds, NO_PATH, notePath, type PathMemory } from "../../../shared/fleet/forecast/path.ts";
import { holds } from "../seed.ts";
import { type BuilderSpec, builder, NOW, slotsOf } from "../world.ts";

const look = (memory: PathMemory, spec: BuilderSpec, now = NOW, since: number | null = now - 10) =>
  notePath(memory, [...slotsOf({ builders: { "b-01": spec } }).values()], { now, since, longestSeconds: 900 });
const booting = builder.booting();
const ready = builder.serving({ launchedAt: NOW - 125 });
const notReady = builder.checkedIn({ launchedAt: NOW - 125 });

describe("the boot time", () => {
  it("is learned at the first check-in: from the launch to kojid's first call", () => {
    const path = look(look(NO_PATH, booting), ready);
    // It checked in five seconds ago.
    expect(path.boot).toEqual({ count: 1, seconds: 120 });
    expect(path.ready).toEqual({ count: 1, seconds: 5 });
  });

  it("is learned once for each launch", () => {
    const once = look(look(NO_PATH, booting), ready);
    expect(look(look(once, ready), ready)).toBe(once);
    expect(look(look(once, booting), ready).boot.count).toBe(2);
  });

  it("is not learned of builders whose boot was not seen", () => {
    expect(look(NO_PATH, ready)).toBe(NO_PATH);
  });

  it("is not learned of a boot that failed", () => {
    expect(look(look(NO_PATH, booting), builder.shuttingDown()).boot.count).toBe(0);
    expect(look(look(NO_PATH, booting), builder.resting()).underWay).toEqual({});
  });
});

describe("a gap in which nobody looked", () => {
  // The hub was away for an hour: when kojid called first is not known, only when it called last.
  it("tells nothing of the boot that ended in it", () => {
    expect(look(look(NO_PATH, booting), ready, NOW + 3600).boot.count).toBe(0);
  });

  it("or a person's hold adds no hours to the way of every later launch", () => {
    const checkedIn = look(look(NO_PATH, booting), notReady);
    expect(leadSeconds(look(checkedIn, ready, NOW + 36_000), 150)).toBeLessThan(900);
  });
});

describe("the time until a builder is ready", () => {
  it("counts from its check-in to the pass that sees it enabled and ready", () => {
    const checkedIn = look(look(NO_PATH, booting), notReady);
    expect(checkedIn.boot.count).toBe(1);
    expect(checkedIn.ready.count).toBe(0);
    const up = look(checkedIn, builder.serving({ launchedAt: NOW - 125 }), NOW + 20);
    expect(up.ready).toEqual({ count: 1, seconds: 25 });
    expect(up.boot).toEqual(checkedIn.boot);
  });
});

describe("the lead", () => {
  it("is the config's figure until launches were measured, and comes to theirs with each", () => {
    const measured = (count: number): PathMemory => ({ ...NO_PATH, boot: { count, seconds: 90 } });
    expect(leadSeconds(NO_PATH, 150)).toBe(150);
    expect(leadSeconds(measured(3), 150)).toBe(120);
    expect(leadSeconds(measured(30), 150)).toBeLessThan(96);
  });

  it("has the time until ready on top", () => {
    // As far as it has been seen: three launches that were ready at once are taken for granted before.
    expect(leadSeconds({ ...NO_PATH, ready: { count: 4, seconds: 14 } }, 150)).toBe(158);
    expect(leadSeconds({ ...NO_PATH, ready: { count: 27, seconds: 10 } }, 150)).toBe(159);
  });

  it("stays between the shortest and the longest that was seen or expected", () => {
    holds(
      fc.array(fc.integer({ min: 30, max: 600 }), { maxLength: 60 }),
      (boots) => {
        const path = boots.reduce(
          (known, seconds) => look(look(known, booting), builder.serving({ launchedAt: NOW - 5 - seconds })),
          NO_PATH,
        );
        const lead = leadSeconds({ ...path, ready: NO_PATH.ready }, 150);
        expect(path.boot.count).toBe(Math.min(30, boots.length));
        expect(lead).toBeGreaterThanOrEqual(Math.min(150, ...boots) - 1e-9);
        expect(lead).toBeLessThanOrEqual(Math.max(150, ...boots) + 1e-9);
      },
      40,
    );
  });
});
