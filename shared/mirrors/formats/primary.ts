// The packages that primary.xml lists, one at a time. Source: createrepo_c's primary, libsolv's reading of it.

import { MirrorTrouble } from "../trouble.ts";
import type { Checksum, ChecksumType } from "../types.ts";
import { attributesIn, nameIn, schemaTrouble } from "./shallow-tag.ts";
import { type ShallowReader, ShallowScanner, type Want } from "./shallow-xml.ts";

const COMMON = "http://linux.duke.edu/metadata/common";

/** The digits of each; "sha" is what createrepo called SHA-1. */
const CHECKSUM_TYPES: ReadonlyMap<string, readonly [ChecksumType, number]> = new Map([
  ["md5", ["md5", 32]],
  ["sha", ["sha1", 40]],
  ["sha1", ["sha1", 40]],
  ["sha224", ["sha224", 56]],
  ["sha256", ["sha256", 64]],
  ["sha384", ["sha384", 96]],
  ["sha512", ["sha512", 128]],
]);

export interface PrimaryPackage {
  readonly name: string;
  /** Digits; "0" where there is none. */
  readonly epoch: string;
  readonly version: string;
  readonly release: string;
  readonly arch: string;
  /** Of the rpm file. */
  readonly checksum: Checksum;
  readonly size: number;
  /** Below `base`, or below the repository's base where that is null. */
  readonly href: string;
  /** Of another place; null = the repository itself. */
  readonly base: string | null;
  /** When the file was last changed; epoch seconds. */
  readonly fileTime: number;
}

export interface PrimaryRead {
  readonly count: number;
  /** What the root's attribute `packages` says; null = it says nothing. */
  readonly promised: number | null;
}

/**
 * Gives each package of type rpm to `visit`. Throws MirrorTrouble: "schema" for what is malformed or missing,
 * "entities" for a DOCTYPE or an entity that only one could define, "unknown-form" for a checksum or an encoding that
 * is not known.
 */
export async function readPrimary(
  open: AsyncIterable<Uint8Array>,
  visit: (pkg: PrimaryPackage) => void,
): Promise<PrimaryRead> {
  const reader = new PrimaryReader(visit);
  const scanner = new ShallowScanner(reader);
  for await (const chunk of open) scanner.write(chunk);
  scanner.finish();
  return { count: reader.count, promised: reader.promised };
}

type Attributes = ReadonlyMap<string, string>;

/** The elements of one package that are of interest, as they come. */
interface Parts {
  readonly texts: Map<string, string>;
  readonly tags: Map<string, Attributes>;
}

const WANTS: ReadonlyMap<string, Want> = new Map<string, Want>([
  ["name", "text"],
  ["arch", "text"],
  ["checksum", "text"],
  ["version", "nothing"],
  ["time", "nothing"],
  ["size", "nothing"],
  ["location", "nothing"],
]);

class PrimaryReader implements ShallowReader {
  count = 0;
  promised: number | null = null;
  readonly #visit: (pkg: PrimaryPackage) => void;
  /** For the depths 1 and 2: which prefixes stand for the namespace; "" is the default. */
  readonly #scopes: ReadonlySet<string>[] = [new Set()];
  #parts: Parts | null = null;
  #element = "";

  constructor(visit: (pkg: PrimaryPackage) => void) {
    this.#visit = visit;
  }

