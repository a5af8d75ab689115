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

/** A line as it is written: cut to `columns`, without blanks at its end, with escapes only when `color` is set. */
export function paint(line: Line, columns: number, color: boolean): string {
  const spans = [...fitLine(line, columns)];
  while (spans.at(-1)?.text.trim() === "") spans.pop();
  return spans
    .map(({ text, style }, index) => {
      const shown = index === spans.length - 1 ? text.trimEnd() : text;
      return color && style !== undefined ? styleText(style, shown, { validateStream: false }) : shown;
    })
    .join("");
}

/** A bar of exactly `columns` columns, full at `share` 1. Without colour the rest is blank, so that it still reads. */
export function bar(share: number, columns: number, style: Style): Line {
  const halves = Math.round(Math.min(1, Math.max(0, Number.isFinite(share) ? share : 0)) * columns * 2);
  const full = "━".repeat(Math.floor(halves / 2)) + (halves % 2 === 1 ? "╸" : "");
  return [span(full, style), span("·".repeat(columns - displayWidth(full)), "dim")];
}

const STEPS = "▁▂▃▄▅▆▇█";

/** Numbers as a line of at most `columns` small columns, the largest (at least 1) at full height. */
export function sparkline(values: readonly number[], columns: number): string {
  const peaks =
    columns < 1
      ? []
      : peaksOf(
          values.map((value) => (value > 0 ? value : 0)),
          columns,
        );
  const top = Math.max(1, ...peaks);
  return peaks.map((value) => STEPS[Math.round((value / top) * (STEPS.length - 1))] ?? " ").join("");
}

/** All of the values in at most `count` numbers, each the largest of its part: a short burst still shows. */
function peaksOf(values: readonly number[], count: number): number[] {
  const parts = Math.min(values.length, count);
  return Array.from({ length: parts }, (_, part) =>
    Math.max(
      ...values.slice(Math.floor((part * values.length) / parts), Math.floor(((part + 1) * values.length) / parts)),
    ),
  );
}
