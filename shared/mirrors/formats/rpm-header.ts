// A header of an rpm: 16 bytes of introduction, an index of entries, a store that they point into.
// The bounds and checks are those that rpm itself has when it reads a package (lib/header.c, hdrblobVerifyInfo).

import { MirrorTrouble } from "../trouble.ts";

/** Names and numbers as `rpm --querytags` and rpmtag.h have them. */
export const TAG = {
  HEADERIMAGE: 61,
  HEADERSIGNATURES: 62,
  HEADERIMMUTABLE: 63,
  SHA1HEADER: 269,
  SHA256HEADER: 273,
  SIGMD5: 1004,
  PAYLOADDIGEST: 5092,
  PAYLOADDIGESTALGO: 5093,
} as const;

export interface HeaderBounds {
  readonly entries: number;
  readonly store: number;
}

/** rpm takes 256 MiB; the largest headers known, with a signature for each of many thousand files, stay well below. */
export const MAIN_BOUNDS: HeaderBounds = { entries: 0xffff, store: 64 * 1024 * 1024 };
export const SIGNATURE_BOUNDS: HeaderBounds = { entries: 32, store: 64 * 1024 * 1024 };

const MAGIC = Buffer.from([0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0]);
const ENTRY_BYTES = 16;
/** Below are regions, negative (the highest bit set) is nothing. */
const LOWEST_TAG = 100;
const HIGHEST_TAG = 0x7fffffff;

const INT32 = 4;
const STRING = 6;
const BINARY = 7;
const STRING_ARRAY = 8;
const I18N_STRING = 9;
/** Bytes of one value, by type from 1 on (char, int8, int16, int32, int64, -, binary); strings end in a zero byte. */
const WIDTHS = [0, 1, 1, 2, 4, 8, 0, 1];

export interface RpmHeader {
  /** The first 16 bytes, which digests of a header begin with. */
  readonly intro: Buffer;
  /** Index and store. */
  readonly bytes: Buffer;
  /** Of a string, or the first of an array; null = there is no such entry. All throw MirrorTrouble "rpm-header" for one of another type. */
  text(tag: number): string | null;
  number(tag: number): number | null;
  binary(tag: number): Buffer | null;
}

interface Entry {
  readonly tag: number;
  readonly type: number;
  readonly offset: number;
  readonly count: number;
}

/** How much follows the introduction. Throws MirrorTrouble "rpm-header". */
export function sizesOf(intro: Buffer, what: string, bounds: HeaderBounds): { entries: number; store: number } {
  if (!intro.subarray(0, MAGIC.length).equals(MAGIC)) throw trouble(what, "does not begin as one does");
  const entries = intro.readUInt32BE(8);
  const store = intro.readUInt32BE(12);
  if (entries < 1 || entries > bounds.entries) throw trouble(what, `claims ${entries} entries`);
  if (store > bounds.store) throw trouble(what, `claims ${store} bytes`);
  return { entries, store };
}

/** Throws MirrorTrouble "rpm-header" for an entry that does not lie in the store, or over another. */
export function parseHeader(intro: Buffer, bytes: Buffer, entries: number, what: string): RpmHeader {
  const store = bytes.subarray(entries * ENTRY_BYTES);
  const known = new Set<number>(Object.values(TAG));
  const found = new Map<number, Entry>();
  const region = regionOf(entryAt(bytes, 0), store, entries, what);
  let end = 0;
  for (let index = region ? 1 : 0; index < entries; index++) {
    const entry = entryAt(bytes, index);
    const length = entry.tag >= LOWEST_TAG && entry.tag <= HIGHEST_TAG ? lengthOf(entry, store) : 0;
    if (length <= 0) throw trouble(what, `has a broken entry: tag ${entry.tag}`);
    const onTrailer = region && entry.offset < region.offset + ENTRY_BYTES && entry.offset + length > region.offset;
    if (entry.offset < end || onTrailer) throw trouble(what, `has entries over each other: tag ${entry.tag}`);
    end = entry.offset + length;
    if (!known.has(entry.tag)) continue;
    if (found.has(entry.tag)) throw trouble(what, `has tag ${entry.tag} twice`);
    found.set(entry.tag, entry);
  }
  const typed = (tag: number, ...types: readonly number[]): Entry | null => {
    const entry = found.get(tag);
    if (!entry) return null;
    if (!types.includes(entry.type)) throw trouble(what, `has tag ${tag} with the type ${entry.type}`);
    return entry;
  };
  return {
    intro,
    bytes,
    text(tag) {
      const entry = typed(tag, STRING, STRING_ARRAY);
      return entry && store.toString("latin1", entry.offset, store.indexOf(0, entry.offset));
    },
    number(tag) {
      const entry = typed(tag, INT32);
      return entry && store.readUInt32BE(entry.offset);
    },
    binary(tag) {
      const entry = typed(tag, BINARY);
      return entry && store.subarray(entry.offset, entry.offset + entry.count);
    },
  };
}

/**
 * The first entry of a header says which of the others belong together; null = it is one without, of long ago. What it
 * points at, the trailer, is an entry itself: how many there are, as a negative length of the index.
 */
function regionOf(first: Entry, store: Buffer, entries: number, what: string): Entry | null {
  if (first.tag !== TAG.HEADERSIGNATURES && first.tag !== TAG.HEADERIMMUTABLE) return null;
  const broken = trouble(what, "has a broken region");
  if (first.type !== BINARY || first.count !== ENTRY_BYTES || lengthOf(first, store) === 0) throw broken;
  const trailer = entryAt(store.subarray(first.offset), 0);
  const covered = (2 ** 32 - trailer.offset) / ENTRY_BYTES;
  // rpm of old gave the trailer of a signature header the name of another region.
  const renamed = first.tag === TAG.HEADERSIGNATURES && trailer.tag === TAG.HEADERIMAGE;
  if (trailer.tag !== first.tag && !renamed) throw broken;
  if (trailer.type !== BINARY || trailer.count !== ENTRY_BYTES) throw broken;
  if (!Number.isInteger(covered) || covered > entries) throw broken;
  return first;
}

function entryAt(bytes: Buffer, index: number): Entry {
  const at = index * ENTRY_BYTES;
  return {
    tag: bytes.readUInt32BE(at),
    type: bytes.readUInt32BE(at + 4),
    offset: bytes.readUInt32BE(at + 8),
    count: bytes.readUInt32BE(at + 12),
  };
}

/** Bytes in the store; 0 = it is not wholly there, or out of line. */
function lengthOf({ type, offset, count }: Entry, store: Buffer): number {
  if (count < 1) return 0;
  if (type === STRING || type === STRING_ARRAY || type === I18N_STRING) {
    if (type === STRING && count !== 1) return 0;
    return stringsEnd(store, offset, count) - offset;
  }
  const width = WIDTHS[type] ?? 0;
  if (width === 0 || offset % width !== 0) return 0;
  const length = width * count;
  return offset + length <= store.length ? length : 0;
}

/** Past the zero byte of the last; `offset` where one is missing. */
function stringsEnd(store: Buffer, offset: number, count: number): number {
  let at = offset;
  for (let each = 0; each < count; each++) {
    const zero = at < store.length ? store.indexOf(0, at) : -1;
    if (zero === -1) return offset;
    at = zero + 1;
  }
  return at;
}

function trouble(what: string, problem: string): MirrorTrouble {
  return new MirrorTrouble("rpm-header", `its ${what} ${problem}`);
}
