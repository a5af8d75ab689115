// What many runs came to, and how it is told.

import { RULES, type Rule, type Violation } from "./rules.ts";
import type { RunResult } from "./scenario.ts";

const TRACE_LINES = 40;
/** As many failing seeds are told for each rule that they broke first. */
const TOLD_SEEDS = 2;

export interface FailedRun {
  readonly seed: string;
  readonly violations: readonly Violation[];
  readonly trace: readonly string[];
}

export interface Summary {
  runs: number;
  virtualHours: number;
  launches: number;
  tasks: number;
  judgedWaits: number;
  violations: Partial<Record<Rule, number>>;
  faults: Record<string, number>;
  failedRuns: number;
  failed: FailedRun[];
}

export const emptySummary = (): Summary => ({
  runs: 0,
  virtualHours: 0,
  launches: 0,
  tasks: 0,
  judgedWaits: 0,
  violations: {},
  faults: {},
  failedRuns: 0,
  failed: [],
});

/** One run as a summary: what a worker sends. */
export function summarize(result: RunResult): Summary {
  const { seed, violations } = result;
  const [first] = violations;
  const summary = emptySummary();
  addTo(summary, {
    ...summary,
    ...result,
    runs: 1,
    violations: {},
    faults: { ...result.faults },
    failed: [],
    failedRuns: 0,
  });
  for (const { rule } of violations) summary.violations[rule] = (summary.violations[rule] ?? 0) + 1;
  if (first === undefined) return summary;
  summary.failedRuns = 1;
  summary.failed.push({ seed, violations, trace: result.trace(TRACE_LINES, first.at) });
  return summary;
}

export function addTo(total: Summary, one: Summary): void {
  total.runs += one.runs;
  total.virtualHours += one.virtualHours;
  total.launches += one.launches;
  total.tasks += one.tasks;
  total.judgedWaits += one.judgedWaits;
  total.failedRuns += one.failedRuns;
  for (const rule of rulesIn(one)) total.violations[rule] = (total.violations[rule] ?? 0) + (one.violations[rule] ?? 0);
  for (const [kind, count] of Object.entries(one.faults)) total.faults[kind] = (total.faults[kind] ?? 0) + count;
  const failed = [...total.failed, ...one.failed].sort((a, b) => Number(a.seed) - Number(b.seed));
  const byRule = Map.groupBy(failed, ({ violations }) => violations[0]?.rule);
  total.failed = [...byRule.values()].flatMap((runs) => runs.slice(0, TOLD_SEEDS));
}

const rulesIn = ({ violations }: Summary) => Object.keys(violations).filter((each): each is Rule => each in RULES);

export function tell(summary: Summary, wallSeconds: number, replay: (seed: string) => string): string {
  const { runs, virtualHours, launches, tasks, judgedWaits, faults, failedRuns } = summary;
  const injected = Object.values(faults).reduce((sum, count) => sum + count, 0);
  const byCount = Object.entries(faults).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const rate = (virtualHours / Math.max(wallSeconds, 1e-3)).toFixed(1);
  return [
    ...summary.failed.flatMap((run) => tellFailed(run, replay)),
    `runs: ${runs}, with a violation: ${failedRuns}`,
    `virtual hours: ${virtualHours.toFixed(1)} in ${wallSeconds.toFixed(1)} s, ${rate} a second`,
    `launches: ${launches}, tasks: ${tasks}, waits judged: ${judgedWaits}`,
    `faults injected: ${injected}`,
    ...byCount.map(([kind, count]) => `  ${String(count).padStart(7)} ${kind}`),
    `violations: ${Object.values(summary.violations).reduce((sum, count) => sum + count, 0)}`,
    ...rulesIn(summary).map((rule) => `  ${String(summary.violations[rule]).padStart(7)} ${rule}: ${RULES[rule]}`),
  ].join("\n");
}

export function tellFailed({ seed, violations, trace }: FailedRun, replay: (seed: string) => string): string[] {
  return [
    `seed ${seed} broke ${violations.length} rule(s):`,
    ...violations.slice(0, 5).map(({ rule, detail }) => `  ${rule} (${RULES[rule]}): ${detail}`),
    ...trace.map((line) => `    ${line}`),
    `  replay: ${replay(seed)}`,
    "",
  ];
}
