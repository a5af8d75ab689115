// Counts of rises: bins that cover every rise and can be read back, and views that lean on coarser ones.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addRise, binOf, type Histogram, NO_RISE, riseOf, smooth } from "../../../shared/fleet/forecast/histogram.ts";
import { holds } from "../seed.ts";

const anyRise = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 20_000 }));
const anyHistogram = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 300 }), fc.double({ min: 0.1, max: 9, noNaN: true })), { maxLength: 12 })
  .map((rises) =>
    rises.reduce<Histogram | undefined>((known, [rise, ticks]) => addRise(known, rise, ticks), undefined),
  );
const total = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0);

describe("bins of rises", () => {
  it("are exact up to 16 tasks, and one per 18 % above", () => {
    expect([0, 1, 15, 16, 17, 18, 19, 22].map(binOf)).toEqual([0, 1, 15, 16, 17, 17, 18, 18]);
    expect([0, 16, 17, 18].map(riseOf)).toEqual([0, 16, 18, 22]);
  });

  it("cover every rise: its bin reaches up to it, the bin before does not", () => {
    holds(anyRise, (rise) => {
      const bin = binOf(rise);
      expect(riseOf(bin)).toBeGreaterThanOrEqual(rise);
      expect(riseOf(bin)).toBeLessThanOrEqual(Math.max(rise, rise * 1.18));
      if (bin > 0) expect(riseOf(bin - 1)).toBeLessThan(rise);
    });
  });

  it("invert: the largest rise of a bin falls into it", () => {
    for (let bin = 0; bin < 60; bin++) expect(binOf(riseOf(bin))).toBe(bin);
  });

  it("end where no fleet reaches, however absurd the rise", () => {
    expect(binOf(1e15)).toBe(binOf(20_000));
  });

  it("count a fall of demand as no rise, and a part of a task with the next whole one", () => {
    expect([-5, 0, 0.4, 0.6].map(binOf)).toEqual([0, 0, 1, 1]);
  });
});

describe("a histogram", () => {
  it("counts looks by their length", () => {
    expect(addRise(addRise(undefined, 2, 1), 0, 6)).toEqual({ ticks: 7, bins: [6, 0, 1] });
  });

  it("shares a rise between the bins around it, so that its mean is that of the rises", () => {
    const [none, one] = addRise(undefined, 0.4, 10).bins;
    expect(none).toBeCloseTo(6, 9);
    expect(one).toBeCloseTo(4, 9);
    holds(fc.array(fc.double({ min: 0, max: 19_000, noNaN: true }), { minLength: 1, maxLength: 30 }), (rises) => {
      const histogram = rises.reduce<Histogram | undefined>((known, rise) => addRise(known, rise, 2), undefined);
      const sum = histogram?.bins.reduce((all, ticks, bin) => all + ticks * riseOf(bin), 0) ?? Number.NaN;
      const exact = 2 * total(rises);
      expect(Math.abs(sum - exact)).toBeLessThanOrEqual(1e-9 * exact + 1e-9);
      expect(total(histogram?.bins ?? [])).toBeCloseTo(histogram?.ticks ?? Number.NaN, 6);
    });
  });

  it("is not changed by what is added later", () => {
    const first = addRise(undefined, 1, 1);
    addRise(first, 1, 1);
    expect(first).toEqual({ ticks: 1, bins: [0, 1] });
  });
});

describe("smoothing", () => {
  it("gives a distribution from a distribution", () => {
    holds(fc.tuple(anyHistogram, anyHistogram, fc.integer({ min: 0, max: 1000 })), ([fine, coarse, weight]) => {
      const chances = smooth(fine, smooth(coarse, NO_RISE, 0), weight);
      expect(total(chances)).toBeCloseTo(1, 9);
      for (const chance of chances) expect(chance).toBeGreaterThanOrEqual(0);
    });
  });

  it("is the coarser view as long as the finer one has no looks", () => {
    expect(smooth(undefined, [0.5, 0.5], 500)).toEqual([0.5, 0.5]);
    expect(smooth({ ticks: 0, bins: [] }, [0.5, 0.5], 500)).toEqual([0.5, 0.5]);
  });

  it("lies between both views, the nearer to the finer one the more looks that has", () => {
    const coarse = [0.5, 0.5];
    const seen = (ticks: number) => smooth({ ticks, bins: [0, ticks] }, coarse, 500)[1];
    expect(seen(500)).toBeCloseTo(0.75, 12);
    expect(seen(50_000)).toBeGreaterThan(0.99);
    expect(seen(1)).toBeLessThan(0.502);
  });
});
