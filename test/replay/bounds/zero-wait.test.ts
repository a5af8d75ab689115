// The zero-wait bound: exact for one pool, below every schedule that lets nothing wait, attained by its plan.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clairvoyantPlan } from "../../../sandbox/replay/bounds/clairvoyant-plan.ts";
import { workBound } from "../../../sandbox/replay/bounds/work.ts";
import { zeroWaitBound } from "../../../sandbox/replay/bounds/zero-wait.ts";
import { anyPrices, anySpan, anySpans, anyTwoPools, jobsIn, pool, settings } from "./arbitraries.ts";
import { leastFleetDollars } from "./exact.ts";
import { scheduleAtRandom } from "./schedules.ts";

const slack = 1 + 1e-9;
const anyPick = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }));
const anyShare = fc.constantFrom(1, 0.5, 1 / 3, 0.25);

describe("zeroWaitBound of one pool", () => {
  const atOne = { pricePerHour: 1, bootSeconds: 100 };

  it("pays a boot before the first task, and bridges a gap that is no longer than a boot", () => {
    const near = jobsIn({ pool: "x86", share: 1 }, [
      { start: 0, seconds: 50 },
      { start: 150, seconds: 50 },
    ]);
    const far = jobsIn({ pool: "x86", share: 1 }, [
      { start: 0, seconds: 50 },
      { start: 250, seconds: 50 },
    ]);

    expect(zeroWaitBound({ jobs: near, pools: [pool("x86", atOne)] }).dollars).toBeCloseTo(300 / 3600, 12);
    expect(zeroWaitBound({ jobs: far, pools: [pool("x86", atOne)] }).dollars).toBeCloseTo(300 / 3600, 12);
  });

  it("bridges longer gaps if a launch has a fee", () => {
    const jobs = jobsIn({ pool: "x86", share: 1 }, [
      { start: 0, seconds: 50 },
      { start: 250, seconds: 50 },
    ]);
    const { dollars } = zeroWaitBound({ jobs, pools: [pool("x86", atOne)], launchFee: 1 });

    expect(dollars).toBeCloseTo(1 + 400 / 3600, 12);
  });

  it("is the least over all fleets with room for the demand", () => {
    fc.assert(
      fc.property(anySpans(7), anyPrices, anyShare, (spans, prices, share) => {
        const jobs = jobsIn({ pool: "x86", share }, spans);
        const pools = [pool("x86", prices)];
        const { dollars } = zeroWaitBound({ jobs, pools, launchFee: prices.launchFee });

        expect(dollars).toBeCloseTo(leastFleetDollars(jobs, pools, prices.launchFee), 9);
      }),
      settings,
    );
  });

  it("is attained by the clairvoyant plan, which always has a builder for every task", () => {
    fc.assert(
      fc.property(anySpans(30), anyPrices, (spans, prices) => {
        const plan = clairvoyantPlan(spans, prices);
        const jobs = jobsIn({ pool: "x86", share: 1 }, spans);
        const hours = plan.reduce((sum, one) => sum + (one.drainAt - one.launchAt) / 3600, 0);

        expect(hours * prices.pricePerHour + plan.length * prices.launchFee).toBeCloseTo(
          zeroWaitBound({ jobs, pools: [pool("x86", prices)], launchFee: prices.launchFee }).dollars,
          9,
        );
        for (const { start } of spans) {
          const busy = spans.filter((span) => span.start <= start && start < span.start + span.seconds).length;
          const up = plan.filter((one) => one.launchAt + prices.bootSeconds <= start && start < one.drainAt).length;
          expect(up).toBeGreaterThanOrEqual(busy);
        }
      }),
      settings,
    );
  });
});

describe("zeroWaitBound", () => {
  it("is at least the work and at most any schedule in which nothing waits", () => {
    fc.assert(
      fc.property(anyTwoPools, anyPick, ({ jobs, pools, launchFee }, pick) => {
        const { dollars } = zeroWaitBound({ jobs, pools, launchFee });
        const schedule = scheduleAtRandom(jobs, pools, launchFee, false, () => pick.next().value);

        expect(schedule.waitHours).toBe(0);
        expect(dollars).toBeLessThanOrEqual(schedule.dollars * slack);
        expect(dollars * slack).toBeGreaterThanOrEqual(workBound(jobs, pools).dollars);
      }),
      settings,
    );
  });

  it("is at most the least fleet of two pools, and near it", () => {
    const parts: number[] = [];
    fc.assert(
      fc.property(anyTwoPools, ({ jobs, pools, launchFee }) => {
        const least = leastFleetDollars(jobs, pools, launchFee);
        const { dollars } = zeroWaitBound({ jobs, pools, launchFee });

        expect(dollars).toBeLessThanOrEqual(least * slack);
        parts.push(dollars / least);
      }),
      settings,
    );
    expect(parts.reduce((sum, part) => sum + part, 0) / parts.length).toBeGreaterThan(0.95);
  });

  it("grows with the price, and with the number of jobs", () => {
    fc.assert(
      fc.property(anySpans(10), anySpan, anyPrices, anyShare, (spans, more, prices, share) => {
        const bound = (jobs: typeof spans, times: number) =>
          zeroWaitBound({
            jobs: jobsIn({ pool: "x86", share }, jobs),
            pools: [pool("x86", { ...prices, pricePerHour: prices.pricePerHour * times })],
            launchFee: prices.launchFee * times,
          }).dollars;

        expect(bound(spans, 3)).toBeCloseTo(3 * bound(spans, 1), 9);
        expect(bound([...spans, more], 1) * slack).toBeGreaterThanOrEqual(bound(spans, 1));
      }),
      settings,
    );
  });

  it("does not pay for a job with a choice that fits beside a pool's own jobs", () => {
    const own = jobsIn({ pool: "x86", share: 0.5 }, [{ start: 0, seconds: 1000 }]);
    const noarch = {
      start: 100,
      seconds: 500,
      places: [
        { pool: "x86", share: 0.5 },
        { pool: "arm", share: 0.5 },
      ],
    };
    const pools = ["x86", "arm"].map((name) => pool(name, { pricePerHour: 1, bootSeconds: 100 }));

    expect(zeroWaitBound({ jobs: [...own, noarch], pools }).dollars).toBeCloseTo(1100 / 3600, 12);
  });

  it("pays a boot for a job with a choice that has company nowhere", () => {
    const alone = {
      start: 0,
      seconds: 60,
      places: [
        { pool: "x86", share: 1 },
        { pool: "arm", share: 1 },
      ],
    };
    const own = jobsIn({ pool: "arm", share: 1 }, [{ start: 5000, seconds: 60 }]);
    const pools = [
      pool("x86", { pricePerHour: 2, bootSeconds: 100 }),
      pool("arm", { pricePerHour: 1, bootSeconds: 100 }),
    ];

    expect(zeroWaitBound({ jobs: [alone, ...own], pools }).dollars).toBeCloseTo(320 / 3600, 4);
  });

  it("names a pool that is not there", () => {
    const jobs = jobsIn({ pool: "s390x", share: 1 }, [{ start: 0, seconds: 1 }]);

    expect(() => zeroWaitBound({ jobs, pools: [pool("x86", { pricePerHour: 1, bootSeconds: 1 })] })).toThrow(
      "A job names pool s390x, which is not among the pools",
    );
  });
});
