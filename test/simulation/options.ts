// The words on the command line of `npm run simulate`.

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { MUTATIONS } from "./mutations.ts";
import { RULES, type Rule } from "./rules.ts";

export interface SimulateOptions {
  readonly runs: number;
  /** Number of the first run; the next ones count up. */
  readonly seed: number;
  readonly hours: number | null;
  readonly jobs: number;
  readonly wire: "values" | "xml" | "mixed";
  readonly trace: boolean;
  readonly json: boolean;
  /** No run is begun once one of these rules has been broken. */
  readonly until: readonly Rule[];
  /** Of the table in mutations.ts: what is broken in the product on purpose. */
  readonly mutation: string | null;
}

export const USAGE =
  "npm run simulate -- [--runs N] [--seed S] [--hours H] [--jobs J] [--wire values|xml|mixed] [--trace] [--json] [--until any|RULE,...] [--mutation NAME]";

export class WrongUsage extends Error {
  override readonly name = "WrongUsage";
}

export function readOptions(args: readonly string[]): SimulateOptions {
  const { values, positionals } = parse(args);
  if (positionals.length > 0) throw new WrongUsage(`"${positionals[0]}" is no option: ${USAGE}`);
  const wire = values.wire ?? "mixed";
  if (wire !== "values" && wire !== "xml" && wire !== "mixed") {
    throw new WrongUsage(`--wire is values, xml or mixed, not "${wire}"`);
  }
  return {
    runs: wholeNumber("--runs", values.runs, 100, 1),
    seed: wholeNumber("--seed", values.seed, 1, 0),
    hours: values.hours === undefined ? null : wholeNumber("--hours", values.hours, 1, 1),
    jobs: wholeNumber("--jobs", values.jobs, availableParallelism(), 1),
    wire,
    trace: values.trace ?? false,
    json: values.json ?? false,
    until: values.until === undefined ? [] : readRules(values.until),
    mutation: values.mutation === undefined ? null : readMutation(values.mutation),
  };
}

function readMutation(name: string): string {
  const names = MUTATIONS.map((each) => each.name);
  if (names.includes(name)) return name;
  throw new WrongUsage(`--mutation is one of ${names.join(", ")}, not "${name}"`);
}

function readRules(text: string): Rule[] {
  if (text === "any") return Object.keys(RULES).filter(isRule);
  return text.split(",").map((word) => {
    if (isRule(word)) return word;
    throw new WrongUsage(`--until is any or of ${Object.keys(RULES).join(", ")}, not "${word}"`);
  });
}

const isRule = (text: string): text is Rule => Object.hasOwn(RULES, text);

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const options = {
    runs: text,
    seed: text,
    hours: text,
    jobs: text,
    wire: text,
    trace: flag,
    json: flag,
    until: text,
    mutation: text,
  };
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new WrongUsage(`${error instanceof Error ? (error.message.split(". ")[0] ?? "") : String(error)}: ${USAGE}`);
  }
}

function wholeNumber(name: string, text: string | undefined, otherwise: number, least: number): number {
  if (text === undefined) return otherwise;
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number) || number < least) {
    throw new WrongUsage(`${name} is a whole number from ${least}, not "${text}"`);
  }
  return number;
}

/** Every so many-eth seed goes over XML, whoever runs it. */
const XML_EVERY = 20;

export function wireOf(wire: SimulateOptions["wire"], seed: number): "values" | "xml" {
  if (wire !== "mixed") return wire;
  return seed % XML_EVERY === 0 ? "xml" : "values";
}
