// Scheduler's expressions, as the sandbox understands them.

import { describe, expect, it } from "vitest";
import { nextTime, onSchedule } from "../../sandbox/backup/schedule.ts";
import { VirtualClock } from "../../sandbox/world/clock.ts";

const at = (iso: string) => Date.parse(iso) / 1000;
const next = (expression: string, zone: string, from: string) =>
  new Date(nextTime(expression, zone, at(from)) * 1000).toISOString();

describe("the next time", () => {
  it.each([
    ["rate(12 hours)", "UTC", "2026-11-23T06:00:00Z", "2026-11-23T18:00:00.000Z"],
    ["cron(0 2 * * ? *)", "UTC", "2026-11-23T02:00:00Z", "2026-11-24T02:00:00.000Z"],
    ["cron(0 2 * * ? *)", "Europe/Prague", "2026-10-24T12:00:00Z", "2026-10-25T00:00:00.000Z"],
    // Winter time has begun meanwhile.
    ["cron(0 2 * * ? *)", "Europe/Prague", "2026-10-25T12:00:00Z", "2026-10-26T01:00:00.000Z"],
    // 2026-11-23 is a Monday; 1 is Sunday for AWS.
    ["cron(30 4 ? * 1 *)", "UTC", "2026-11-23T00:00:00Z", "2026-11-29T04:30:00.000Z"],
    ["cron(30 4 ? * SUN *)", "UTC", "2026-11-23T00:00:00Z", "2026-11-29T04:30:00.000Z"],
    ["cron(0 0 1 * ? *)", "UTC", "2026-11-23T00:00:00Z", "2026-12-01T00:00:00.000Z"],
  ])("of %s in %s after %s is %s", (expression, zone, from, expected) => {
    expect(next(expression, zone, from)).toBe(expected);
  });

  it("is refused for what Scheduler does not know", () => {
    expect(() => nextTime("every day", "UTC", 0)).toThrow(/neither rate/);
  });
});

it("runs what is due until it is ended", async () => {
  const clock = new VirtualClock(at("2026-11-23T00:00:00Z"));
  const times: number[] = [];
  const end = onSchedule(clock, { expression: "cron(0 2 * * ? *)", timezone: "UTC" }, async () => {
    times.push(clock.now());
  });
  await clock.runUntil(at("2026-11-25T12:00:00Z"));
  end();
  await clock.runUntil(at("2026-11-28T00:00:00Z"));
  expect(times).toEqual([at("2026-11-23T02:00:00Z"), at("2026-11-24T02:00:00Z"), at("2026-11-25T02:00:00Z")]);
});
