// Small traces and the worlds they are played in: single tasks on builders for one, and builds with their children.

import fc from "fast-check";
import { type EngineSetting, NO_MISHAPS } from "../../../sandbox/replay/engine/setting.ts";
import { World } from "../../../sandbox/replay/engine/world.ts";
import type { Trace, TraceTask } from "../../../sandbox/replay/trace.ts";
import type { Site } from "../../../shared/config/index.ts";
import { makeProfile, makeSite, type SiteChanges } from "../../fleet/world.ts";

export const settings = { seed: 5, numRuns: 40 } as const;

const TASK: TraceTask = {
  id: 1,
  parent: null,
  method: "buildArch",
  channel: "default",
  arch: "x86_64",
  weight: 1.5,
  priority: 20,
  package: null,
  target: null,
  scratch: false,
  release: { at: 0 },
  seconds: 60,
  failed: false,
};

export function traceOf(tasks: readonly (Partial<TraceTask> & Pick<TraceTask, "id">)[]): Trace {
  return {
    name: "small",
    start: 0,
    spanSeconds: 4000,
    tasks: tasks.map((task) => ({ ...TASK, ...task })),
    targets: { f44: ["x86_64", "aarch64"] },
    synthetic: [],
  };
}

export interface Span {
  readonly start: number;
  readonly seconds: number;
}

/** Whole seconds, in few distinct instants: ends and starts meet. */
export const anySpans = fc
  .array(
    fc.record({
      start: fc.integer({ min: 0, max: 120 }).map((tens) => tens * 10),
      seconds: fc.integer({ min: 1, max: 40 }).map((tens) => tens * 10),
    }),
    { minLength: 1, maxLength: 25 },
  )
  .map((spans) => spans.toSorted((a, b) => a.start - b.start));

export const flatTrace = (spans: readonly Span[]): Trace =>
  traceOf(spans.map(({ start, seconds }, index) => ({ id: index + 1, release: { at: start }, seconds })));

/** One task at a time; $0.23184 an hour. */
export const singleSlotSite = (builders: SiteChanges["builders"] = {}, count = 60): Site =>
  makeSite({
    builders: {
      maxLaunchesPerPass: 100,
      budget: { maxInstances: 500, maxVcpus: 5000, dollarsPerHour: 500 },
      ...builders,
    },
    profiles: [
      makeProfile({
        capacity: 1.6,
        maxJobs: 1,
        slots: { prefix: "b", count },
        offerings: [{ instanceType: "m7a.xlarge", markets: ["on-demand"] }],
      }),
    ],
  });

const ARM = makeProfile({
  name: "arm",
  arches: ["aarch64"],
  slots: { prefix: "a", count: 30 },
  offerings: [{ instanceType: "m7g.xlarge" }],
});

/** Builders of four builds each, for two arches. */
export const twoArchSite = (builders: SiteChanges["builders"] = {}): Site =>
  makeSite({
    builders: {
      maxLaunchesPerPass: 100,
      budget: { maxInstances: 500, maxVcpus: 5000, dollarsPerHour: 500 },
      ...builders,
    },
    profiles: [makeProfile({ slots: { prefix: "b", count: 30 } }), ARM],
  });

const anyBuild = fc.record({
  at: fc.integer({ min: 0, max: 900 }),
  srpm: fc.integer({ min: 1, max: 120 }),
  arches: fc.subarray(["x86_64", "aarch64"]),
  seconds: fc.integer({ min: 1, max: 600 }),
  priority: fc.constantFrom(20, 15, null),
});

/** Builds as Koji makes them: SRPM, the arches (none = one noarch) after it, the tag after those. */
export const anyBuilds: fc.Arbitrary<Trace> = fc.array(anyBuild, { minLength: 1, maxLength: 8 }).map((builds) => {
  const tasks: (Partial<TraceTask> & Pick<TraceTask, "id">)[] = [];
  for (const { at, srpm, arches, seconds, priority } of builds.toSorted((a, b) => a.at - b.at)) {
    const parent = tasks.length + 1;
    const child = { parent, priority: priority === null ? null : priority - 1, package: `package-${parent}` };
    tasks.push({
      ...child,
      id: parent,
      parent: null,
      method: "build",
      arch: "noarch",
      weight: 0.2,
      target: "f44",
      release: { at },
      seconds: 5,
      priority,
    });
    const first = parent + 1;
    tasks.push({
      ...child,
      id: first,
      method: "buildSRPMFromSCM",
      arch: "noarch",
      weight: 1,
      release: { after: [], delay: 1 },
      seconds: srpm,
    });
    const after: number[] = [];
    for (const arch of arches.length === 0 ? ["noarch"] : arches) {
      const id = tasks.length + 1;
      after.push(id);
      tasks.push({ ...child, id, arch, release: { after: [first], delay: 7 }, seconds });
    }
    tasks.push({
      ...child,
      id: tasks.length + 1,
      method: "tagBuild",
      arch: "noarch",
      weight: 1,
      release: { after, delay: 7 },
      seconds: 3,
    });
  }
  return traceOf(tasks);
});

export function worldFor(trace: Trace, site: Site, changes: Partial<EngineSetting> = {}): World {
  return new World({
    site,
    trace,
    seed: 1,
    boot: { median: 120, p95: 202 },
    mishaps: NO_MISHAPS,
    launchFee: site.builders.launchFee,
    ideal: false,
    ...changes,
  });
}
