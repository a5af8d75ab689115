// Turns exported history into a trace: when each task may start and how long it works. Recorded starts only measure work.

import { zeroWaitEnds } from "../bounds/jobs.ts";
import type { Release, Trace, TraceTask } from "../trace.ts";
import type { HistoryHeader, HistoryRow } from "./format.ts";

export interface HistoryTrace {
  readonly trace: Trace;
  /** What was left out or understood otherwise, how often and why; one sentence each. */
  readonly notes: readonly string[];
}

/** A task that ran to its end. */
interface Ran extends HistoryRow {
  readonly start_ts: number;
  readonly completion_ts: number;
}

/** Rows in any order. Pure. */
export function traceFromHistory(header: HistoryHeader, rows: readonly HistoryRow[], name: string): HistoryTrace {
  const left = new Map<string, number>();
  const ran = rows
    .filter((row): row is Ran => {
      const why = reasonToLeaveOut(row);
      if (why !== null) left.set(why, (left.get(why) ?? 0) + 1);
      return why === null;
    })
    .toSorted((a, b) => a.id - b.id);
  const byId = new Map(ran.map((row) => [row.id, row]));
  // Ids grow as tasks are made, so a parent with a later one is none.
  const parentOf = (row: Ran): Ran | null =>
    row.parent === null || row.parent >= row.id ? null : (byId.get(row.parent) ?? null);
  const children = Map.groupBy(ran, (row) => parentOf(row)?.id ?? null);
  const lastEnds = lastChildEnds(rows);
  const start = (children.get(null) ?? []).reduce(
    (least, row) => Math.min(least, row.create_ts),
    Number.POSITIVE_INFINITY,
  );
  const origin = Number.isFinite(start) ? start : header.since;
  const tasks = ran.map((row): TraceTask => {
    const parent = parentOf(row);
    return {
      id: row.id,
      parent: parent?.id ?? null,
      method: row.method,
      channel: row.channel,
      arch: row.arch,
      weight: row.weight,
      priority: row.priority,
      package: row.package,
      target: row.target,
      scratch: row.scratch,
      release:
        parent === null ? { at: row.create_ts - origin } : releaseBelow(parent, row, children.get(parent.id) ?? []),
      seconds: Math.max(0, row.completion_ts - (lastEnds.get(row.id) ?? row.start_ts)),
      failed: row.state === "FAILED",
    };
  });
  const orphans = ran.filter((row) => row.parent !== null && parentOf(row) === null).length;
  const targets = Object.fromEntries(Object.entries(header.targets).map(([target, { arches }]) => [target, arches]));
  return {
    trace: { name, start: origin, spanSeconds: spanOf(name, tasks), tasks, targets, synthetic: [] },
    notes: notesOf(left, orphans),
  };
}

function reasonToLeaveOut(row: HistoryRow): string | null {
  if (/^(?:restart|shutdown)/.test(row.method)) return "the hub's own housekeeping (restart, shutdown)";
  if (row.state === "CANCELED") return "canceled";
  if (row.completion_ts === null || (row.state !== "CLOSED" && row.state !== "FAILED"))
    return "still open at the export";
  return row.start_ts === null ? "ended without ever having been open" : null;
}

/** When the last child of each task ended, of whatever became of it: until then the parent only waited. */
function lastChildEnds(rows: readonly HistoryRow[]): ReadonlyMap<number, number> {
  const ends = new Map<number, number>();
  for (const { parent, completion_ts } of rows) {
    if (parent === null || completion_ts === null) continue;
    ends.set(parent, Math.max(completion_ts, ends.get(parent) ?? completion_ts));
  }
  return ends;
}

/** After the siblings that had ended when it was made. Only those with lower ids, so that no two follow each other. */
function releaseBelow(parent: Ran, row: Ran, siblings: readonly Ran[]): Release {
  const before = siblings.filter((each) => each.id < row.id && each.completion_ts <= row.create_ts);
  // A parent that was freed and opened again may be younger than its first children.
  const ready = before.reduce((latest, each) => Math.max(latest, each.completion_ts), parent.start_ts);
  return { after: before.map((each) => each.id), delay: Math.max(0, row.create_ts - ready) };
}

/** From instant 0 to the last end if every task started when it was released. */
function spanOf(name: string, tasks: readonly TraceTask[]): number {
  return [...zeroWaitEnds({ name, tasks }).values()].reduce((span, { to }) => Math.max(span, to), 0);
}

function notesOf(left: ReadonlyMap<string, number>, orphans: number): string[] {
  const notes = [...left].map(([why, count]) => `${count} ${count === 1 ? "task was" : "tasks were"} left out: ${why}`);
  if (orphans === 1) notes.push("1 task has no parent in the trace and counts as submitted");
  if (orphans > 1) notes.push(`${orphans} tasks have no parent in the trace and count as submitted`);
  return notes;
}
