// Tables, sizes, money and instants as `toji backup` writes them.

import { oneLine } from "../fleet/words.ts";

/** Two spaces between; the last column is as long as it is. */
export function columns(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  return [headings, ...rows].map((row) =>
    row
      .map((cell, column) => oneLine(cell).padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** "0.9 GiB", "120 GiB"; null = not measured. */
export function bytesText(bytes: number | null): string {
  if (bytes === null) return "-";
  const gib = bytes / 2 ** 30;
  if (gib >= 1) return `${gib < 10 ? gib.toFixed(1) : Math.round(gib)} GiB`;
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

export function dollarsText(dollars: number | null): string {
  return dollars === null ? "-" : `$${dollars.toFixed(2)}`;
}

/** "1.30 s", "840 ms"; null = nothing was frozen. */
export function millisecondsText(milliseconds: number | null): string {
  if (milliseconds === null) return "-";
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(2)} s`;
}
