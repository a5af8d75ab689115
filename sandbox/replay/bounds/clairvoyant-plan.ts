// The fleet that attains the zero-wait bound of one pool whose builders take one task at a time.
import { BoundsError } from "./jobs.ts";
import { levelRuns } from "./levels.ts";

interface PlannedBuilder {
  /** A boot before it is needed; it may lie before instant 0. */
  readonly launchAt: number;
  /** The end of its last task. */
  readonly drainAt: number;
}

/** At the same instant in this order. */
const order = { end: 0, drain: 1, ready: 2, start: 3 } as const;

interface Step {
  readonly at: number;
  readonly kind: keyof typeof order;
  /** Of a start or an end. */
  readonly job: number;
}

/**
 * Builders by launch. Drains fall on the very end of a task, when no other builder is idle: a level that is given up
 * has no level above it that bridges. Which tasks a builder has does not change the number in service, so a replay
 * whose hub chooses another idle builder drains, at each `drainAt`, the one that has just become idle. Jobs of 0
 * seconds are not planned for.
 */
export function clairvoyantPlan(
  jobs: readonly { readonly start: number; readonly seconds: number }[],
  builder: { readonly pricePerHour: number; readonly bootSeconds: number; readonly launchFee?: number },
): PlannedBuilder[] {
  const { pricePerHour, bootSeconds, launchFee = 0 } = builder;
  const worked = jobs.filter((job) => job.seconds > 0).map((job) => ({ ...job, share: 1 }));
  const bootDollars = (pricePerHour * bootSeconds) / 3600 + launchFee;
  const runs = levelRuns(worked, (bootDollars / pricePerHour) * 3600);
  const steps = [
    ...worked.map((job, index): Step => ({ at: job.start, kind: "start", job: index })),
    ...worked.map((job, index): Step => ({ at: job.start + job.seconds, kind: "end", job: index })),
    ...runs.map((run): Step => ({ at: run.start, kind: "ready", job: -1 })),
    ...runs.map((run): Step => ({ at: run.end, kind: "drain", job: -1 })),
  ].sort((a, b) => a.at - b.at || order[a.kind] - order[b.kind]);
  return followSteps(steps, bootSeconds);
}

/** Gives each task the builder that became idle last, and each drain likewise. */
function followSteps(steps: readonly Step[], bootSeconds: number): PlannedBuilder[] {
  const builders: { launchAt: number; drainAt: number }[] = [];
  const idle: { launchAt: number; drainAt: number }[] = [];
  const busy = new Map<number, { launchAt: number; drainAt: number }>();
  for (const { at, kind, job } of steps) {
    if (kind === "ready") {
      const builder = { launchAt: at - bootSeconds, drainAt: at };
      builders.push(builder);
      idle.push(builder);
      continue;
    }
    const builder = kind === "end" ? busy.get(job) : idle.pop();
    if (!builder)
      throw new BoundsError(`The plan has no builder for the ${kind} at ${at} s: report this, with the trace.`);
    if (kind === "start") busy.set(job, builder);
    if (kind === "end") idle.push(builder);
    if (kind === "drain") builder.drainAt = at;
  }
  return builders;
}
