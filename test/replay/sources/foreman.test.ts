// Foreman's changes expanded to tasks: the counts of the study of these traces, and what seed and spacing decide.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type PackageArrival, readArrivals } from "../../../sandbox/replay/sources/arrivals.ts";
import { foremanTrace } from "../../../sandbox/replay/sources/foreman.ts";
import { textOf } from "../../../sandbox/replay/sources/text.ts";
import type { Trace, TraceTask } from "../../../sandbox/replay/trace.ts";
import { countMethod, expectSound, peakOf, workHours } from "./zero-wait.ts";

/** 2020-09-14 and 2020-09-19, UTC. */
const MONDAY = 1_600_100_000;
const SATURDAY = 1_600_515_000;

const BUILDER_WORK = ["buildArch", "buildSRPMFromSCM", "rebuildSRPM", "tagBuild"];

const rows = changesOf(textOf(readFileSync(new URL("../../fixtures/traces/foreman-2020.jsonl.gz", import.meta.url))));
const year = foremanTrace("foreman-2020", rows, { seed: 1 });

function changesOf(text: string): readonly PackageArrival[] {
  const arrivals = readArrivals(text);
  if (arrivals.form !== "packages") throw new Error("expected package changes");
  return arrivals.rows;
}

const buildsOf = ({ tasks }: Trace) => tasks.filter(({ method }) => method === "build");
const childrenOf = ({ tasks }: Trace, build: TraceTask | undefined) =>
  tasks.filter(({ parent }) => parent === build?.id);
const change = (fields: Partial<PackageArrival>): PackageArrival => {
  return { ts: MONDAY, package: "rubygem-a", branch: "rpm/develop", arch: "noarch", targets: 1, ...fields };
};

describe("the Foreman year", () => {
  it("has the builds that the study counted", () => {
    const weekdays = 257; // From 2020-01-03 to 2020-12-28; the study took the whole year, 262.
    const builds = buildsOf(year);
    const scratch = builds.filter((each) => each.scratch).length;
    expect(scratch).toBe(4105);
    expect(builds.length - scratch - weekdays * 8 * 2).toBe(4105);
    expect(builds.length / 12_402).toBeCloseTo(1, 1.7);
    expect(year.tasks.length / 55_618).toBeCloseTo(1, 1);
  });

  it.each([1, 2])("has the work that the study found, within a twentieth (seed %i)", (seed) => {
    const trace = seed === 1 ? year : foremanTrace("foreman-2020", rows, { seed });
    expect(Math.abs(workHours(trace, BUILDER_WORK) / 1046 - 1)).toBeLessThan(0.05);
    expect(Math.abs(workHours(trace, ["buildArch"]) / 816 - 1)).toBeLessThan(0.05);
  });

  it("has lower peaks the wider its submissions are spaced, as in the study: about 92, 37, 18", () => {
    const spaced = (spacingSeconds: number) => foremanTrace("foreman-2020", rows, { seed: 1, spacingSeconds });
    const [together, five, fifteen] = [spaced(0), year, spaced(15)].map((trace) => peakOf(trace, ["buildArch"]));
    expect(together).toBeGreaterThan(75);
    expect(five).toBeGreaterThan(30);
    expect(five).toBeLessThan(50);
    expect(fifteen).toBeLessThan(25);
  });

  it("fails 8 % of its builds, 15 % of scratch builds, and tags no such build", () => {
    const builds = buildsOf(year);
    const failedShare = (scratch: boolean) => {
      const those = builds.filter((each) => each.scratch === scratch);
      return those.filter((each) => each.failed).length / those.length;
    };
    expect(failedShare(false)).toBeCloseTo(0.08, 1.5);
    expect(failedShare(true)).toBeCloseTo(0.15, 1.5);
    const tagged = new Set(year.tasks.filter(({ method }) => method === "tagBuild").map(({ parent }) => parent));
    expect(builds.filter(({ id, scratch, failed }) => tagged.has(id) === (scratch || failed))).toEqual([]);
  });

  it("is sound, starts with its first submission and says what is made up", () => {
    expectSound(year);
    expect(new Date(year.start * 1000).toISOString()).toMatch(/^2020-01-0[23]T/);
    const [first] = year.tasks;
    expect(first !== undefined && "at" in first.release && first.release.at < 1).toBe(true);
    expect(new Set(Object.values(year.targets).flat())).toEqual(new Set(["x86_64"]));
    const told = year.synthetic.join("\n");
    for (const part of [/durations/, /scratch round/, /nightly/, /5 s apart/, /fail/, /targets/])
      expect(told).toMatch(part);
  });

  it("makes a repository anew at most once in 15 minutes for each target", () => {
    const count = countMethod(year, "newRepo");
    expect(count / 5057).toBeGreaterThan(0.8);
    expect(count / 5057).toBeLessThan(1.2);
    expect(countMethod(year, "createrepo")).toBe(count);
    const hourly = Array.from({ length: 60 }, (_, minute) => change({ ts: SATURDAY + 60 * minute }));
    const times = foremanTrace("one target", hourly, { seed: 1 }).tasks.flatMap(({ method, release }) =>
      method === "newRepo" && "at" in release ? [release.at] : [],
    );
    expect(times.length).toBeGreaterThan(3);
    expect(times.length).toBeLessThan(7);
    times.forEach((at, index) => {
      if (index > 0) expect(at - (times[index - 1] ?? 0)).toBeGreaterThanOrEqual(900 - 0.002);
    });
  });
});

