// `toji trace export`: a hub's history of tasks as a file that `toji replay` plays. Anonymous, read-only.

import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { systemClock } from "../../shared/clock.ts";
import { type Command, EXIT, UsageError } from "../io.ts";
import { LOOK_OPTIONS, openReader, readLook } from "../look.ts";
import { type ExportOrder, exportHistory } from "../trace/export.ts";
import { isHubTrouble } from "../trace/pace.ts";
import { stateOf } from "../trace/part-file.ts";

const { config: _, ...HUB_OPTIONS } = LOOK_OPTIONS;

const OPTIONS = {
  ...HUB_OPTIONS,
  since: { type: "string" },
  until: { type: "string" },
  out: { type: "string" },
  rate: { type: "string" },
  page: { type: "string" },
  json: { type: "boolean" },
} as const;

/** A page is a query over the hub's whole table of tasks, which has no index by time. */
const DEFAULT_TIMEOUT_SECONDS = "120";
const LONGEST_PAGE = 20_000;

export const trace: Command = {
  summary: "a hub's history of tasks as a file for toji replay (read-only)",
  usage: [
    "usage: npx toji trace export --hub URL --since ISO [--until ISO] --out FILE.jsonl.gz [--ca FILE]",
    "                             [--timeout SECONDS] [--rate CALLS_PER_SECOND] [--page ROWS] [--json]",
    "",
    "Reads the tasks that were made from --since (2026-01-31, or 2026-01-31T08:00:00Z; UTC where no zone is given) up to",
    "--until (default: now), anonymously, and writes what planning needs of each: docs/trace-format.md. Owners are left",
    "out. At most --rate calls a second (default 2) with --page tasks each (default 1000; more is kinder to a hub with",
    "millions of tasks). Stopped half way, the same command goes on from there. An existing FILE is not overwritten.",
  ].join("\n"),
  async run(args, io) {
    const [action, ...rest] = args;
    if (action !== "export")
      throw new UsageError("say what to do: npx toji trace export --hub URL --since ISO --out FILE");
    const { values } = parseArgs({ args: rest, options: OPTIONS });
    const look = readLook({ hub: values.hub, ca: values.ca, timeout: values.timeout ?? DEFAULT_TIMEOUT_SECONDS });
    const order = readOrder(values, look.url, systemClock.now());
    const hub = openReader(look);
    const tell = (line: string) => io.err(`toji trace: ${line}`);
    try {
      const done = await exportHistory(order, { hub, clock: systemClock, clockAhead: () => hub.clockAhead, tell });
      if (values.json === true) io.out(JSON.stringify(done));
      else io.out(`${done.file}: ${done.rows} tasks made from ${done.since} to ${done.until}`);
      return EXIT.fine;
    } catch (error) {
      if (!isHubTrouble(error)) throw error;
      const kept = existsSync(stateOf(order.file));
      tell(kept ? `${error.message} What was read is kept: the same command goes on from there.` : error.message);
      return EXIT.problem;
    } finally {
      await hub.close();
    }
  },
};

interface OrderArgs {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly out?: string | undefined;
  readonly rate?: string | undefined;
  readonly page?: string | undefined;
}

function readOrder({ since, until, out, rate = "2", page = "1000" }: OrderArgs, url: string, now: number): ExportOrder {
  if (since === undefined) throw new UsageError("say from when on: --since 2026-01-31");
  if (out === undefined || out === "") throw new UsageError("name the file to write: --out history.jsonl.gz");
  const from = readTime("since", since);
  const to = until === undefined ? null : readTime("until", until);
  if (to !== null && to <= from) throw new UsageError(`--until ${until} is not later than --since ${since}`);
  if (from >= now) throw new UsageError(`--since ${since} is not over yet: give a time that has passed`);
  const callsPerSecond = Number(rate);
  if (!(callsPerSecond > 0 && callsPerSecond <= 100)) {
    throw new UsageError(`--rate ${rate}: give calls a second, above 0 and up to 100, for example --rate 2`);
  }
  const rowsPerPage = Number(page);
  if (!Number.isInteger(rowsPerPage) || rowsPerPage < 1 || rowsPerPage > LONGEST_PAGE) {
    throw new UsageError(`--page ${page}: give a number of tasks from 1 to ${LONGEST_PAGE}`);
  }
  return { url, file: out, since: from, until: to, rowsPerPage, callsPerSecond };
}

const ISO = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?$/;

/** Epoch seconds. */
function readTime(option: string, text: string): number {
  const match = ISO.exec(text);
  const zoned = text.length > 10 && match?.[1] === undefined ? `${text}Z` : text;
  const seconds = match === null ? Number.NaN : Date.parse(zoned.replace(" ", "T")) / 1000;
  // Date.parse takes 31 February for a day of March.
  const day = Number(text.slice(8, 10));
  const exists = new Date(`${text.slice(0, 10)}T00:00:00Z`).getUTCDate() === day;
  if (Number.isNaN(seconds) || !exists) {
    throw new UsageError(`--${option} ${text}: give a date and time, for example 2026-01-31 or 2026-01-31T08:00:00Z`);
  }
  return seconds;
}
