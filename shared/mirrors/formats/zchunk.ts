// zchunk, read from its beginning to its end: header, dictionary, chunks, each against the checksum the header has for
// it. Source: zchunk_format.txt of the zchunk project, and files of createrepo_c.

import { createHash, type Hash } from "node:crypto";
import { zstdDecompressSync } from "node:zlib";
import { MirrorTrouble } from "../trouble.ts";
import type { RepomdRecord } from "../types.ts";
import { openSource, type Source } from "./zchunk-source.ts";
import { throughZlib } from "./zlib-stream.ts";

/** Some 40 bytes a chunk, and a chunk for each source package: 200,000 of them. */
const MAX_HEADER_BYTES = 8_388_608;
const MAX_DICTIONARY_BYTES = 1_048_576;
/** Chunks up to this are decompressed in one step; larger ones pass through a stream. */
const ONE_STEP_BYTES = 262_144;
const MAGIC = "\0ZCK1";
const FLAG_STREAMS = 1;
const FLAG_ELEMENTS = 2;
const FLAG_OPEN_CHECKSUMS = 4;

interface ChecksumForm {
  readonly algorithm: string;
  readonly bytes: number;
}

const CHECKSUMS: readonly ChecksumForm[] = [
  { algorithm: "sha1", bytes: 20 },
  { algorithm: "sha256", bytes: 32 },
  { algorithm: "sha512", bytes: 64 },
  // The first half of a quarter of SHA-512.
  { algorithm: "sha512", bytes: 16 },
];

interface Chunk {
  readonly checksum: Buffer;
  readonly bytes: number;
  readonly openBytes: number;
}

interface Header {
  readonly isCompressed: boolean;
  readonly form: ChecksumForm;
  readonly chunkForm: ChecksumForm;
  /** Of all that follows the header; null where the header has zeros for it. */
  readonly checksum: Buffer | null;
  /** The dictionary first, even where there is none. */
  readonly entries: () => Generator<Chunk>;
}

function damaged(what: string): MirrorTrouble {
  return new MirrorTrouble("decompress", `damaged: ${what}`);
}

/**
 * The decompressed bytes. `listed`: what repomd.xml says of the header; its checksum is the one zchunk itself stores,
 * over the whole header but for the checksum. Throws MirrorTrouble: "header-checksum", "open-size" when the header
 * promises more than `maxBytes`, "unknown-form", "decompress" for all else that does not fit the header.
 */
export async function* throughZchunk(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
  listed: Pick<RepomdRecord, "headerChecksum" | "headerSize">,
): AsyncGenerator<Uint8Array> {
  const source = openSource(chunks);
  try {
    const header = await readHeader(source, listed);
    let promised = 0;
    for (const { openBytes } of header.entries()) promised += openBytes;
    if (promised > maxBytes) {
      throw new MirrorTrouble("open-size", `its header promises ${promised} bytes, at most ${maxBytes} may be`);
    }
    const whole = createHash(header.form.algorithm);
    let dictionary: Buffer | undefined;
    let isFirst = true;
    for (const entry of header.entries()) {
      if (isFirst) dictionary = await readDictionary(source, header, entry, whole);
      else yield* readChunk(source, header, entry, whole, dictionary);
      isFirst = false;
    }
    if (header.checksum !== null && !digestOf(whole, header.form).equals(header.checksum))
      throw damaged("the data of the zchunk file differ");
    if (!(await source.isAtEnd())) throw damaged("there is more after the end of the zchunk file");
  } finally {
    await source.close();
  }
}

function digestOf(hash: Hash, { bytes }: ChecksumForm): Buffer {
  return hash.digest().subarray(0, bytes);
}

async function readHeader(
  source: Source,
  { headerChecksum, headerSize }: Pick<RepomdRecord, "headerChecksum" | "headerSize">,
): Promise<Header> {
  const magic = await source.take(MAGIC.length);
  if (magic.toString("latin1") !== MAGIC) throw damaged("it does not begin as a zchunk file");
  const formBytes = await readLong(source);
  const form = checksumForm(new HeaderReader(formBytes).int());
  const sizeBytes = await readLong(source);
  const size = new HeaderReader(sizeBytes).int();
  const leadBytes = magic.length + formBytes.length + sizeBytes.length + form.bytes;
  if (size > MAX_HEADER_BYTES) throw damaged(`a zchunk header of ${size} bytes`);
  if (headerSize !== null && headerSize !== leadBytes + size) {
    throw new MirrorTrouble("header-checksum", `the header has ${leadBytes + size} bytes in place of ${headerSize}`);
  }
  const stored = await source.take(form.bytes);
  const rest = await source.take(size);
  const lead = [magic, formBytes, sizeBytes];
  const hashed = (algorithm: string) =>
    [...lead, rest].reduce((hash, part) => hash.update(part), createHash(algorithm));
  if (!digestOf(hashed(form.algorithm), form).equals(stored)) {
    throw new MirrorTrouble("header-checksum", "the header does not fit its own checksum");
  }
  if (headerChecksum !== null && hashed(headerChecksum.type).digest("hex") !== headerChecksum.value) {
    throw new MirrorTrouble("header-checksum", `the header's ${headerChecksum.type} is not the listed one`);
  }
  return parseHeader(new HeaderReader(rest), form);
}

/** A number's bytes: the top bit is set on the last. */
async function readLong(source: Source): Promise<Buffer> {
  const bytes: Buffer[] = [];
  do bytes.push(await source.take(1));
  while (((bytes.at(-1)?.[0] ?? 0) & 0x80) === 0 && bytes.length < 8);
  return Buffer.concat(bytes);
}

