// Slots in a time zone: summer time, week years, and zones that are not whole hours off.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isInstant, minuteText, type SlotKind, slotOf } from "../../shared/backup/calendar.ts";

const at = (iso: string) => Date.parse(iso) / 1000;
const ZONES = ["UTC", "Europe/Prague", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Chatham"];

describe("slots", () => {
  it.each<[SlotKind, string, string, string]>([
    ["yearly", "2026-12-31T23:30:00Z", "UTC", "2026"],
    ["yearly", "2026-12-31T23:30:00Z", "Europe/Prague", "2027"],
    ["monthly", "2026-11-01T03:30:00Z", "America/New_York", "2026-10"],
    ["daily", "2026-11-20T23:30:00Z", "Europe/Prague", "2026-11-21"],
    ["daily", "2026-11-20T18:29:00Z", "Asia/Kolkata", "2026-11-20"],
    ["daily", "2026-11-20T18:30:00Z", "Asia/Kolkata", "2026-11-21"],
    ["hourly", "2026-11-20T18:35:00Z", "Asia/Kolkata", "2026-11-21 00:00+05:30"],
    ["hourly", "2026-11-20T18:35:00Z", "UTC", "2026-11-20 18:00+00:00"],
    // ISO 8601: a week belongs to the year of its Thursday, and begins on Monday.
    ["weekly", "2026-11-22T12:00:00Z", "UTC", "2026-W47"],
    ["weekly", "2026-11-23T00:00:00Z", "UTC", "2026-W48"],
    ["weekly", "2026-11-22T23:30:00Z", "Europe/Prague", "2026-W48"],
    ["weekly", "2027-01-03T12:00:00Z", "UTC", "2026-W53"],
    ["weekly", "2024-12-30T12:00:00Z", "UTC", "2025-W01"],
    ["weekly", "2021-01-01T12:00:00Z", "UTC", "2020-W53"],
  ])("%s of %s in %s is %s", (kind, iso, zone, slot) => {
    expect(slotOf(kind, at(iso), zone)).toBe(slot);
  });

  it("keep apart the two hours of one name on the day clocks go back", () => {
    const hours = ["2026-10-24T23:30:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"];
    expect(hours.map((iso) => slotOf("hourly", at(iso), "Europe/Prague"))).toEqual([
      "2026-10-25 01:00+02:00",
      "2026-10-25 02:00+02:00",
      "2026-10-25 02:00+01:00",
    ]);
    const days = new Set(hours.map((iso) => slotOf("daily", at(iso), "Europe/Prague")));
    expect([...days]).toEqual(["2026-10-25"]);
  });

  it("follow one another: a day never comes back, and lies in one month", () => {
    const instant = fc.integer({ min: 0, max: 4e9 });
    fc.assert(
      fc.property(instant, instant, fc.constantFrom(...ZONES), (a, b, zone) => {
        const [early, late] = a < b ? [a, b] : [b, a];
        for (const kind of ["daily", "weekly", "monthly", "yearly"] as const)
          expect(slotOf(kind, early, zone) <= slotOf(kind, late, zone)).toBe(true);
        expect(slotOf("daily", a, zone).startsWith(slotOf("monthly", a, zone))).toBe(true);
        expect(slotOf("hourly", a, zone).startsWith(slotOf("daily", a, zone))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("of an hour last an hour or less", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e9 }), fc.constantFrom(...ZONES), (instant, zone) => {
        expect(slotOf("hourly", instant, zone)).not.toBe(slotOf("hourly", instant + 3600, zone));
      }),
      { numRuns: 500 },
    );
  });
});

describe("times", () => {
  it("are shown to the minute in the zone", () => {
    expect(minuteText(at("2026-11-20T02:03:59.9Z"), "Europe/Prague")).toBe("2026-11-20 03:03");
  });

  it("are those that a calendar has", () => {
    expect([0, -1, 1.5, 8.64e12].map(isInstant)).toEqual([true, true, true, true]);
    expect([Number.NaN, Number.POSITIVE_INFINITY, 8.65e12].map(isInstant)).toEqual([false, false, false]);
  });
});
