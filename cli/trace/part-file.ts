// The unfinished export: FILE.part with whole gzip members, and FILE.state.json that says how far it goes.

import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { open, readFile, rename, rm, stat, truncate } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import * as z from "zod";
import { UsageError } from "../io.ts";

const compress = promisify(gzip);

const progressShape = z.object({
  version: z.literal(1),
  hub: z.string(),
  since: z.number(),
  /** As given; null = until the export began. */
  askedUntil: z.number().nullable(),
  until: z.number(),
  /** null = all pages are read. */
  place: z.object({ at: z.number(), id: z.int(), skip: z.int() }).nullable(),
  rows: z.int(),
  /** Of FILE.part that are whole. */
  bytes: z.int(),
  /** Names of the build targets seen. */
  targets: z.array(z.string()),
});
export type ExportProgress = z.infer<typeof progressShape>;

export const partOf = (file: string): string => `${file}.part`;
export const stateOf = (file: string): string => `${file}.state.json`;

/** Throws UsageError where an export to this file cannot begin: it is there already, or its folder is not. */
export function requireFree(file: string): void {
  if (existsSync(file)) throw new UsageError(`--out ${file}: it is there already; remove it, or name another file`);
  if (!existsSync(dirname(file))) throw new UsageError(`--out ${file}: there is no folder ${dirname(file)}`);
}

/** What an earlier run left, ready to be added to; null = there is none. Throws UsageError for that of another export. */
export async function resume(
  file: string,
  { hub, since, until }: { readonly hub: string; readonly since: number; readonly until: number | null },
): Promise<ExportProgress | null> {
  const [part, state] = [partOf(file), stateOf(file)];
  if (!existsSync(state)) {
    if (existsSync(part)) throw new UsageError(`${part} is there without ${state}: remove it, or name another --out`);
    return null;
  }
  const progress = readProgress(await readFile(state, "utf8"));
  if (progress === null) throw new UsageError(`${state} cannot be read: remove it and ${part} to begin anew`);
  if (progress.hub !== hub || progress.since !== since || progress.askedUntil !== until) {
    const end = progress.askedUntil === null ? "" : ` --until ${isoTime(progress.askedUntil)}`;
    throw new UsageError(
      `${part} is of another export (--hub ${progress.hub} --since ${isoTime(progress.since)}${end}): give those again to finish it, or remove it and ${state}`,
    );
  }
  const size = existsSync(part) ? (await stat(part)).size : 0;
  if (size < progress.bytes) throw new UsageError(`${part} is shorter than ${state} says: remove both to begin anew`);
  // What was written after the last note of progress may be half a page.
  if (size > progress.bytes) await truncate(part, progress.bytes);
  return progress;
}

/** Adds lines as one gzip member and notes where the export stands. Returns the progress with the new length. */
export async function addLines(file: string, lines: string, progress: ExportProgress): Promise<ExportProgress> {
  const member = lines === "" ? Buffer.alloc(0) : await compress(lines);
  if (member.length > 0) await writeWhole(partOf(file), member, "a");
  const noted = { ...progress, bytes: progress.bytes + member.length };
  await noteProgress(file, noted);
  return noted;
}

export async function noteProgress(file: string, progress: ExportProgress): Promise<void> {
  const fresh = `${stateOf(file)}.new`;
  await writeWhole(fresh, `${JSON.stringify(progress)}\n`, "w");
  await rename(fresh, stateOf(file));
}

/** Puts the header before the rows and gives the file its name; there is a whole file or none of that name. */
export async function finish(file: string, header: string): Promise<void> {
  const [part, whole] = [partOf(file), `${file}.whole`];
  await writeWhole(whole, await compress(header), "w");
  if (existsSync(part)) await pipeline(createReadStream(part), createWriteStream(whole, { flags: "a", flush: true }));
  await rename(whole, file);
  await rm(part, { force: true });
  await rm(stateOf(file), { force: true });
}

/** On the disk, not only on its way there. */
async function writeWhole(path: string, content: Uint8Array | string, flags: "a" | "w"): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function readProgress(text: string): ExportProgress | null {
  try {
    const read = progressShape.safeParse(JSON.parse(text));
    return read.success ? read.data : null;
  } catch {
    return null;
  }
}

export const isoTime = (seconds: number): string => new Date(seconds * 1000).toISOString();
