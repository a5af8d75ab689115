// One record of repomd.xml against what came, in one pass: its size and checksum, and those of what is in it.

import { createHash } from "node:crypto";
import { decompress, type Form, formOf } from "./formats/decompress.ts";
import { MirrorTrouble } from "./trouble.ts";
import type { Checksum, RepomdRecord } from "./types.ts";

export interface RecordLimits {
  /** Decompressed: no record may list more, none that lists nothing may have more. */
  readonly maxOpenBytes: number;
  /** Ends the work with its reason, also in the middle of a chunk that opens to gigabytes. */
  readonly signal?: AbortSignal;
}

/** `skipped`: half a sentence on what could not be looked at; null = everything was. */
export interface RecordVerified {
  readonly skipped: string | null;
}

type ReadOpen = (open: AsyncIterable<Uint8Array>) => Promise<void>;

/**
 * Reads the whole body and compares. `readOpen` is given the decompressed bytes, each chunk to be used before it asks for
 * the next; what it makes of them counts only if this resolves. Throws MirrorTrouble, in this order if there are several:
 * what the body itself throws, "size", "checksum", then "open-size" for a listed one over the limit, "header-checksum",
 * "open-size", "decompress", "open-checksum", then what `readOpen` throws. Memory does not grow with the record.
 */
export async function verifyRecord(
  record: RepomdRecord,
  body: AsyncIterable<Uint8Array>,
  limits: RecordLimits,
  readOpen?: ReadOpen,
): Promise<RecordVerified> {
  const form = formOf(record.href);
  const seen = openSums([record.checksum]);
  const came = tap(body, (chunk) => {
    seen.add(chunk);
    if (record.size !== null && seen.bytes() > record.size) {
      throw new MirrorTrouble("size", `more than the listed ${record.size} bytes came`);
    }
  });
  try {
    const trouble =
      form === null ? null : await troubleOf(() => verifyOpen(record, form, came.chunks, limits, readOpen));
    // Damage shows in the inside first, but is told as what it is: other bytes than listed.
    await came.finish();
    if (record.size !== null && seen.bytes() !== record.size) {
      throw new MirrorTrouble("size", `${seen.bytes()} of the listed ${record.size} bytes came`);
    }
    seen.compare("checksum", "its");
    if (trouble !== null) throw trouble;
  } finally {
    await came.close();
  }
  return { skipped: form === null ? "what is in it: its compression is not known here" : null };
}

async function verifyOpen(
  record: RepomdRecord,
  form: Form,
  chunks: AsyncIterable<Uint8Array>,
  { maxOpenBytes, signal }: RecordLimits,
  readOpen: ReadOpen | undefined,
): Promise<void> {
  const { openSize, openChecksum } = record;
  if (openSize !== null && openSize > maxOpenBytes) {
    throw new MirrorTrouble("open-size", `${openSize} bytes decompressed are listed, more than ${maxOpenBytes}`);
  }
  const seen = openSums(openChecksum === null ? [] : [openChecksum]);
  const see = (chunk: Uint8Array) => {
    signal?.throwIfAborted();
    seen.add(chunk);
  };
  const open = tap(decompress(form, chunks, openSize ?? maxOpenBytes, record), see, isOwned(form) ? free : keep);
  try {
    const trouble = readOpen === undefined ? null : await troubleOf(() => readOpen(open.chunks));
    await open.finish();
    if (openSize !== null && seen.bytes() !== openSize) {
      throw new MirrorTrouble("open-size", `${seen.bytes()} bytes decompressed in place of ${openSize}`);
    }
    seen.compare("open-checksum", "decompressed, its");
    if (trouble !== null) throw trouble;
  } finally {
    await open.close();
  }
}

/** The trouble that the work ends in; what is no MirrorTrouble is a defect and thrown on. */
async function troubleOf(work: () => Promise<void>): Promise<MirrorTrouble | null> {
  try {
    await work();
    return null;
  } catch (error) {
    if (error instanceof MirrorTrouble) return error;
    throw error;
  }
}

function openSums(expected: readonly Checksum[]) {
  const sums = expected.map(({ type, value }) => ({ type, value, hash: createHash(type) }));
  let bytes = 0;
  return {
    add(chunk: Uint8Array): void {
      bytes += chunk.length;
      for (const { hash } of sums) hash.update(chunk);
    },
    bytes: () => bytes,
    compare(kind: "checksum" | "open-checksum", whose: string): void {
      for (const { type, value, hash } of sums) {
        const found = hash.digest("hex");
        if (found !== value) throw new MirrorTrouble(kind, `${whose} ${type} is ${found}, listed is ${value}`);
      }
    },
  };
}

/** Whether each chunk is memory of its own, that nobody else holds. */
function isOwned(form: Form): boolean {
  return form !== "plain" && form !== "zck";
}

/** The collector frees such memory too, but tens of MB late, for it sees only the small objects in front of it. */
function free({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

function keep(): void {}

/**
 * Lets others read from a source, as far as they like, and then reads the rest; each chunk is seen once, and dropped when
 * the next one is asked for.
 */
function tap(
  source: AsyncIterable<Uint8Array>,
  see: (chunk: Uint8Array) => void,
  drop: (chunk: Uint8Array) => void = keep,
) {
  const iterator = source[Symbol.asyncIterator]();
  let failure: { readonly error: unknown } | null = null;
  let isEnded = false;
  let given: Uint8Array | null = null;
  const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
    if (failure !== null) throw failure.error;
    if (isEnded) return { done: true, value: undefined };
    if (given !== null) drop(given);
    given = null;
    try {
      const { done, value } = await iterator.next();
      if (done === true) {
        isEnded = true;
        return { done, value: undefined };
      }
      see(value);
      given = value;
      return { done: false, value };
    } catch (error) {
      failure = { error };
      throw error;
    }
  };
  const chunks: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({ next, return: async () => ({ done: true, value: undefined }) }),
  };
  return {
    chunks,
    /** Reads what is left; throws what the source threw, to whomever it did. */
    async finish(): Promise<void> {
      while (!(await next()).done);
    },
    async close(): Promise<void> {
      await iterator.return?.();
    },
  };
}
