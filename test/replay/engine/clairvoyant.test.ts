// The bounds against the engine: what the clairvoyant plan costs when it is played, and that nothing played is below.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { objectiveBound } from "../../../sandbox/replay/bounds/objective.ts";
import { zeroWaitBound } from "../../../sandbox/replay/bounds/zero-wait.ts";
import { playBaseline } from "../../../sandbox/replay/engine/baseline.ts";
import { measure } from "../../../sandbox/replay/engine/measure.ts";
import { playToji } from "../../../sandbox/replay/engine/toji.ts";
import type { World } from "../../../sandbox/replay/engine/world.ts";
import { objective } from "../../../sandbox/replay/play.ts";
import { FAMILIES } from "../../../sandbox/replay/policies/index.ts";
import type { Policy } from "../../../sandbox/replay/policies/policy.ts";
import { Random } from "../../../sandbox/world/random.ts";
import { playClairvoyant } from "./clairvoyant.ts";
import { anySpans, flatTrace, type Span, settings, singleSlotSite, worldFor } from "./traces.ts";

const SITE = singleSlotSite();
const PRICE = 0.23184;
const anyBoot = fc.constantFrom(0, 30, 120, 150);
const jobsOf = (spans: readonly Span[]) => spans.map((span) => ({ ...span, places: [{ pool: "x86", share: 1 }] }));
const poolsAt = (bootSeconds: number) => [{ name: "x86", pricePerHour: PRICE, bootSeconds }];

describe("the clairvoyant plan, played", () => {
  it.each([0, 0.002])("costs what the zero-wait bound says, and no task waits (launch fee %d)", (launchFee) => {
    fc.assert(
      fc.property(anySpans, anyBoot, (spans, bootSeconds) => {
        const world = playClairvoyant(spans, { site: SITE, pricePerHour: PRICE, bootSeconds, launchFee });
        const { dollars, waitSeconds, noBuilderWaitHours, launches } = measure(world);
        const bound = zeroWaitBound({ jobs: jobsOf(spans), pools: poolsAt(bootSeconds), launchFee });
        expect(waitSeconds.max).toBe(0);
        expect(noBuilderWaitHours).toBe(0);
        expect(Math.abs(dollars - bound.dollars)).toBeLessThan(1e-6);
        expect(launches).toBeGreaterThan(0);
      }),
      { ...settings, numRuns: 80 },
    );
  });
});

/** Launches, drains and does nothing, as it comes. */
function atRandom(seed: number): Policy {
  const random = new Random(seed);
  return {
    step(_, pools, controls) {
      for (const [index, pool] of pools.entries()) {
        if (random.uniform() < 0.4 || (pool.queued > 0 && pool.builders.length === 0)) controls.launch(index);
        if (pool.queued > pool.builders.length && random.uniform() < 0.5) controls.launch(index);
        for (const builder of pool.builders)
          if (builder.tasks === 0 && random.uniform() < 0.2) controls.drain(index, builder.id);
      }
    },
  };
}

describe("the bound on J", () => {
  const J_OF = [0.1, 1, 5, 25];
  const expectAbove = (world: World, spans: readonly Span[], bootSeconds: number) => {
    const measured = measure(world);
    for (const waitValuePerHour of J_OF) {
      const bound = objectiveBound({
        jobs: jobsOf(spans),
        pools: poolsAt(bootSeconds),
        waitValuePerHour,
        launchFee: 0.001,
        graph: false,
      });
      expect(objective(measured, waitValuePerHour)).toBeGreaterThanOrEqual(bound.dollars - 1e-6);
    }
  };
  const idealWorld = (spans: readonly Span[], median: number) =>
    worldFor(flatTrace(spans), SITE, { boot: { median, p95: median }, ideal: true });

  it("is below whatever a policy does by chance", () => {
    fc.assert(
      fc.property(anySpans, anyBoot, fc.nat(1000), (spans, bootSeconds, seed) => {
        const world = idealWorld(spans, bootSeconds);
        playBaseline(world, atRandom(seed), 10);
        expectAbove(world, spans, bootSeconds);
      }),
      settings,
    );
  });

  // A builder of another size is another offer than the bound is for.
  const ofOneSize = FAMILIES.filter(({ name }) => name !== "big-builder");
  it.each(ofOneSize.map((family) => [family.name, family] as const))("is below %s", (_, family) => {
    fc.assert(
      fc.property(anySpans, anyBoot, (spans, bootSeconds) => {
        const world = idealWorld(spans, bootSeconds);
        playBaseline(world, family.create(family.defaults), family.tickSeconds);
        expectAbove(world, spans, bootSeconds);
      }),
      { ...settings, numRuns: 6 },
    );
  });

  it("is below Toji, with and without its forecast", () => {
    fc.assert(
      fc.property(anySpans, fc.boolean(), (spans, forecast) => {
        const site = singleSlotSite({ forecast });
        const world = idealWorld(spans, 120);
        playToji(world, site);
        expectAbove(world, spans, 120);
      }),
      { ...settings, numRuns: 12 },
    );
  });
});
