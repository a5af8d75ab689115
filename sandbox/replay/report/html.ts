// HTML as a value: `html` escapes whatever is put into it, except HTML that it made itself.

import { cleanText } from "../../console/text.ts";

export class Markup {
  readonly text: string;

  /** `text` must be HTML already. */
  constructor(text: string) {
    this.text = text;
  }
}

type Piece = Markup | string | number | null | readonly Piece[];

/** Text becomes text, also in a quoted attribute; null becomes nothing. */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Markup {
  const parts = strings.map((string, index) => string + write(pieces[index] ?? null));
  return new Markup(parts.join(""));
}

function write(piece: Piece): string {
  if (piece === null) return "";
  if (piece instanceof Markup) return piece.text;
  if (typeof piece === "string") return escapeText(piece);
  if (typeof piece === "number") return String(piece);
  return piece.map(write).join("");
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeText(text: string): string {
  return cleanText(text).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? "");
}
