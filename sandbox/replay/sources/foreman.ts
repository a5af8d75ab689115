// Package changes (Foreman's arrival form) expanded to Koji's tasks: recorded are the changes, all the rest is estimated.

import { DURATIONS, type Seconds } from "../../world/kojid/durations.ts";
import { Random } from "../../world/random.ts";
import type { Trace } from "../trace.ts";
import type { PackageArrival } from "./arrivals.ts";
import { Assembly } from "./assemble.ts";
import { addBuild, DEFAULT_PRIORITY } from "./build.ts";
import { addRepos, type RepoRequest } from "./repos.ts";
import { serviceSentences } from "./service.ts";
import { TraceError } from "./text.ts";

const DAY_SECONDS = 86_400;
const BUILD_WEIGHT = 1.5;
const FAILURE_RATE = { release: 0.08, scratch: 0.15 };

/** A scratch round precedes its change by so much. */
const SCRATCH_LEAD_SECONDS = { least: 30 * 60, most: DAY_SECONDS };

/** Core projects that are built on weekdays between these hours (UTC). */
const NIGHTLIES = [
  "foreman",
  "foreman-installer",
  "foreman-proxy",
  "foreman-selinux",
  "katello",
  "rubygem-hammer_cli",
  "rubygem-hammer_cli_foreman",
  "rubygem-katello",
];
const NIGHTLY = { branch: "rpm/develop", targets: 2, fromHour: 8, toHour: 20 };

// Estimates of the project, as sandbox/world/kojid/durations.ts: no Koji site published a log of durations.
const WEBPACK: Seconds = { median: 1500, p95: 2700 };
const NODEJS: Seconds = { median: 150, p95: 600 };
const NOARCH: Seconds = { median: 90, p95: 300 };
const COMPILED: Seconds = { median: 300, p95: 2400, max: 7200 };

export interface ForemanOptions {
  readonly seed: number | string;
  /** Between two submissions of release builds of a branch: recorded are commits, and a push is many of them. */
  readonly spacingSeconds?: number;
  /** Of all service times. */
  readonly serviceFactor?: number;
}

interface Submission {
  readonly at: number;
  /** Names its draws. */
  readonly label: string;
  readonly kind: "release" | "scratch" | "nightly";
  readonly package: string;
  readonly arch: string;
  readonly target: string;
}

/** `rows` by time. Throws TraceError when nothing would be built. */
export function foremanTrace(
  name: string,
  rows: readonly PackageArrival[],
  { seed, spacingSeconds = 5, serviceFactor = 1 }: ForemanOptions,
): Trace {
  const random = new Random(`foreman:${seed}`);
  const submissions = [...releasesAndScratch(rows, spacingSeconds, random), ...nightlies(rows, spacingSeconds, random)];
  if (submissions.length === 0) {
    throw new TraceError("the trace causes no build: at least one line needs `targets` above 0");
  }
  const assembly = new Assembly();
  const requests: RepoRequest[] = [];
  const targets: Record<string, readonly string[]> = {};
  for (const submission of submissions) {
    const { target, arch } = submission;
    const known = targets[target] ?? ["x86_64"];
    targets[target] = arch === "noarch" || known.includes(arch) ? known : [...known, arch];
    const tag = expand(assembly, submission, random.fork(submission.label), serviceFactor);
    if (tag !== null) requests.push({ target, at: tag.endsAt });
  }
  addRepos(assembly, requests, targets, random.fork("repos"), serviceFactor);
  return assembly.toTrace({ name, targets, synthetic: syntheticParts(spacingSeconds, serviceFactor) }, "calendar");
}

