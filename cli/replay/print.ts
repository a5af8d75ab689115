// The answer of a replay as a person reads it in a terminal.

import type { Compared, FullAnswer } from "../../sandbox/replay/answer.ts";
import { objective } from "../../sandbox/replay/play.ts";
import {
  formatCount,
  formatDuration,
  formatMoney,
  formatParams,
  formatRatio,
  formatWorth,
} from "../../sandbox/replay/report/words.ts";
import type { PolicyResult } from "../../sandbox/replay/result.ts";
import type { Io } from "../io.ts";

/** Wider parameters are cut: --json has them whole. */
const WIDEST_PARAMS = 60;

export function printAnswer(answer: FullAnswer, io: Io): void {
  const { trace, bounds } = answer;
  io.out(`${trace.name}: ${formatCount(trace.tasks)} tasks in ${formatDuration(trace.spanHours * 3600)}`);
  if (trace.synthetic.length > 0) io.out("made up in this trace:");
  for (const sentence of trace.synthetic) io.out(`  ${sentence}`);
  io.out("");
  for (const compared of answer.objective) printValue(answer.policies, compared, io);
  io.out(
    `bounds: bare work ${formatMoney(bounds.work)}; least dollars if no task ever waits ${formatMoney(bounds.zeroWait)}`,
  );
  io.out("(clairvoyant: the distance to them is mostly information nobody has, not room left)");
  for (const note of answer.notes) io.out(`note: ${note}`);
}

function printValue(policies: readonly PolicyResult[], compared: Compared, io: Io): void {
  const value = compared.waitValuePerHour;
  io.out(
    `an hour of a waiting task is worth ${formatWorth(value)}: J = dollars + ${formatWorth(value)} x hours that tasks wait for a builder`,
  );
  io.out(`  ${sayRatio(compared)}; no policy can be below ${formatMoney(compared.bound)}`);
  const rows = bestOfEach(policies, value).map(({ policy, J }) => rowOf(policy, J));
  const head = ["policy", "J", "dollars", "wait p50", "p95", "p99", "launches", "parameters"];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (isWord(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd();
  for (const cells of [head, ...rows]) io.out(`  ${line(cells)}`);
  io.out("");
}

/** Of each policy at its defaults, and of its tuned ones, the best at this wait value. Best first. */
function bestOfEach(policies: readonly PolicyResult[], value: number) {
  const all = policies
    .filter(({ params }) => (params.waitValuePerHour ?? value) === value)
    .map((policy) => ({ policy, J: objective(policy, value) }))
    .toSorted((a, b) => a.J - b.J);
  const groups = Map.groupBy(all, ({ policy: { name, tuned } }) => `${name} ${tuned}`);
  return [...groups.values()].flatMap((group) => group.slice(0, 1));
}

const isWord = (column: number) => column === 0 || column === 7;

function rowOf(
  { name, params, tuned, dollars, launches, noBuilderWaitSeconds: wait }: PolicyResult,
  J: number,
): string[] {
  const { waitValuePerHour, ...own } = params;
  const text = waitValuePerHour === undefined ? `${tuned ? "tuned" : "defaults"}: ${formatParams(own)}` : "";
  const short = text.length > WIDEST_PARAMS ? `${text.slice(0, WIDEST_PARAMS - 3)}...` : text;
  const waits = [wait.p50, wait.p95, wait.p99].map((seconds) => formatDuration(seconds));
  return [name, formatMoney(J), formatMoney(dollars), ...waits, formatCount(launches), short];
}

function sayRatio({ toji, bestBaseline, bestBaselineAtDefaults }: Compared): string {
  if (bestBaseline === null) return "no baseline was played";
  if (toji === null) return `the best baseline is ${bestBaseline.name}`;
  const best = `toji costs ${formatRatio(toji / bestBaseline.J)} the best baseline (${bestBaseline.name})`;
  if (bestBaselineAtDefaults === null) return best;
  return `${best}, ${formatRatio(toji / bestBaselineAtDefaults.J)} the best at its owner's defaults (${bestBaselineAtDefaults.name})`;
}
