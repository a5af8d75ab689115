// Reads the console of a drill's instance: among the noise of a boot, lines "toji-drill {json}" of exactly this drill.

import { type DrillLine, drillLine } from "../host-answers.ts";

const MARK = "toji-drill {";

/** A step's state holds the lines, and Step Functions carries at most 256 KiB from step to step. */
const LONGEST_DETAIL = 240;
const MOST_FINDINGS = 12;
const MOST_LINES = 20;

/**
 * Lines in the order of the console, each once: the script writes them to two places that both end here. What is cut,
 * torn by the kernel's own lines, or speaks of another drill is no line. Pure.
 */
export function readConsole(text: string, drill: string): DrillLine[] {
  const lines = text.split(/\r\n|\n|\r/).flatMap((line) => readMarked(line));
  return mergeLines(
    [],
    lines.filter((line) => line.drill === drill),
  );
}

/** EC2 keeps the last 64 KiB of a console only: what an earlier look has read stays read. Pure. */
export function mergeLines(earlier: readonly DrillLine[], now: readonly DrillLine[]): DrillLine[] {
  const merged = new Map<string, DrillLine>();
  for (const line of [...earlier, ...now]) {
    const key = JSON.stringify([line.step, line.uptime, line.ok, line.findings, line.error]);
    if (!merged.has(key)) merged.set(key, line);
  }
  return [...merged.values()].slice(-MOST_LINES);
}

function readMarked(line: string): DrillLine[] {
  const found: DrillLine[] = [];
  let from = line.indexOf(MARK);
  while (from !== -1) {
    const start = from + MARK.length - 1;
    const text = objectAt(line, start);
    const parsed = text === null ? null : parseLine(text);
    if (parsed !== null) found.push(parsed);
    from = line.indexOf(MARK, parsed === null || text === null ? start : start + text.length);
  }
  return found;
}

function parseLine(text: string): DrillLine | null {
  const parsed = drillLine.safeParse(parseJson(text));
  if (!parsed.success) return null;
  const findings = parsed.data.findings
    .slice(0, MOST_FINDINGS)
    .map(({ kind, detail, count }) => ({ kind, detail: detail.slice(0, LONGEST_DETAIL), count }));
  return { ...parsed.data, findings, error: parsed.data.error?.slice(0, LONGEST_DETAIL) ?? null };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The text from an opening brace to the one that closes it, or null if the line ends before: something may follow it. */
function objectAt(line: string, start: number): string | null {
  let depth = 0;
  let quoted = false;
  for (let at = start; at < line.length; at += 1) {
    const character = line[at];
    if (quoted) {
      if (character === "\\") at += 1;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === "{") depth += 1;
    else if (character === "}") {
      depth -= 1;
      if (depth === 0) return line.slice(start, at + 1);
    }
  }
  return null;
}
