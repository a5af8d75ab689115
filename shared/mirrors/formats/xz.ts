// xz, by a WebAssembly build of XZ Embedded: no window above 64 MiB, one stream a file.

import { MirrorTrouble } from "../trouble.ts";

/** The decoder runs one stream at a time, and does not survive being given up while it waits: who waits, waits here. */
let last: Promise<void> = Promise.resolve();

async function takeTurn(): Promise<() => void> {
  const before = last;
  let release = () => {};
  last = new Promise((resolve) => {
    release = resolve;
  });
  await before;
  return release;
}

/** The decompressed bytes. Throws MirrorTrouble "decompress" on damage. What follows the first stream is left unread. */
export async function* throughXz(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  // A CommonJS module, whose names Node and the bundle see below `default` only.
  const { XzReadableStream } = (await import("xz-decompress")).default;
  const release = await takeTurn();
  const source = chunks[Symbol.asyncIterator]();
  const asked: { reading: Promise<unknown>; failure: { readonly error: unknown } | null } = {
    reading: Promise.resolve(),
    failure: null,
  };
  const compressed = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const reading = source.next().then(
          ({ done, value }) => (done === true ? controller.close() : controller.enqueue(value)),
          (error: unknown) => {
            asked.failure = { error };
            controller.error(error);
          },
        );
        asked.reading = reading;
        return reading;
      },
    },
    { highWaterMark: 0 },
  );
  const reader = new XzReadableStream(compressed).getReader();
  let isOver = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (value.length > 0) yield value;
    }
    isOver = true;
  } catch (error) {
    isOver = true;
    if (asked.failure !== null) throw asked.failure.error;
    throw new MirrorTrouble("decompress", "damaged or cut off: not whole xz", { cause: error });
  } finally {
    // The decoder asks one chunk ahead: what is under way must not meet the next who reads from the same source.
    await asked.reading;
    if (!isOver) await reader.cancel();
    await source.return?.();
    release();
  }
}
