// Arrival files: single tasks with their durations (Firefox-CI's form), or package changes without (Foreman's form).

import * as z from "zod";
import type { Trace, TraceTask } from "../trace.ts";
import { DEFAULT_PRIORITY } from "./build.ts";
import { serviceSentences } from "./service.ts";
import { decodeLine, jsonOf, linesOf, type NumberedLine, TraceError } from "./text.ts";

const YEAR_SECONDS = 365 * 86_400;

/** Wider files hold a wrong time, most likely milliseconds. */
const MAX_SPAN_SECONDS = 20 * YEAR_SECONDS;

/** Smaller times count from the start of a recording, larger ones from 1970. */
const FIRST_EPOCH = 10 * YEAR_SECONDS;

const taskArrival = z.object({
  /** Seconds from the start of the recording, or since 1970. */
  ts: z.number().min(0),
  duration_s: z.number().min(0).max(YEAR_SECONDS),
});

const packageArrival = z.object({
  /** Seconds since 1970. */
  ts: z.number().min(0),
  package: z.string().min(1),
  branch: z.string().min(1),
  arch: z.string().min(1),
  /** Builds, one per build target. */
  targets: z.int().min(0).max(1000),
});

const TASK_EXAMPLE = '{"ts":12.5,"duration_s":310}';
const PACKAGE_EXAMPLE = '{"ts":1578045764,"package":"foreman","branch":"rpm/develop","arch":"noarch","targets":2}';

export type TaskArrival = Readonly<z.infer<typeof taskArrival>>;
export type PackageArrival = Readonly<z.infer<typeof packageArrival>>;

export type Arrivals =
  | { readonly form: "tasks"; readonly rows: readonly TaskArrival[] }
  | { readonly form: "packages"; readonly rows: readonly PackageArrival[] };

/** Sorted by time; the first line tells the form. Throws TraceError. */
export function readArrivals(text: string): Arrivals {
  const lines = linesOf(text);
  const [first] = lines;
  if (first === undefined) throw new TraceError("the trace is empty: it needs at least one line");
  if (hasField(first, "duration_s")) {
    return { form: "tasks", rows: sorted(lines.map((line) => decodeLine(taskArrival, line, TASK_EXAMPLE))) };
  }
  if (hasField(first, "package")) {
    return { form: "packages", rows: sorted(lines.map((line) => decodeLine(packageArrival, line, PACKAGE_EXAMPLE))) };
  }
  throw new TraceError(
    `line ${first.number} is of no known form: give a trace of \`toji trace export\`, or lines like ${TASK_EXAMPLE} or ${PACKAGE_EXAMPLE}`,
  );
}

/** Each arrival one task of its own. `serviceFactor` scales the durations. */
export function independentTrace(
  name: string,
  rows: readonly TaskArrival[],
  { serviceFactor = 1 }: { readonly serviceFactor?: number } = {},
): Trace {
  const first = rows[0]?.ts ?? 0;
  const start = first >= FIRST_EPOCH ? Math.floor(first) : 0;
  const tasks = rows.map(({ ts, duration_s }, index): TraceTask => {
    return {
      id: index + 1,
      parent: null,
      method: "task",
      channel: "default",
      arch: "x86_64",
      weight: 1,
      priority: DEFAULT_PRIORITY,
      package: null,
      target: null,
      scratch: false,
      release: { at: ts - start },
      seconds: duration_s * serviceFactor,
      failed: false,
    };
  });
  const lastEnd = rows.reduce((latest, { ts, duration_s }) => Math.max(latest, ts + duration_s * serviceFactor), first);
  return { name, start, spanSeconds: lastEnd - first, tasks, targets: {}, synthetic: serviceSentences(serviceFactor) };
}

function hasField(line: NumberedLine, field: string): boolean {
  const value = jsonOf(line);
  return typeof value === "object" && value !== null && field in value;
}

/** In the order of the file where times are equal. */
function sorted<T extends { readonly ts: number }>(rows: readonly T[]): readonly T[] {
  const inOrder = rows.toSorted((a, b) => a.ts - b.ts);
  const span = (inOrder.at(-1)?.ts ?? 0) - (inOrder[0]?.ts ?? 0);
  if (span > MAX_SPAN_SECONDS) {
    const years = Math.round(span / YEAR_SECONDS);
    throw new TraceError(`the arrivals span ${years} years: \`ts\` must be seconds, and one of them is not`);
  }
  return inOrder;
}
