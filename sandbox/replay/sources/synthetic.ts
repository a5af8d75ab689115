// A made-up community build system like CentOS CBS: pushes by the hour of the week, packages of several groups, arch pools.

import { Random } from "../../world/random.ts";
import type { Trace } from "../trace.ts";
import { Assembly } from "./assemble.ts";
import { addBuild, DEFAULT_PRIORITY } from "./build.ts";
import { drawBuild, drawPackage, type Package, type PackageLaws } from "./packages.ts";
import { serviceSentences } from "./service.ts";

const HOUR_SECONDS = 3600;
const DAY_SECONDS = 86_400;

/** A Monday: the rhythm needs a calendar. */
const START = Date.UTC(2021, 2, 1) / 1000;

/** Share of a weekday's pushes by hour (UTC), and of a day's by weekday, Monday first. */
const HOURS = [1, 1, 1, 1, 2, 4, 6, 9, 11, 12, 12, 11, 10, 12, 13, 13, 12, 10, 8, 6, 4, 3, 2, 1];
const WEEKDAYS = [1, 1.05, 1.05, 1, 0.8, 0.12, 0.12];

/** With the builds per push and the tasks per build below, and the mass rebuild: about 2,100 tasks a day, as CBS had. */
const PUSHES_PER_WEEKDAY = 204;

/** Geometric: a push goes on with one more package at this chance. */
const NEXT_BUILD_CHANCE = 0.6;
const PUSH_SPACING_SECONDS = 3;
const SCRATCH_SHARE = 0.3;

/** Groups of packages that are pushed together, each with its build targets. */
const GROUPS = 17;
const PACKAGES_PER_GROUP = 30;
const GROUP_POPULARITY = { median: 1, p95: 4 };
const ARCHES = [
  ["x86_64", "aarch64"],
  ["x86_64", "aarch64", "ppc64le"],
  ["x86_64", "aarch64", "ppc64le", "s390x"],
] as const;

/** The packages' medians and the builds around them together: source RPMs of median 60 s, p95 150 s. */
const LAWS: PackageLaws = {
  noarchShare: 0.4,
  srpm: { median: 60, p95: 126 },
  buildArch: { median: 150, p95: 1500 },
  maxSeconds: 3 * HOUR_SECONDS,
  failureRate: { median: 0.05, p95: 0.25 },
  popularity: { median: 1, p95: 6 },
  longWeighMore: true,
};

const REBUILD = { packages: 600, spacingSeconds: 2, hour: 10 };

export interface CbsOptions {
  readonly seed: number | string;
  readonly days?: number;
  /** Of the rate of pushes. */
  readonly scale?: number;
  /** Of source RPM times. */
  readonly firstStageFactor?: number;
  /** Of all service times. */
  readonly serviceFactor?: number;
  /** Packages of the mass rebuild in the middle; 0 = none. */
  readonly rebuildPackages?: number;
}

interface Group {
  readonly packages: readonly Package[];
  readonly popularity: number;
  readonly targets: readonly string[];
}

interface Submission {
  readonly at: number;
  readonly label: string;
  readonly package: Package;
  readonly target: string;
  readonly scratch: boolean;
}

/** Two weeks of about 2,100 tasks a day. */
export function cbsTrace(options: CbsOptions): Trace {
  const { seed, days = 14, scale = 1, firstStageFactor = 1, serviceFactor = 1 } = options;
  const random = new Random(`cbs:${seed}`);
  const { groups, targets } = drawGroups(random);
  const rebuilt = options.rebuildPackages ?? REBUILD.packages;
  const assembly = new Assembly();
  for (const each of [...pushes(groups, days, scale, random), ...rebuild(groups, rebuilt, days)]) {
    const draws = random.fork(each.label);
    const factors = { maxSeconds: LAWS.maxSeconds, serviceFactor, firstStageFactor };
    const plan = {
      ...drawBuild(each.package, targets[each.target] ?? [], draws, factors),
      package: each.package.name,
      target: each.target,
      scratch: each.scratch,
      priority: DEFAULT_PRIORITY,
      srpmMethod: each.scratch ? ("rebuildSRPM" as const) : ("buildSRPMFromSCM" as const),
    };
    addBuild(assembly, each.at, plan, draws);
  }
  const synthetic = [
    "Everything is made up: no Koji site published such a trace; only the number of tasks a day is CBS's.",
    ...(rebuilt === 0 ? [] : [`A mass rebuild of ${rebuilt} packages in the middle is made up.`]),
    "Repositories, images and notifications are left out, and failed builds are not tried again.",
    ...(scale === 1 ? [] : [`The rate of pushes is multiplied by ${scale}.`]),
    ...(firstStageFactor === 1 ? [] : [`Source RPM times are multiplied by ${firstStageFactor}.`]),
    ...serviceSentences(serviceFactor),
  ];
  return assembly.toTrace({ name: `synthetic:cbs (seed ${seed})`, targets, synthetic }, START);
}

