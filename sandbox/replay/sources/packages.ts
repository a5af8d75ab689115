// Made-up packages with a character that lasts: how long each builds, on which arches, how often it fails.

import type { Random } from "../../world/random.ts";
import type { ArchBuild, BuildPlan } from "./build.ts";

/** Log-normal, seconds. */
interface Law {
  readonly median: number;
  readonly p95: number;
}

/** Of a park of packages. */
export interface PackageLaws {
  readonly noarchShare: number;
  /** Of the packages' medians. */
  readonly srpm: Law;
  readonly buildArch: Law;
  readonly maxSeconds: number;
  readonly failureRate: Law;
  /** How much busier some are than others. */
  readonly popularity: Law;
  /** Whether long builds weigh more, as they do once the hub knows a package's average duration. */
  readonly longWeighMore: boolean;
}

export interface Package {
  readonly name: string;
  readonly noarch: boolean;
  /** Medians of its own. */
  readonly srpmSeconds: number;
  readonly buildSeconds: number;
  readonly failureRate: number;
  readonly popularity: number;
  /** Of its buildArch tasks. */
  readonly weight: number;
}

/** p95 over median of one package's builds, and of one build's arches. */
const SPREAD = { srpm: 1.72, build: 1.5, arch: 1.2 };

/** The same source on other builders. */
const ARCH_FACTOR: Readonly<Record<string, number>> = { x86_64: 1, aarch64: 1.1, ppc64le: 1.05, s390x: 1.15 };

const MAX_FAILURE_RATE = 0.6;

const TAG_SECONDS: Law = { median: 3, p95: 20 };

/** Weight of buildArch: 1.5, and kojid adds the package's average duration over 4800 s, 18 at most. */
const WEIGHT = { base: 1.5, secondsPerWeight: 4800, most: 18 };

export function drawPackage(name: string, laws: PackageLaws, random: Random): Package {
  const draw = ({ median, p95 }: Law) => random.lognormal(median, p95);
  const buildSeconds = Math.min(laws.maxSeconds, draw(laws.buildArch));
  const added = laws.longWeighMore ? Math.min(WEIGHT.most, buildSeconds / WEIGHT.secondsPerWeight) : 0;
  return {
    name,
    noarch: random.uniform() < laws.noarchShare,
    srpmSeconds: draw(laws.srpm),
    buildSeconds,
    failureRate: Math.min(MAX_FAILURE_RATE, draw(laws.failureRate)),
    popularity: draw(laws.popularity),
    weight: Math.round((WEIGHT.base + added) * 100) / 100,
  };
}

export type BuildWork = Pick<BuildPlan, "srpmSeconds" | "buildWeight" | "arches" | "tagSeconds">;

/** One build of it on the arches of a target. A build that fails does so on one arch, and there at full length. */
export function drawBuild(
  is: Package,
  arches: readonly string[],
  random: Random,
  {
    maxSeconds,
    serviceFactor,
    firstStageFactor = 1,
  }: {
    readonly maxSeconds: number;
    readonly serviceFactor: number;
    readonly firstStageFactor?: number;
  },
): BuildWork {
  const around = (median: number, spread: number) => random.lognormal(median, median * spread);
  const srpmSeconds = around(is.srpmSeconds, SPREAD.srpm) * firstStageFactor * serviceFactor;
  const thisBuild = around(is.buildSeconds, SPREAD.build);
  const tagSeconds = random.lognormal(TAG_SECONDS.median, TAG_SECONDS.p95) * serviceFactor;
  const built = is.noarch ? ["noarch"] : arches;
  const failing = random.uniform() < is.failureRate ? random.pick(built) : null;
  return {
    srpmSeconds,
    buildWeight: is.weight,
    tagSeconds,
    arches: built.map((arch): ArchBuild => {
      const seconds = Math.min(maxSeconds, around(thisBuild * (ARCH_FACTOR[arch] ?? 1), SPREAD.arch));
      return { arch, seconds: seconds * serviceFactor, failed: arch === failing };
    }),
  };
}
