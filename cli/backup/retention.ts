// `toji backup retention`: which sets would go now, which stay and by which rule. Decides as the daily run does, deletes nothing.

import { parseArgs } from "node:util";
import { minuteText } from "../../shared/backup/calendar.ts";
import { planRetention, type RetentionInput } from "../../shared/backup/retention.ts";
import { provedSets, regionsThatCount } from "../../shared/backup/retention-checks.ts";
import type { CatalogEntry, RetentionPlan } from "../../shared/backup/types.ts";
import { type Clock, systemClock } from "../../shared/clock.ts";
import { backupSchema, parseSite } from "../../shared/config/index.ts";
import { oneLine, plural } from "../fleet/words.ts";
import { type Command, EXIT, type Io, readInput, UsageError } from "../io.ts";
import { type CatalogInput, parseCatalog, readIso } from "./catalog-file.ts";

const OPTIONS = {
  catalog: { type: "string" },
  config: { type: "string" },
  now: { type: "string" },
  json: { type: "boolean" },
  bucket: { type: "string" },
  region: { type: "string" },
  endpoint: { type: "string" },
} as const;

/** Where the bucket is, as it was said on the command line. */
export interface BucketArgs {
  readonly bucket?: string | undefined;
  readonly region?: string | undefined;
  readonly endpoint?: string | undefined;
}

/** The catalog that Toji keeps in its bucket. */
export interface StoredCatalog extends CatalogInput {
  /** The hub's region, which must hold verified sets like those of the copies. */
  readonly home: string;
}

export interface RetentionWorld {
  readonly clock: Clock;
  /** backup/catalog.json; null: this command line knows no bucket. */
  readonly readCatalog: ((place: BucketArgs) => Promise<StoredCatalog>) | null;
}

const USAGE = [
  "usage: npx toji backup retention [--catalog FILE] [--config FILE] [--now ISO] [--json]",
  "",
  "Prints which sets retention would delete now and why, and which stay and by which rule. It deletes nothing. When the",
  "plan is refused nothing goes: it says why, and the exit code is 1.",
  "",
  "  --catalog FILE   sets in JSON (also gzip; - is standard input); default: backup/catalog.json of the bucket",
  "  --config FILE    the site document with its rules (backup.retention); default: the built-in rules",
  "  --now ISO        judge as of then, for example 2026-11-23T02:00:00Z; without an offset it is UTC",
  "  --json           one JSON object on stdout",
  "  --bucket NAME, --region NAME, --endpoint URL   where the bucket is, without --catalog",
].join("\n");

export function retentionCommand(world: RetentionWorld = { clock: systemClock, readCatalog: null }): Command {
  return {
    summary: "which backup sets would go now, which stay and by which rule (deletes nothing)",
    usage: USAGE,
    async run(args, io) {
      const { values } = parseArgs({ args: [...args], options: OPTIONS });
      const now = values.now === undefined ? world.clock.now() : readNow(values.now);
      const { rules, copies } = readRules(values.config);
      const { catalog, home } = await readSets(values.catalog, values, world);
      // A file does not say which region is the hub's: all that hold verified sets count, and those of the copies.
      const homes = home === null ? regionsThatCount(provedSets(catalog.entries, now), undefined) : [home];
      const regions = [...homes, ...copies];
      const plan = planRetention(catalog.entries, { ...rules, regions }, now, catalog.disagreements);
      if (values.json === true) io.out(JSON.stringify(plan));
      else print(plan, catalog.entries, rules, now, io);
      return plan.refused === null ? EXIT.fine : EXIT.problem;
    },
  };
}

function readNow(text: string): number {
  const seconds = readIso(text);
  if (seconds === null) throw new UsageError(`--now ${text}: write an ISO 8601 time, for example 2026-11-23T02:00:00Z`);
  return seconds;
}

/** `copies`: regions that sets are copied to. */
function readRules(config: string | undefined): { readonly rules: RetentionInput; readonly copies: readonly string[] } {
  if (config === undefined) return { rules: backupSchema.parse({}).retention, copies: [] };
  const { backup } = parseSite(readInput(config), config);
  if (backup === undefined)
    throw new UsageError(`${config}: it has no section backup: leave --config out for the built-in rules`);
  return { rules: backup.retention, copies: backup.copies.map(({ region }) => region) };
}

async function readSets(file: string | undefined, place: BucketArgs, { readCatalog }: RetentionWorld) {
  if (file === undefined) {
    if (readCatalog === null) throw new UsageError("name the catalog: backup retention --catalog FILE");
    const catalog = await readCatalog(place);
    return { catalog, home: catalog.home };
  }
  const stray = (["bucket", "region", "endpoint"] as const).find((each) => place[each] !== undefined);
  if (stray !== undefined) throw new UsageError(`--${stray} and --catalog exclude each other: the file is the catalog`);
  return { catalog: parseCatalog(readInput(file), file), home: null };
}

function print(
  { keep, expire, refused }: RetentionPlan,
  entries: readonly CatalogEntry[],
  { timezone }: RetentionInput,
  now: number,
  io: Io,
): void {
  const when = `${minuteText(now, timezone)} (${timezone})`;
  if (refused !== null) {
    io.out(`refused: ${oneLine(refused)}`);
    io.out(`nothing goes: all ${plural(keep.length, "set")} of ${when} stay`);
    return;
  }
  const byId = new Map(entries.map((set) => [set.id, set]));
  const rowOf = (id: string, words: string) => {
    const set = byId.get(id);
    const at = set === undefined ? "" : minuteText(set.instant, timezone);
    return [oneLine(id), at, set?.grade ?? "", set?.state ?? "", oneLine(words)];
  };
  const goes = expire.map(({ id, reason }) => rowOf(id, reason));
  const stays = keep.map(({ id, reasons }) => rowOf(id, reasons.join("; ")));
  const widths = widthsOf([...goes, ...stays]);
  io.out(`${plural(expire.length + keep.length, "set")} at ${when}: ${expire.length} would go, ${keep.length} stay`);
  for (const [title, rows] of [
    ["would go:", goes],
    ["stays:", stays],
  ] as const) {
    if (rows.length === 0) continue;
    io.out(title);
    for (const row of rows)
      io.out(`  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd());
  }
}

function widthsOf(rows: readonly (readonly string[])[]): readonly number[] {
  const columns = rows[0]?.length ?? 0;
  // The last column is words of any length.
  return Array.from({ length: columns }, (_, column) =>
    column === columns - 1 ? 0 : Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
}