function checksumForm(kind: number): ChecksumForm {
  const form = CHECKSUMS[kind];
  if (form === undefined) throw new MirrorTrouble("unknown-form", `a zchunk checksum of the unknown kind ${kind}`);
  return form;
}

class HeaderReader {
  readonly #bytes: Buffer;
  #at = 0;
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get bytesLeft(): number {
    return this.#bytes.length - this.#at;
  }

  bytes(count: number): Buffer {
    if (count > this.bytesLeft) throw damaged("the zchunk header ends too early");
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  /** Seven bits a byte, lowest first, the top bit set on the last. */
  int(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 49; factor *= 128) {
      const [byte = 0] = this.bytes(1);
      value += (byte & 0x7f) * factor;
      if (byte & 0x80) return value;
    }
    throw damaged("a number in the zchunk header is too large");
  }
}

function parseHeader(reader: HeaderReader, form: ChecksumForm): Header {
  const checksum = reader.bytes(form.bytes);
  const flags = reader.int();
  if (flags & ~(FLAG_STREAMS | FLAG_ELEMENTS | FLAG_OPEN_CHECKSUMS)) {
    throw new MirrorTrouble("unknown-form", `zchunk flags ${flags}, of which some are not known here`);
  }
  const compression = reader.int();
  if (compression !== 0 && compression !== 2) {
    throw new MirrorTrouble("unknown-form", `a zchunk compression of the unknown kind ${compression}`);
  }
  if (flags & FLAG_ELEMENTS) {
    for (let left = reader.int(); left > 0; left -= 1) {
      reader.int();
      reader.bytes(reader.int());
    }
  }
  const index = new HeaderReader(reader.bytes(reader.int()));
  for (let left = reader.int(); left > 0; left -= 1) {
    reader.int();
    reader.bytes(reader.int());
  }
  if (reader.bytesLeft > 0) throw damaged("the zchunk header is longer than its parts");
  const chunkForm = checksumForm(index.int());
  const count = index.int();
  const entries = index.bytes(index.bytesLeft);
  return {
    isCompressed: compression === 2,
    form,
    chunkForm,
    // zchunk writes none beside checksums of open chunks: the chunks have theirs.
    checksum: flags & FLAG_OPEN_CHECKSUMS && checksum.every((byte) => byte === 0) ? null : checksum,
    entries: () => entriesIn(new HeaderReader(entries), count, flags, chunkForm),
  };
}

/** One after the other: as objects, all of them would be many times the header. */
function* entriesIn(index: HeaderReader, count: number, flags: number, { bytes }: ChecksumForm): Generator<Chunk> {
  for (let left = count; left > 0; left -= 1) {
    if (flags & FLAG_STREAMS) index.int();
    const checksum = index.bytes(bytes);
    // Of the open bytes: the checksum of the whole open file covers it.
    if (flags & FLAG_OPEN_CHECKSUMS) index.bytes(bytes);
    yield { checksum, bytes: index.int(), openBytes: index.int() };
  }
  if (index.bytesLeft > 0) throw damaged("the index of the zchunk file is longer than its chunks");
}

async function readDictionary(
  source: Source,
  header: Header,
  dictionary: Chunk,
  whole: Hash,
): Promise<Buffer | undefined> {
  if (dictionary.bytes === 0) return undefined;
  if (dictionary.openBytes > MAX_DICTIONARY_BYTES) throw damaged(`a dictionary of ${dictionary.openBytes} bytes`);
  const parts: Uint8Array[] = [];
  for await (const part of readChunk(source, header, dictionary, whole, undefined)) parts.push(part);
  return Buffer.concat(parts);
}

/** Gives the chunk's open bytes; throws when they or what came are not what the header says. */
async function* readChunk(
  source: Source,
  { isCompressed, chunkForm }: Header,
  chunk: Chunk,
  whole: Hash,
  dictionary: Buffer | undefined,
): AsyncGenerator<Uint8Array> {
  const own = createHash(chunkForm.algorithm);
  let openBytes = 0;
  for await (const part of openChunk()) {
    openBytes += part.length;
    if (openBytes > chunk.openBytes) break;
    yield part;
  }
  if (openBytes !== chunk.openBytes) throw damaged("a chunk has another size than the zchunk header says");
  if (!digestOf(own, chunkForm).equals(chunk.checksum)) throw damaged("a chunk differs from the zchunk header");

  async function* taken(): AsyncGenerator<Uint8Array> {
    for await (const part of source.stream(chunk.bytes)) {
      own.update(part);
      whole.update(part);
      yield part;
    }
  }

  async function* openChunk(): AsyncGenerator<Uint8Array> {
    if (chunk.bytes === 0) return;
    if (!isCompressed) return yield* taken();
    const options = dictionary === undefined ? {} : { dictionary };
    if (chunk.bytes > ONE_STEP_BYTES || chunk.openBytes > ONE_STEP_BYTES)
      return yield* throughZlib("zst", taken(), options);
    const parts: Uint8Array[] = [];
    for await (const part of taken()) parts.push(part);
    yield inOneStep(Buffer.concat(parts), chunk.openBytes, options);
  }
}

function inOneStep(bytes: Buffer, openBytes: number, options: { readonly dictionary?: Buffer }): Buffer {
  try {
    return zstdDecompressSync(bytes, { ...options, maxOutputLength: Math.max(1, openBytes) });
  } catch (error) {
    throw new MirrorTrouble("decompress", "damaged: a chunk of the zchunk file", { cause: error });
  }
}
