// What every baseline policy holds to, whatever its formula.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gridOf } from "../../../sandbox/replay/policies/grid.ts";
import { FAMILIES, familyNamed, UnknownFamilyError } from "../../../sandbox/replay/policies/index.ts";
import type { Family, Params } from "../../../sandbox/replay/policies/policy.ts";
import { play, type Work } from "./fake-pools.ts";

const burst: Work[] = [{ at: 100, seconds: 300, tasks: 6 }];

/** Builders that a family holds when there never was a task; the others hold none. */
function constantOf({ name }: Family, params: Params): number {
  const value = (key: string) => params[key] ?? 0;
  if (name === "static") return value("builders");
  if (name === "big-builder") return 1;
  if (name === "target-tracking" || name === "buildkite-agent-scaler" || name === "taskcluster") return value("min");
  if (name === "resalloc") return value("prealloc");
  if (name === "karpenter") return value("buffer");
  return value("mode") === 0 ? 0 : value("idle");
}

describe.each(FAMILIES.map((family) => ({ name: family.name, family })))("$name at its defaults", ({ family }) => {
  it("serves what waits", () => {
    const { waits } = play(family, family.defaults, { work: burst, until: 6000 });
    expect(waits).toHaveLength(6);
  });

  it("comes back to its constant once the work has ended", () => {
    const { inService } = play(family, family.defaults, { work: burst, until: 8000 });
    expect(inService).toEqual([constantOf(family, family.defaults)]);
  });

  it("holds still while as many builders work as are needed", () => {
    const work = [{ at: 0, seconds: 100_000, tasks: 4 }];
    const { launches, drains } = play(family, family.defaults, { work, until: 8000 });
    const late = [...launches, ...drains].filter(({ at }) => at > 3000);
    expect(late).toEqual([]);
  });

  it("takes a refusal for an answer until the next look", () => {
    const refuses = (now: number) => now < 2000;
    const { mostRefusalsAtLook } = play(family, family.defaults, { work: burst, until: 1990, refuses });
    const { waits } = play(family, family.defaults, { work: burst, until: 8000, refuses });
    expect(mostRefusalsAtLook).toBe(1);
    expect(waits).toHaveLength(6);
  });

  it("launches nothing for a pool because of another pool's work", () => {
    const { launches } = play(family, family.defaults, { pools: 2, work: burst, until: 3000 });
    const other = launches.filter(({ pool }) => pool === 1);
    expect(other).toHaveLength(constantOf(family, family.defaults));
  });

  it("names its source and refuses a parameter that it does not have", () => {
    const [first = ""] = Object.keys(family.defaults);
    expect(family.source).toMatch(/[0-9a-f]{7}|Auto Scaling|theforeman|Koji/);
    expect(() => family.create({ [`${first}x`]: 1 })).toThrow(`did you mean "${first}"?`);
    expect(() => family.create({ [first]: -1 })).toThrow("give a number from 0 up");
  });
});

const families = fc.constantFrom(...FAMILIES);
const anyPolicy = families.chain((family) =>
  fc.record({ family: fc.constant(family), params: fc.constantFrom(...gridOf(family)) }),
);
const anyWork = fc.array(
  fc.record({
    pool: fc.nat({ max: 1 }),
    at: fc.nat({ max: 1500 }),
    seconds: fc.integer({ min: 5, max: 900 }),
    tasks: fc.integer({ min: 1, max: 12 }),
  }),
  { maxLength: 8 },
);
const anyWorld = fc.record({
  work: anyWork,
  room: fc.constantFrom(1, 3),
  max: fc.integer({ min: 1, max: 30 }),
  refusing: fc.nat({ max: 400 }),
});

describe("every policy with any parameters of its grid", () => {
  it("drains only builders that are up and idle, and asks on after a refusal only in another pool or for another reason", () => {
    fc.assert(
      fc.property(anyPolicy, anyWorld, ({ family, params }, { refusing, ...world }) => {
        const refuses = (now: number) => now < refusing;
        const { drains, mostRefusalsAtLook } = play(family, params, { ...world, pools: 2, until: 2500, refuses });
        expect(drains.filter(({ tasks, idleSeconds }) => tasks > 0 || idleSeconds === null)).toEqual([]);
        expect(mostRefusalsAtLook).toBeLessThanOrEqual(2 * 2);
      }),
      { seed: 4, numRuns: 120 },
    );
  });

  it("does the same again in the same world", () => {
    fc.assert(
      fc.property(anyPolicy, anyWorld, ({ family, params }, world) => {
        const once = play(family, params, { ...world, pools: 2, until: 2000 });
        expect(play(family, params, { ...world, pools: 2, until: 2000 })).toEqual(once);
      }),
      { seed: 5, numRuns: 30 },
    );
  });

  it("launches its constant and no more where there never is a task", () => {
    for (const family of FAMILIES) {
      for (const params of gridOf(family)) {
        const { launches } = play(family, params, { work: [], until: 60, max: 400 });
        expect({ family: family.name, params, launches: launches.length }).toEqual({
          ...{ family: family.name, params },
          launches: Math.min(constantOf(family, params), params.maxStarting ?? 400, 400),
        });
      }
    }
  });
});

describe("familyNamed", () => {
  it("finds every family by its name", () => {
    for (const family of FAMILIES) expect(familyNamed(family.name)).toBe(family);
  });

  it.each([
    ["buildkite", "buildkite-agent-scaler"],
    ["karpentr", "karpenter"],
    ["big", "big-builder"],
  ])("names the nearest to %s", (name, nearest) => {
    expect(() => familyNamed(name)).toThrow(
      new UnknownFamilyError(`there is no policy "${name}": did you mean "${nearest}"?`),
    );
  });

  it.each(["", "zzzzzz"])("names all where none is near: '%s'", (name) => {
    expect(() => familyNamed(name)).toThrow("there are static, target-tracking, ");
  });
});
