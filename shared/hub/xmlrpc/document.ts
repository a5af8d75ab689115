// One XML-RPC document -> what it holds. saxes reads the XML, this file the grammar: one pass, no tree, no recursion.
// Why saxes and not a scanner of our own: with it 10,000 task rows take about 0.6 of the time that Python's
// xmlrpc.client needs (npm run bench:xmlrpc), and whatever is not well-formed is refused by a parser made for that.

import { SaxesParser } from "saxes";
import { type Element, elementNamed, OUTSIDE } from "./grammar.ts";
import { decodeScalar, type ScalarOptions } from "./scalars.ts";
import { MAX_DEPTH, XmlRpcSyntaxError, type XmlRpcValue } from "./values.ts";

/** What stood in the document; a member is undefined when its element was not there. */
export interface XmlRpcDocument {
  readonly root: string;
  readonly method: string | undefined;
  readonly params: readonly XmlRpcValue[] | undefined;
  readonly fault: XmlRpcValue | undefined;
}

/** Bytes are UTF-8; a piece at a time, so that a long answer never stands in memory as one string. */
const CHUNK_BYTES = 64 * 1024;

/** Throws XmlRpcSyntaxError for anything but one whole, well-formed document of the grammar. */
export function readDocument(source: string | Uint8Array, options: ScalarOptions): XmlRpcDocument {
  const reader = new DocumentReader(options);
  const parser = new SaxesParser({ position: true, defaultXMLVersion: "1.0", forceXMLVersion: true });
  parser.on("opentag", (tag) => reader.open(tag.name));
  parser.on("closetag", () => reader.close());
  parser.on("text", (text) => reader.add(text));
  parser.on("cdata", (text) => reader.add(text));
  parser.on("doctype", () => {
    throw new XmlRpcSyntaxError("it has a document type declaration, which XML-RPC has no use for");
  });
  const feed =
    typeof source === "string" ? { all: () => parser.write(source), end: () => {} } : bytesTo(parser, source);
  attempt(feed.all, (problem, cause) => new XmlRpcSyntaxError(problem, { cause }));
  // Everything so far was right, so what is wrong at the end is that something is missing.
  attempt(
    () => {
      feed.end();
      parser.close();
    },
    (problem, cause) => new XmlRpcSyntaxError(`it stops too soon (${problem})`, { truncated: true, cause }),
  );
  return reader;
}

function bytesTo(parser: SaxesParser, bytes: Uint8Array): { all(): void; end(): void } {
  parser.on("xmldecl", ({ encoding = "utf-8" }) => {
    if (!/^(?:utf-8|us-ascii)$/i.test(encoding)) throw new XmlRpcSyntaxError(`it is in ${encoding}, not in UTF-8`);
  });
  const decoder = new TextDecoder("utf-8", { fatal: true });
  return {
    all() {
      for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
        parser.write(decoder.decode(bytes.subarray(start, start + CHUNK_BYTES), { stream: true }));
      }
    },
    // Throws when the last character is cut.
    end: () => void parser.write(decoder.decode()),
  };
}

function attempt(step: () => unknown, failed: (problem: string, cause: unknown) => XmlRpcSyntaxError): void {
  try {
    step();
  } catch (error) {
    if (error instanceof XmlRpcSyntaxError) throw error;
    throw failed(error instanceof Error ? error.message.replace(/\.$/, "") : String(error), error);
  }
}

/** Follows the elements. A finished value waits in `value` until the element around it ends. */
class DocumentReader implements XmlRpcDocument {
  root = "";
  method: string | undefined;
  params: XmlRpcValue[] | undefined;
  fault: XmlRpcValue | undefined;

  readonly #options: ScalarOptions;
  readonly #around: Element[] = [];
  readonly #structs: { [name: string]: XmlRpcValue }[] = [];
  readonly #names: (string | undefined)[] = [];
  readonly #arrays: XmlRpcValue[][] = [];
  #element = OUTSIDE;
  #text = "";
  #value: XmlRpcValue | undefined;

