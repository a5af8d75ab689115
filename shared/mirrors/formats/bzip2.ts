// bzip2, block by block: what createrepo_c before 1.0 writes its SQLite databases with. Refuses what a decoder that
// trusts its input hangs on: runs that overflow, tables that are over-full.

import { MirrorTrouble } from "../trouble.ts";
import { BitReader, readBlock, writtenOf } from "./bzip2-block.ts";

/** No block that bzip2 writes is longer; one that is not whole within this is damaged. */
const ENOUGH_BYTES = 1_048_576;
const BLOCK = 0x314159265359;
const END = 0x177245385090;

/** The decompressed bytes; several streams in a row are one. Throws MirrorTrouble "decompress" on damage. */
export async function* throughBzip2(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = chunks[Symbol.asyncIterator]();
  const input = new BitReader();
  try {
    let isEnded = false;
    const fill = async () => {
      const parts: Uint8Array[] = [];
      let bytes = input.bytesLeft;
      while (!isEnded && bytes < ENOUGH_BYTES) {
        const { done, value } = await source.next();
        if (done === true) isEnded = true;
        else {
          parts.push(value);
          bytes += value.length;
        }
      }
      if (parts.length > 0) input.append(parts);
    };
    await fill();
    if (input.bytesLeft === 0) throw new MirrorTrouble("decompress", "it is empty, which no compressed file is");
    while (input.bytesLeft > 0) {
      const maxBlock = readStreamHead(input);
      let checksum = 0;
      for (;;) {
        await fill();
        const kind = input.read(24) * 0x1000000 + input.read(24);
        if (kind === END) break;
        if (kind !== BLOCK) throw new MirrorTrouble("decompress", "damaged: no bzip2 block begins where one should");
        const block = readBlock(input, maxBlock);
        checksum = ((checksum << 1) | (checksum >>> 31)) ^ block.checksum;
        yield* writtenOf(block);
      }
      if (checksum >>> 0 !== input.read32()) {
        throw new MirrorTrouble("decompress", "damaged: the bzip2 checksum of the whole differs");
      }
      input.toNextByte();
      await fill();
    }
  } finally {
    await source.return?.();
  }
}

/** "BZh" and the size of its blocks in hundreds of thousands. */
function readStreamHead(input: BitReader): number {
  const magic = input.read(24);
  const hundreds = input.read(8) - 0x30;
  if (magic !== 0x425a68 || hundreds < 1 || hundreds > 9) {
    throw new MirrorTrouble("decompress", "not bzip2: it does not begin as that");
  }
  return hundreds * 100_000;
}