  start(tag: string, depth: number): Want {
    const scope = scopeOf(tag, this.#scopes[depth - 1] ?? new Set());
    this.#scopes[depth] = scope;
    const element = commonName(tag, scope);
    if (depth === 1) return this.#startRoot(tag, element);
    if (depth === 2) return this.#startPackage(tag, element);
    const want = element === null ? undefined : WANTS.get(element);
    this.#element = want === undefined || element === null ? "" : element;
    if (want === undefined || element === null || this.#parts === null) return "nothing";
    if (this.#parts.tags.has(element)) throw schemaTrouble(`${this.#here()} has <${element}> twice`);
    this.#parts.tags.set(element, attributesIn(tag));
    return want;
  }

  end(depth: number, text: string | null): void {
    if (depth === 3 && text !== null) this.#parts?.texts.set(this.#element, text);
    if (depth !== 2 || this.#parts === null) return;
    const where = this.#here();
    const pkg = packageOf(this.#parts, where);
    this.#parts = null;
    this.count += 1;
    this.#visit(pkg);
  }

  #startRoot(tag: string, element: string | null): Want {
    if (element !== "metadata") throw schemaTrouble(`it begins with <${nameIn(tag)}>, not as primary.xml does`);
    const promised = attributesIn(tag).get("packages");
    if (promised !== undefined) this.promised = naturalOf(promised, "the number of packages");
    return "children";
  }

  #startPackage(tag: string, element: string | null): Want {
    if (element !== "package" || (attributesIn(tag).get("type") ?? "rpm") !== "rpm") return "nothing";
    this.#parts = { texts: new Map(), tags: new Map() };
    return "children";
  }

  #here(): string {
    return `package ${this.count + 1} (${this.#parts?.texts.get("name") ?? "without a name so far"})`;
  }
}

/** The prefixes that stand for the common namespace within the tag. */
function scopeOf(tag: string, around: ReadonlySet<string>): ReadonlySet<string> {
  if (!tag.includes("xmlns")) return around;
  const scope = new Set(around);
  for (const [name, value] of attributesIn(tag)) {
    const prefix = name === "xmlns" ? "" : name.startsWith("xmlns:") ? name.slice(6) : null;
    if (prefix === null) continue;
    if (value === COMMON) scope.add(prefix);
    else scope.delete(prefix);
  }
  return scope;
}

/** The element's name if it is of the common namespace. */
function commonName(tag: string, scope: ReadonlySet<string>): string | null {
  const name = nameIn(tag);
  const colon = name.indexOf(":");
  return scope.has(colon === -1 ? "" : name.slice(0, colon)) ? name.slice(colon + 1) : null;
}

function packageOf({ texts, tags }: Parts, where: string): PrimaryPackage {
  const text = (element: string): string => {
    const value = texts.get(element);
    if (value === undefined || value === "") throw schemaTrouble(`${where} has no <${element}>`);
    return value;
  };
  const attribute = (element: string, name: string): string => {
    const value = tags.get(element)?.get(name);
    if (value === undefined || value === "") throw schemaTrouble(`${where} has no ${name} in its <${element}>`);
    return value;
  };
  const natural = (element: string, name: string) =>
    naturalOf(attribute(element, name), `${name} in <${element}> of ${where}`);
  const epoch = tags.get("version")?.get("epoch") || "0";
  if (!/^\d{1,10}$/.test(epoch)) throw schemaTrouble(`the epoch "${epoch}" of ${where} is no number`);
  return {
    name: text("name"),
    epoch,
    version: attribute("version", "ver"),
    release: attribute("version", "rel"),
    arch: text("arch"),
    checksum: checksumOf(attribute("checksum", "type"), text("checksum"), where),
    size: natural("size", "package"),
    ...locationOf(attribute("location", "href"), tags.get("location")?.get("xml:base") || null, where),
    fileTime: natural("time", "file"),
  };
}

function naturalOf(text: string, what: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw schemaTrouble(`"${text}" is no number: ${what}`);
  return value;
}

function checksumOf(type: string, text: string, where: string): Checksum {
  const known = CHECKSUM_TYPES.get(type.toLowerCase());
  if (known === undefined) throw new MirrorTrouble("unknown-form", `the checksum type "${type}" of ${where}`);
  const [name, digits] = known;
  const value = text.trim().toLowerCase();
  if (value.length !== digits || !/^[0-9a-f]+$/.test(value))
    throw schemaTrouble(`the checksum of ${where} is no ${name}`);
  return { type: name, value };
}

/** A whole address as href counts as one of another base. Whatever way a ".." is written, it is refused. */
function locationOf(href: string, base: string | null, where: string): Pick<PrimaryPackage, "href" | "base"> {
  if (/(^|[/\\])(\.|%2e){2}([/\\?#]|$)/i.test(href))
    throw schemaTrouble(`the address of ${where} has ".." in it: ${href}`);
  if (/^[/\\]/.test(href)) throw schemaTrouble(`the address of ${where} is not below the repository: ${href}`);
  if (!/^[a-z][a-z0-9+.-]*:/i.test(href)) return { href, base };
  const slash = href.lastIndexOf("/") + 1;
  return { href: href.slice(slash), base: href.slice(0, slash) };
}
