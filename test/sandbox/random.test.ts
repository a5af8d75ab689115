// Seeded random numbers: the same every time, and of the shape that was asked for.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "../../sandbox/world/random.ts";

const draw = (random: Random, count: number) => Array.from({ length: count }, () => random.uniform());

describe("a random stream", () => {
  it("repeats for a seed, differs between seeds, and stays in 0 to 1", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const numbers = draw(new Random(seed), 100);
        expect(draw(new Random(seed), 100)).toEqual(numbers);
        expect(draw(new Random(seed + 1), 100)).not.toEqual(numbers);
        expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
      }),
    );
  });

  it("gives a fork that only its seed and label decide", () => {
    const parent = new Random(7);
    const early = draw(parent.fork("boot"), 20);
    draw(parent, 50);
    expect(draw(parent.fork("boot"), 20)).toEqual(early);
    expect(draw(parent.fork("spot"), 20)).not.toEqual(early);
    expect(draw(new Random(8).fork("boot"), 20)).not.toEqual(early);
  });

  it("spreads evenly (seed 1)", () => {
    const random = new Random(1);
    const tenths = new Array<number>(10).fill(0);
    for (const number of draw(random, 20_000)) {
      const tenth = Math.floor(number * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    for (const count of tenths) expect(Math.abs(count - 2000)).toBeLessThan(200);
  });

  it("draws log-normal values with the given median and 95th percentile (seed 2)", () => {
    const random = new Random(2);
    const values = Array.from({ length: 20_000 }, () => random.lognormal(35, 60)).sort((a, b) => a - b);
    expect(values[10_000]).toBeCloseTo(35, 0);
    expect(Math.abs((values[19_000] ?? 0) - 60)).toBeLessThan(2);
    expect(random.lognormal(10, 10)).toBe(10);
    expect(() => random.lognormal(10, 5)).toThrow(RangeError);
    expect(() => random.lognormal(0, 5)).toThrow(RangeError);
  });

  it("picks every item sooner or later, and nothing from nothing (seed 3)", () => {
    const random = new Random(3);
    const picked = new Set(Array.from({ length: 100 }, () => random.pick(["a", "b", "c"])));
    expect([...picked].sort()).toEqual(["a", "b", "c"]);
    expect(() => random.pick([])).toThrow(RangeError);
    const between = Array.from({ length: 100 }, () => random.between(5, 6));
    expect(between.every((number) => number >= 5 && number < 6)).toBe(true);
  });
});
