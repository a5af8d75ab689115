// What the report is made of: the answer of a replay, and what only a reader of the report asks for.

import type { CalibrationBand, PolicyDetail, PolicyResult, ReplayAnswer } from "../result.ts";

export interface ReportInput {
  readonly answer: ReplayAnswer;
  /** By `policyKey`; by the bare name only for a policy that stands once in the answer. May lack some. */
  readonly details: Readonly<Record<string, PolicyDetail>>;
  readonly bounds: BoundWords;
  /** Ratio = J of toji : J of the best baseline, tuned for the trace as it is. */
  readonly sensitivity: readonly Sensitivity[];
  /** Null = no policy of this replay forecasts children. */
  readonly calibration: readonly CalibrationBand[] | null;
  readonly setting: Setting;
  /** Name and version of what made the report. */
  readonly versionLine: string;
}

interface BoundWords {
  /** How the bounds were found and what they leave out, in a sentence or two. */
  readonly note: string;
  /** Of the work bound: hours of tasks, and of instances if every builder were full all the time. */
  readonly work: { readonly taskHours: number; readonly instanceHours: number };
}

export interface Sensitivity {
  /** As "service time -30 %". */
  readonly what: string;
  readonly ratios: readonly { readonly waitValuePerHour: number; readonly ratio: number }[];
}

export interface Setting {
  /** The command that makes this report again. */
  readonly command: string;
  /** What the configuration says, a sentence each: profiles, offerings, budget, launch fee. */
  readonly config: readonly string[];
  readonly prices: { readonly region: string; readonly asOf: string };
  readonly hubOptions: Readonly<Record<string, string | number | boolean>>;
  /** Distribution of boot times and of failed boots, in a sentence. */
  readonly boot: string;
  readonly seed: number;
  /** Which parts of the trace were recorded, a sentence each; empty = none. `trace.synthetic` has the others. */
  readonly recorded: readonly string[];
}

/** What tells apart the replays of one policy with several parameters: "resalloc idleSeconds=180 spare=220". */
export function policyKey({ name, params }: Pick<PolicyResult, "name" | "params">): string {
  const pairs = Object.entries(params).map(([param, value]) => `${param}=${value}`);
  return [name, ...pairs.sort()].join(" ");
}
