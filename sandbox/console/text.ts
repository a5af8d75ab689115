// How wide text is on a terminal, and how it is cut to fit. Pure.

// East Asian wide and fullwidth (Unicode EAW=W,F), and pictures.
const WIDE =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18cff}\u{1aff0}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const COMBINING = /[\p{Mn}\p{Me}]/u;
const PLAIN = /^[\x20-\x7e]*$/;
const PICTURE_SELECTOR = "\ufe0f";
const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** What a terminal may be sent: no control characters (an escape in a hub's message stays text), no invisible ones. */
export function cleanText(text: string): string {
  if (PLAIN.test(text)) return text;
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .replace(/\p{Cf}/gu, "");
}

/** Columns that cleaned text takes. Where terminals differ (joined pictures), the larger answer: nothing ever wraps. */
export function displayWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const character of text) {
    if (character === PICTURE_SELECTOR) width += 1;
    else if (!COMBINING.test(character)) width += WIDE.test(character) ? 2 : 1;
  }
  return width;
}

/** Cleaned text in at most `columns` columns, with … where it was cut. */
export function cutText(text: string, columns: number): string {
  const cleaned = cleanText(text);
  if (displayWidth(cleaned) <= columns) return cleaned;
  return columns < 1 ? "" : `${takeColumns(cleaned, columns - 1).trimEnd()}…`;
}

/** The longest beginning that fits, never half a character. */
function takeColumns(text: string, columns: number): string {
  if (PLAIN.test(text)) return text.slice(0, Math.max(0, columns));
  let taken = "";
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    width += displayWidth(segment);
    if (width > columns) break;
    taken += segment;
  }
  return taken;
}

export function padText(text: string, columns: number, align: "left" | "right" = "left"): string {
  const fitted = cutText(text, columns);
  const gap = " ".repeat(Math.max(0, columns - displayWidth(fitted)));
  return align === "right" ? gap + fitted : fitted + gap;
}

/** Words on at most `maxLines` lines of at most `columns`; the last one ends in … when there was more. */
export function wrapText(text: string, columns: number, maxLines: number): string[] {
  const lines: string[] = [];
  let rest = cleanText(text).trim();
  while (rest !== "" && lines.length < maxLines) {
    if (displayWidth(rest) <= columns || lines.length === maxLines - 1) {
      lines.push(cutText(rest, columns));
      break;
    }
    const line = firstLine(rest, columns);
    if (line === "") break;
    lines.push(line);
    rest = rest.slice(line.length).trimStart();
  }
  return lines;
}

/** Ends between words; a word that no line could hold is broken. */
function firstLine(text: string, columns: number): string {
  const fitting = takeColumns(text, columns);
  if (text[fitting.length] === " ") return fitting.trimEnd();
  const space = fitting.lastIndexOf(" ");
  const [word = ""] = text.slice(space + 1).split(" ", 1);
  return space > 0 && displayWidth(word) <= columns ? fitting.slice(0, space).trimEnd() : fitting;
}