describe("one change", () => {
  it("is a build with its source RPM, its buildArch and its tag, each after the one before, and a scratch build", () => {
    const trace = foremanTrace("test", [change({ ts: SATURDAY })], { seed: 1 });
    const [scratch, release, ...more] = buildsOf(trace);
    expect(more).toEqual([]);
    expect(release).toMatchObject({
      channel: "default",
      arch: "noarch",
      weight: 0.2,
      priority: 20,
      package: "rubygem-a",
      target: "foreman-develop-t1",
      release: { at: SATURDAY - trace.start },
    });
    const [srpm, buildArch, tag, none] = childrenOf(trace, release);
    expect(none).toBeUndefined();
    const child = { parent: release?.id, channel: "default", arch: "noarch", priority: 19, target: null };
    expect(srpm).toMatchObject({ ...child, method: "buildSRPMFromSCM", weight: 1, release: { after: [], delay: 0.5 } });
    expect(buildArch).toMatchObject({ ...child, method: "buildArch", weight: 1.5, release: { after: [srpm?.id] } });
    expect(tag).toMatchObject({ ...child, method: "tagBuild", weight: 1, release: { after: [buildArch?.id] } });
    for (const task of [buildArch, tag]) {
      const delay = task !== undefined && "delay" in task.release ? task.release.delay : Number.NaN;
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(delay).toBeLessThanOrEqual(15);
    }
    expect(childrenOf(trace, scratch).map(({ method }) => method)).toEqual(["rebuildSRPM", "buildArch"]);
    const lead = SATURDAY - trace.start - (scratch !== undefined && "at" in scratch.release ? scratch.release.at : 0);
    expect(lead).toBeGreaterThanOrEqual(1800);
    expect(lead).toBeLessThanOrEqual(86_400);
  });

  it("of a compiled package needs a builder of its arch, which the target then has", () => {
    const trace = foremanTrace("test", [change({ arch: "aarch64", ts: SATURDAY })], { seed: 1 });
    expect(trace.tasks.filter(({ method }) => method === "buildArch").map(({ arch }) => arch)).toEqual([
      "aarch64",
      "aarch64",
    ]);
    expect(trace.targets).toEqual({ "foreman-develop-t1": ["x86_64", "aarch64"] });
  });

  it("of nothing to build is an error on a weekend, when there are no nightly builds either", () => {
    expect(() => foremanTrace("test", [change({ targets: 0, ts: SATURDAY })], { seed: 1 })).toThrow(/causes no build/);
    expect(buildsOf(foremanTrace("test", [change({ targets: 0 })], { seed: 1 }))).toHaveLength(16);
  });
});

