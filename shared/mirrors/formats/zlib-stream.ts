// gzip and zstd through Node's own decompressors, as a chain that is pulled: nothing is read before it is asked for.

import { constants, createGunzip, createZstdDecompress } from "node:zlib";
import { MirrorTrouble } from "../trouble.ts";

/** Node allocates each anew: larger ones are faster, and keep more memory where the reader does not free it. */
const CHUNK_BYTES = 65_536;
/**
 * A frame may ask for a window of 2^25 bytes: what zstd writes up to its level 20. The format allows terabytes, and
 * the memory would be ours.
 */
const WINDOW_LOG_MAX = 25;

export interface ZlibOptions {
  /** Of zstd frames that were written with one. */
  readonly dictionary?: Uint8Array;
}

type Decompressor = ReturnType<typeof createGunzip> | ReturnType<typeof createZstdDecompress>;

function open(form: "gz" | "zst", { dictionary }: ZlibOptions): Decompressor {
  if (form === "gz") return createGunzip({ chunkSize: CHUNK_BYTES });
  return createZstdDecompress({
    chunkSize: CHUNK_BYTES,
    params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX },
    ...(dictionary === undefined ? {} : { dictionary }),
  });
}

/** The decompressed bytes; several members or frames in a row are one. Throws MirrorTrouble "decompress" on damage. */
export async function* throughZlib(
  form: "gz" | "zst",
  chunks: AsyncIterable<Uint8Array>,
  options: ZlibOptions = {},
): AsyncGenerator<Uint8Array> {
  let turn = startTurn(open(form, options));
  let isEmpty = true;
  try {
    for await (const chunk of chunks) {
      let rest = chunk;
      while (rest.length > 0) {
        isEmpty = false;
        const before = turn.stream.bytesWritten;
        yield* turn.run((done) => turn.stream.write(rest, done));
        rest = rest.subarray(turn.stream.bytesWritten - before);
        // Node reads on after a gzip member, but stops at the end of a zstd frame and drops what is left of the write.
        if (rest.length > 0) {
          turn.stream.destroy();
          turn = startTurn(open(form, options));
        }
      }
    }
    if (isEmpty) throw new MirrorTrouble("decompress", "it is empty, which no compressed file is");
    // "finish" comes before the last bytes are out, and before what is wrong with them is known.
    yield* turn.run((done) => turn.stream.once("end", done).end());
  } finally {
    turn.stream.destroy();
  }
}

/** A decompressor whose output is taken while it works on one write. */
function startTurn(stream: Decompressor) {
  let failure: Error | null = null;
  let wake = () => {};
  stream.on("readable", () => wake());
  stream.on("error", (error: Error) => {
    failure = error;
    wake();
  });
  async function* run(start: (done: () => void) => void): AsyncGenerator<Uint8Array> {
    let isDone = false;
    start(() => {
      isDone = true;
      wake();
    });
    for (;;) {
      if (failure !== null) {
        throw new MirrorTrouble("decompress", `damaged: ${failure.message}`, { cause: failure });
      }
      const out: Uint8Array | null = stream.read();
      if (out !== null) yield out;
      else if (isDone) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }
  return { stream, run };
}
