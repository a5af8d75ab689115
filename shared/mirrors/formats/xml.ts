// A small XML document, whole in memory, as a tree: bounded in every direction, and what stands in its elements.

import { SaxesParser } from "saxes";
import { MirrorTrouble } from "../trouble.ts";
import type { Checksum, ChecksumType } from "../types.ts";

/** What a document may not go over. repomd.xml has some 20 elements a record, a metalink one a mirror. */
export const XML_BOUNDS = {
  bytes: 8 * 1024 * 1024,
  depth: 64,
  elements: 50_000,
  attributes: 64,
  attributeLength: 16 * 1024,
  textLength: 64 * 1024,
} as const;

export interface XmlElement {
  readonly uri: string;
  /** Without its prefix. */
  readonly name: string;
  /** By name; of a namespace, by "{uri}name". */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Trimmed; CDATA too, without what stands in its children. */
  readonly text: string;
  readonly line: number;
}

const XMLNS = "http://www.w3.org/2000/xmlns/";
const CHUNK_BYTES = 64 * 1024;

/** The root of the document. Throws MirrorTrouble: "entities" for a document type declaration, "schema", "too-large". */
export function readXml(bytes: Uint8Array): XmlElement {
  if (bytes.length > XML_BOUNDS.bytes) {
    throw new MirrorTrouble("too-large", `${bytes.length} bytes of XML, where ${XML_BOUNDS.bytes} are plenty`);
  }
  const parser = new SaxesParser({ xmlns: true, position: true, defaultXMLVersion: "1.0", forceXMLVersion: true });
  const tree = new Tree(() => parser.line);
  parser.on("opentag", (tag) => {
    const attributes = Object.values(tag.attributes).filter(({ uri }) => uri !== XMLNS);
    const named = attributes.map(({ uri, local, value }) => [uri === "" ? local : `{${uri}}${local}`, value] as const);
    tree.open(tag.uri, tag.local, named);
  });
  parser.on("closetag", () => tree.close());
  parser.on("text", (text) => tree.add(text));
  parser.on("cdata", (text) => tree.add(text));
  parser.on("doctype", () => {
    // What it declares is never expanded here; but the tools that build with this metadata might.
    throw new MirrorTrouble("entities", "it has a document type declaration, where entities can be declared");
  });
  parser.on("xmldecl", ({ encoding = "utf-8" }) => {
    if (!/^(?:utf-8|us-ascii)$/i.test(encoding))
      throw schema(parser.line, `it is in ${quoted(encoding)}, not in UTF-8`);
  });
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
      parser.write(decoder.decode(bytes.subarray(start, start + CHUNK_BYTES), { stream: true }));
    }
    parser.write(decoder.decode()).close();
  } catch (error) {
    throw asTrouble(error, parser.line);
  }
  return tree.root();
}

/** saxes says "3:14: unclosed tag: data", the decoder that it is no UTF-8. */
function asTrouble(error: unknown, line: number): MirrorTrouble {
  if (error instanceof MirrorTrouble) return error;
  if (!(error instanceof Error)) throw error;
  return schema(line, error.message.replace(/^(?:\d+:\d+: )?/, "").replace(/\.$/, ""), error);
}

function schema(line: number, problem: string, cause?: unknown): MirrorTrouble {
  return new MirrorTrouble("schema", `line ${line}: ${problem}`, { cause });
}

interface Growing extends XmlElement {
  readonly children: Growing[];
  text: string;
}

class Tree {
  readonly #line: () => number;
  readonly #open: Growing[] = [];
  #elements = 0;
  #root: Growing | null = null;

  constructor(line: () => number) {
    this.#line = line;
  }

