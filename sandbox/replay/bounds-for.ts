// The lower bounds of a stage: its trace on its site's profiles, at their cheapest offering and mean boot time.

import type { Profile, Site } from "../../shared/config/index.ts";
import { chooseOfferings, UNLIMITED } from "../../shared/fleet/index.ts";
import { type Bound, type BoundPool, hasGraph, type Job, type Place, zeroWaitJobs } from "./bounds/jobs.ts";
import { objectiveBound } from "./bounds/objective.ts";
import { workBound } from "./bounds/work.ts";
import { zeroWaitBound } from "./bounds/zero-wait.ts";
import type { BootTimes } from "./engine/setting.ts";
import { poolsFor } from "./engine/task.ts";
import type { Stage } from "./play.ts";
import type { Trace, TraceTask } from "./trace.ts";

export interface TraceBounds {
  readonly work: Bound;
  readonly zeroWait: Bound;
  readonly objective: readonly { readonly waitValuePerHour: number; readonly bound: Bound }[];
  /** Of the work bound: hours of tasks, and of instances that are full all the time. */
  readonly taskHours: number;
  readonly instanceHours: number;
}

export function boundsFor({ trace, site, boot }: Stage, waitValues: readonly number[]): TraceBounds {
  const { profiles, launchFee } = site.builders;
  const pools = profiles.map((profile): BoundPool => {
    return { name: profile.name, pricePerHour: lowestPrice(profile, site), bootSeconds: meanBootSeconds(boot) };
  });
  const jobs = zeroWaitJobs(trace, placing(trace, site));
  const graph = hasGraph(trace);
  return {
    work: workBound(jobs, pools),
    zeroWait: zeroWaitBound({ jobs, pools, launchFee }),
    objective: waitValues.map((waitValuePerHour) => {
      return { waitValuePerHour, bound: objectiveBound({ jobs, pools, waitValuePerHour, launchFee, graph }) };
    }),
    taskHours: jobs.reduce((sum, { seconds }) => sum + seconds, 0) / 3600,
    instanceHours: jobs.reduce((sum, job) => sum + job.seconds * leastShare(job), 0) / 3600,
  };
}

const leastShare = ({ places }: Job) => Math.min(...places.map(({ share }) => share));

function lowestPrice(profile: Profile, site: Site): number {
  const prices = chooseOfferings(profile, site, [], UNLIMITED, 0).map(({ pricePerHour }) => pricePerHour);
  return prices.length === 0 ? 0 : Math.min(...prices);
}

/** Of a log-normal distribution by its median and 95th percentile. */
function meanBootSeconds({ median, p95 }: BootTimes): number {
  const deviation = Math.log(p95 / median) / 1.6448536269514722;
  return median * Math.exp(deviation ** 2 / 2);
}

/**
 * Where a task may run, as in the replay. Parents take no part: what they do after their last child, a builder does
 * beside whatever else it has.
 */
function placing(trace: Trace, site: Site): (task: TraceTask) => readonly Place[] | null {
  const { profiles } = site.builders;
  const poolsOf = poolsFor(
    site,
    profiles.map((_, index) => index),
  );
  const parents = new Set(trace.tasks.map(({ parent }) => parent));
  const targets = new Map<number, string | null>();
  const runnable = (task: TraceTask): readonly number[] => {
    if (parents.has(task.id)) targets.set(task.id, targetOf(task, targets));
    const target = targetOf(task, targets);
    return parents.has(task.id) ? [] : poolsOf(task, target === null ? [] : (trace.targets[target] ?? []));
  };
  const shares = sharesOf(trace, profiles, runnable);
  const known = new Map<string, Place[]>();
  return (task) => {
    const pools = runnable(task);
    const key = `${pools.join(" ")}|${task.weight}`;
    let places = known.get(key);
    if (places === undefined) {
      places = pools.map((pool) => ({ pool: profiles[pool]?.name ?? "", share: shares[pool]?.(task.weight) ?? 0 }));
      known.set(key, places);
    }
    return places;
  };
}

function targetOf({ target, parent }: TraceTask, targets: ReadonlyMap<number, string | null>): string | null {
  return target ?? (parent === null ? null : (targets.get(parent) ?? null));
}

/**
 * The part of a builder that a task takes. kojid opens a task while the weight of the open ones is not above the
 * capacity, so at most capacity + one more task's weight is at work, and at most maxJobs tasks. Either rule alone gives
 * shares that never add up to more than 1; the one that makes the work cost more is taken.
 */
function sharesOf(
  trace: Trace,
  profiles: readonly Profile[],
  runnable: (task: TraceTask) => readonly number[],
): ((weight: number) => number)[] {
  const totals = profiles.map(() => ({ seconds: 0, weightSeconds: 0, heaviest: 0 }));
  for (const task of trace.tasks) {
    for (const pool of runnable(task)) {
      const total = totals[pool];
      if (total === undefined) continue;
      total.seconds += task.seconds;
      total.weightSeconds += task.seconds * task.weight;
      total.heaviest = Math.max(total.heaviest, task.weight);
    }
  }
  return profiles.map(({ capacity, maxJobs }, pool) => {
    const { seconds, weightSeconds, heaviest } = totals[pool] ?? { seconds: 0, weightSeconds: 0, heaviest: 0 };
    const most = capacity + heaviest;
    return seconds / maxJobs > weightSeconds / most ? () => 1 / maxJobs : (weight) => weight / most;
  });
}