/** Everything but when things happen. */
const characters = ({ tasks }: Trace) => {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  return tasks
    .filter(({ channel }) => channel === "default")
    .map(({ method, package: name, target, parent, scratch, seconds, failed, release }) => {
      const of = parent === null ? target : (byId.get(parent)?.target ?? null);
      return JSON.stringify([method, name, of, scratch, seconds, failed, "delay" in release ? release.delay : null]);
    })
    .sort();
};

const arrival = fc.record({
  ts: fc.integer({ min: 1_600_000_000, max: 1_600_400_000 }),
  package: fc.constantFrom("foreman", "nodejs-react", "rubygem-a", "pulp"),
  branch: fc.constantFrom("rpm/develop", "rpm/2.1", "rpm/a/b", "main"),
  arch: fc.constantFrom("noarch", "x86_64", "ppc64le"),
  targets: fc.integer({ min: 0, max: 4 }),
});
const files = fc.array(arrival, { minLength: 1, maxLength: 30 });
const runs = { numRuns: 40, seed: 3 };

describe("any file of changes", () => {
  it("gives a sound trace, the same for the same seed, another for another", () => {
    fc.assert(
      fc.property(files, fc.integer(), fc.constantFrom(0, 5, 15), (changes, seed, spacingSeconds) => {
        const sorted = changesOf(changes.map((each) => JSON.stringify(each)).join("\n"));
        const trace = foremanTrace("test", sorted, { seed, spacingSeconds });
        expectSound(trace);
        expect(buildsOf(trace).length).toBe(
          changes.reduce((sum, { targets }) => sum + 2 * targets, 0) + nightlyBuilds(sorted),
        );
        expect(foremanTrace("test", sorted, { seed, spacingSeconds })).toEqual(trace);
        expect(foremanTrace("test", sorted, { seed: seed + 1, spacingSeconds })).not.toEqual(trace);
      }),
      runs,
    );
  });

  it("is spaced without a change of what is built and how long it takes", () => {
    fc.assert(
      fc.property(files, fc.integer({ min: 1, max: 60 }), (changes, spacingSeconds) => {
        const sorted = changes.toSorted((a, b) => a.ts - b.ts);
        const together = foremanTrace("test", sorted, { seed: 1, spacingSeconds: 0 });
        const spaced = foremanTrace("test", sorted, { seed: 1, spacingSeconds });
        expect(characters(spaced)).toEqual(characters(together));
        expect(Math.min(...releaseGaps(spaced))).toBeGreaterThanOrEqual(spacingSeconds - 0.002);
      }),
      runs,
    );
  });

  it("takes longer by a factor, with submissions as they were", () => {
    const scaled = foremanTrace("test", rows.slice(0, 50), { seed: 1, serviceFactor: 1.3 });
    const plain = foremanTrace("test", rows.slice(0, 50), { seed: 1 });
    expect(workHours(scaled, BUILDER_WORK) / workHours(plain, BUILDER_WORK)).toBeCloseTo(1.3, 3);
    expect(buildsOf(scaled).map(({ release }) => release)).toEqual(buildsOf(plain).map(({ release }) => release));
  });
});

/** 16 on each weekday between the first and the last change. */
function nightlyBuilds(sorted: readonly PackageArrival[]): number {
  const dayOf = (row: PackageArrival | undefined) => Math.floor((row?.ts ?? 0) / 86_400);
  let weekdays = 0;
  for (let day = dayOf(sorted[0]); day <= dayOf(sorted.at(-1)); day++) {
    if (![0, 6].includes(new Date(day * 86_400_000).getUTCDay())) weekdays += 1;
  }
  return weekdays * 16;
}

/** Between release builds of a branch; nightly builds are known by their package or left out with it. */
function releaseGaps(trace: Trace): number[] {
  const ours = new Set(["nodejs-react", "rubygem-a", "pulp"]);
  const last = new Map<string, number>();
  return buildsOf(trace).flatMap(({ scratch, target, package: name, release }) => {
    if (scratch || !("at" in release) || name === null || !ours.has(name)) return [];
    const branch = (target ?? "").replace(/-t\d+$/, "");
    const gap = release.at - (last.get(branch) ?? Number.NEGATIVE_INFINITY);
    last.set(branch, release.at);
    return [gap];
  });
}
