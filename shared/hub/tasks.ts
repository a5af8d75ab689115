// What Toji knows of Koji's task methods: weights a builder will give them, and which arches can run them.

import type { Task } from "./state.ts";

/** Weights set by the builder after it opened the task; a FREE task shows 1.0 whatever it is. Source: builder/kojid. */
const WEIGHT: Readonly<Record<string, number>> = {
  chainbuild: 0.1,
  newRepo: 0.1,
  distRepo: 0.1,
  buildNotification: 0.1,
  tagNotification: 0.1,
  restart: 0.1,
  restartVerify: 0.1,
  restartHosts: 0.1,
  build: 0.2,
  maven: 0.2,
  chainmaven: 0.2,
  waitrepo: 0.2,
  dependantTask: 0.2,
  sleep: 0.25,
  buildArch: 1.5,
  createrepo: 1.5,
  createdistrepo: 1.5,
  createLiveCD: 1.5,
  createLiveMedia: 1.5,
  createAppliance: 1.5,
  buildMaven: 1.5,
  wrapperRPM: 1.5,
  createImage: 2,
  createKiwiImage: 2,
  runroot: 2,
  saveFailedTree: 3,
  kiwiBuild: 4,
};

/** builder/kojid BuildArchTask.updateWeight: 6-month average build seconds / 4800, at most 18 more. */
const SECONDS_PER_WEIGHT = 4800;
const LONGEST_BUILD_WEIGHT = 18;

/** The weight a builder will give the task once open. `packageSeconds`: the package's average build time, if known. */
export function expectedWeight(task: Task, packageSeconds?: number | null): number {
  const base = Object.hasOwn(WEIGHT, task.method) ? (WEIGHT[task.method] ?? 1) : 1;
  const learned =
    task.method === "buildArch" && packageSeconds != null
      ? base + Math.min(packageSeconds / SECONDS_PER_WEIGHT, LONGEST_BUILD_WEIGHT)
      : base;
  // A task that was open before and was freed keeps the weight its builder gave it.
  return task.start_ts != null ? Math.max(task.weight, learned) : learned;
}

/** koji.canonArch: the spelling in which the hub compares task arches with host arches. */
export function canonicalArch(arch: string): string {
  if (/^i[3-6]86$/.test(arch) || arch === "athlon") return "i386";
  if (arch === "ia32e") return "x86_64";
  if (arch.startsWith("ppc64") && arch !== "ppc64le") return "ppc64";
  if (/^arm.*h.*$/.test(arch)) return "armhfp";
  if (arch.startsWith("arm")) return "arm";
  return arch;
}

/** noarch tasks of these methods run in a buildroot of the build tag, so the host needs one of the tag's arches. */
const NEEDS_TAG_ARCH: ReadonlySet<string> = new Set([
  "buildArch",
  "buildMaven",
  "wrapperRPM",
  "rebuildSRPM",
  "buildSRPMFromSCM",
]);

/** Whether the hub would refuse hosts outside the build tag's arches for this task (automatic arch refusal). */
export function needsTagArch(task: Pick<Task, "arch" | "method">): boolean {
  return task.arch === "noarch" && NEEDS_TAG_ARCH.has(task.method);
}