function drawGroups(random: Random) {
  const targets: Record<string, readonly string[]> = {};
  const groups = Array.from({ length: GROUPS }, (_, index): Group => {
    const name = `sig${String(index + 1).padStart(2, "0")}`;
    const draws = random.fork(name);
    const names = [`${name}-el8`, `${name}-el9`];
    // In turn, so that the load of the arches is much the same for every seed.
    names.forEach((target, nth) => {
      targets[target] = ARCHES[(index + nth) % ARCHES.length] ?? ARCHES[0];
    });
    const packages = Array.from({ length: PACKAGES_PER_GROUP }, (_, number) => {
      const label = `${name}-package${String(number + 1).padStart(2, "0")}`;
      return drawPackage(label, LAWS, draws.fork(label));
    });
    const { median, p95 } = GROUP_POPULARITY;
    return { packages, popularity: draws.lognormal(median, p95), targets: names };
  });
  return { groups, targets };
}

/** Each hour has draws of its own. */
function* pushes(groups: readonly Group[], days: number, scale: number, random: Random): Generator<Submission> {
  const total = HOURS.reduce((sum, share) => sum + share, 0);
  for (let hour = 0; hour < days * 24; hour++) {
    const ofDay = (HOURS[hour % 24] ?? 0) / total;
    const rate = (scale * PUSHES_PER_WEEKDAY * ofDay * (WEEKDAYS[Math.floor(hour / 24) % 7] ?? 0)) / HOUR_SECONDS;
    const draws = random.fork(`hour ${hour}`);
    const gap = () => -Math.log(1 - draws.uniform()) / rate;
    for (let at = gap(), nth = 1; at < HOUR_SECONDS; at += gap(), nth++) {
      yield* onePush(groups, hour * HOUR_SECONDS + at, `push ${hour} ${nth}`, random);
    }
  }
}

/** Neighbours of the first package in its group, all for one target. */
function* onePush(groups: readonly Group[], at: number, label: string, random: Random): Generator<Submission> {
  const draws = random.fork(label);
  const group = groups[pickByPopularity(groups, draws)];
  if (group === undefined) return;
  const target = draws.pick(group.targets);
  const scratch = draws.uniform() < SCRATCH_SHARE;
  const first = pickByPopularity(group.packages, draws);
  for (let index = 0; index < group.packages.length; index++) {
    const is = group.packages[(first + index) % group.packages.length];
    if (is !== undefined) {
      yield { at: at + index * PUSH_SPACING_SECONDS, label: `${label} ${index + 1}`, package: is, target, scratch };
    }
    if (draws.uniform() >= NEXT_BUILD_CHANCE) return;
  }
}

function* rebuild(groups: readonly Group[], packages: number, days: number): Generator<Submission> {
  const all = groups.flatMap((group) => group.packages.map((is) => ({ is, targets: group.targets })));
  const start = Math.floor(days / 2) * DAY_SECONDS + REBUILD.hour * HOUR_SECONDS;
  for (let index = 0; index < packages; index++) {
    const { is, targets } = all[index % all.length] ?? {};
    const target = targets?.[Math.floor(index / all.length) % targets.length];
    if (is === undefined || target === undefined) return;
    const at = start + index * REBUILD.spacingSeconds;
    yield { at, label: `rebuild ${index}`, package: is, target, scratch: false };
  }
}

function pickByPopularity(items: readonly { readonly popularity: number }[], random: Random): number {
  const total = items.reduce((sum, each) => sum + each.popularity, 0);
  let left = random.uniform() * total;
  const found = items.findIndex((each) => {
    left -= each.popularity;
    return left < 0;
  });
  return found === -1 ? items.length - 1 : found;
}
