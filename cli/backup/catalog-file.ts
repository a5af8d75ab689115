// A catalog in a file: a JSON array of sets, or an object that holds one; read strictly, each complaint names set and field.

import * as z from "zod";
import { gradeSchema, memberStateSchema, setStateSchema } from "../../shared/backup/manifest.ts";
import type { CatalogEntry } from "../../shared/backup/types.ts";
import { UsageError } from "../io.ts";

/** Later than this an epoch time is one in milliseconds. */
const LAST_SECOND = 1e11;

const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

/** ISO 8601 in epoch seconds; without an offset it is UTC. null = it is no such time. */
export function readIso(text: string): number | null {
  if (!ISO.test(text)) return null;
  const isBare = text.includes("T") && !/(Z|[+-]\d{2}:?\d{2})$/.test(text);
  const milliseconds = Date.parse(isBare ? `${text}Z` : text);
  return Number.isNaN(milliseconds) || !isDay(text.slice(0, 10)) ? null : milliseconds / 1000;
}

/** Date.parse takes the 30th of February for a day of March. */
function isDay(text: string): boolean {
  const midnight = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(text);
}

const isoInstant = z.string().transform((text, context) => {
  const seconds = readIso(text);
  if (seconds !== null) return seconds;
  context.addIssue({ code: "custom", message: `"${text}" is no ISO 8601 time like 2026-11-20T02:00:00Z` });
  return z.NEVER;
});

const epochInstant = z.number().max(LAST_SECOND, {
  error: ({ input }) => `${input} is more than epoch seconds can be: leave milliseconds out`,
});

const instant = z.union([isoInstant, epochInstant], { error: "write an ISO 8601 time or epoch seconds" });

const entry = z.object({
  id: z.string().min(1),
  instant,
  grade: gradeSchema,
  state: setStateSchema,
  members: z.array(
    z.object({
      snapshot: z.string().min(1),
      state: memberStateSchema,
      locked: z.boolean(),
      inUse: z.boolean(),
      region: z.string().min(1),
    }),
  ),
});

export interface CatalogInput {
  readonly entries: readonly CatalogEntry[];
  /** As backup/catalog.json keeps them; none in a bare list. */
  readonly disagreements: readonly string[];
}

/** `file` is only named in errors. Throws UsageError with one sentence. */
export function parseCatalog(text: string, file: string): CatalogInput {
  const content = parseJson(text, file);
  const list = listIn(content);
  if (list === null)
    throw new UsageError(`${file}: this is no catalog: write a JSON array of sets, or {"sets": [...]}`);
  const entries = list.map((each, index) => parseEntry(each, index, file));
  return { entries, disagreements: disagreementsIn(content, file) };
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new UsageError(`${file}: this is not JSON: ${text.trim() === "" ? "it is empty" : why}`, { cause: error });
  }
}

/** backup/catalog.json has both: `entries` as retention sees them, and `sets` as people do. */
function listIn(content: unknown): readonly unknown[] | null {
  if (Array.isArray(content)) return content;
  if (!isObject(content)) return null;
  const list = content.entries ?? content.sets;
  return Array.isArray(list) ? list : null;
}

function disagreementsIn(content: unknown, file: string): readonly string[] {
  if (!isObject(content) || content.disagreements === undefined) return [];
  const read = z.array(z.string()).safeParse(content.disagreements);
  if (!read.success) throw new UsageError(`${file}: disagreements: write an array of sentences`);
  return read.data;
}

function parseEntry(content: unknown, index: number, file: string): CatalogEntry {
  const read = entry.safeParse(content);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const id = isObject(content) && typeof content.id === "string" ? ` (${content.id})` : "";
  const where = `${file}: set ${index + 1}${id}`;
  if (issue === undefined || issue.path.length === 0) throw new UsageError(`${where}: this is no set: write an object`);
  throw new UsageError(`${where}: ${pathText(issue.path)}: ${issueText(issue, content)}`);
}

function issueText(issue: z.core.$ZodIssue, content: unknown): string {
  const value = issue.path.reduce<unknown>(
    (at, part) => (isIndexable(at) ? Reflect.get(at, part) : undefined),
    content,
  );
  if (value === undefined) return "is missing";
  // A union complains of each of its forms; the one of the value's own kind is meant.
  if (issue.code === "invalid_union" && typeof value === "string")
    return issue.errors.flat().find(({ code }) => code === "custom")?.message ?? issue.message;
  return issue.message;
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("")
    .replace(/^\./, "");
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isIndexable(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
