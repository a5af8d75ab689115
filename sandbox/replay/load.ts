// Opens a trace by the name that a person gives: a file of any known form, or one of the generators.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { readHistory } from "./history/format.ts";
import { traceFromHistory } from "./history/tasks.ts";
import { findTrace, openTrace } from "./sources/open.ts";
import { beginningOf } from "./sources/text.ts";
import type { Trace } from "./trace.ts";

export interface TraceChoice {
  /** A file, or `synthetic:cbs`, `synthetic:mass-rebuild`. */
  readonly name: string;
  /** For everything in it that is made up. */
  readonly seed: number | string;
  /** Seconds between submissions of one push, where the trace does not tell. */
  readonly spacingSeconds: number;
  /** Service times are multiplied by it. */
  readonly serviceFactor: number;
}

export async function loadTrace({ name, seed, spacingSeconds, serviceFactor }: TraceChoice): Promise<Trace> {
  return await openTrace(
    findTrace(name, (file) => readFileSync(file)),
    {
      seed,
      spacingSeconds,
      serviceFactor,
      async fromHistory(file, title) {
        const { header, rows } = await readHistory(file);
        const list = [];
        for await (const row of rows) list.push(row);
        return traceFromHistory(header, list, title).trace;
      },
    },
  );
}

/**
 * What a trace is known by, wherever its file lies and however it is packed: the hash of its content, and the spacing
 * where that shapes it. Of a generator its name, for every seed.
 */
export function identifyTrace({ name, spacingSeconds }: TraceChoice): string {
  if (name.startsWith("synthetic:")) return name;
  const content = readFileSync(name);
  const plain = content[0] === 0x1f && content[1] === 0x8b ? gunzipSync(content) : content;
  const hash = createHash("sha256").update(plain).digest("hex").slice(0, 16);
  const isOfPackages = beginningOf(content).includes('"branch"');
  return isOfPackages ? `sha256:${hash} spacing ${spacingSeconds}` : `sha256:${hash}`;
}
