// History as a trace: releases and service times come from the rows, recorded waits do not.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HistoryHeader, HistoryRow } from "../../sandbox/replay/history/format.ts";
import { traceFromHistory } from "../../sandbox/replay/history/tasks.ts";

const SINCE = 1_700_000_000;
const header: HistoryHeader = {
  hub: "koji.example.org",
  koji: null,
  since: SINCE,
  until: SINCE + 86_400,
  targets: { el9: { build_tag: "el9-build", arches: ["x86_64", "aarch64"] } },
};

/** Times in seconds after SINCE. */
function row(id: number, [create, start, end]: readonly (number | null)[], more: Partial<HistoryRow> = {}): HistoryRow {
  const at = (seconds: number | null | undefined) => (seconds == null ? null : SINCE + seconds);
  return {
    id,
    parent: null,
    method: "buildArch",
    label: null,
    arch: "x86_64",
    channel: "default",
    host: "builder-01",
    weight: 1.5,
    priority: 19,
    state: "CLOSED",
    create_ts: SINCE + (create ?? 0),
    start_ts: at(start),
    completion_ts: at(end),
    package: "foo",
    target: null,
    build_tag: null,
    scratch: false,
    arches: [],
    ...more,
  };
}
const taken = (...rows: HistoryRow[]) => traceFromHistory(header, rows, "test");

describe("a build", () => {
  const build = [
    row(10, [100, 160, 900], { method: "build", arch: "noarch", weight: 0.2, target: "el9", priority: 20 }),
    row(11, [165, 200, 260], { parent: 10, method: "buildSRPMFromSCM", label: "srpm", arch: "noarch" }),
    row(12, [270, 500, 800], { parent: 10, label: "x86_64" }),
    row(13, [270, 280, 400], { parent: 10, label: "aarch64", arch: "aarch64" }),
    row(14, [815, 830, 835], { parent: 10, method: "tagBuild", label: "tag", arch: "noarch" }),
  ];
  const { trace, notes } = taken(...build.toReversed());

  it("is submitted when it was made, and its children follow what had ended when they were made", () => {
    expect(trace.tasks.map(({ id, parent, release }) => [id, parent, release])).toEqual([
      [10, null, { at: 0 }],
      [11, 10, { after: [], delay: 5 }],
      [12, 10, { after: [11], delay: 10 }],
      [13, 10, { after: [11], delay: 10 }],
      [14, 10, { after: [11, 12, 13], delay: 15 }],
    ]);
    expect(notes).toEqual([]);
  });
  it("works for as long as its tasks were open, the parent after its last child", () => {
    expect(trace.tasks.map((task) => task.seconds)).toEqual([65, 60, 300, 120, 5]);
  });
  it("spans what it would take without any wait", () => {
    expect(trace).toMatchObject({ start: SINCE + 100, spanSeconds: 5 + 60 + 10 + 300 + 15 + 5 + 65 });
  });
  it("keeps what the rows say besides", () => {
    expect(trace.tasks[0]).toMatchObject({ method: "build", target: "el9", weight: 0.2, priority: 20, failed: false });
    expect(trace).toMatchObject({ targets: { el9: ["x86_64", "aarch64"] }, synthetic: [], name: "test" });
  });
});

describe("rows that are no whole task", () => {
  it("are left out, and it is said how many and why", () => {
    const { trace, notes } = taken(
      row(1, [0, null, null], { state: "FREE" }),
      row(2, [0, 10, null], { state: "OPEN" }),
      row(3, [0, null, 5], { state: "CANCELED" }),
      row(4, [0, 1, 5], { state: "CANCELED" }),
      row(5, [0, null, 5]),
      row(6, [0, 1, 5], { method: "restartHosts" }),
      row(7, [0, 1, 5], { method: "restartVerify", parent: 6 }),
      row(8, [3, 4, 5], { state: "FAILED" }),
    );
    expect(trace.tasks).toMatchObject([{ id: 8, failed: true, release: { at: 0 } }]);
    expect(notes.toSorted()).toEqual([
      "1 task was left out: ended without ever having been open",
      "2 tasks were left out: canceled",
      "2 tasks were left out: still open at the export",
      "2 tasks were left out: the hub's own housekeeping (restart, shutdown)",
    ]);
  });

  it("children of a parent that is not in the trace count as submitted", () => {
    const { trace, notes } = taken(row(6, [50, 60, 70], { parent: 2 }), row(8, [55, 60, 65], { parent: 6 }));
    expect(trace.tasks).toMatchObject([
      { id: 6, parent: null, release: { at: 0 } },
      { id: 8, parent: 6 },
    ]);
    expect(notes).toEqual(["1 task has no parent in the trace and counts as submitted"]);
  });

  it("a freed parent's last run counts, and its older children follow it at once", () => {
    const { trace } = taken(row(1, [0, 500, 600], { method: "build" }), row(2, [20, 30, 90], { parent: 1 }));
    expect(trace.tasks[1]).toMatchObject({ release: { after: [], delay: 0 }, seconds: 60 });
    expect(trace.tasks[0]).toMatchObject({ seconds: 510 });
  });

  it("a canceled child is what its parent waited for, not its parent's work", () => {
    const rows = [
      row(1, [0, 10, 400], { method: "build", state: "FAILED" }),
      row(2, [20, 30, 395], { parent: 1, state: "CANCELED" }),
    ];
    expect(taken(...rows).trace.tasks).toMatchObject([{ id: 1, seconds: 5 }]);
  });

  it("an empty history is an empty trace", () => {
    expect(taken().trace).toMatchObject({ start: SINCE, spanSeconds: 0, tasks: [] });
  });
});

describe("any forest of rows", () => {
  const time = fc.option(fc.integer({ min: 0, max: 50 }), { freq: 8 });
  const anyRow = fc.record({
    times: fc.tuple(fc.integer({ min: 0, max: 50 }), time, time),
    parent: fc.option(fc.integer({ min: 1, max: 30 })),
    state: fc.constantFrom(
      "CLOSED" as const,
      "CLOSED" as const,
      "FAILED" as const,
      "CANCELED" as const,
      "OPEN" as const,
    ),
  });

  it("gives a trace whose tasks can all be played", () => {
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 30 }), (rows) => {
        const { trace } = taken(...rows.map(({ times, ...more }, index) => row(index + 1, times, more)));
        const before = new Map<number, number | null>();
        for (const { id, parent, release, seconds } of trace.tasks) {
          expect(id).toBeGreaterThan([...before.keys()].at(-1) ?? 0);
          expect(seconds).toBeGreaterThanOrEqual(0);
          if ("at" in release) expect(parent).toBeNull();
          else {
            expect(before.has(parent ?? -1)).toBe(true);
            expect(release.delay).toBeGreaterThanOrEqual(0);
            // Siblings only, and only those that came before: nothing can wait for itself.
            for (const sibling of release.after) expect(before.get(sibling)).toBe(parent);
          }
          if ("at" in release) expect(release.at).toBeGreaterThanOrEqual(0);
          before.set(id, parent);
        }
        expect(trace.spanSeconds).toBeGreaterThanOrEqual(0);
      }),
      { seed: 4, numRuns: 300 },
    );
  });
});