  open(uri: string, name: string, attributes: readonly (readonly [string, string])[]): void {
    this.#elements++;
    this.#bound(this.#open.length + 1, XML_BOUNDS.depth, "elements inside each other");
    this.#bound(this.#elements, XML_BOUNDS.elements, "elements");
    this.#bound(attributes.length, XML_BOUNDS.attributes, "attributes of one element");
    for (const [, value] of attributes) {
      this.#bound(value.length, XML_BOUNDS.attributeLength, "characters in an attribute");
    }
    const element = { uri, name, attributes: new Map(attributes), children: [], text: "", line: this.#line() };
    this.#open.at(-1)?.children.push(element);
    this.#root ??= element;
    this.#open.push(element);
  }

  add(text: string): void {
    const element = this.#open.at(-1);
    if (!element) return; // White space around the root: saxes refuses anything else there.
    this.#bound(element.text.length + text.length, XML_BOUNDS.textLength, "characters in one element");
    element.text += text;
  }

  close(): void {
    const element = this.#open.pop();
    if (element) element.text = element.text.trim();
  }

  root(): XmlElement {
    if (this.#root === null) throw schema(this.#line(), "there is no element");
    return this.#root;
  }

  #bound(is: number, most: number, what: string): void {
    if (is > most) throw schema(this.#line(), `more than ${most} ${what}`);
  }
}

export function childrenOf(element: XmlElement, uri: string, name: string): readonly XmlElement[] {
  return element.children.filter((child) => child.uri === uri && child.name === name);
}

/** The child of that name; null = there is none. Two are refused: readers differ in which of them they take. */
export function childOf(element: XmlElement, uri: string, name: string): XmlElement | null {
  return onlyOne(element, childrenOf(element, uri, name), name);
}

export function onlyOne(parent: XmlElement, found: readonly XmlElement[], name: string): XmlElement | null {
  const [first, second] = found;
  if (second) throw schema(second.line, `<${parent.name}> holds more than one <${name}>`);
  return first ?? null;
}

export function requiredChild(element: XmlElement, uri: string, name: string): XmlElement {
  const child = childOf(element, uri, name);
  if (!child) throw schema(element.line, `<${element.name}> has no <${name}>`);
  return child;
}

export function requiredAttribute(element: XmlElement, name: string): string {
  const value = element.attributes.get(name);
  if (value === undefined) throw schema(element.line, `<${element.name}> has no ${name}`);
  return value;
}

/** "schema", at the line of the element. */
export function refused(element: XmlElement, problem: string): MirrorTrouble {
  return schema(element.line, problem);
}

/** A whole number of 0 or more, as decimal digits. */
export function countIn(element: XmlElement): number {
  const value = /^\d{1,16}$/.test(element.text) ? Number(element.text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw refused(element, `the ${element.name} ${quoted(element.text)} is no whole number of 0 or more`);
}

/** Epoch seconds, 0 or later. createrepo of old wrote a fraction too: "1372259262.48". */
export function timestampIn(element: XmlElement): number {
  const value = /^\d{1,16}(?:\.\d{1,16})?$/.test(element.text) ? Number(element.text) : Number.NaN;
  if (value <= Number.MAX_SAFE_INTEGER) return value;
  throw refused(element, `the ${element.name} ${quoted(element.text)} is no time in epoch seconds`);
}

const DIGITS: Readonly<Record<ChecksumType, number>> = {
  md5: 32,
  sha1: 40,
  sha224: 56,
  sha256: 64,
  sha384: 96,
  sha512: 128,
};

function isChecksumType(type: string): type is ChecksumType {
  return Object.hasOwn(DIGITS, type);
}

/** Of an element with a `type` and hexadecimal text; null = its type is not known. "sha" is what yum called sha1. */
export function checksumIn(element: XmlElement): Checksum | null {
  const written = requiredAttribute(element, "type").toLowerCase();
  const type = written === "sha" ? "sha1" : written;
  if (!isChecksumType(type)) return null;
  const value = element.text.toLowerCase();
  if (value.length === DIGITS[type] && /^[0-9a-f]+$/.test(value)) return { type, value };
  throw refused(element, `the ${element.name} ${quoted(element.text)} is no ${type}: ${DIGITS[type]} digits`);
}

const LONGEST_QUOTE = 60;

/** What a stranger wrote, fit to stand in a sentence. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}...` : text);
}
