// Reads large XML of little interest fast: its first levels are given out, what is below is only looked at for its
// shape: that tags nest and end. No DOCTYPE, so no entities but the five; UTF-8 only.

import { MirrorTrouble } from "../trouble.ts";
import { resolveReferences, schemaTrouble } from "./shallow-tag.ts";

/** Deeper than any metadata; bounds the stack. */
const MAX_DEPTH = 64;
const MAX_NAME_BYTES = 128;
/** One tag, comment or text that is asked for; bounds what is kept between chunks. */
const MAX_TOKEN_BYTES = 1_048_576;

const LT = 0x3c;
const GT = 0x3e;
const SLASH = 0x2f;
const BANG = 0x21;
const QUESTION = 0x3f;
const DOUBLE = 0x22;
const SINGLE = 0x27;

const COMMENT = "<!--";
const CDATA = "<![CDATA[";
const DOCTYPE = "<!DOCTYPE";

const IS_NAME_BYTE = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x80 || /[A-Za-z0-9_:.-]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x09 || byte === 0x0d;
}

/** What is wanted of an element: its children, its text (it may have no children), or nothing of what is in it. */
export type Want = "children" | "text" | "nothing";

export interface ShallowReader {
  /** `tag`: what stands between "<" and ">", without the slash of an empty element. The root has depth 1. */
  start(tag: string, depth: number): Want;
  /** Of each element whose start was given out. `text` with references resolved; null when it was not wanted. */
  end(depth: number, text: string | null): void;
}

/**
 * Throws MirrorTrouble: "schema" for what is not well-formed where it is looked at and for tags longer than 1 MiB,
 * "entities" for a DOCTYPE, "unknown-form" for another encoding than UTF-8.
 */
export class ShallowScanner {
  readonly #reader: ShallowReader;
  /** What has come and is not yet taken. */
  #buffer: Buffer = Buffer.alloc(0);
  readonly #names = Buffer.alloc(MAX_DEPTH * MAX_NAME_BYTES);
  readonly #nameBytes = new Uint8Array(MAX_DEPTH);
  #depth = 0;
  /** The elements down to this depth have been given out. */
  #shown = 0;
  /** Of the innermost of these; those around it can only want children. */
  #want: Want = "children";
  #text: string[] = [];
  #hasRoot = false;
  #isBeginning = true;

  constructor(reader: ShallowReader) {
    this.#reader = reader;
  }

  write(chunk: Uint8Array): void {
    const fresh = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#buffer = this.#buffer.length === 0 ? fresh : Buffer.concat([this.#buffer, fresh]);
    const at = this.#isBeginning && this.#buffer.length < 3 ? 0 : this.#scan();
    if (this.#buffer.length - at > MAX_TOKEN_BYTES) {
      throw schemaTrouble(`a tag or text of more than ${MAX_TOKEN_BYTES} bytes`);
    }
    // Copied, so that no chunk is kept for its last bytes.
    this.#buffer = Buffer.from(this.#buffer.subarray(at));
  }

  /** Throws when the document is not complete. */
  finish(): void {
    const at = this.#scan();
    if (this.#depth > 0 || at < this.#buffer.length) throw schemaTrouble("it ends in the middle");
    if (!this.#hasRoot) throw schemaTrouble("there is no element in it");
  }

  /** Takes all tokens that are whole; returns where the first begins that is not. */
  #scan(): number {
    const buffer = this.#buffer;
    const end = buffer.length;
    let at = this.#isBeginning && buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf ? 3 : 0;
    this.#isBeginning = false;
    for (;;) {
      const begin = at;
      while (at < end && buffer[at] !== LT) at += 1;
      if (at === end && this.#wantsText()) return begin;
      if (at > begin) this.#takeText(begin, at);
      if (at === end) return end;
      const after = this.#takeMarkup(at, end);
      if (after === -1) return at;
      at = after;
    }
  }

  #wantsText(): boolean {
    return this.#want === "text" && this.#depth === this.#shown;
  }

  #takeText(begin: number, end: number): void {
    if (this.#depth === 0) {
      for (let at = begin; at < end; at += 1) {
        if (!isBlank(this.#buffer[at])) throw schemaTrouble("there is text outside of its element");
      }
    } else if (this.#wantsText()) {
      this.#text.push(resolveReferences(this.#buffer.toString("utf8", begin, end).replace(/\r\n?/g, "\n")));
    }
  }

  /** Takes what begins with "<"; returns where it ends, -1 when it is not whole yet. */
  #takeMarkup(at: number, end: number): number {
    if (at + 1 === end) return -1;
    switch (this.#buffer[at + 1]) {
      case SLASH:
        return this.#takeEnd(at + 2, end);
      case BANG:
        return this.#takeDeclaration(at, end);
      case QUESTION:
        return this.#takeInstruction(at);
      default:
        return this.#takeStart(at + 1, end);
    }
  }

  #takeStart(from: number, end: number): number {
    const buffer = this.#buffer;
    let at = from;
    for (; ; at += 1) {
      if (at >= end) return -1;
      const byte = buffer[at];
      if (byte === GT) break;
      if (byte === LT) throw schemaTrouble('a tag has "<" in it');
      if (byte === DOUBLE || byte === SINGLE) {
        at += 1;
        while (at < end && buffer[at] !== byte) {
          if (buffer[at] === LT) throw schemaTrouble('an attribute has "<" in it');
          at += 1;
        }
      }
    }
    const isEmpty = buffer[at - 1] === SLASH;
    const nameEnd = this.#endOfName(from, at);
    if (this.#depth === 0) {
      if (this.#hasRoot) throw schemaTrouble("a second element follows its end");
      this.#hasRoot = true;
    }
    const isShown = this.#depth === this.#shown && this.#want !== "nothing";
    if (isShown) this.#show(from, isEmpty ? at - 1 : at);
    if (!isEmpty) this.#push(from, nameEnd);
    else if (isShown) this.#hide(this.#depth + 1);
    return at + 1;
  }

  #show(from: number, end: number): void {
    const tag = this.#buffer.toString("utf8", from, end);
    if (this.#want === "text") throw schemaTrouble(`there is an element <${tag}> where only text may be`);
    this.#want = this.#reader.start(tag, this.#depth + 1);
    this.#shown += 1;
    this.#text = [];
  }

  #hide(depth: number): void {
    const text = this.#want === "text" ? this.#text.join("") : null;
    this.#shown -= 1;
    this.#want = "children";
    this.#reader.end(depth, text);
  }