function* releasesAndScratch(rows: readonly PackageArrival[], spacing: number, random: Random): Generator<Submission> {
  const lastOfBranch = new Map<string, number>();
  const seen = new Map<string, number>();
  for (const { ts, package: name, branch, arch, targets } of rows) {
    const change = `${ts} ${branch} ${name}`;
    const times = (seen.get(change) ?? 0) + 1;
    seen.set(change, times);
    const lead = random.fork(`lead ${change} ${times}`).between(SCRATCH_LEAD_SECONDS.least, SCRATCH_LEAD_SECONDS.most);
    for (let index = 1; index <= targets; index++) {
      const target = targetName(branch, index);
      const common = { package: name, arch, target };
      // The release job takes one package after the other and does not run twice at once on a branch.
      const at = Math.max(ts, (lastOfBranch.get(branch) ?? Number.NEGATIVE_INFINITY) + spacing);
      lastOfBranch.set(branch, at);
      yield { ...common, at, kind: "release", label: `release ${change} ${times} ${index}` };
      const scratchAt = ts - lead + (index - 1) * spacing;
      yield { ...common, at: scratchAt, kind: "scratch", label: `scratch ${change} ${times} ${index}` };
    }
  }
}

/** On the weekdays (UTC) from the first to the last change. */
function* nightlies(rows: readonly PackageArrival[], spacing: number, random: Random): Generator<Submission> {
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined) return;
  for (let day = Math.floor(first.ts / DAY_SECONDS); day <= Math.floor(last.ts / DAY_SECONDS); day++) {
    const weekday = new Date(day * DAY_SECONDS * 1000).getUTCDay();
    if (weekday === 0 || weekday === 6) continue;
    for (const name of NIGHTLIES) {
      const label = `nightly ${day} ${name}`;
      const hour = random.fork(label).between(NIGHTLY.fromHour, NIGHTLY.toHour);
      for (let index = 1; index <= NIGHTLY.targets; index++) {
        yield {
          at: day * DAY_SECONDS + hour * 3600 + (index - 1) * spacing,
          label: `${label} ${index}`,
          kind: "nightly",
          package: name,
          arch: "noarch",
          target: targetName(NIGHTLY.branch, index),
        };
      }
    }
  }
}

function expand(assembly: Assembly, submission: Submission, random: Random, serviceFactor: number) {
  const { at, kind, package: name, arch, target } = submission;
  const scratch = kind === "scratch";
  const draw = (of: Seconds) => serviceFactor * Math.min(random.lognormal(of.median, of.p95), of.max ?? Infinity);
  const srpmSeconds = draw(DURATIONS.srpm);
  const seconds = draw(buildDuration(name, arch));
  const tagSeconds = draw(DURATIONS.tagBuild);
  const failed = random.uniform() < (scratch ? FAILURE_RATE.scratch : FAILURE_RATE.release);
  const plan = {
    package: name,
    target,
    scratch,
    priority: DEFAULT_PRIORITY,
    srpmMethod: scratch ? ("rebuildSRPM" as const) : ("buildSRPMFromSCM" as const),
    srpmSeconds,
    buildWeight: BUILD_WEIGHT,
    arches: [{ arch, seconds, failed }],
    tagSeconds,
  };
  return addBuild(assembly, at, plan, random);
}

function buildDuration(name: string, arch: string): Seconds {
  if (name === "foreman") return WEBPACK;
  if (name.startsWith("nodejs-")) return NODEJS;
  return arch === "noarch" ? NOARCH : COMPILED;
}

function targetName(branch: string, index: number): string {
  return `foreman-${branch.replace(/^rpm\//, "").replaceAll("/", "-")}-t${index}`;
}

function syntheticParts(spacingSeconds: number, serviceFactor: number): readonly string[] {
  return [
    "All durations are estimates: log-normal by method and kind of package; Foreman published no log of them.",
    "One scratch round per change, 30 minutes to 24 hours before it, is assumed.",
    `${NIGHTLIES.length} nightly builds for ${NIGHTLY.targets} targets, on weekdays from ${NIGHTLY.fromHour} to ${NIGHTLY.toHour} UTC, are assumed.`,
    `Submissions of a branch are taken to be ${spacingSeconds} s apart; recorded are only the times of the commits.`,
    "8 % of release and nightly builds and 15 % of scratch builds fail, at full length and without a second try; both rates are estimates.",
    "The names of the build targets are made up; their number per change was derived from Foreman's release configuration.",
    "Repositories are made anew after builds, at most one per target in 15 minutes, in a channel of the hub's own.",
    ...serviceSentences(serviceFactor),
  ];
}
