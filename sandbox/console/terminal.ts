// The whole sandbox on one terminal screen: as text (pure), and on a stream that redraws only what changed.

import { decisionSection } from "./decisions.ts";
import { beside, fitLine, type Line, lineWidth, paint, span, sparkline, spread } from "./lines.ts";
import { formatClock, formatDollars, formatDuration, formatNumber } from "./page/format.js";
import { builderSection, queueSection, type Section } from "./sections.ts";
import type { ConsoleState } from "./state.ts";
import { shareRows } from "./table.ts";
import { cleanText, displayWidth } from "./text.ts";

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

/** From here on the tables stand at the left and the decisions at the right. */
const WIDE_COLUMNS = 150;
const SIDE_GAP = 3;
const TABLE_COLUMNS = 110;
const SENTENCE_COLUMNS = 62;

/** The state in at most `rows` lines of at most `columns` columns, joined by "\n". Made for 60x15 and larger. */
export function renderTerminal(state: ConsoleState, size: ScreenSize, color: boolean): string {
  const columns = Math.max(1, Math.floor(size.columns));
  const rows = Math.max(1, Math.floor(size.rows));
  const top = [...headerLines(state, columns, rows), ...totalsLines(state, columns)];
  if (rows >= 22 && state.history.length > 1) top.push(trendLine(state, columns));
  if (rows >= 22 && state.backups !== undefined) top.push(backupLine(state.backups));
  if (rows >= 22 && state.mirrors !== undefined) top.push(mirrorLine(state.mirrors));
  if (rows >= 18) top.push([]);
  const lines = [...top, ...body(state, columns, rows - top.length, rows >= 28)].slice(0, rows);
  return lines.map((line) => paint(line, columns, color)).join("\n");
}

/** Time, speed and where to look further; the addresses get a line of their own when there is room for one. */
function headerLines(state: ConsoleState, columns: number, rows: number): Line[] {
  const left = [
    span("Toji", "bold"),
    span(`  ${formatClock(state.now)}`),
    span(`  ${formatNumber(state.speed)}x`, "dim"),
  ];
  const hub = [span("hub ", "dim"), span(cleanText(state.hubUrl))];
  const page = state.pageUrl === undefined ? [] : [span("page ", "dim"), span(cleanText(state.pageUrl))];
  const both = page.length === 0 ? hub : [...page, span("   "), ...hub];
  const room = columns - lineWidth(left) - 2;
  if (lineWidth(both) > room && rows >= 18) return [left, both];
  const right = [both, page, hub].find((each) => each.length > 0 && lineWidth(each) <= room);
  return [right === undefined ? left : spread(left, right, columns)];
}

/** One line; where that is too narrow without the launches, and then two. */
function totalsLines(state: ConsoleState, columns: number): Line[] {
  const { totals } = state;
  const p50 = formatDuration(totals.waitP50Seconds);
  const p95 = formatDuration(totals.waitP95Seconds);
  const done = total("", formatNumber(totals.tasksDone), " done");
  const waits = [...total("wait p50 ", p50), ...total(", p95 ", p95)];
  const launches = total("", formatNumber(totals.launches), " launches");
  const hours = total("", formatNumber(totals.instanceHours), " instance-hours");
  const price = `${formatDollars(totals.pricePerHour)}/h`;
  const spent = formatDollars(totals.dollars);
  const dollars = [...total("", spent, " spent"), ...total(", now ", price)];
  const lines = [
    [apart([done, waits, launches, hours, dollars], 3)],
    [apart([done, waits, hours, dollars], 3)],
    [apart([done, waits, hours, [...total("", spent), ...total(", now ", price)]], 2)],
    [apart([done, waits, launches], 3), apart([hours, dollars], 3)],
  ];
  return lines.find((each) => each.every((line) => lineWidth(line) <= columns)) ?? lines.at(-1) ?? [];
}

function total(before: string, value: string, after = ""): Line {
  return [span(before, "dim"), span(value, "bold"), span(after, "dim")];
}

function apart(parts: readonly Line[], gap: number): Line {
  return parts.flatMap((part, index) => (index === 0 ? part : [span(" ".repeat(gap)), ...part]));
}

/** How the last minutes went: free tasks, running tasks, builders, each with its newest number. */
function trendLine(state: ConsoleState, columns: number): Line {
  const first = state.history[0];
  const last = state.history.at(-1);
  if (first === undefined || last === undefined) return [];
  const title = `last ${formatDuration(last.at - first.at)}`;
  const series = [
    { name: "free", pick: (each: typeof last) => each.free, style: "yellow" },
    { name: "running", pick: (each: typeof last) => each.running, style: "green" },
    { name: "builders", pick: (each: typeof last) => each.builders, style: "cyan" },
  ] as const;
  const labels = series.map(({ name, pick }) => ` ${name} ${formatNumber(pick(last))}`);
  const words = displayWidth(title) + labels.reduce((sum, label) => sum + displayWidth(label) + 3, 0);
  const width = Math.min(30, Math.floor((columns - words) / series.length));
  return [
    span(title, "dim"),
    ...series.flatMap(({ pick, style }, index) => [
      span("   "),
      span(sparkline(state.history.map(pick), width), style),
      span(labels[index] ?? "", "dim"),
    ]),
  ];
}

function backupLine({ summary, running }: NonNullable<ConsoleState["backups"]>): Line {
  const now = running.length === 0 ? [] : [span("   "), span(cleanText(running.join(", ")), "cyan")];
  return [span("backups ", "dim"), span(cleanText(summary)), ...now];
}

/** What is under way is worth more than what was said before it. */
function mirrorLine({ summary, running, news }: NonNullable<ConsoleState["mirrors"]>): Line {
  const now = running.length === 0 ? span(cleanText(news ?? ""), "dim") : span(cleanText(running.join(", ")), "cyan");
  return [span("mirrors ", "dim"), span(cleanText(summary)), span("   "), now];
}

function body(state: ConsoleState, columns: number, rows: number, roomy: boolean): Line[] {
  const gap = roomy ? 1 : 0;
  const tables = [queueSection(state), builderSection(state)];
  if (columns < WIDE_COLUMNS) {
    return stack([...tables, decisionSection(state, roomy ? 3 : 2, columns)], [2, 3, 3], columns, rows, gap);
  }
  const left = Math.min(TABLE_COLUMNS, columns - SIDE_GAP - SENTENCE_COLUMNS);
  const right = columns - SIDE_GAP - left;
  const decisions = decisionSection(state, 4, right);
  return beside(stack(tables, [2, 3], left, rows, gap), decisions.draw(rows, right), left, SIDE_GAP);
}

/** Sections under each other; what does not fit is shared out by weight. */
function stack(
  sections: readonly Section[],
  weights: readonly number[],
  columns: number,
  rows: number,
  gap: number,
): Line[] {
  const heights = shareRows(
    sections.map(({ wants }) => wants),
    weights,
    Math.max(0, rows - gap * (sections.length - 1)),
  );
  return sections.flatMap((section, index) => {
    const lines = section.draw(heights[index] ?? 0, columns).map((line) => fitLine(line, columns));
    return index === 0 || gap === 0 ? lines : [[], ...lines];
  });
}
