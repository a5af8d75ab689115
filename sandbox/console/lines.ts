// Lines of styled text, measured and cut before any escape is written. Pure.

import { styleText } from "node:util";
import { cutText, displayWidth } from "./text.ts";

export type Style = Parameters<typeof styleText>[0];

export interface Span {
  readonly text: string;
  readonly style?: Style | undefined;
}

export type Line = readonly Span[];

export function span(text: string, style?: Style): Span {
  return { text, style };
}

/** A line in at most `columns` columns; with `fill`, in exactly as many. */
export function fitLine(line: Line, columns: number, fill = false): Line {
  const fitted: Span[] = [];
  let left = columns;
  for (const { text, style } of line) {
    if (left <= 0) break;
    const cut = cutText(text, left);
    if (cut !== "") fitted.push(span(cut, style));
    left -= displayWidth(cut);
    if (cut.endsWith("…") && !text.endsWith("…")) break;
  }
  if (fill && left > 0) fitted.push(span(" ".repeat(left)));
  return fitted;
}

/** `left` at the left end and `right` at the right end, when both fit; else `left` alone. */
export function spread(left: Line, right: Line, columns: number): Line {
  const gap = columns - lineWidth(left) - lineWidth(right);
  return gap < 2 ? left : [...left, span(" ".repeat(gap)), ...right];
}

export function lineWidth(line: Line): number {
  return line.reduce((sum, { text }) => sum + displayWidth(text), 0);
}

/** Two blocks side by side, `leftColumns` and a gap for the left one. */
export function beside(left: readonly Line[], right: readonly Line[], leftColumns: number, gap: number): Line[] {
  return Array.from({ length: Math.max(left.length, right.length) }, (_, row) => [
    ...fitLine(left[row] ?? [], leftColumns, true),
    span(" ".repeat(gap)),
    ...(right[row] ?? []),
  ]);
}

export function paint(line: Line, columns: number, color: boolean): string {
  return fitLine(line, columns)
    .map(({ text, style }) => (color && style !== undefined ? styleText(style, text, { validateStream: false }) : text))
    .join("")
    .trimEnd();
}

/** A bar of exactly `columns` columns, full at `share` 1. Without colour the rest is blank, so that it still reads. */
export function bar(share: number, columns: number, style: Style): Line {
  const halves = Math.round(Math.min(1, Math.max(0, Number.isFinite(share) ? share : 0)) * columns * 2);
  const full = "━".repeat(Math.floor(halves / 2)) + (halves % 2 === 1 ? "╸" : "");
  return [span(full, style), span("·".repeat(columns - displayWidth(full)), "dim")];
}

const STEPS = "▁▂▃▄▅▆▇█";

/** Numbers as a line of small columns, the largest (at least 1) at full height; the newest that fit. */
export function sparkline(values: readonly number[], columns: number): string {
  const shown = columns < 1 ? [] : values.slice(-columns);
  const top = Math.max(1, ...shown.filter(Number.isFinite));
  return shown
    .map((value) => {
      const share = Number.isFinite(value) ? Math.max(0, value) / top : 0;
      return STEPS[Math.round(share * (STEPS.length - 1))] ?? " ";
    })
    .join("");
}
