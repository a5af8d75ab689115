// A made-up mass rebuild like Fedora's: every package once, on four arches, over a weekend, at low priority.

import { Random } from "../../world/random.ts";
import type { Trace } from "../trace.ts";
import { Assembly } from "./assemble.ts";
import { addBuild, DEFAULT_PRIORITY } from "./build.ts";
import { type BuildWork, drawBuild, drawPackage, type PackageLaws } from "./packages.ts";
import { serviceSentences } from "./service.ts";

/** A Saturday. */
const START = Date.UTC(2021, 2, 6) / 1000;

const TARGET = "mass-rebuild";
const ARCHES = ["x86_64", "aarch64", "ppc64le", "s390x"];

/** A build's parent, source RPM, arches and, if it does not fail, tag. */
const TASKS_PER_BUILD = 6.93;

/** Fedora submits its mass rebuilds with +5. */
const PRIORITY = DEFAULT_PRIORITY + 5;

/** Park that the rate of submissions is for: shared evenly among the arches, and this busy on the busiest. */
const PARK = { builders: 300, tasksEach: 4, busyShare: 0.9 };

const LAWS: PackageLaws = {
  noarchShare: 0,
  srpm: { median: 60, p95: 126 },
  buildArch: { median: 900, p95: 7200 },
  maxSeconds: 6 * 3600,
  failureRate: { median: 0.05, p95: 0.2 },
  popularity: { median: 1, p95: 1 },
  longWeighMore: false,
};

export interface MassRebuildOptions {
  readonly seed: number | string;
  /** About. */
  readonly tasks?: number;
  /** Of all service times; the rate of submissions stays. */
  readonly serviceFactor?: number;
}

export function massRebuildTrace({ seed, tasks = 130_000, serviceFactor = 1 }: MassRebuildOptions): Trace {
  const random = new Random(`mass-rebuild:${seed}`);
  const count = Math.max(1, Math.round(tasks / TASKS_PER_BUILD));
  const builds = Array.from({ length: count }, (_, index) => {
    const draws = random.fork(`package ${index}`);
    const is = drawPackage(`package${String(index + 1).padStart(5, "0")}`, LAWS, draws);
    return { is, draws, work: drawBuild(is, ARCHES, draws, { maxSeconds: LAWS.maxSeconds, serviceFactor }) };
  });
  const spacingSeconds = submissionSpacing(builds.map(({ work }) => work)) / serviceFactor;
  const assembly = new Assembly();
  builds.forEach(({ is, draws, work }, index) => {
    const plan = {
      ...work,
      package: is.name,
      target: TARGET,
      scratch: false,
      priority: PRIORITY,
      srpmMethod: "buildSRPMFromSCM" as const,
    };
    addBuild(assembly, index * spacingSeconds, plan, draws);
  });
  const synthetic = [
    "Everything is made up: sizes and number of tasks are like a mass rebuild of Fedora, durations are estimates.",
    `Builds are submitted evenly, so that ${PARK.builders} builders of ${PARK.tasksEach} tasks each are busy but keep up.`,
    "Failed builds are not tried again.",
    ...serviceSentences(serviceFactor),
  ];
  const head = { name: `synthetic:mass-rebuild (seed ${seed})`, targets: { [TARGET]: ARCHES }, synthetic };
  return assembly.toTrace(head, START);
}

/** Seconds between builds at which the park keeps up. */
function submissionSpacing(builds: readonly BuildWork[]): number {
  const work = new Map<string, number>();
  for (const { arches, srpmSeconds } of builds) {
    for (const { arch, seconds } of arches) work.set(arch, (work.get(arch) ?? 0) + seconds);
    // What has no arch may go anywhere.
    for (const arch of ARCHES) work.set(arch, (work.get(arch) ?? 0) + srpmSeconds / ARCHES.length);
  }
  const roomOfArch = (PARK.builders / ARCHES.length) * PARK.tasksEach * PARK.busyShare;
  return Math.max(...work.values()) / roomOfArch / builds.length;
}
