// The last decisions for the terminal: what changed and why, then what the newest pass noted and left as it is. Pure.

import { type Line, type Style, span } from "./lines.ts";
import { foldChanges, formatTime } from "./page/format.js";
import type { Section } from "./sections.ts";
import type { ConsoleState, ShownDecision } from "./state.ts";
import { limitRows } from "./table.ts";
import { wrapText } from "./text.ts";

const VERB_STYLES: Readonly<Record<string, Style>> = {
  launch: "green",
  enable: "cyan",
  "cancel-drain": "cyan",
  drain: "yellow",
  terminate: "magenta",
  "free-tasks": "red",
  "enable-lost": "red",
  "disable-lost": "red",
};

const TIME_COLUMNS = 10;
/** Sentences about what stays: a few are an answer, all of them would hide the changes. */
const KEEP_SHOWN = 4;

interface Sentence {
  /** "" on all but the first of a decision. */
  readonly time: string;
  readonly verb: string;
  readonly rest: string;
  readonly style?: Style;
}

export function decisionSection(state: ConsoleState, maxLines: number, columns: number): Section {
  const sentences = state.decisions.flatMap((decision, index) => sentencesOf(decision, index === 0));
  const wrapped = sentences.map((sentence) => wrapSentence(sentence, columns, maxLines));
  const lines = wrapped.flat();
  return {
    wants: 1 + lines.length,
    draw(rows) {
      const about = lines.length === 0 ? "  no pass yet" : "  newest first";
      const shown = limitRows(lines, rows - 1, (count) => `… ${countHidden(wrapped, count)} more`);
      return [[span("DECISIONS", "bold"), span(about, "dim")], ...shown].slice(0, Math.max(0, rows));
    },
  };
}

function sentencesOf(decision: ShownDecision, newest: boolean): Sentence[] {
  const changes: Omit<Sentence, "time">[] = foldChanges(decision.changes);
  const notes = decision.notes.map((rest) => ({ verb: "", rest, style: "yellow" as const }));
  const quiet = changes.length + notes.length === 0 ? [{ verb: "", rest: "no change", style: "dim" as const }] : [];
  const all = newest
    ? [...changes, ...notes, ...quiet, ...keepSentences(decision.keep)]
    : [...changes, ...(changes.length === 0 ? [...notes.slice(0, 1), ...quiet] : [])];
  return all.map((each, index) => ({ ...each, time: index === 0 ? formatTime(decision.at) : "" }));
}

function keepSentences(keep: readonly string[]): Omit<Sentence, "time">[] {
  const said = keep.length > KEEP_SHOWN ? keep.slice(0, KEEP_SHOWN - 1) : keep;
  const rest = keep.length - said.length;
  const sentences = rest > 0 ? [...said, `and ${rest} more stay as they are`] : said;
  return sentences.map((text) => ({ verb: "", rest: text, style: "dim" }));
}

function wrapSentence(sentence: Sentence, columns: number, maxLines: number): Line[] {
  const { time, verb, rest, style } = sentence;
  const text = verb === "" ? rest : `${verb} ${rest}`;
  const lines = wrapText(text, Math.max(8, columns - TIME_COLUMNS), maxLines);
  return lines.map((line, index) => {
    const before = span((index === 0 ? time : "").padEnd(TIME_COLUMNS), "dim");
    if (index > 0 || verb === "" || !line.startsWith(verb)) return [before, span(line, style)];
    return [before, span(verb, VERB_STYLES[verb] ?? "bold"), span(line.slice(verb.length))];
  });
}

/** How many sentences do not stand in the first `lines` lines, or not to their end. */
function countHidden(wrapped: readonly (readonly Line[])[], lines: number): number {
  let used = 0;
  return wrapped.filter((each) => {
    used += each.length;
    return used > lines;
  }).length;
}
