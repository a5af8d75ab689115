// What a set costs a month, and what a plan can save.

import { describe, expect, it } from "vitest";
import { dollarsPerMonth, planSavings } from "../../shared/backup/cost.ts";

const GIB = 2 ** 30;

describe("dollarsPerMonth", () => {
  it("is the price of the changed blocks in each region", () => {
    expect(dollarsPerMonth(100 * GIB)).toBeCloseTo(5);
    expect(dollarsPerMonth(100 * GIB, 2)).toBeCloseTo(10);
    expect(dollarsPerMonth(100 * GIB, 1, 0.06)).toBeCloseTo(6);
    expect(dollarsPerMonth(0)).toBe(0);
  });

  it("is not known when nothing was measured", () => {
    expect(dollarsPerMonth(null)).toBeNull();
  });
});

describe("planSavings", () => {
  it("sums what goes, and counts what was never measured", () => {
    const expire = ["a", "b", "c", "d"].map((id) => ({ id, reason: "" }));
    const costs = new Map([
      ["a", 1.5],
      ["b", 2],
      ["c", null],
      ["kept", 100],
    ]);
    expect(planSavings({ expire }, costs)).toEqual({ atMostDollarsPerMonth: 3.5, unmeasured: 2 });
    expect(planSavings({ expire: [] }, costs)).toEqual({ atMostDollarsPerMonth: 0, unmeasured: 0 });
  });
});
