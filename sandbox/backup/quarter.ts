// A quarter of a year of backups on virtual time: nightly sets, weekly drills, daily retention, and all that goes wrong.

import { parseArgs } from "node:util";
import { readCatalogFile } from "../../shared/backup/index.ts";
import { addStrangers, planFaults, workOnHub } from "./faults.ts";
import { BACKUP_RULES, BackupRules, type BackupViolation } from "./rules.ts";
import { backupSite } from "./site.ts";
import { openBackupWorld } from "./world.ts";

const DAY = 86_400;
const CHECK_SECONDS = 900;
/** 2026-09-07T00:00:00Z, a Monday. */
const START = Date.UTC(2026, 8, 7) / 1000;
/** What the last day began. */
const AFTERMATH_SECONDS = 2 * DAY;

/** Small enough for retention to have work within a quarter. */
const RULES = {
  "retention.last": 2,
  "retention.daily": 3,
  "retention.weekly": 4,
  "retention.monthly": 2,
  "retention.yearly": 1,
};

export interface Quarter {
  readonly seed: string;
  readonly days: number;
  readonly faults: readonly string[];
  readonly executions: Readonly<Record<string, number>>;
  readonly sets: Readonly<Record<string, number>>;
  readonly expired: number;
  readonly refusedDays: number;
  readonly fewestVerified: Readonly<Record<string, number>>;
  readonly alarms: Readonly<Record<string, number>>;
  readonly freezeMilliseconds: readonly number[];
  readonly violations: readonly BackupViolation[];
}

export async function runQuarter(seed: string, days: number): Promise<Quarter> {
  const world = openBackupWorld({ seed, start: START, site: backupSite(RULES) });
  const { clock, machines, board, random } = world;
  const rules = new BackupRules(world, await addStrangers(world));
  workOnHub(world);
  const faults = planFaults(random.fork("faults"), days, 1);
  for (const { day, fault } of faults) {
    fault.begin(world, (seconds, run) => void clock.at(START + day * DAY + seconds, run));
  }
  const stop = world.startSchedules();
  for (let time = START; time <= START + days * DAY; time += CHECK_SECONDS) {
    await clock.runUntil(time);
    rules.check();
  }
  stop();
  await clock.runUntil(clock.now() + AFTERMATH_SECONDS);
  rules.check();
  const file = await readCatalogFile(world.ports.store);
  const states = (file?.sets ?? []).map(({ state }) => state);
  return {
    seed,
    days,
    faults: faults.map(({ day, fault }) => `day ${day}: ${fault.name}`),
    executions: count(
      machines.executions().map(({ machineArn, status }) => `${machineArn.split(":").at(-1)} ${status}`),
    ),
    sets: count(states),
    expired: total(board.metrics.filter(({ name }) => name === "SetsExpired")),
    refusedDays: board.raised("RetentionRefused"),
    fewestVerified: Object.fromEntries(rules.fewest),
    alarms: count(board.metrics.filter(({ name, value }) => ALARMS.has(name) && value > 0).map(({ name }) => name)),
    freezeMilliseconds: board.metrics.filter(({ name }) => name === "FreezeMilliseconds").map(({ value }) => value),
    violations: rules.violations,
  };

  function total(metrics: readonly { readonly value: number }[]): number {
    return metrics.reduce((sum, { value }) => sum + value, 0);
  }
}

const ALARMS: ReadonlySet<string> = new Set([
  ...["BackupFailed", "SetTorn", "SetDowngraded", "CopyFailed", "DrillFailed", "DrillInconclusive"],
  ...["HubUnprotected", "CatalogDisagreements", "FunctionErrors", "ExpiryStopped"],
]);

function count(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words.toSorted()) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

function text(quarter: Quarter): string {
  const list = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([name, number]) => `${name} ${number}`)
      .join(", ");
  const broken = new Set(quarter.violations.map(({ rule }) => rule));
  return [
    `seed ${quarter.seed}, ${quarter.days} days`,
    ...quarter.faults.map((each) => `  ${each}`),
    `executions: ${list(quarter.executions)}`,
    `sets at the end: ${list(quarter.sets)}; expired: ${quarter.expired}; days on which retention refused: ${quarter.refusedDays}`,
    `verified sets, never fewer than: ${list(quarter.fewestVerified)}`,
    `alarms: ${list(quarter.alarms)}`,
    `freeze window: at most ${Math.max(0, ...quarter.freezeMilliseconds)} ms over ${quarter.freezeMilliseconds.length} sets`,
    ...Object.entries(BACKUP_RULES).map(
      ([rule, words]) => `${[...broken].includes(rule as never) ? "BROKEN" : "ok    "} ${words}`,
    ),
    ...quarter.violations.map(({ at, rule, detail }) => `${new Date(at * 1000).toISOString()} ${rule}: ${detail}`),
  ].join("\n");
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      days: { type: "string", default: "90" },
      seed: { type: "string", default: "1" },
      runs: { type: "string", default: "1" },
      json: { type: "boolean" },
    },
  });
  for (let run = 0; run < Number(values.runs); run++) {
    const seed = values.runs === "1" ? values.seed : String(Number(values.seed) + run);
    const quarter = await runQuarter(seed, Number(values.days));
    console.log(values.json === true ? JSON.stringify(quarter) : text(quarter));
    if (quarter.violations.length > 0) process.exitCode = 1;
  }
}

if (import.meta.main) await main();
