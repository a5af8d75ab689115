// The text of a trace file: unpacked, cut into numbered lines, and how a bad one is told.

import { constants, gunzipSync } from "node:zlib";
import type * as z from "zod";

/** A trace that cannot be read; the message says what to do. */
export class TraceError extends Error {
  override readonly name = "TraceError";
}

export interface NumberedLine {
  /** From 1, blank lines counted. */
  readonly number: number;
  readonly text: string;
}

/** Enough for the start of a header line. */
const BEGINNING_BYTES = 64 * 1024;

/** Plain or gzip-compressed UTF-8, told apart by the first two bytes. Throws TraceError. */
export function textOf(content: Uint8Array | string): string {
  return unpack(content, constants.Z_FINISH);
}

/** Of the first line, as much as tells what the file is: histories may be larger than a string can be. */
export function beginningOf(content: Uint8Array | string): string {
  const text = unpack(content.slice(0, BEGINNING_BYTES), constants.Z_SYNC_FLUSH).trimStart();
  const end = text.indexOf("\n");
  return end === -1 ? text : text.slice(0, end);
}

function unpack(content: Uint8Array | string, finishFlush: number): string {
  if (typeof content === "string") return withoutMark(content);
  if (content[0] !== 0x1f || content[1] !== 0x8b) return withoutMark(new TextDecoder().decode(content));
  try {
    return withoutMark(new TextDecoder().decode(gunzipSync(content, { finishFlush })));
  } catch (cause) {
    throw new TraceError("the trace is a damaged gzip file: copy or export it again", { cause });
  }
}

/** Blank lines are left out. */
export function linesOf(text: string): readonly NumberedLine[] {
  return text.split("\n").flatMap((line, index) => (line.trim() === "" ? [] : [{ number: index + 1, text: line }]));
}

/** Throws TraceError with the number of the line. */
export function jsonOf({ number, text }: NumberedLine): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TraceError(`line ${number} is no JSON: a trace has one JSON object a line`, { cause });
  }
}

/** Throws TraceError with the number of the line and the field. */
export function decodeLine<T>(schema: z.ZodType<T>, line: NumberedLine, example: string): T {
  const parsed = schema.safeParse(jsonOf(line));
  if (parsed.success) return parsed.data;
  const why = parsed.error.issues.map(({ path, message }) => [...path, message].join(": ")).join("; ");
  throw new TraceError(`line ${line.number} does not fit (${why}): each line must look like ${example}`, {
    cause: parsed.error,
  });
}

function withoutMark(text: string): string {
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}
