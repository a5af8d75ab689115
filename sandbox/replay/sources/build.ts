// One build as Koji makes its tasks: the parent, the source RPM, one buildArch an arch, the tag.

import type { Random } from "../../world/random.ts";
import type { Assembly, Draft } from "./assemble.ts";

/** What koji's builder/kojid declares; buildArch and createrepo add their own. */
const WEIGHTS = { build: 0.2, srpm: 1, tagBuild: 1 };

/** koji.PRIO_DEFAULT; a child's is one lower than its parent's (kojihub make_task), so it is served before new builds. */
export const DEFAULT_PRIORITY = 20;

/** From the parent's start to the request for its first child. */
const FIRST_CHILD_SECONDS = 0.5;

/** A waiting parent looks at its children when kojid polls. */
const POLL_SECONDS = 15;

export interface ArchBuild {
  readonly arch: string;
  readonly seconds: number;
  readonly failed: boolean;
}

export interface BuildPlan {
  readonly package: string;
  readonly target: string;
  readonly scratch: boolean;
  readonly priority: number;
  readonly srpmMethod: "buildSRPMFromSCM" | "rebuildSRPM";
  readonly srpmSeconds: number;
  readonly buildWeight: number;
  /** One of arch `noarch`, or one an arch of the build tag. */
  readonly arches: readonly ArchBuild[];
  readonly tagSeconds: number;
}

/** Returns the tagBuild; null for scratch and failed builds, which have none. `wakes` draws the parent's polls. */
export function addBuild(assembly: Assembly, at: number, plan: BuildPlan, wakes: Random): Draft | null {
  const { scratch, priority } = plan;
  const failed = plan.arches.some((each) => each.failed);
  const wake = () => wakes.between(0, POLL_SECONDS);
  const common = { channel: "default", package: plan.package, scratch };
  const child = { ...common, target: null, priority: priority - 1, failed: false };
  const parent = assembly.submit(at, {
    ...common,
    method: "build",
    arch: "noarch",
    weight: WEIGHTS.build,
    priority,
    target: plan.target,
    seconds: wake(),
    failed,
  });
  const srpm = assembly.follow(parent, [], FIRST_CHILD_SECONDS, {
    ...child,
    method: plan.srpmMethod,
    arch: "noarch",
    weight: WEIGHTS.srpm,
    seconds: plan.srpmSeconds,
  });
  const fanOut = wake();
  const builds = plan.arches.map((each) =>
    assembly.follow(parent, [srpm], fanOut, { ...child, method: "buildArch", weight: plan.buildWeight, ...each }),
  );
  const tagging = wake();
  if (scratch || failed) return null;
  return assembly.follow(parent, builds, tagging, {
    ...child,
    method: "tagBuild",
    arch: "noarch",
    weight: WEIGHTS.tagBuild,
    seconds: plan.tagSeconds,
  });
}