  #endOfName(from: number, end: number): number {
    const buffer = this.#buffer;
    let at = from;
    while (at < end && IS_NAME_BYTE[buffer[at] ?? 0] === 1) at += 1;
    const first = buffer[from] ?? 0;
    // A digit, a dot or a hyphen may be in a name, but not begin it.
    const begins = at > from && !(first >= 0x2d && first <= 0x39);
    const ends = at === end || isBlank(buffer[at]) || (buffer[at] === SLASH && at + 1 === end);
    if (!begins || !ends) throw schemaTrouble('a "<" that begins no tag');
    if (at - from > MAX_NAME_BYTES) throw schemaTrouble("an element's name is too long");
    return at;
  }

  #push(from: number, nameEnd: number): void {
    if (this.#depth === MAX_DEPTH) throw schemaTrouble(`there are more than ${MAX_DEPTH} elements within each other`);
    const place = this.#depth * MAX_NAME_BYTES - from;
    for (let at = from; at < nameEnd; at += 1) this.#names[place + at] = this.#buffer[at] ?? 0;
    this.#nameBytes[this.#depth] = nameEnd - from;
    this.#depth += 1;
  }

  #takeEnd(from: number, end: number): number {
    const buffer = this.#buffer;
    let close = from;
    while (close < end && buffer[close] !== GT) close += 1;
    if (close === end) return -1;
    if (this.#depth === 0) throw schemaTrouble("an end tag without its start tag");
    this.#depth -= 1;
    const place = this.#depth * MAX_NAME_BYTES - from;
    const nameEnd = from + (this.#nameBytes[this.#depth] ?? 0);
    let isSame = nameEnd <= close;
    for (let at = from; at < close && isSame; at += 1) {
      isSame = at < nameEnd ? buffer[at] === this.#names[place + at] : isBlank(buffer[at]);
    }
    if (!isSame) throw schemaTrouble(`</${buffer.toString("utf8", from, close)}> ends another element`);
    if (this.#depth + 1 === this.#shown) this.#hide(this.#depth + 1);
    return close + 1;
  }

  #takeDeclaration(at: number, end: number): number {
    const head = this.#buffer.toString("latin1", at, Math.min(end, at + CDATA.length));
    if (head === DOCTYPE) throw new MirrorTrouble("entities", "it has a DOCTYPE, which could define entities");
    if (head.startsWith(COMMENT)) {
      const close = this.#buffer.indexOf("--", at + COMMENT.length);
      if (close === -1 || close + 2 === end) return -1;
      if (this.#buffer[close + 2] !== GT) throw schemaTrouble('a comment has "--" in it');
      return close + 3;
    }
    if (head === CDATA) {
      const close = this.#buffer.indexOf("]]>", at + CDATA.length);
      if (close === -1) return -1;
      if (this.#depth === 0) throw schemaTrouble("there is text outside of its element");
      if (this.#wantsText()) {
        this.#text.push(this.#buffer.toString("utf8", at + CDATA.length, close).replace(/\r\n?/g, "\n"));
      }
      return close + 3;
    }
    if ([COMMENT, CDATA, DOCTYPE].some((each) => each.startsWith(head))) return -1;
    throw schemaTrouble('a "<!" that begins nothing known');
  }

  #takeInstruction(at: number): number {
    const close = this.#buffer.indexOf("?>", at + 2);
    if (close === -1) return -1;
    const text = this.#buffer.toString("latin1", at + 2, close);
    const encoding = /^xml\s.*\sencoding\s*=\s*["']([^"']*)["']/s.exec(text)?.[1]?.toLowerCase();
    if (encoding !== undefined && !["utf-8", "utf8", "us-ascii", "ascii"].includes(encoding)) {
      throw new MirrorTrouble("unknown-form", `it is encoded as ${encoding}, not as UTF-8`);
    }
    return close + 2;
  }
}
