// The queue and the builders as tables for the terminal. Pure.

import type { BinQueue, BuilderView, SlotPhase } from "../../shared/fleet/types.ts";
import { bar, type Line, type Style, span } from "./lines.ts";
import { countPhases, formatDuration, formatLoad, formatNumber, shortNames } from "./page/format.js";
import type { ConsoleState } from "./state.ts";
import { type Column, layTable } from "./table.ts";
import { cleanText } from "./text.ts";

/** A part of the screen: `wants` rows shows all of it; it draws itself in however many it gets. */
export interface Section {
  readonly wants: number;
  draw(rows: number, columns: number): Line[];
}

const PHASE_STYLES: Readonly<Record<SlotPhase, Style>> = {
  empty: "dim",
  launching: "cyan",
  booting: "cyan",
  serving: "green",
  draining: "yellow",
  stopping: "magenta",
  stopped: "dim",
  lost: ["bold", "red"],
  unknown: "red",
};

/** What a person should see first when not all fits: trouble, then what moves, then what works. */
const PHASE_RANKS: Readonly<Record<SlotPhase, number>> = {
  lost: 0,
  unknown: 0,
  launching: 1,
  booting: 1,
  draining: 1,
  serving: 2,
  stopping: 3,
  stopped: 4,
  empty: 5,
};

/** From this age on a bin's oldest task is coloured: a builder that boots in two minutes should have helped by then. */
const SLOW_SECONDS = 300;

export function queueSection(state: ConsoleState): Section {
  const heaviest = Math.max(1, ...state.queue.map((bin) => bin.weight).filter(Number.isFinite));
  const free = state.queue.reduce((sum, bin) => sum + bin.free, 0);
  return tableSection("QUEUE", queueColumns(heaviest), state.queue, {
    empty: "no free task",
    rank: (bin) => -bin.weight,
    sayHidden(bins) {
      const tasks = bins.reduce((sum, bin) => sum + bin.free, 0);
      return `… ${bins.length} more ${bins.length === 1 ? "bin" : "bins"} with ${tasks} of ${free} free tasks`;
    },
  });
}

function queueColumns(heaviest: number): Column<BinQueue>[] {
  return [
    { kind: "text", title: "QUEUE", cell: (bin) => ({ text: cleanText(bin.channel) }) },
    { kind: "text", title: "arch", cell: (bin) => ({ text: cleanText(bin.arch) }) },
    { kind: "text", title: "free", align: "right", cell: (bin) => ({ text: formatNumber(bin.free) }) },
    {
      kind: "text",
      title: "oldest",
      align: "right",
      cell: (bin) => ({
        text: formatDuration(bin.oldestSeconds),
        style: bin.oldestSeconds > SLOW_SECONDS ? "yellow" : undefined,
      }),
    },
    { kind: "text", title: "weight", align: "right", drop: 1, cell: (bin) => ({ text: formatNumber(bin.weight) }) },
    {
      kind: "bar",
      title: "",
      min: 6,
      max: 30,
      drop: 2,
      draw: (bin, width) => bar(bin.weight / heaviest, width, "cyan"),
    },
  ];
}

export function builderSection(state: ConsoleState): Section {
  const names = shortNames(state.builders.map(({ slot }) => slot));
  return tableSection("BUILDERS", builderColumns(names, state.capacities ?? {}), state.builders, {
    empty: "none runs",
    rank: ({ phase }) => PHASE_RANKS[phase],
    sayHidden(builders) {
      const phases = countPhases(builders).map(([phase, count]) => `${count} ${phase}`);
      return `… ${builders.length} more: ${phases.join(", ")}`;
    },
  });
}

function builderColumns(
  names: ReadonlyMap<string, string>,
  capacities: Readonly<Record<string, number>>,
): Column<BuilderView>[] {
  return [
    { kind: "text", title: "BUILDERS", cell: (row) => ({ text: cleanText(names.get(row.slot) ?? row.slot) }) },
    { kind: "text", title: "profile", drop: 6, cell: (row) => ({ text: cleanText(row.profile), style: "dim" }) },
    { kind: "text", title: "phase", cell: (row) => ({ text: row.phase, style: PHASE_STYLES[row.phase] }) },
    { kind: "text", title: "type", drop: 4, cell: (row) => ({ text: cleanText(row.instanceType ?? "–") }) },
    { kind: "text", title: "market", drop: 5, cell: (row) => ({ text: row.market ?? "–", style: "dim" }) },
    {
      kind: "text",
      title: "tasks",
      align: "right",
      drop: 1,
      cell: ({ tasks }) => ({ text: formatNumber(tasks), style: tasks === 0 ? "dim" : undefined }),
    },
    {
      kind: "bar",
      title: "load",
      min: 6,
      max: 24,
      drop: 3,
      draw: (row, width) => loadBar(row.load, capacities[row.profile], width),
    },
    {
      kind: "text",
      title: "",
      drop: 7,
      cell: (row) => ({ text: formatLoad(row.load, capacities[row.profile]), style: "dim" }),
    },
    { kind: "text", title: "$/h", align: "right", drop: 2, cell: (row) => ({ text: row.pricePerHour.toFixed(3) }) },
  ];
}

function loadBar(load: number, capacity: number | undefined, width: number): Line {
  if (capacity === undefined || capacity <= 0) return [span(formatNumber(load))];
  const share = load / capacity;
  return bar(share, width, share > 1 ? "red" : share > 0.8 ? "yellow" : "green");
}

interface TableWords<Row> {
  readonly empty: string;
  rank(row: Row): number;
  sayHidden(hidden: readonly Row[]): string;
}

/** Rows stay in their order; when they do not fit, those with the lowest `rank` stay on the screen. */
function tableSection<Row>(
  title: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  words: TableWords<Row>,
): Section {
  return {
    wants: 1 + rows.length,
    draw(height, available) {
      if (height < 1) return [];
      if (rows.length === 0) return [[span(title, "bold"), span(`  ${words.empty}`, "dim")]];
      const { head, body } = layTable(columns, rows, available);
      const shown = chooseRows(rows, words.rank, rows.length < height ? rows.length : Math.max(0, height - 2));
      const lines: Line[] = [[span(title, "bold"), ...afterTitle(head, title.length)]];
      lines.push(...body.filter((_, index) => shown.has(index)));
      const hidden = rows.filter((_, index) => !shown.has(index));
      if (hidden.length > 0) lines.push([span(words.sayHidden(hidden), "dim")]);
      return lines.slice(0, height);
    },
  };
}

/** Indexes of the `count` rows with the lowest rank; the sort is stable, so equals keep their order. */
function chooseRows<Row>(rows: readonly Row[], rank: (row: Row) => number, count: number): ReadonlySet<number> {
  const ranked = rows.map((row, index) => ({ index, rank: rank(row) })).toSorted((a, b) => a.rank - b.rank);
  return new Set(ranked.slice(0, count).map(({ index }) => index));
}

/** The head without the section's name, which is written in bold instead. */
function afterTitle(head: Line, length: number): Line {
  const [first, ...rest] = head;
  return first === undefined ? [] : [span(first.text.slice(length), "dim"), ...rest];
}
