// What bench:policy measures, the bars that Toji has to meet, and how both are printed.

import { fileURLToPath } from "node:url";
import type { CalibrationBand } from "../../../sandbox/replay/result.ts";

export type Kind = "flat" | "foreman" | "fan-out";

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/traces/${name}.jsonl.gz`, import.meta.url));

export const TRACES: Readonly<Record<string, { readonly kind: Kind; readonly name: string }>> = {
  "mobile-3-b": { kind: "flat", name: fixture("firefox-ci-mobile-3-b-linux-large") },
  "linux-large": { kind: "flat", name: fixture("firefox-ci-gecko-t-t-linux-large") },
  foreman: { kind: "foreman", name: fixture("foreman-2020") },
  cbs: { kind: "fan-out", name: "synthetic:cbs" },
  "mass-rebuild": { kind: "fan-out", name: "synthetic:mass-rebuild" },
};

/** J of Toji : J of the best tuned baseline, at most, by wait value. */
export const BARS: Readonly<Record<Kind, Readonly<Record<number, number>>>> = {
  flat: { 1: 1, 5: 1, 25: 1.05 },
  foreman: { 1: 1, 5: 0.8, 25: 0.85 },
  "fan-out": { 1: 0.72, 5: 0.66, 25: 0.6 },
};
export const BARS_AT_DEFAULTS: Readonly<Record<number, number>> = { 1: 0.95, 5: 0.75, 25: 0.45 };
/** Of the reactive baselines' p95 wait for a builder, and of their dollars, where builds fan out. */
const WAIT_BAR = 0.3;
const DOLLAR_BAR = 1.05;
/** On linux-large. */
const LAUNCH_BAR = 0.7;

export interface Line {
  readonly trace: string;
  readonly seed: number;
  readonly waitValuePerHour: number;
  readonly ratio: number;
  readonly bar: number | null;
  readonly best: string;
  readonly ratioAtDefaults: number;
  readonly barAtDefaults: number | null;
  /** Toji : the best tuned reactive baseline. NaN = that one waits for nothing. */
  readonly p95Ratio: number;
  readonly dollarRatio: number;
  readonly launchesPerTask: number;
  /** Toji's forecast at this wait value. */
  readonly calibration: readonly CalibrationBand[] | null;
  readonly notes: readonly string[];
}

export interface Bar {
  readonly what: string;
  /** Of the worst seed, and the mean of them. */
  readonly worst: number;
  readonly mean: number;
  readonly bar: number;
  readonly reached: boolean;
}

/** A bar is reached if every seed, to two decimals, is at or below it. */
export function summarise(lines: readonly Line[]): readonly Bar[] {
  const groups = Map.groupBy(lines, ({ trace, waitValuePerHour }) => `${trace} at $${waitValuePerHour}`);
  const bars = [...groups].flatMap(([what, group]) => {
    const [first] = group;
    if (first === undefined) return [];
    const isFanOut = TRACES[first.trace]?.kind === "fan-out";
    return [
      ...barOf(
        `${what}: J, to the best tuned`,
        group.map(({ ratio }) => ratio),
        first.bar,
      ),
      ...barOf(
        `${what}: J, to the best at defaults`,
        group.map(({ ratioAtDefaults }) => ratioAtDefaults),
        first.barAtDefaults,
      ),
      ...(isFanOut
        ? barOf(
            `${what}: p95 wait, to the best reactive`,
            group.map(({ p95Ratio }) => p95Ratio),
            WAIT_BAR,
          )
        : []),
      ...(isFanOut
        ? barOf(
            `${what}: dollars, to the best reactive`,
            group.map(({ dollarRatio }) => dollarRatio),
            DOLLAR_BAR,
          )
        : []),
      ...(first.trace === "linux-large"
        ? barOf(
            `${what}: launches per task`,
            group.map(({ launchesPerTask }) => launchesPerTask),
            LAUNCH_BAR,
          )
        : []),
    ];
  });
  return bars;
}

function barOf(what: string, all: readonly number[], bar: number | null): Bar[] {
  const values = all.filter((value) => Number.isFinite(value));
  if (bar === null || values.length === 0) return [];
  const worst = Math.max(...values);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return [{ what, worst, mean, bar, reached: worst <= bar + 0.005 }];
}

export function printLines(lines: readonly Line[]): void {
  console.log(
    "trace         seed  $/h   J:tuned  J:defaults  p95:reactive  $:reactive  launches/task  best tuned baseline",
  );
  for (const each of lines) {
    const cells = [
      each.trace.padEnd(12),
      String(each.seed).padStart(5),
      String(each.waitValuePerHour).padStart(4),
      shown(each.ratio).padStart(9),
      shown(each.ratioAtDefaults).padStart(11),
      shown(each.p95Ratio).padStart(13),
      shown(each.dollarRatio).padStart(11),
      shown(each.launchesPerTask).padStart(14),
    ];
    console.log(`${cells.join(" ")}  ${each.best}`);
  }
  for (const note of new Set(lines.flatMap(({ trace, notes }) => notes.map((text) => `note, ${trace}: ${text}`)))) {
    console.log(note);
  }
}

export function printSummary(bars: readonly Bar[]): void {
  console.log("\nbar (the worst seed counts)");
  for (const { what, worst, mean, bar, reached } of bars) {
    console.log(
      `  ${what.padEnd(58)} worst ${shown(worst)}  mean ${shown(mean)}  bar ${shown(bar)}  ${reached ? "reached" : "NOT reached"}`,
    );
  }
  console.log(`${bars.filter(({ reached }) => reached).length} of ${bars.length} bars reached`);
}

const shown = (value: number) => (Number.isFinite(value) ? value.toFixed(2) : "-");

export function printCalibration(lines: readonly Line[]): void {
  const told = lines.filter(({ calibration }) => calibration !== null);
  if (told.length === 0) {
    console.log("forecast calibration: not told by these replays");
    return;
  }
  console.log(
    "forecast calibration: children expected within 60 s with a chance of ..., share that appeared (bar: +- 0.1)",
  );
  for (const [trace, group] of Map.groupBy(told, ({ trace }) => trace)) {
    const bands = group.flatMap(({ calibration }) => calibration ?? []);
    for (const same of Map.groupBy(bands, ({ low }) => low).values()) {
      const [first] = same;
      const children = same.reduce((sum, each) => sum + each.children, 0);
      const appeared = same.reduce((sum, each) => sum + each.appeared, 0);
      if (first === undefined || children === 0) continue;
      const off = Math.abs(appeared / children - (first.low + first.high) / 2) > 0.1 + 1e-9;
      console.log(
        `  ${trace.padEnd(12)} ${shown(first.low)} to ${shown(first.high)}: ${shown(appeared / children)} of ${children}${off ? "  OFF" : ""}`,
      );
    }
  }
}
