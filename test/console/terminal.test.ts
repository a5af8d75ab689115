// The terminal view: fits any size, says all there is to say, and never lets a hub's text out of its line.

import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ConsoleState, renderTerminal } from "../../sandbox/console/index.ts";
import { displayWidth } from "../../sandbox/console/text.ts";
import { holds } from "../fleet/seed.ts";
import { anyConsoleState } from "./arbitraries.ts";
import { builder, busyState, PHASES, quietState } from "./states.ts";

const LARGE = { columns: 120, rows: 60 };

function linesOf(state: ConsoleState, columns: number, rows: number): string[] {
  return renderTerminal(state, { columns, rows }, false).split("\n");
}

describe("a screen", () => {
  it("says time, speed, addresses, totals, every bin and every decision", () => {
    const screen = renderTerminal(busyState(), LARGE, false);
    for (const text of [
      "2026-11-23 14:02:07Z",
      "20x",
      "hub http://127.0.0.1:8080/kojihub",
      "page http://127.0.0.1:8081/",
      "1,342 done   wait p50 12 s, p95 3.4 min",
      "41.3 instance-hours   $3.91 spent, now $0.987/h",
      "last 15 min",
      "backups 2 unverified, 1 verified; newest proof 3.4 h old, restored in 13 min   nightly-3: WaitForSnapshots",
      "mirrors 3 ok, 1 partial; candidates 4 ok; 2 of 84 live rpms gone; looked at 4 min ago   failover-updates: WaitForRepos",
      "server is offline",
      "the budget of $1.20 an hour leaves $0.03",
    ]) {
      expect(screen).toContain(text);
    }
    expect(screen).toMatch(/default +aarch64 +2 +6\.9 min +3\.5 +━+/);
    expect(screen).toMatch(/builder-arm-01 +default-arm +serving +m7g\.2xlarge +on-demand +3 +━+·+ +5\.5 of 6 +0\.326/);
    expect(screen).not.toContain("…");
  });

  it.each(PHASES)("shows a builder that is %s", (phase) => {
    const screen = renderTerminal(quietState({ builders: [builder("builder-x86-01", phase)] }), LARGE, false);
    expect(screen).toMatch(new RegExp(`builder-x86-01 .*${phase}`));
  });

  it("says what there is before the first pass", () => {
    const screen = renderTerminal(quietState(), { columns: 80, rows: 24 }, false);
    for (const text of ["QUEUE  no free task", "BUILDERS  none runs", "DECISIONS  no pass yet", "wait p50 –, p95 –"]) {
      expect(screen).toContain(text);
    }
  });

  it("says the newest of mirrors while none is switched", () => {
    const mirrors = { summary: "4 ok", running: [], news: "13:58 a repo went back", command: "" };
    expect(renderTerminal(busyState({ mirrors }), LARGE, false)).toContain("mirrors 4 ok   13:58 a repo went back");
    const quiet = renderTerminal(busyState({ mirrors: { ...mirrors, news: null } }), LARGE, false);
    expect(quiet.split("\n")).toContain("mirrors 4 ok");
  });

  it("names builders that are launched for one reason in one sentence", () => {
    const screen = renderTerminal(busyState(), { columns: 220, rows: 60 }, false);
    expect(screen).toContain("launch builder-x86-04, builder-x86-05 (default-x86, m7a.large spot, us-east-1a): 8");
  });

  it("puts the decisions beside the tables when it is wide", () => {
    const wide = linesOf(busyState(), 160, 30);
    expect(wide.find((line) => line.startsWith("QUEUE"))).toContain("DECISIONS");
  });

  it("writes escapes only with colour, and the same text with and without", () => {
    const plain = renderTerminal(busyState(), LARGE, false);
    const colored = renderTerminal(busyState(), LARGE, true);
    expect(plain).not.toContain("\x1b");
    expect(colored).toContain("\x1b[32mserving");
    expect(stripVTControlCharacters(colored)).toBe(plain);
  });
});

describe("a small screen", () => {
  it("is full at 60x15, says how much is hidden, and keeps what is in trouble", () => {
    const lines = linesOf(busyState(), 60, 15);
    expect(lines).toHaveLength(15);
    const screen = lines.join("\n");
    expect(screen).toContain("… 3 more bins with 6 of 17 free tasks");
    expect(screen).toMatch(/… \d+ more: \d+ launching/);
    expect(screen).toMatch(/… \d+ more$/);
    expect(screen).toMatch(/builder-x86-08 +lost/);
    expect(screen).toContain("14:02:05  launch builder-x86-04, builder-x86-05");
  });

  it("names every hidden builder's phase", () => {
    const builders = Array.from({ length: 40 }, (_, index) => builder(`builder-x86-${index + 10}`, "serving"));
    const lines = linesOf(busyState({ builders, queue: [], decisions: [] }), 80, 24);
    const shown = lines.filter((line) => line.startsWith("builder-")).length;
    expect(lines).toContain(`… ${40 - shown} more: ${40 - shown} serving`);
  });

  it("drops columns rather than the name, the phase or the price of a builder", () => {
    const line = linesOf(busyState(), 60, 40).find((each) => each.startsWith("builder-x86-02"));
    expect(line).toMatch(/^builder-x86-02 {2}serving .* 0\.048$/);
  });

  it("cuts the domain of builders only while their names stay distinct", () => {
    const named = (...slots: string[]) =>
      renderTerminal(quietState({ builders: slots.map((slot) => builder(slot, "serving")) }), LARGE, false);
    expect(named("a-01.example.org", "a-02.example.org")).not.toContain("example.org");
    expect(named("a-01.example.org", "a-01.example.com")).toContain("a-01.example.org");
  });
});

describe("any state at any size", () => {
  const anySize = fc.record({ columns: fc.integer({ min: 60, max: 260 }), rows: fc.integer({ min: 15, max: 80 }) });

  it("stays within its columns and rows, with and without colour", () => {
    holds(fc.tuple(anyConsoleState, anySize, fc.boolean()), ([state, size, color]) => {
      const lines = renderTerminal(state, size, color).split("\n").map(stripVTControlCharacters);
      expect(lines.length).toBeLessThanOrEqual(size.rows);
      for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(size.columns);
    });
  });

  it("sends no control character but its own colours", () => {
    holds(fc.tuple(anyConsoleState, anySize), ([state, size]) => {
      expect(renderTerminal(state, size, false).replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    });
  });

  it("accounts for every builder: shown by name, or counted as hidden", () => {
    holds(fc.tuple(anyConsoleState, anySize), ([{ builders }, size]) => {
      const named = builders.map((each, index) => ({ ...each, slot: `slot-${index}-` }));
      const screen = renderTerminal(quietState({ builders: named }), size, false);
      const shown = new Set(screen.match(/slot-\d+-/g)).size;
      const hidden = Number(/… (\d+) more: /.exec(screen)?.[1] ?? 0);
      expect(shown + hidden).toBe(builders.length);
    });
  });

  it("does not fail on a terminal that is smaller still", () => {
    holds(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 15 })), ([columns, rows]) => {
      const lines = linesOf(busyState(), columns, rows);
      expect(lines.length).toBeLessThanOrEqual(rows);
      for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
    });
  });
});
