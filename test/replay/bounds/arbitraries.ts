// Small sets of jobs and pools, and the property settings that all bounds are tested with.
import fc from "fast-check";
import type { BoundPool, Job, Place } from "../../../sandbox/replay/bounds/jobs.ts";

export const settings = { seed: 4, numRuns: 200 } as const;

/** Few distinct instants, so that ends and starts meet. */
const instant = fc.integer({ min: 0, max: 40 }).map((tens) => tens * 10);
const duration = fc.integer({ min: 1, max: 12 }).map((tens) => tens * 10);

export const anySpan = fc.record({ start: instant, seconds: duration });
export const anySpans = (maxLength: number) => fc.array(anySpan, { minLength: 1, maxLength });

export const anyPrices = fc.record({
  pricePerHour: fc.constantFrom(0.1, 1, 3.6),
  bootSeconds: fc.constantFrom(0, 15, 60, 150),
  launchFee: fc.constantFrom(0, 0.002, 0.05),
});

export const anyWaitValue = fc.constantFrom(0, 0.05, 1, 5, 25);

export function pool(name: string, prices: { pricePerHour: number; bootSeconds: number }): BoundPool {
  return { name, ...prices };
}

export function jobsIn(place: Place, spans: readonly { start: number; seconds: number }[]): Job[] {
  return spans.map((span) => ({ ...span, places: [place] }));
}

/** Jobs of two pools; those that both can take have one share per pool. */
export const anyTwoPools = fc
  .record({
    x86: anyPrices,
    arm: anyPrices,
    shares: fc.constantFrom([1, 1], [1, 0.5], [0.5, 0.25], [0.5, 0.5]),
    spans: fc.array(fc.record({ span: anySpan, where: fc.constantFrom("x86", "arm", "both") }), {
      minLength: 1,
      maxLength: 7,
    }),
  })
  .map(({ x86, arm, shares: [x86Share = 1, armShare = 1], spans }) => ({
    launchFee: x86.launchFee,
    pools: [pool("x86", x86), pool("arm", arm)],
    jobs: spans.map(({ span, where }): Job => {
      const places = [
        { pool: "x86", share: x86Share },
        { pool: "arm", share: armShare },
      ];
      return { ...span, places: where === "both" ? places : places.filter((place) => place.pool === where) };
    }),
  }));
