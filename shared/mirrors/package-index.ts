// The packages of one metadata in 12 bytes each, and what changed in place since another. Of each package 8 bytes of a
// digest of its name, epoch, version, release and arch, then 4 of its checksum; sorted.

import { hash } from "node:crypto";
import type { PrimaryPackage } from "./formats/primary.ts";
import type { PackageIndex, PackagesSeen } from "./types.ts";

const ENTRY_BYTES = 12;
/** So many names are told; the rest is only counted. */
const MAX_NAMES = 10;

export type PackageIdentity = Pick<PrimaryPackage, "name" | "epoch" | "version" | "release" | "arch" | "checksum">;

/** 24 hexadecimal digits: what stands for a package in an index. */
export function digestOf({ name, epoch, version, release, arch, checksum }: PackageIdentity): string {
  const key = hash("sha256", [name, epoch, version, release, arch].join("\0"), "hex");
  return key.slice(0, 16) + checksum.value.slice(0, 8);
}

export interface IndexReader {
  /** Whether exactly this package is listed, content included; `digest` of digestOf. */
  has(digest: string): boolean;
  readonly size: number;
}

export interface IndexWriter {
  /** The same package twice is one. */
  add(pkg: PackageIdentity): void;
  /** Once, at the end. */
  finish(): Pick<PackagesSeen, "index" | "clashes" | "changed">;
}

/** Throws when the text is no index. */
export function openIndex(index: PackageIndex): IndexReader {
  const entries = unpack(index);
  return {
    size: entries.length / 3,
    has(digest) {
      const [high, low, content] = wordsOf(digest);
      for (let at = firstOf(entries, high, low); isKeyAt(entries, at, high, low); at += 3) {
        if (entries[at + 2] === content) return true;
      }
      return false;
    },
  };
}

/** `last`: the index of the last accepted metadata; without it nothing counts as changed. */
export function createIndex(last: PackageIndex | null): IndexWriter {
  const before = last === null ? null : unpack(last);
  const seen = new EntryTable();
  const clashes = new Set<string>();
  const changed = { count: 0, names: [] as string[] };
  return {
    add(pkg) {
      const [high, low, content] = wordsOf(digestOf(pkg));
      const found = seen.add(high, low, content);
      if (found === "known") return;
      if (found === "clash" && clashes.size < MAX_NAMES) clashes.add(nevraOf(pkg));
      if (before === null || !isOtherThan(before, high, low, content)) return;
      changed.count += 1;
      if (changed.names.length < MAX_NAMES) changed.names.push(nevraOf(pkg));
    },
    finish: () => ({
      index: pack(seen.sorted()),
      clashes: [...clashes],
      changed: before === null ? null : changed,
    }),
  };
}

function nevraOf({ name, epoch, version, release, arch }: PackageIdentity): string {
  return `${name}-${epoch === "0" ? "" : `${epoch}:`}${version}-${release}.${arch}`;
}

/** The key's two words, then the content's. */
function wordsOf(digest: string): readonly [number, number, number] {
  if (!/^[0-9a-f]{24}$/.test(digest)) throw new Error(`"${digest}" is no digest of a package: 24 hexadecimal digits`);
  return [
    Number.parseInt(digest.slice(0, 8), 16),
    Number.parseInt(digest.slice(8, 16), 16),
    Number.parseInt(digest.slice(16), 16),
  ];
}

/** The key is listed, and with this content it is not. */
function isOtherThan(entries: Uint32Array, high: number, low: number, content: number): boolean {
  const first = firstOf(entries, high, low);
  if (!isKeyAt(entries, first, high, low)) return false;
  for (let at = first; isKeyAt(entries, at, high, low); at += 3) if (entries[at + 2] === content) return false;
  return true;
}

function isKeyAt(entries: Uint32Array, at: number, high: number, low: number): boolean {
  return entries[at] === high && entries[at + 1] === low;
}

/** Where the key's first entry is, or would be. */
function firstOf(entries: Uint32Array, high: number, low: number): number {
  let from = 0;
  let to = entries.length / 3;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const other = entries[middle * 3] ?? 0;
    const isBefore = other < high || (other === high && (entries[middle * 3 + 1] ?? 0) < low);
    if (isBefore) from = middle + 1;
    else to = middle;
  }
  return from * 3;
}

function pack(entries: Uint32Array): PackageIndex {
  const bytes = Buffer.alloc(entries.length * 4);
  entries.forEach((word, index) => {
    bytes.writeUInt32BE(word, index * 4);
  });
  return { packed: bytes.toString("base64") };
}

function unpack({ packed }: PackageIndex): Uint32Array {
  const bytes = Buffer.from(packed, "base64");
  if (bytes.length % ENTRY_BYTES !== 0 || bytes.toString("base64") !== packed) {
    throw new Error(
      `${packed.length} characters that are no package index: not base64 of entries of ${ENTRY_BYTES} bytes`,
    );
  }
  return Uint32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readUInt32BE(index * 4));
}

/** Entries of three words, in an open hash table beside them: no object is kept for a package. */
class EntryTable {
  #entries = new Uint32Array(3 * 1024);
  #size = 0;
  /** One more than the entry's number; 0 = free. Never more than half full. */
  #places = new Uint32Array(4096);

  add(high: number, low: number, content: number): "new" | "known" | "clash" {
    let found: "new" | "clash" = "new";
    const mask = this.#places.length - 1;
    let place = low & mask;
    for (let taken = this.#places[place] ?? 0; taken !== 0; taken = this.#places[place] ?? 0) {
      const at = (taken - 1) * 3;
      if (isKeyAt(this.#entries, at, high, low)) {
        if (this.#entries[at + 2] === content) return "known";
        found = "clash";
      }
      place = (place + 1) & mask;
    }
    if (this.#entries.length === this.#size * 3) this.#grow();
    this.#entries.set([high, low, content], this.#size * 3);
    this.#size += 1;
    if (this.#size * 2 > this.#places.length) this.#rehash();
    else this.#places[place] = this.#size;
    return found;
  }

  sorted(): Uint32Array {
    const entries = this.#entries;
    const order = Uint32Array.from({ length: this.#size }, (_, index) => index * 3).sort((a, b) => {
      for (let word = 0; word < 3; word += 1) {
        const difference = (entries[a + word] ?? 0) - (entries[b + word] ?? 0);
        if (difference !== 0) return difference;
      }
      return 0;
    });
    const result = new Uint32Array(this.#size * 3);
    order.forEach((at, index) => {
      result.set(entries.subarray(at, at + 3), index * 3);
    });
    return result;
  }

  #grow(): void {
    const larger = new Uint32Array(this.#entries.length * 2);
    larger.set(this.#entries);
    this.#entries = larger;
  }

  #rehash(): void {
    const places = new Uint32Array(this.#places.length * 2);
    const mask = places.length - 1;
    for (let entry = 0; entry < this.#size; entry += 1) {
      let place = (this.#entries[entry * 3 + 1] ?? 0) & mask;
      while (places[place] !== 0) place = (place + 1) & mask;
      places[place] = entry + 1;
    }
    this.#places = places;
  }
}
