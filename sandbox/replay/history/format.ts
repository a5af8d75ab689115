// The file of exported history: gzip-compressed JSON Lines, a header and then a task a line (docs/trace-format.md).

import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import * as z from "zod";
import { TASK_STATE, type TaskState } from "../../../shared/hub/index.ts";

const FORMAT = "toji-history";
const VERSION = 1;
const LONGEST_LINE = 4 * 1024 * 1024;

/** The file is no exported history, or not a whole one. */
export class HistoryFormatError extends Error {
  override readonly name = "HistoryFormatError";
}

export interface HistoryHeader {
  /** Host of the hub's address. */
  readonly hub: string;
  /** Koji's version; null = the hub did not tell. */
  readonly koji: string | null;
  /** Tasks made from `since` up to, but not at, `until`; epoch seconds. */
  readonly since: number;
  readonly until: number;
  /** By build target, as they were at the time of the export. */
  readonly targets: Readonly<Record<string, HistoryTarget>>;
}

export interface HistoryTarget {
  readonly build_tag: string;
  readonly arches: readonly string[];
}

export type StateName = keyof typeof TASK_STATE;

const STATE_NAME = new Map<TaskState, StateName>([
  [TASK_STATE.FREE, "FREE"],
  [TASK_STATE.OPEN, "OPEN"],
  [TASK_STATE.CLOSED, "CLOSED"],
  [TASK_STATE.CANCELED, "CANCELED"],
  [TASK_STATE.ASSIGNED, "ASSIGNED"],
  [TASK_STATE.FAILED, "FAILED"],
]);

export function stateName(state: TaskState): StateName {
  const name = STATE_NAME.get(state);
  if (name === undefined) throw new RangeError(`Koji has no task state ${state}.`);
  return name;
}

const id = z.int().positive();
const epochSeconds = z.number();
const maybeText = z.string().nullable();

const rowShape = z.object({
  id,
  parent: id.nullable(),
  method: z.string(),
  label: maybeText,
  arch: z.string(),
  /** Names. */
  channel: z.string(),
  host: maybeText,
  weight: z.number().nonnegative(),
  priority: z.int().nullable(),
  state: z.enum(["FREE", "OPEN", "CLOSED", "CANCELED", "ASSIGNED", "FAILED"]),
  create_ts: epochSeconds,
  start_ts: epochSeconds.nullable(),
  completion_ts: epochSeconds.nullable(),
  package: maybeText,
  target: maybeText,
  build_tag: z.union([z.string(), z.int()]).nullable(),
  scratch: z.boolean(),
  arches: z.array(z.string()),
});
export type HistoryRow = z.infer<typeof rowShape>;

const row = z.compile(rowShape);

const headerLine = z.object({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  hub: z.string(),
  koji: maybeText,
  since: epochSeconds,
  until: epochSeconds,
  targets: z.record(z.string(), z.object({ build_tag: z.string(), arches: z.array(z.string()) })),
});

/** With its line end, as `formatRow`. */
export function formatHeader(header: HistoryHeader): string {
  return `${JSON.stringify({ format: FORMAT, version: VERSION, ...header })}\n`;
}

export const formatRow = (task: HistoryRow): string => `${JSON.stringify(task)}\n`;

export interface History {
  readonly header: HistoryHeader;
  /** As they are read; the file stays open until they are taken or the loop over them is left. */
  readonly rows: AsyncIterable<HistoryRow>;
}

/** Throws HistoryFormatError, later ones while the rows are taken. Holds no more than a piece of the file at a time. */
export async function readHistory(file: string): Promise<History> {
  const lines = linesOf(file);
  const first = await lines.next();
  if (first.done) throw new HistoryFormatError(`${file} is empty: export it again`);
  try {
    const { format: _, version: __, ...header } = checked(headerLine, first.value, file, 1, "header");
    return { header, rows: rowsOf(lines, file) };
  } catch (error) {
    await lines.return();
    throw error;
  }
}

async function* rowsOf(lines: AsyncGenerator<string, void>, file: string): AsyncGenerator<HistoryRow> {
  let number = 1;
  for await (const line of lines) {
    number += 1;
    if (line !== "") yield checked(row, line, file, number, "task");
  }
}

function checked<T>(shape: z.ZodType<T>, line: string, file: string, number: number, what: string): T {
  const result = shape.safeParse(parsed(line, file, number));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = issue?.path.length ? `${issue.path.join(".")}: ` : "";
  throw new HistoryFormatError(
    `${file} line ${number}: not the ${what} of an exported history, ${place}${issue?.message ?? "unexpected value"}`,
  );
}

function parsed(line: string, file: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new HistoryFormatError(`${file} line ${number}: this is not JSON`);
  }
}

async function* linesOf(file: string): AsyncGenerator<string, void> {
  const packed = await isGzip(file);
  const source = createReadStream(file);
  // The error of either one comes out of the loop below.
  const pieces = packed ? pipeline(source, createGunzip(), () => {}) : source;
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const piece of pieces) {
      const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > LONGEST_LINE) throw new HistoryFormatError(`${file} has a line that is longer than any task's`);
      yield* lines;
    }
  } catch (error) {
    if (error instanceof HistoryFormatError) throw error;
    throw new HistoryFormatError(`${file} cannot be read to its end: ${String(error)}`, { cause: error });
  } finally {
    source.destroy();
  }
  if (rest !== "") yield rest;
}

async function isGzip(file: string): Promise<boolean> {
  try {
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
      return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new HistoryFormatError(`${file} cannot be read: ${String(error)}`, { cause: error });
  }
}