  constructor(options: ScalarOptions) {
    this.#options = options;
  }

  open(name: string): void {
    const parent = this.#element;
    const element = elementNamed(name);
    if (!element || (parent.children & element.bit) === 0) {
      throw new XmlRpcSyntaxError(`<${name}> stands in ${parent.tag === "" ? "its place" : `<${parent.tag}>`}`);
    }
    // The element around has its value already, unless it takes many.
    if (this.#value !== undefined && element.tag !== "name") throw tooMany(parent);
    if (parent.textual && this.#text !== "" && this.#text.trim() !== "") throw strayText(parent);
    this.#text = "";
    this.#around.push(parent);
    this.#element = element;
    if (element.tag === "struct") {
      this.#structs.push({});
      this.#names.push(undefined);
    } else if (element.tag === "data") {
      this.#arrays.push([]);
    } else if (element.tag === "params") {
      if (this.params) throw tooMany(parent);
      this.params = [];
    }
    if (this.#structs.length + this.#arrays.length > MAX_DEPTH) {
      throw new XmlRpcSyntaxError(`its values are nested more than ${MAX_DEPTH} deep`);
    }
  }

  add(text: string): void {
    if (this.#element.textual) this.#text += text;
    else if (text !== "\n" && text.trim() !== "") throw strayText(this.#element);
  }

  close(): void {
    const element = this.#element;
    const parent = this.#around.pop() ?? OUTSIDE;
    this.#element = parent;
    switch (element.tag) {
      case "value":
        this.#closeValue(parent);
        break;
      case "name":
        if (this.#names.at(-1) !== undefined) throw tooMany(parent);
        this.#names[this.#names.length - 1] = this.#text;
        break;
      case "member":
        this.#closeMember(element);
        break;
      case "struct":
        this.#names.pop();
        this.#value = this.#structs.pop();
        break;
      case "data":
        this.#value = this.#arrays.pop();
        break;
      case "array":
        if (this.#value === undefined) throw missing(element, "data");
        break;
      case "param":
        this.params?.push(this.#take(element));
        break;
      case "fault":
        if (this.fault !== undefined) throw tooMany(parent);
        this.fault = this.#take(element);
        break;
      case "methodName":
        if (this.method !== undefined) throw tooMany(parent);
        this.method = this.#text;
        break;
      case "params":
        break;
      case "methodCall":
      case "methodResponse":
        this.root = element.tag;
        break;
      default:
        this.#value = decodeScalar(element.tag, this.#text, this.#options);
    }
    this.#text = "";
  }

  #closeValue(parent: Element): void {
    // No type element: a string (the XML-RPC specification's default).
    if (this.#value === undefined) this.#value = this.#text;
    else if (this.#text.trim() !== "") throw strayText(this.#element);
    if (parent.tag !== "data") return;
    this.#arrays.at(-1)?.push(this.#value);
    this.#value = undefined;
  }

  #closeMember(element: Element): void {
    const name = this.#names.at(-1);
    if (name === undefined) throw missing(element, "name");
    this.#names[this.#names.length - 1] = undefined;
    const value = this.#take(element);
    const struct = this.#structs.at(-1);
    if (!struct) return;
    // A plain assignment would set the prototype instead of a member.
    if (name === "__proto__") {
      Object.defineProperty(struct, name, { value, enumerable: true, writable: true, configurable: true });
    } else {
      struct[name] = value;
    }
  }

  #take(element: Element): XmlRpcValue {
    const value = this.#value;
    if (value === undefined) throw missing(element, "value");
    this.#value = undefined;
    return value;
  }
}

function tooMany(element: Element): XmlRpcSyntaxError {
  return new XmlRpcSyntaxError(`<${element.tag}> holds more than it may`);
}

function missing(element: Element, what: string): XmlRpcSyntaxError {
  return new XmlRpcSyntaxError(`<${element.tag}> has no <${what}>`);
}

function strayText(element: Element): XmlRpcSyntaxError {
  return new XmlRpcSyntaxError(`<${element.tag}> holds text beside its elements`);
}
