// `toji fleet status`: the newest decision record and the holds in force, in words.

import { activeHolds, type Hold, paceSentences, pathSentence, readHand } from "../../shared/fleet/index.ts";
import { EXIT } from "../io.ts";
import { holdText } from "./holds.ts";
import { type DecisionRecord, readLatest } from "./record.ts";
import { type Answer, type FleetScene, requireStore } from "./scene.ts";
import { durationText, oneLine, plural, timeText } from "./words.ts";

/** A pass is due every minute. */
const STALE_SECONDS = 180;

export async function status(scene: FleetScene): Promise<Answer> {
  const { now } = scene;
  const store = requireStore(scene);
  const record = await readLatest(store, scene);
  const holds = activeHolds((await readHand(store, now)).hand, now);
  const ageSeconds = Math.round(now - record.at);
  const warning = warningOf(ageSeconds);
  const { queue, builders, keep, unserved, notes, breakers, pricePerHour, at, epoch, path } = record;
  return {
    code: warning === null ? EXIT.fine : EXIT.problem,
    json: {
      ok: warning === null,
      at,
      ageSeconds,
      warning,
      epoch,
      pricePerHour,
      queue,
      builders,
      changes: changesOf(record),
      keep,
      unserved,
      notes,
      breakers,
      path,
      holds,
    },
    lines: statusLines(record, holds, now, warning),
  };
}

function warningOf(ageSeconds: number): string | null {
  if (ageSeconds > STALE_SECONDS) {
    return `no pass has been recorded for ${durationText(ageSeconds)}: look at the function's log and at its alarms`;
  }
  // A sandbox's clock may run ahead; at AWS it is this machine's that is wrong.
  if (ageSeconds < -STALE_SECONDS) return `the record is ${durationText(-ageSeconds)} ahead of this machine's clock`;
  return null;
}

interface StatusChange {
  readonly sentence: string;
  /** null = not tried: the pass ended before. */
  readonly done: boolean | null;
  readonly outcome: string | null;
}

/** Changes are made in their order and outcomes noted in it; a pass that ends early leaves the last ones out. */
function changesOf({ changes, sentences, outcomes }: DecisionRecord): StatusChange[] {
  return changes.map(({ kind, slot }, index) => {
    const outcome = outcomes[index];
    const sentence = sentences[index] ?? `${kind} ${slot}`;
    return { sentence, done: outcome?.done ?? null, outcome: outcome?.sentence ?? null };
  });
}

function statusLines(record: DecisionRecord, holds: readonly Hold[], now: number, warning: string | null): string[] {
  const { at, pricePerHour, queue, builders, keep, unserved, notes, breakers } = record;
  const changes = changesOf(record);
  const free = queue.reduce((sum, bin) => sum + bin.free, 0);
  return [
    ...(warning === null ? [] : [`WARNING: ${warning}`]),
    ...holds.map((hold) => `HELD: ${holdText(hold, now)}`),
    ...breakers.map(({ stops, profile, reason }) => `STOPPED: ${stops}${profile ? ` of ${profile}` : ""}: ${reason}`),
    `pass of ${timeText(at)}, ${durationText(now - at)} ago; the fleet costs $${pricePerHour.toFixed(2)} an hour`,
    free === 0 ? "queue: no FREE task" : `queue: ${plural(free, "FREE task")}`,
    ...queue.map(
      (bin) =>
        `  ${bin.channel}:${bin.arch}  ${bin.free} free, oldest ${durationText(bin.oldestSeconds)}, weight ${bin.weight}`,
    ),
    builders.length === 0 ? "builders: none" : `builders: ${builders.length}`,
    ...builderRows(builders),
    ...pathLines(record),
    changes.length === 0 ? "changes: none" : `changes: ${changes.length}`,
    ...changes.flatMap(changeLines),
    ...keep.map(({ builder, reason }) => `keep ${builder}: ${reason}`),
    ...unserved.map(
      (each) => `leave task ${each.taskId} (${each.method}, ${each.channel}:${each.arch}): ${each.reason}`,
    ),
    ...notes.map((note) => `note: ${note}`),
  ].map((line) => line.match(/^ */)?.[0] + oneLine(line));
}

/** From FREE to OPEN: what was measured, and what would shorten it. */
function pathLines({ path }: DecisionRecord): string[] {
  if (path === null || path.profiles.length === 0) return [];
  return [
    "from launch to work:",
    ...path.profiles.map((each) => `  ${each.profile}: ${pathSentence(each)}`),
    ...paceSentences(path).map((sentence) => `  then ${sentence}`),
  ];
}

function changeLines({ sentence, done, outcome }: StatusChange): string[] {
  if (done === null) return [`  ${sentence}`, "    not begun: the pass ended before it"];
  return [`  ${sentence}`, `    ${done ? "done" : "NOT DONE"}: ${outcome}`];
}

const HEADINGS = ["slot", "phase", "type", "market", "$/h", "tasks", "load"];

function builderRows(builders: DecisionRecord["builders"]): string[] {
  if (builders.length === 0) return [];
  const rows = builders.map((each) => [
    each.slot,
    each.phase,
    each.instanceType ?? "-",
    each.market ?? "-",
    each.pricePerHour.toFixed(4),
    String(each.tasks),
    String(Math.round(each.load * 100) / 100),
  ]);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [HEADINGS, ...rows].map(
    (row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`,
  );
}
