// What a run came to: waits, instance-hours, dollars, and every invariant with its verdict.

import { TASK_STATE } from "../shared/hub/index.ts";
import { END_RULES, RULES, type Rule, type Violation } from "./invariants.ts";
import { quantile } from "./quantile.ts";
import type { Sandbox } from "./sandbox.ts";

export interface Summary {
  readonly seed: string;
  readonly tasks: { readonly closed: number; readonly failed: number; readonly unfinished: number };
  readonly wait: { readonly p50Seconds: number; readonly p95Seconds: number; readonly maxSeconds: number };
  readonly launches: number;
  readonly instanceHours: number;
  readonly dollars: number;
  readonly lostAndRerun: number;
  readonly awsCalls: number;
  readonly rules: readonly { readonly rule: Rule; readonly text: string; readonly violations: readonly Violation[] }[];
}

/** `ended`: the day is over, so that what must be true in the end can be judged too. */
export function summarise(sandbox: Sandbox, { ended }: { readonly ended: boolean }): Summary {
  const { hub, aws, invariants, random } = sandbox;
  const counts = { closed: 0, failed: 0, unfinished: 0 };
  for (const task of hub.tasks()) {
    if (task.state === TASK_STATE.CLOSED) counts.closed += 1;
    else if (task.state === TASK_STATE.FAILED || task.state === TASK_STATE.CANCELED) counts.failed += 1;
    else counts.unfinished += 1;
  }
  const waits = hub.waits();
  const seconds = waits.map((each) => each.seconds).sort((a, b) => a - b);
  const usage = aws.ec2.usage();
  return {
    seed: random.seed,
    tasks: counts,
    wait: { p50Seconds: quantile(seconds, 0.5), p95Seconds: quantile(seconds, 0.95), maxSeconds: seconds.at(-1) ?? 0 },
    launches: usage.length,
    instanceHours: usage.reduce((sum, each) => sum + each.seconds, 0) / 3600,
    dollars: usage.reduce((sum, each) => sum + each.dollars, 0),
    lostAndRerun: waits.filter((each) => each.restarted).length,
    awsCalls: Object.values(aws.ec2.callCounts()).reduce((sum, count) => sum + count, 0),
    rules: Object.entries(RULES).flatMap(([name, text]) => {
      const rule = name as Rule;
      if (!ended && END_RULES.has(rule)) return [];
      return [{ rule, text, violations: invariants.violations.filter((each) => each.rule === rule) }];
    }),
  };
}

export function summaryText(summary: Summary): string {
  const { tasks, wait } = summary;
  const broken = summary.rules.filter((each) => each.violations.length > 0);
  return [
    `seed ${summary.seed}`,
    `tasks           ${tasks.closed} closed, ${tasks.failed} failed or canceled, ${tasks.unfinished} unfinished`,
    `wait            p50 ${wait.p50Seconds.toFixed(0)} s, p95 ${wait.p95Seconds.toFixed(0)} s, longest ${wait.maxSeconds.toFixed(0)} s`,
    `builders        ${summary.launches} launches, ${summary.instanceHours.toFixed(2)} instance-hours`,
    `cost            $${summary.dollars.toFixed(2)} of EC2 (spot at an assumed share of on demand)`,
    `lost and rerun  ${summary.lostAndRerun} tasks`,
    `AWS calls       ${summary.awsCalls} to EC2`,
    "",
    ...summary.rules.flatMap(({ text, violations }) => [
      `${violations.length === 0 ? "holds " : "BROKEN"}  ${text}`,
      ...violations.slice(0, 5).map(({ at, detail }) => `          ${new Date(at * 1000).toISOString()} ${detail}`),
    ]),
    "",
    broken.length === 0
      ? `all ${summary.rules.length} invariants checked hold`
      : `${broken.length} invariant(s) broken`,
  ].join("\n");
}
