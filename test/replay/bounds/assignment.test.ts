// The assignment bound on J: the exact matching, below every schedule, and the zero-wait bound where waits are dear.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assignmentBound } from "../../../sandbox/replay/bounds/assignment.ts";
import { objectiveBound } from "../../../sandbox/replay/bounds/objective.ts";
import { workBound } from "../../../sandbox/replay/bounds/work.ts";
import { zeroWaitBound } from "../../../sandbox/replay/bounds/zero-wait.ts";
import { anyPrices, anySpans, anyTwoPools, anyWaitValue, jobsIn, pool, settings } from "./arbitraries.ts";
import { leastLinks } from "./exact.ts";
import { scheduleAtRandom } from "./schedules.ts";

const slack = 1 + 1e-9;
const anyPick = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }));

describe("assignmentBound", () => {
  it("is work and the least matching of ends to starts", () => {
    fc.assert(
      fc.property(anySpans(8), anyPrices, anyWaitValue, (spans, prices, waitValuePerHour) => {
        const bootDollars = (prices.pricePerHour * prices.bootSeconds) / 3600 + prices.launchFee;
        const idle = Math.min(prices.pricePerHour, waitValuePerHour) / 3600;
        const links = leastLinks(
          spans.map((span) => span.start),
          spans.map((span) => span.start + span.seconds),
          { bootDollars, idle, overlap: waitValuePerHour / 3600 - idle },
        );
        const work = spans.reduce((sum, span) => sum + (span.seconds / 3600) * prices.pricePerHour, 0);

        expect(assignmentBound(spans, { ...prices, waitValuePerHour }).dollars).toBeCloseTo(
          work + Math.max(links, bootDollars),
          9,
        );
      }),
      settings,
    );
  });

  it("is the zero-wait bound if waiting costs more than anything, with one slot", () => {
    fc.assert(
      fc.property(anySpans(40), anyPrices, (spans, prices) => {
        const jobs = jobsIn({ pool: "x86", share: 1 }, spans);
        const zeroWait = zeroWaitBound({ jobs, pools: [pool("x86", prices)], launchFee: prices.launchFee });

        expect(assignmentBound(spans, { ...prices, waitValuePerHour: 1e7 }).dollars).toBeCloseTo(zeroWait.dollars, 6);
      }),
      settings,
    );
  });

  it("lets a task wait for a builder if that is cheaper than a boot", () => {
    const spans = [
      { start: 0, seconds: 100 },
      { start: 90, seconds: 100 },
    ];
    const at = (waitValuePerHour: number) =>
      assignmentBound(spans, { pricePerHour: 3.6, bootSeconds: 60, waitValuePerHour }).dollars;

    expect(at(7.2)).toBeCloseTo(0.2 + 0.06 + 0.01, 12);
    expect(at(100)).toBeCloseTo(0.2 + 0.06 + 0.06, 12);
  });

  it("has nothing to pay without tasks", () => {
    expect(assignmentBound([], { pricePerHour: 1, bootSeconds: 100, waitValuePerHour: 5 }).dollars).toBe(0);
  });
});

describe("objectiveBound", () => {
  it("is at most J of any schedule, whether its tasks wait or not, in one slot or several, in one pool or two", () => {
    fc.assert(
      fc.property(anyTwoPools, anyWaitValue, fc.boolean(), anyPick, (site, waitValuePerHour, mayWait, pick) => {
        const { jobs, pools, launchFee } = site;
        const { dollars } = objectiveBound({ ...site, waitValuePerHour, graph: false });
        const schedule = scheduleAtRandom(jobs, pools, launchFee, mayWait, () => pick.next().value);

        expect(dollars).toBeLessThanOrEqual((schedule.dollars + waitValuePerHour * schedule.waitHours) * slack);
        expect(dollars * slack).toBeGreaterThanOrEqual(workBound(jobs, pools).dollars);
      }),
      { ...settings, numRuns: 1000 },
    );
  });

  it("is the work alone where tasks release one another, and says so", () => {
    fc.assert(
      fc.property(anyTwoPools, anyWaitValue, (site, waitValuePerHour) => {
        const bound = objectiveBound({ ...site, waitValuePerHour, graph: true });

        expect(bound.dollars).toBe(workBound(site.jobs, site.pools).dollars);
        expect(bound.note).toContain("release one another");
      }),
      settings,
    );
  });
});
