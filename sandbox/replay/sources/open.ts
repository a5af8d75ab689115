// Opens a trace by its name or its first line: Toji's own format, the two arrival forms, and the generators.

import { basename } from "node:path";
import type { Trace } from "../trace.ts";
import { independentTrace, readArrivals } from "./arrivals.ts";
import { foremanTrace } from "./foreman.ts";
import { massRebuildTrace } from "./mass-rebuild.ts";
import { serviceSentences } from "./service.ts";
import { cbsTrace } from "./synthetic.ts";
import { beginningOf, TraceError, textOf } from "./text.ts";

export type TraceSource =
  | { readonly kind: "file"; readonly file: string; readonly content: Uint8Array | string }
  | { readonly kind: "cbs" }
  | { readonly kind: "mass-rebuild" };

export interface OpenOptions {
  readonly seed: number | string;
  /** Between submissions of a branch; only for package changes. Default 5. */
  readonly spacingSeconds?: number;
  /** Of all service times. Default 1. */
  readonly serviceFactor?: number;
  /** Reads an export of `toji trace export`; what is wrong with it is thrown as it is. */
  readonly fromHistory: (file: string, name: string) => Promise<Trace>;
}

const GENERATORS = "synthetic:";

/** `synthetic:cbs`, `synthetic:mass-rebuild`, or else a file, which `read` reads. Throws TraceError. */
export function findTrace(name: string, read: (file: string) => Uint8Array | string): TraceSource {
  if (!name.startsWith(GENERATORS)) return { kind: "file", file: name, content: read(name) };
  const kind = name.slice(GENERATORS.length);
  if (kind === "cbs" || kind === "mass-rebuild") return { kind };
  throw new TraceError(`there is no trace ${name}: choose synthetic:cbs or synthetic:mass-rebuild, or give a file`);
}

/** Throws TraceError with the name of the file. */
export async function openTrace(source: TraceSource, options: OpenOptions): Promise<Trace> {
  const { seed, serviceFactor = 1 } = options;
  switch (source.kind) {
    case "cbs":
      return cbsTrace({ seed, serviceFactor });
    case "mass-rebuild":
      return massRebuildTrace({ seed, serviceFactor });
    case "file":
      try {
        if (!isHistory(source.content)) return openArrivals(textOf(source.content), traceName(source.file), options);
      } catch (cause) {
        if (!(cause instanceof TraceError)) throw cause;
        throw new TraceError(`${source.file}: ${cause.message}`, { cause });
      }
      return scaleService(await options.fromHistory(source.file, traceName(source.file)), serviceFactor);
    default:
      return source satisfies never;
  }
}

function openArrivals(text: string, name: string, options: OpenOptions): Trace {
  const { seed, spacingSeconds = 5, serviceFactor = 1 } = options;
  const arrivals = readArrivals(text);
  return arrivals.form === "tasks"
    ? independentTrace(name, arrivals.rows, { serviceFactor })
    : foremanTrace(name, arrivals.rows, { seed, spacingSeconds, serviceFactor });
}

/** By the header line, which names Toji's format. */
function isHistory(content: Uint8Array | string): boolean {
  return /^\{.*"format"\s*:\s*"toji-(history|trace)"/.test(beginningOf(content));
}

/** Parents wait for kojid's poll, not for a builder's speed: theirs stay. */
function scaleService(trace: Trace, factor: number): Trace {
  if (factor === 1) return trace;
  const parents = new Set(trace.tasks.map(({ parent }) => parent));
  return {
    ...trace,
    tasks: trace.tasks.map((task) => (parents.has(task.id) ? task : { ...task, seconds: task.seconds * factor })),
    synthetic: [...trace.synthetic, ...serviceSentences(factor)],
  };
}

/** As a person would call it: the file's name without folder and endings. */
function traceName(file: string): string {
  return file === "-"
    ? "standard input"
    : basename(file)
        .replace(/\.gz$/, "")
        .replace(/\.jsonl?$/, "");
}
