// How long a stage still takes: chances that are chances, learned times that the package's own pull towards themselves.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addTime, chanceToEnd, priorTimes, refine, type Times } from "../../../shared/fleet/forecast/stage-times.ts";
import { holds } from "../seed.ts";

const NONE: Times = { count: 0, mean: 0, variance: 0 };
const anyTimes = fc
  .tuple(fc.double({ min: 2, max: 4000, noNaN: true }), fc.double({ min: 1.01, max: 8, noNaN: true }))
  .map(([median, spread]) => priorTimes(median, median * spread));
const anySeconds = fc.double({ min: 0, max: 100_000, noNaN: true });
const learn = (times: Times, seconds: readonly number[]) => seconds.reduce(addTime, times);

describe("the chance that a stage ends in time", () => {
  it("is a chance", () => {
    holds(fc.tuple(anyTimes, anySeconds, anySeconds), ([times, elapsed, within]) => {
      const chance = chanceToEnd(times, elapsed, within);
      expect(chance).toBeGreaterThanOrEqual(0);
      expect(chance).toBeLessThanOrEqual(1);
    });
  });

  it("grows with the time that is given, and is nothing without any", () => {
    holds(fc.tuple(anyTimes, anySeconds, anySeconds, anySeconds), ([times, elapsed, a, b]) => {
      const [short, long] = [Math.min(a, b), Math.max(a, b)];
      expect(chanceToEnd(times, elapsed, long)).toBeGreaterThanOrEqual(chanceToEnd(times, elapsed, short) - 1e-6);
      expect(chanceToEnd(times, elapsed, 0)).toBe(0);
      expect(chanceToEnd(times, elapsed, -30)).toBe(0);
    });
  });

  it("is that of the log-normal distribution: half by the median, 95 % by the other figure", () => {
    const times = priorTimes(55, 160);
    expect(chanceToEnd(times, 0, 55)).toBeCloseTo(0.5, 6);
    expect(chanceToEnd(times, 0, 160)).toBeCloseTo(0.95, 6);
  });

  it("counts only what is still possible after the time that has passed", () => {
    const times = priorTimes(60, 150);
    const [by60, by90] = [chanceToEnd(times, 0, 60), chanceToEnd(times, 0, 90)];
    expect(chanceToEnd(times, 60, 30)).toBeCloseTo((by90 - by60) / (1 - by60), 9);
    expect(chanceToEnd(times, 60, 30)).toBeGreaterThan(by90 - by60);
  });

  it("falls for a stage that runs longer than nearly all before: it goes on", () => {
    const times = priorTimes(10, 20);
    expect(chanceToEnd(times, 10_000, 60)).toBeLessThan(0.01);
    expect(chanceToEnd(times, 100_000, 60)).toBeLessThan(chanceToEnd(times, 10_000, 60));
  });
});

describe("learned times", () => {
  it("come near what is measured, whatever was believed before", () => {
    const times = learn(priorTimes(55, 160), new Array<number>(300).fill(400));
    expect(Math.exp(times.mean)).toBeGreaterThan(380);
    expect(chanceToEnd(times, 0, 300)).toBeLessThan(0.2);
  });

  it("know mean and variance of logarithms as they are added", () => {
    holds(fc.array(fc.double({ min: 1, max: 5000, noNaN: true }), { minLength: 2, maxLength: 60 }), (samples) => {
      const logs = samples.map(Math.log);
      const mean = logs.reduce((sum, each) => sum + each, 0) / logs.length;
      const variance = logs.reduce((sum, each) => sum + (each - mean) ** 2, 0) / logs.length;
      const times = learn(NONE, samples);
      expect(times.mean).toBeCloseTo(mean, 6);
      expect(times.variance).toBeCloseTo(variance, 6);
    });
  });

  it("let old samples fade", () => {
    const slow = learn(NONE, new Array<number>(5000).fill(1000));
    const since = learn(slow, new Array<number>(1500).fill(10));
    expect(Math.exp(since.mean)).toBeLessThan(15);
    expect(since.count).toBeLessThanOrEqual(500);
  });
});

describe("a package's own times", () => {
  it("count the more the more there are", () => {
    const method = priorTimes(60, 160);
    const own = (count: number) => Math.exp(refine(method, learn(NONE, new Array<number>(count).fill(600))).mean);
    expect(refine(method, undefined)).toEqual(method);
    expect(refine(method, NONE)).toEqual(method);
    expect(own(1)).toBeGreaterThan(60);
    expect(own(3)).toBeGreaterThan(own(1));
    expect(own(40)).toBeGreaterThan(500);
  });

  it("leave some doubt, though all of them were equal", () => {
    const method = priorTimes(60, 160);
    expect(refine(method, learn(NONE, new Array<number>(50).fill(600))).variance).toBeGreaterThan(
      0.2 * method.variance,
    );
  });
});
