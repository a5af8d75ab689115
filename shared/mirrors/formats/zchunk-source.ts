// Bytes that come in chunks of any size, taken in pieces of a wanted size.

import { MirrorTrouble } from "../trouble.ts";

export interface Source {
  /** So many bytes, in one piece. Throws MirrorTrouble "decompress" when there are fewer. */
  take(bytes: number): Promise<Buffer>;
  /** So many bytes, as they come. */
  stream(bytes: number): AsyncGenerator<Uint8Array>;
  isAtEnd(): Promise<boolean>;
  close(): Promise<void>;
}

export function openSource(chunks: AsyncIterable<Uint8Array>): Source {
  const iterator = chunks[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);

  /** Has something in `rest`, or false at the end. */
  async function fill(): Promise<boolean> {
    while (rest.length === 0) {
      const { done, value } = await iterator.next();
      if (done === true) return false;
      rest = value;
    }
    return true;
  }

  async function* stream(bytes: number): AsyncGenerator<Uint8Array> {
    for (let left = bytes; left > 0; ) {
      if (!(await fill()))
        throw new MirrorTrouble("decompress", `damaged: cut off, at least ${left} bytes are missing`);
      const part = rest.subarray(0, left);
      rest = rest.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  return {
    stream,
    async take(bytes) {
      const parts: Uint8Array[] = [];
      for await (const part of stream(bytes)) parts.push(part);
      return Buffer.concat(parts);
    },
    isAtEnd: async () => !(await fill()),
    async close() {
      await iterator.return?.();
    },
  };
}
