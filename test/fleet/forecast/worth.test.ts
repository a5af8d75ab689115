// Dollars against waits: the thresholds, what follows a burst, and the sentences that say the comparison.

import { describe, expect, it } from "vitest";
import { reliefOf } from "../../../shared/fleet/forecast/capacity.ts";
import { NO_RISE } from "../../../shared/fleet/forecast/histogram.ts";
import { burstAfter, keepSentence, launchSentence, thresholdsFor } from "../../../shared/fleet/forecast/worth.ts";
import { makeSite } from "../world.ts";

const siteAt = (waitValuePerHour: number, launchFee = 0.001) => makeSite({ builders: { waitValuePerHour, launchFee } });

describe("the thresholds", () => {
  it("are tasks: what two boots and the fee cost, and one and a little, over what the wait of a boot is worth", () => {
    const { launch, keep } = thresholdsFor(0.1, 120, siteAt(5));
    expect(launch).toBeCloseTo((2 * 0.1 + (0.001 * 3600) / 120) / 5, 12);
    expect(keep).toBeCloseTo(0.024, 12);
  });

  it("fall as waits become dearer, and rise with price and fee", () => {
    const at = (price: number, value: number, fee: number) => thresholdsFor(price, 120, siteAt(value, fee));
    expect(at(0.1, 25, 0.001).launch).toBeLessThan(at(0.1, 5, 0.001).launch);
    expect(at(0.2, 5, 0.001).launch).toBeGreaterThan(at(0.1, 5, 0.001).launch);
    expect(at(0.1, 5, 0.01).launch).toBeGreaterThan(at(0.1, 5, 0.001).launch);
    expect(at(0.1, 5, 0.01).keep).toBe(at(0.1, 5, 0.001).keep);
  });

  it("are out of reach when waits are worth nothing", () => {
    expect(thresholdsFor(0.1, 120, siteAt(0))).toEqual({
      launch: Number.POSITIVE_INFINITY,
      keep: Number.POSITIVE_INFINITY,
    });
  });
});

describe("what follows a burst", () => {
  it("is nothing without a shortage, and in proportion to it", () => {
    expect(burstAfter(0, 0.01)).toBe(0);
    expect(burstAfter(20, 0.01)).toBeCloseTo(10 * burstAfter(2, 0.01), 9);
  });

  it("is launched for the more, the dearer waits are, and not at all when they are cheap", () => {
    expect(burstAfter(10, 0.01)).toBeGreaterThan(burstAfter(10, 0.1));
    expect(burstAfter(10, 0.5)).toBe(0);
    expect(burstAfter(10, 3)).toBe(0);
    expect(burstAfter(10, Number.POSITIVE_INFINITY)).toBe(0);
  });
});

describe("the sentences", () => {
  const figures = {
    pricePerHour: 0.1,
    leadSeconds: 120,
    demand: 3,
    coming: 0.5,
    burst: 0,
    worthy: 4,
    relief: reliefOf({ demand: 3, children: [0.5, 0.5], rise: NO_RISE }, 1),
    tasksPerBuilder: 1,
    site: siteAt(5),
  };

  it("of a launch hold its dollars against those of the wait", () => {
    expect(launchSentence(figures)).toBe(
      "demand is 3 task(s), 0.5 more come from builds under way; in the 120 s of a boot builder 4 may come to take 0.5: launching it costs $0.0077, the wait saved is worth $0.0833",
    );
  });

  it("leave out builds under way when none brings anything, and name the room of a builder that takes several", () => {
    expect(launchSentence({ ...figures, coming: 0, worthy: 1, tasksPerBuilder: 4 })).toMatch(
      /^demand is 3 task\(s\) \(4 a builder\); in the 120 s/,
    );
  });

  it("of a builder that is kept say what one more costs and may save", () => {
    expect(keepSentence(3, figures)).toBe(
      "3 are worth keeping: one more costs $0.0040 for the time of a boot, the wait it may save is worth $0.0833",
    );
    expect(keepSentence(0, { ...figures, relief: reliefOf({ demand: 0, children: [1], rise: NO_RISE }, 1) })).toBe(
      "none is worth keeping: one costs $0.0040 for the time of a boot, the wait it may save is worth $0.0000",
    );
  });
});
