// One block of bzip2: its bits, its Huffman tables, the two run lengths and the sorting between them.

import { MirrorTrouble } from "../trouble.ts";

const OUT_BYTES = 65_536;
const GROUP = 50;
const MAX_CODE_BITS = 20;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let crc = index << 24;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc;
});

function damaged(what: string): MirrorTrouble {
  return new MirrorTrouble("decompress", `damaged: ${what}`);
}

/** Bits, highest first. */
export class BitReader {
  #bytes = new Uint8Array(0);
  #at = 0;
  #hold = 0;
  #held = 0;

  /** Whole bytes not yet taken. */
  get bytesLeft(): number {
    return this.#bytes.length - this.#at + (this.#held >> 3);
  }

  append(parts: readonly Uint8Array[]): void {
    this.#bytes = new Uint8Array(Buffer.concat([this.#bytes.subarray(this.#at), ...parts]));
    this.#at = 0;
  }

  /** At most 24 bits, without taking them; beyond the end there are zeros. */
  peek(bits: number): number {
    while (this.#held < bits) {
      this.#hold = (this.#hold << 8) | (this.#bytes[this.#at] ?? 0);
      this.#at += 1;
      this.#held += 8;
    }
    return (this.#hold >>> (this.#held - bits)) & ((1 << bits) - 1);
  }

  take(bits: number): void {
    this.#held -= bits;
    // The held bits may reach beyond the end only as long as nobody takes them.
    if (this.#at - (this.#held >> 3) > this.#bytes.length) throw damaged("it ends in the middle of a bzip2 block");
  }

  /** At most 24 bits. */
  read(bits: number): number {
    const value = this.peek(bits);
    this.take(bits);
    return value;
  }

  read32(): number {
    return this.read(16) * 0x10000 + this.read(16);
  }

  toNextByte(): void {
    this.take(this.#held & 7);
    // What was looked at ahead goes back, so that bytes beyond the end do not count as there.
    this.#at -= this.#held >> 3;
    this.#held = 0;
  }
}

interface Block {
  /** Of the block's bytes, as it says. */
  readonly checksum: number;
  readonly first: number;
  readonly length: number;
  /** In the low 8 bits the byte, above them the place of the byte that follows it. */
  readonly links: Uint32Array;
}

/** Reads what follows a block's 48 bits of magic. */
export function readBlock(input: BitReader, maxLength: number): Block {
  const checksum = input.read32();
  if (input.read(1) === 1) throw damaged("a randomised bzip2 block, which nothing writes since 1997");
  const first = input.read(24);
  const symbols = readSymbols(input);
  const selectors = readSelectors(input);
  const codes = Array.from({ length: selectors.groups }, () => readCode(input, symbols.length + 2));
  const links = new Uint32Array(maxLength);
  const length = readBytes(input, symbols, selectors.list, codes, links);
  if (first >= length) throw damaged("a bzip2 block begins beyond its end");
  link(links, length);
  return { checksum, first, length, links };
}

/** The bytes that occur in the block, ascending. */
function readSymbols(input: BitReader): Uint8Array {
  const rows = input.read(16);
  const symbols: number[] = [];
  for (let row = 0; row < 16; row += 1) {
    if ((rows & (0x8000 >> row)) === 0) continue;
    const columns = input.read(16);
    for (let column = 0; column < 16; column += 1) {
      if ((columns & (0x8000 >> column)) !== 0) symbols.push(row * 16 + column);
    }
  }
  if (symbols.length === 0) throw damaged("a bzip2 block without any byte");
  return Uint8Array.from(symbols);
}

/** Which code each group of 50 symbols has. */
function readSelectors(input: BitReader): { readonly groups: number; readonly list: Uint8Array } {
  const groups = input.read(3);
  const many = input.read(15);
  if (groups < 2 || groups > 6 || many === 0) throw damaged("the tables of a bzip2 block");
  const recent = Array.from({ length: groups }, (_, index) => index);
  const list = new Uint8Array(many);
  for (let index = 0; index < many; index += 1) {
    let place = 0;
    while (input.read(1) === 1) {
      place += 1;
      if (place >= groups) throw damaged("the tables of a bzip2 block");
    }
    const [chosen = 0] = recent.splice(place, 1);
    recent.unshift(chosen);
    list[index] = chosen;
  }
  return { groups, list };
}

interface Code {
  readonly minBits: number;
  /** By number of bits: the first code, filled up to 20 bits, that is too large for so many. */
  readonly limits: Uint32Array;
  /** By number of bits: what is to be added to a code to have its place among the sorted. */
  readonly offsets: Int32Array;
  readonly sorted: Uint16Array;
}

function readCode(input: BitReader, symbols: number): Code {
  const lengths = new Uint8Array(symbols);
  let bits = input.read(5);
  for (let symbol = 0; symbol < symbols; symbol += 1) {
    for (;;) {
      if (bits < 1 || bits > MAX_CODE_BITS) throw damaged("the tables of a bzip2 block");
      if (input.read(1) === 0) break;
      bits += input.read(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = bits;
  }
  const limits = new Uint32Array(MAX_CODE_BITS + 1);
  const offsets = new Int32Array(MAX_CODE_BITS + 1);
  const sorted = new Uint16Array(symbols);
  let code = 0;
  let placed = 0;
  let minBits = MAX_CODE_BITS;
  for (let length = 1; length <= MAX_CODE_BITS; length += 1) {
    offsets[length] = placed - code;
    for (let symbol = 0; symbol < symbols; symbol += 1) {
      if (lengths[symbol] !== length) continue;
      if (length < minBits) minBits = length;
      sorted[placed] = symbol;
      placed += 1;
      code += 1;
    }
    limits[length] = code << (MAX_CODE_BITS - length);
    if (code > 1 << length) throw damaged("an over-full table of a bzip2 block");
    code <<= 1;
  }
  return { minBits, limits, offsets, sorted };
}

/** Undoes the Huffman codes, the zero runs and the moving to the front. Returns how many bytes there are. */
function readBytes(
  input: BitReader,
  symbols: Uint8Array,
  selectors: Uint8Array,
  codes: readonly Code[],
  into: Uint32Array,
): number {
  const recent = Uint8Array.from(symbols);
  const end = symbols.length + 1;
  let length = 0;
  let run = 0;
  let runPlace = 1;
  let group = 0;
  let left = 0;
  let code = codes[0];
  for (;;) {
    if (left === 0) {
      code = codes[selectors[group] ?? codes.length];
      group += 1;
      left = GROUP;
    }
    if (code === undefined) throw damaged("a bzip2 block is longer than its tables");
    left -= 1;
    const symbol = readSymbol(input, code);
    if (symbol < 2) {
      run += runPlace << symbol;
      runPlace *= 2;
      // Checked at each step: a run of 32 and more places would overflow.
      if (length + run > into.length) throw damaged("a run beyond the end of a bzip2 block");
      continue;
    }
    if (run > 0) {
      into.fill(recent[0] ?? 0, length, length + run);
      length += run;
      run = 0;
      runPlace = 1;
    }
    if (symbol === end) return length;
    if (length >= into.length) throw damaged("a bzip2 block is too long");
    const byte = recent[symbol - 1] ?? 0;
    recent.copyWithin(1, 0, symbol - 1);
    recent[0] = byte;
    into[length] = byte;
    length += 1;
  }
}

function readSymbol(input: BitReader, { minBits, limits, offsets, sorted }: Code): number {
  const next = input.peek(MAX_CODE_BITS);
  for (let bits = minBits; bits <= MAX_CODE_BITS; bits += 1) {
    if (next >= (limits[bits] ?? 0)) continue;
    input.take(bits);
    return sorted[(next >>> (MAX_CODE_BITS - bits)) + (offsets[bits] ?? 0)] ?? 0;
  }
  throw damaged("a code that is in no table of a bzip2 block");
}

/** Undoes the sorting: links each byte with the one that follows it. */
function link(links: Uint32Array, length: number): void {
  const starts = new Uint32Array(257);
  for (let index = 0; index < length; index += 1) {
    const next = ((links[index] ?? 0) & 0xff) + 1;
    starts[next] = (starts[next] ?? 0) + 1;
  }
  for (let byte = 0; byte < 256; byte += 1) starts[byte + 1] = (starts[byte + 1] ?? 0) + (starts[byte] ?? 0);
  for (let index = 0; index < length; index += 1) {
    const byte = (links[index] ?? 0) & 0xff;
    const place = starts[byte] ?? 0;
    starts[byte] = place + 1;
    links[place] = (links[place] ?? 0) | (index << 8);
  }
}

/** The block's bytes, in chunks: four equal bytes are followed by how many more there are. Ends with the checksum. */
export function* writtenOf({ checksum, first, length, links }: Block): Generator<Uint8Array> {
  let out = new Uint8Array(OUT_BYTES);
  let size = 0;
  let crc = 0xffffffff;
  let at = (links[first] ?? 0) >>> 8;
  let equal = 0;
  let previous = -1;
  for (let index = 0; index < length; index += 1) {
    const here = links[at] ?? 0;
    const byte = here & 0xff;
    at = here >>> 8;
    const isCount = equal === 4;
    const copies = isCount ? byte : 1;
    if (isCount) equal = 0;
    else {
      equal = byte === previous ? equal + 1 : 1;
      previous = byte;
    }
    for (let copy = 0; copy < copies; copy += 1) {
      out[size] = previous;
      size += 1;
      crc = (crc << 8) ^ (CRC_TABLE[(crc >>> 24) ^ previous] ?? 0);
      if (size === OUT_BYTES) {
        yield out;
        out = new Uint8Array(OUT_BYTES);
        size = 0;
      }
    }
    if (isCount) previous = -1;
  }
  if (size > 0) yield out.subarray(0, size);
  if (~crc >>> 0 !== checksum) throw damaged("the checksum of a bzip2 block differs");
}
