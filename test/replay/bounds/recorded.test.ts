// The bounds of recorded worker pools: figures that an independent calculation gave, and what must hold between them.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { clairvoyantPlan } from "../../../sandbox/replay/bounds/clairvoyant-plan.ts";
import { objectiveBound } from "../../../sandbox/replay/bounds/objective.ts";
import { workBound } from "../../../sandbox/replay/bounds/work.ts";
import { zeroWaitBound } from "../../../sandbox/replay/bounds/zero-wait.ts";
import { jobsIn, pool } from "./arbitraries.ts";

const line = z.object({ ts: z.number(), duration_s: z.number() });

function recorded(name: string) {
  const file = new URL(`../../fixtures/traces/firefox-ci-${name}.jsonl.gz`, import.meta.url);
  const rows = gunzipSync(readFileSync(file)).toString("utf8").trim().split("\n");
  return rows.map((row) => line.parse(JSON.parse(row))).map((row) => ({ start: row.ts, seconds: row.duration_s }));
}

const inPool = (spans: ReturnType<typeof recorded>, pricePerHour: number, bootSeconds: number) => ({
  jobs: jobsIn({ pool: "linux", share: 1 }, spans),
  pools: [pool("linux", { pricePerHour, bootSeconds })],
});

describe("mobile-3-b-linux-large, one task per builder", () => {
  const spans = recorded("mobile-3-b-linux-large");

  it("needs 654 hours of work, and 861 instance-hours without any wait if a boot takes 150 s", () => {
    const site = inPool(spans, 1, 150);
    const plan = clairvoyantPlan(spans, { pricePerHour: 1, bootSeconds: 150 });
    const planned = plan.reduce((sum, one) => sum + (one.drainAt - one.launchAt) / 3600, 0);

    expect(workBound(site.jobs, site.pools).dollars).toBeCloseTo(654.4, 1);
    expect(zeroWaitBound(site).dollars).toBeCloseTo(860.8, 1);
    expect(planned).toBeCloseTo(zeroWaitBound(site).dollars, 6);
  });

  it("costs about $84 at any wait value of a dollar or more, at $0.10 an hour and a mean boot of 126 s", () => {
    const site = inPool(spans, 0.1, 126);
    const bounds = [0, 1, 5, 25, 1e7].map(
      (waitValuePerHour) => objectiveBound({ ...site, waitValuePerHour, graph: false }).dollars,
    );

    expect(bounds[2]).toBeGreaterThan(82);
    expect(bounds[2]).toBeLessThan(85);
    expect(bounds).toEqual(bounds.toSorted((a, b) => a - b));
    expect(bounds.at(-1)).toBeCloseTo(zeroWaitBound(site).dollars, 4);
  });
});

it("106,233 tasks: the assignment lies between the work and the zero-wait bound", () => {
  const site = inPool(recorded("gecko-t-t-linux-large"), 0.1, 126);
  const { dollars } = objectiveBound({ ...site, waitValuePerHour: 5, graph: false });

  expect(workBound(site.jobs, site.pools).dollars).toBeCloseTo(3604.5, 1);
  expect(dollars).toBeCloseTo(3884.2, 1);
  expect(dollars).toBeLessThan(zeroWaitBound(site).dollars);
});
