// What a further builder would take: expected demand in slices, and the last slice that is worth its money.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addUp, normalShare, reliefOf, worthwhile } from "../../../shared/fleet/forecast/capacity.ts";
import { type Chances, NO_RISE, riseOf } from "../../../shared/fleet/forecast/histogram.ts";
import { holds } from "../seed.ts";

const total = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0);
const mean = (chances: Chances, tasksOf = (index: number) => index) =>
  total(chances.map((chance, index) => chance * tasksOf(index)));
const anyChance = fc.double({ min: 0, max: 1, noNaN: true });
const anyChances = (maxLength: number): fc.Arbitrary<Chances> =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength }).map((counts) => {
    const sum = total(counts);
    return sum === 0 ? [1] : counts.map((each) => each / sum);
  });
const anyOutlook = fc.record({
  demand: fc.double({ min: 0, max: 40, noNaN: true }),
  children: anyChances(12),
  rise: anyChances(24),
});
const anySize = fc.integer({ min: 1, max: 8 });

describe("relief", () => {
  it("of a sure demand is a full builder each, and what is left over for the last", () => {
    const relief = reliefOf({ demand: 9, children: [1], rise: NO_RISE }, 4);
    expect([1, 2, 3, 4].map((builder) => relief.of(builder))).toEqual([4, 4, 1, 0]);
  });

  it("of a rise that may come is its chance, and that of children likewise", () => {
    const half = [0.5, 0.5];
    expect(reliefOf({ demand: 0, children: [1], rise: half }, 1).of(1)).toBeCloseTo(0.5, 12);
    expect(reliefOf({ demand: 0, children: half, rise: half }, 1).of(1)).toBeCloseTo(0.75, 12);
    expect(reliefOf({ demand: 0, children: half, rise: half }, 1).of(2)).toBeCloseTo(0.25, 12);
  });

  it("never grows from one builder to the next, and is never more than a builder holds", () => {
    holds(fc.tuple(anyOutlook, anySize), ([outlook, size]) => {
      const relief = reliefOf(outlook, size);
      let before = size + 1e-9;
      for (let builder = 1; builder < 60; builder++) {
        const taken = relief.of(builder);
        expect(taken).toBeLessThanOrEqual(before + 1e-9);
        expect(taken).toBeGreaterThanOrEqual(-1e-9);
        before = taken;
      }
    });
  });

  it("adds up to the expected demand", () => {
    holds(fc.tuple(anyOutlook, anySize), ([outlook, size]) => {
      const relief = reliefOf(outlook, size);
      const most = outlook.demand + outlook.children.length + riseOf(outlook.rise.length);
      const sum = total(Array.from({ length: Math.ceil(most / size) + 1 }, (_, index) => relief.of(index + 1)));
      expect(sum).toBeCloseTo(outlook.demand + mean(outlook.children) + mean(outlook.rise, riseOf), 6);
    });
  });
});

describe("what is worthwhile", () => {
  it("is never more for a higher threshold, and its last builder is above it, the next one is not", () => {
    const anyThreshold = fc.double({ min: 1e-6, max: 3, noNaN: true });
    holds(fc.tuple(anyOutlook, anySize, anyThreshold, anyThreshold), ([outlook, size, a, b]) => {
      const relief = reliefOf(outlook, size);
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      const builders = worthwhile(relief, low, 0);
      expect(worthwhile(relief, high, 0)).toBeLessThanOrEqual(builders);
      expect(relief.of(builders + 1)).toBeLessThanOrEqual(low);
      if (builders > 0) expect(relief.of(builders)).toBeGreaterThan(low);
    });
  });

  it("is nothing at a threshold without end, and at least what is asked for", () => {
    const relief = reliefOf({ demand: 100, children: [1], rise: NO_RISE }, 1);
    expect(worthwhile(relief, Number.POSITIVE_INFINITY, 0)).toBe(0);
    expect(worthwhile(relief, Number.POSITIVE_INFINITY, 7)).toBe(7);
  });
});

interface Event {
  readonly chance: number;
  readonly tasks: number;
}

/** Over all 2^n outcomes. */
function addUpAll(events: readonly Event[]): number[] {
  const totals = new Array<number>(total(events.map(({ tasks }) => tasks)) + 1).fill(0);
  for (let outcome = 0; outcome < 1 << events.length; outcome++) {
    let [chance, tasks] = [1, 0];
    events.forEach((event, index) => {
      const happens = (outcome & (1 << index)) !== 0;
      chance *= happens ? event.chance : 1 - event.chance;
      if (happens) tasks += event.tasks;
    });
    totals[tasks] = (totals[tasks] ?? 0) + chance;
  }
  return totals;
}

describe("events added up", () => {
  const anyEvents = (tasks: fc.Arbitrary<number>, maxLength: number) =>
    fc.array(fc.record({ chance: anyChance, tasks }), { maxLength });

  it("are as likely as counting every outcome says", () => {
    holds(anyEvents(fc.integer({ min: 0, max: 5 }), 8), (events) => {
      const totals = addUp(events);
      addUpAll(events).forEach((chance, tasks) => {
        expect(totals[tasks] ?? 0).toBeCloseTo(chance, 9);
      });
    });
  });

  it("sum up to 1 and keep their mean, parts of tasks too", () => {
    holds(anyEvents(fc.double({ min: 0, max: 4, noNaN: true }), 40), (events) => {
      const totals = addUp(events);
      expect(total(totals)).toBeCloseTo(1, 9);
      expect(mean(totals)).toBeCloseTo(total(events.map(({ chance, tasks }) => chance * tasks)), 6);
    });
  });

  it("are nearly the same by the normal distribution, when there are many", () => {
    const most = 48;
    for (const chance of [0.3, 0.5, 0.9]) {
      const many = (count: number) => addUp(Array.from({ length: count }, () => ({ chance, tasks: 1 })));
      const [exact, normal] = [many(most), many(most + 1)];
      expect(total(normal)).toBeCloseTo(1, 5);
      expect(mean(normal)).toBeCloseTo(chance * (most + 1), 1);
      // The exact ones with one more event, by hand.
      let difference = 0;
      for (let tasks = 0; tasks <= most + 1; tasks++) {
        const one = (exact[tasks] ?? 0) * (1 - chance) + (exact[tasks - 1] ?? 0) * chance;
        difference = Math.max(difference, Math.abs(one - (normal[tasks] ?? 0)));
      }
      expect(difference).toBeLessThan(0.02);
    }
  });

  it("are certain when each is, however many", () => {
    const totals = addUp(Array.from({ length: 60 }, () => ({ chance: 1, tasks: 2 })));
    expect(totals[120]).toBeCloseTo(1, 6);
  });
});

describe("the normal distribution", () => {
  it("has the values of the tables, and is symmetric", () => {
    expect(normalShare(0)).toBeCloseTo(0.5, 7);
    expect(normalShare(1.959963985)).toBeCloseTo(0.975, 6);
    for (const z of [0.1, 0.7, 2, 5]) expect(normalShare(z) + normalShare(-z)).toBeCloseTo(1, 9);
  });
});
