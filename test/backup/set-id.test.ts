// The id of a set: the same for every step of one execution, another for every other.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { setIdOf } from "../../shared/backup/set-id.ts";

describe("setIdOf", () => {
  it("names the start in UTC, and the execution", () => {
    expect(setIdOf("nightly-1", "2026-11-23T02:00:00.123Z")).toMatch(/^bs-20261123T020000Z-[0-9a-f]{8}$/);
    expect(setIdOf("nightly-1", "2026-11-23T03:00:00+01:00")).toBe(setIdOf("nightly-1", "2026-11-23T02:00:00Z"));
    expect(setIdOf("nightly-1", "2026-11-23T02:00:00Z")).not.toBe(setIdOf("nightly-2", "2026-11-23T02:00:00Z"));
  });

  it("is fit for a tag, an object key and an execution's name, and sorts by time", () => {
    const time = fc.integer({ min: 0, max: 4e9 }).map((seconds) => new Date(seconds * 1000).toISOString());
    fc.assert(
      fc.property(fc.string(), time, time, (execution, a, b) => {
        const [early, late] = a < b ? [a, b] : [b, a];
        expect(setIdOf(execution, early)).toMatch(/^bs-\d{8}T\d{6}Z-[0-9a-f]{8}$/);
        expect(setIdOf(execution, early) <= setIdOf(execution, late)).toBe(true);
      }),
    );
  });

  it("refuses a start that is no time", () => {
    expect(() => setIdOf("nightly-1", "soon")).toThrow(/"soon" is no ISO 8601 time/);
  });
});
