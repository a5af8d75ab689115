// The grids of tuning: fixed, small enough to be replayed whole, the owner's defaults first.

import { describe, expect, it } from "vitest";
import { GridError, gridOf } from "../../../sandbox/replay/policies/grid.ts";
import { FAMILIES } from "../../../sandbox/replay/policies/index.ts";
import type { Family } from "../../../sandbox/replay/policies/policy.ts";

const made: Family = {
  ...{ name: "made", source: "", formula: "", tickSeconds: 10 },
  defaults: { a: 1, b: 2, c: 3 },
  grid: { a: [0, 1], b: [2, 4] },
  create: () => ({ step: () => {} }),
};

describe.each(FAMILIES.map((family) => ({ name: family.name, family })))("the grid of $name", ({ family }) => {
  const grid = gridOf(family);

  it("has the owner's defaults first and at most 80 combinations, none twice", () => {
    expect(grid[0]).toEqual(family.defaults);
    expect(grid.length).toBeLessThanOrEqual(80);
    expect(new Set(grid.map((params) => JSON.stringify(params))).size).toBe(grid.length);
  });

  it("holds parameters that the family takes", () => {
    for (const params of grid) expect(() => family.create(params)).not.toThrow();
  });
});

describe("gridOf", () => {
  it("gives every combination in one order; what is not in the grid stays as the owner has it", () => {
    expect(gridOf(made)).toEqual([
      { a: 1, b: 2, c: 3 },
      { a: 0, b: 2, c: 3 },
      { a: 0, b: 4, c: 3 },
      { a: 1, b: 4, c: 3 },
    ]);
  });

  it("keeps the defaults where the grid does not have them", () => {
    expect(gridOf({ ...made, grid: { a: [7] } })).toEqual([
      { a: 1, b: 2, c: 3 },
      { a: 7, b: 2, c: 3 },
    ]);
  });

  it("refuses a grid that is too large or names what the family does not have", () => {
    const large = Array.from({ length: 80 }, (_, index) => index + 10);
    expect(() => gridOf({ ...made, grid: { a: large } })).toThrow(
      new GridError("the grid of made has 81 combinations: keep it to 80"),
    );
    expect(() => gridOf({ ...made, grid: { d: [1] } })).toThrow('the grid of made has "d"');
  });
});
