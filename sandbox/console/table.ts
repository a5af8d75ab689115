// Tables for the terminal: columns that give way when it is narrow, rows that are counted when it is short. Pure.

import { fitLine, type Line, type Style, span } from "./lines.ts";
import { displayWidth, padText } from "./text.ts";

interface ColumnBase {
  readonly title: string;
  /** The column with the highest number goes first when there is no room; none = it stays. */
  readonly drop?: number;
}

interface TextColumn<Row> extends ColumnBase {
  readonly kind: "text";
  readonly align?: "right";
  cell(row: Row): { readonly text: string; readonly style?: Style | undefined };
}

/** Takes the room that is left over. */
interface BarColumn<Row> extends ColumnBase {
  readonly kind: "bar";
  readonly min: number;
  readonly max: number;
  draw(row: Row, columns: number): Line;
}

export type Column<Row> = TextColumn<Row> | BarColumn<Row>;

interface Placed<Row> {
  readonly column: Column<Row>;
  readonly width: number;
}

const GAP = 2;
/** What the first column keeps when every column that may go has gone. */
const FIRST_COLUMN_MIN = 8;

/** The head line and one line for each row, all in at most `columns` columns. */
export function layTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  available: number,
): { readonly head: Line; readonly body: readonly Line[] } {
  const placed = place(columns, rows, available);
  return {
    head: fitLine(join(placed.map(({ column, width }) => [head(column, width)])), available),
    body: rows.map((row) => fitLine(join(placed.map(({ column, width }) => cell(column, row, width))), available)),
  };
}

function place<Row>(columns: readonly Column<Row>[], rows: readonly Row[], available: number): Placed<Row>[] {
  let kept = columns.map((column) => ({ column, width: naturalWidth(column, rows) }));
  while (totalWidth(kept) > available) {
    const goes = kept.reduce<Placed<Row> | null>(
      (worst, each) => ((each.column.drop ?? 0) > (worst?.column.drop ?? 0) ? each : worst),
      null,
    );
    if (goes === null) break;
    kept = kept.filter((each) => each !== goes);
  }
  let spare = available - totalWidth(kept);
  return kept.map(({ column, width }, index) => {
    let change = 0;
    if (spare < 0 && index === 0) change = Math.max(spare, Math.min(0, FIRST_COLUMN_MIN - width));
    if (spare > 0 && column.kind === "bar") change = Math.min(spare, column.max - column.min);
    spare -= change;
    return { column, width: width + change };
  });
}

function naturalWidth<Row>(column: Column<Row>, rows: readonly Row[]): number {
  if (column.kind === "bar") return column.min;
  return rows.reduce((widest, row) => Math.max(widest, displayWidth(column.cell(row).text)), column.title.length);
}

function totalWidth<Row>(placed: readonly Placed<Row>[]): number {
  return placed.reduce((sum, { width }) => sum + width, 0) + GAP * Math.max(0, placed.length - 1);
}

function head<Row>(column: Column<Row>, width: number) {
  const align = column.kind === "text" ? column.align : undefined;
  return span(padText(column.title, width, align), "dim");
}

function cell<Row>(column: Column<Row>, row: Row, width: number): Line {
  if (column.kind === "bar") return fitLine(column.draw(row, width), width, true);
  const { text, style } = column.cell(row);
  return [span(padText(text, width, column.align), style)];
}

function join(cells: readonly Line[]): Line {
  return cells.flatMap((each, index) => (index === 0 ? each : [span(" ".repeat(GAP)), ...each]));
}

/** At most `rows` lines; when some are left out, the last one says so in the words of `sayHidden`. */
export function limitRows(lines: readonly Line[], rows: number, sayHidden: (shown: number) => string): Line[] {
  if (lines.length <= rows) return [...lines];
  if (rows < 1) return [];
  return [...lines.slice(0, rows - 1), [span(sayHidden(rows - 1), "dim")]];
}

/** Shares out rows one by one, each to the section that has least for its weight, until all have what they want. */
export function shareRows(wants: readonly number[], weights: readonly number[], available: number): number[] {
  const got = wants.map(() => 0);
  for (let row = 0; row < available; row += 1) {
    let next = -1;
    wants.forEach((want, index) => {
      if ((got[index] ?? 0) >= want) return;
      if (next === -1 || fill(got, weights, index) < fill(got, weights, next)) next = index;
    });
    if (next === -1) break;
    got[next] = (got[next] ?? 0) + 1;
  }
  return got;
}

function fill(got: readonly number[], weights: readonly number[], index: number): number {
  return (got[index] ?? 0) / (weights[index] ?? 1);
}
