// The made-up traces: as large and as busy as they claim, reproducible, and scaled by their factors alone.

import { describe, expect, it } from "vitest";
import { massRebuildTrace } from "../../../sandbox/replay/sources/mass-rebuild.ts";
import { cbsTrace } from "../../../sandbox/replay/sources/synthetic.ts";
import type { Trace } from "../../../sandbox/replay/trace.ts";
import { countMethod, expectSound, peakOf, workHours } from "./zero-wait.ts";

const SRPM = ["buildSRPMFromSCM", "rebuildSRPM"];
const LEAVES = [...SRPM, "buildArch", "tagBuild"];
const cbs = cbsTrace({ seed: 1 });
const plain = cbsTrace({ seed: 1, rebuildPackages: 0 });

const submissionsOf = ({ tasks }: Trace) => tasks.filter(({ parent }) => parent === null);
const secondsOf = ({ tasks }: Trace, methods: readonly string[]) =>
  tasks
    .filter(({ method }) => methods.includes(method))
    .map(({ seconds }) => seconds)
    .sort((a, b) => a - b);
const quantile = (sorted: readonly number[], share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;

function submissionsWhere(trace: Trace, matches: (date: Date) => boolean): number {
  return submissionsOf(trace).filter(({ release }) => {
    return "at" in release && matches(new Date((trace.start + release.at) * 1000));
  }).length;
}

describe("the CBS-like trace", () => {
  it.each([1, 2])("is sound and has about 2,100 tasks a day over two weeks (seed %i)", (seed) => {
    const trace = seed === 1 ? cbs : cbsTrace({ seed });
    expectSound(trace);
    expect(Math.abs(trace.tasks.length / 14 / 2100 - 1)).toBeLessThan(0.1);
    expect(trace.spanSeconds / 86_400).toBeGreaterThan(13);
    expect(trace.spanSeconds / 86_400).toBeLessThan(15);
  });

  it("is the same for the same seed, another for another", () => {
    const threeDays = (seed: number) => cbsTrace({ seed, days: 3 });
    expect(threeDays(1)).toEqual(threeDays(1));
    expect(threeDays(2).tasks).not.toEqual(threeDays(1).tasks);
  });

  it("follows the working week", () => {
    const weekend = submissionsWhere(plain, (date) => [0, 6].includes(date.getUTCDay()));
    expect(weekend / submissionsOf(plain).length).toBeLessThan(0.1);
    const night = submissionsWhere(plain, (date) => date.getUTCHours() < 5);
    expect(night / submissionsOf(plain).length).toBeLessThan(0.08);
  });

  it("builds on each of the 2 to 4 arches of the target, or once for all", () => {
    const sizes = new Set(Object.values(cbs.targets).map((arches) => arches.length));
    expect(sizes).toEqual(new Set([2, 3, 4]));
    const archesOf = new Map<number, string[]>();
    for (const { method, parent, arch } of cbs.tasks) {
      if (method !== "buildArch" || parent === null) continue;
      const arches = archesOf.get(parent) ?? [];
      arches.push(arch);
      archesOf.set(parent, arches);
    }
    const wrong = submissionsOf(cbs).filter(({ id, target }) => {
      const built = archesOf.get(id)?.toSorted().join(" ");
      return built !== "noarch" && built !== cbs.targets[target ?? ""]?.toSorted().join(" ");
    });
    expect(wrong).toEqual([]);
  });

  it("takes a minute or so for source RPMs: median 60 s, p95 150 s, about", () => {
    const sorted = secondsOf(cbs, SRPM);
    expect(quantile(sorted, 0.5)).toBeGreaterThan(50);
    expect(quantile(sorted, 0.5)).toBeLessThan(72);
    expect(quantile(sorted, 0.95)).toBeGreaterThan(120);
    expect(quantile(sorted, 0.95)).toBeLessThan(190);
  });

  it("has packages whose builds are alike", () => {
    const byPackage = Map.groupBy(
      cbs.tasks.filter(({ method, arch }) => method === "buildArch" && arch === "x86_64"),
      (task) => task.package,
    );
    const often = [...byPackage.values()].filter((tasks) => tasks.length >= 8);
    expect(byPackage.size).toBeGreaterThan(200);
    const spreads = often.map((tasks) => {
      const sorted = tasks.map(({ seconds }) => seconds).sort((a, b) => a - b);
      return quantile(sorted, 0.9) / quantile(sorted, 0.1);
    });
    expect(
      quantile(
        spreads.sort((a, b) => a - b),
        0.5,
      ),
    ).toBeLessThan(3);
    const all = secondsOf(cbs, ["buildArch"]);
    expect(quantile(all, 0.9) / quantile(all, 0.1)).toBeGreaterThan(8);
  });

  it("rebuilds 600 packages in the middle, one every 2 seconds", () => {
    expect(submissionsOf(cbs).length - submissionsOf(plain).length).toBe(600);
    const from = cbs.start + 7 * 86_400 + 10 * 3600;
    const among = (trace: Trace) =>
      submissionsWhere(trace, (date) => date.getTime() / 1000 >= from && date.getTime() / 1000 < from + 1200);
    expect(among(cbs) - among(plain)).toBe(600);
  });

  it("scales pushes, first stage and service times one at a time", () => {
    const few = { seed: 1, days: 3, rebuildPackages: 0 };
    const base = cbsTrace(few);
    const more = submissionsOf(cbsTrace({ ...few, scale: 4 })).length / submissionsOf(base).length;
    expect(more).toBeGreaterThan(3.4);
    expect(more).toBeLessThan(4.6);
    const quick = cbsTrace({ ...few, firstStageFactor: 0.4 });
    expect(workHours(quick, SRPM) / workHours(base, SRPM)).toBeCloseTo(0.4, 3);
    expect(workHours(quick, ["buildArch"])).toBeCloseTo(workHours(base, ["buildArch"]), 3);
    const slow = cbsTrace({ ...few, serviceFactor: 1.3 });
    expect(workHours(slow, LEAVES) / workHours(base, LEAVES)).toBeCloseTo(1.3, 3);
    expect(submissionsOf(slow).map(({ release }) => release)).toEqual(
      submissionsOf(base).map(({ release }) => release),
    );
  });

  it("says that it is made up", () => {
    expect(cbs.synthetic.join(" ")).toMatch(/Everything is made up.*mass rebuild of 600 packages/);
    expect(cbsTrace({ seed: 1, days: 1, scale: 2 }).synthetic.join(" ")).toMatch(/multiplied by 2/);
  });
});

describe("the mass rebuild", () => {
  const rebuild = massRebuildTrace({ seed: 1 });

  it("has about 130,000 tasks: a build, its source RPM, four arches and the tag", () => {
    expectSound(rebuild);
    expect(Math.abs(rebuild.tasks.length / 130_000 - 1)).toBeLessThan(0.02);
    const builds = countMethod(rebuild, "build");
    expect(countMethod(rebuild, "buildSRPMFromSCM")).toBe(builds);
    expect(countMethod(rebuild, "buildArch")).toBe(4 * builds);
    expect(countMethod(rebuild, "tagBuild") / builds).toBeGreaterThan(0.88);
    expect(submissionsOf(rebuild).every(({ priority }) => priority === 25)).toBe(true);
  });

  it("keeps 300 builders of four tasks busy for two or three days, and no more than busy", () => {
    const share = workHours(rebuild, LEAVES) / ((rebuild.spanSeconds / 3600) * 300 * 4);
    expect(share).toBeGreaterThan(0.7);
    expect(share).toBeLessThan(0.95);
    expect(peakOf(rebuild, LEAVES)).toBeLessThan(1300);
    expect(rebuild.spanSeconds / 86_400).toBeGreaterThan(1.5);
    expect(rebuild.spanSeconds / 86_400).toBeLessThan(3);
  });

  it("is reproducible at any size, and longer work is not submitted more slowly", () => {
    const small = massRebuildTrace({ seed: 5, tasks: 700 });
    expect(massRebuildTrace({ seed: 5, tasks: 700 })).toEqual(small);
    expect(massRebuildTrace({ seed: 6, tasks: 700 })).not.toEqual(small);
    expect(Math.abs(small.tasks.length - 700)).toBeLessThan(20);
    const slow = massRebuildTrace({ seed: 5, tasks: 700, serviceFactor: 1.3 });
    expect(workHours(slow, LEAVES) / workHours(small, LEAVES)).toBeCloseTo(1.3, 3);
    expect(submissionsOf(slow).map(({ release }) => release)).toEqual(
      submissionsOf(small).map(({ release }) => release),
    );
  });
});
