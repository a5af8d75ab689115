// What `toji replay` was asked for, read from its options.

import { statSync } from "node:fs";
import { BOOT_TIMES, type BootTimes, MISHAPS } from "../../sandbox/replay/engine/setting.ts";
import type { ReplayOrder } from "../../sandbox/replay/line-up.ts";
import { FAMILIES } from "../../sandbox/replay/policies/index.ts";
import { nearestOf, parseSite } from "../../shared/config/index.ts";
import { readInput, UsageError } from "../io.ts";

export const REPLAY_OPTIONS = {
  trace: { type: "string" },
  config: { type: "string" },
  policies: { type: "string" },
  "wait-value": { type: "string" },
  seed: { type: "string" },
  spacing: { type: "string" },
  "service-factor": { type: "string" },
  "boot-median": { type: "string" },
  "boot-p95": { type: "string" },
  "tasks-per-builder": { type: "string" },
  tune: { type: "boolean" },
  quick: { type: "boolean" },
  json: { type: "boolean" },
  report: { type: "string" },
} as const;

export type ReplayArgs = {
  readonly [Name in keyof typeof REPLAY_OPTIONS]?:
    | ((typeof REPLAY_OPTIONS)[Name]["type"] extends "boolean" ? boolean : string)
    | undefined;
};

const TOJI = ["toji", "toji-no-forecast"] as const;

export function readOrder(args: ReplayArgs): ReplayOrder {
  const trace = readTraceName(args.trace);
  if (args.tune === true && args.quick === true)
    throw new UsageError("--tune and --quick exclude each other: give one");
  if (args.config !== undefined && args["tasks-per-builder"] !== undefined) {
    throw new UsageError(
      "--tasks-per-builder is for the site that is made when there is no --config: give one of both",
    );
  }
  const names = readPolicies(args.policies);
  const seed = readNumber("seed", args.seed ?? "1", { from: 0, to: Number.MAX_SAFE_INTEGER, whole: true });
  return {
    stage: {
      trace: {
        name: trace,
        seed,
        spacingSeconds: readNumber("spacing", args.spacing ?? "5", { from: 0, to: 3600 }),
        serviceFactor: readNumber("service-factor", args["service-factor"] ?? "1", { from: 0.01, to: 100 }),
      },
      site: args.config === undefined ? null : parseSite(readInput(args.config), args.config),
      tasksPerBuilder:
        args["tasks-per-builder"] === undefined
          ? null
          : readNumber("tasks-per-builder", args["tasks-per-builder"], { from: 1, to: 100, whole: true }),
      seed,
      boot: readBoot(args["boot-median"], args["boot-p95"]),
      mishaps: MISHAPS,
    },
    waitValues: readWaitValues(args["wait-value"]),
    toji: names.has("toji"),
    tojiWithoutForecast: names.has("toji-no-forecast"),
    families: FAMILIES.filter(({ name }) => names.has(name)),
    tuning: args.tune === true ? "search" : args.quick === true ? "none" : "kept",
  };
}

function readTraceName(name: string | undefined): string {
  if (name === undefined || name === "") {
    throw new UsageError("name the trace: --trace history.jsonl.gz, or --trace synthetic:cbs");
  }
  if (name.startsWith("synthetic:")) return name;
  const found = statSync(name, { throwIfNoEntry: false });
  if (found === undefined) throw new UsageError(`${name} cannot be read: there is no such file`);
  if (found.isDirectory()) throw new UsageError(`${name} cannot be read: it is a folder`);
  return name;
}

function readPolicies(list: string | undefined): ReadonlySet<string> {
  const known: readonly string[] = [...TOJI, ...FAMILIES.map(({ name }) => name)];
  if (list === undefined) return new Set(known);
  const names = list.split(",").map((name) => name.trim());
  for (const name of names) {
    if (known.includes(name)) continue;
    const nearest = known.find((each) => name !== "" && each.includes(name)) ?? nearestOf(name, known);
    const hint = nearest === undefined ? `there are ${known.join(", ")}` : `did you mean "${nearest}"?`;
    throw new UsageError(`--policies: there is no policy "${name}": ${hint}`);
  }
  return new Set(names);
}

function readWaitValues(list = "1,5,25"): readonly number[] {
  const values = list.split(",").map((text) => readNumber("wait-value", text, { from: 0, to: 1e6 }));
  return [...new Set(values)].sort((a, b) => a - b);
}

function readBoot(median: string | undefined, p95: string | undefined): BootTimes {
  if (median === undefined && p95 === undefined) return BOOT_TIMES;
  if (median === undefined || p95 === undefined) {
    throw new UsageError("boot times need both figures: --boot-median 120 --boot-p95 202");
  }
  const limits = { from: 1, to: 86_400 };
  const boot = { median: readNumber("boot-median", median, limits), p95: readNumber("boot-p95", p95, limits) };
  if (boot.p95 < boot.median) throw new UsageError(`--boot-p95 ${p95} is below --boot-median ${median}: correct one`);
  return boot;
}

function readNumber(
  option: string,
  text: string,
  { from, to, whole = false }: { readonly from: number; readonly to: number; readonly whole?: boolean },
): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isFinite(value) && value >= from && value <= to && (!whole || Number.isInteger(value))) return value;
  throw new UsageError(`--${option} ${text}: give a ${whole ? "whole " : ""}number from ${from} to ${to}`);
}
