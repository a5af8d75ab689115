// Bytes as they come from a mirror, and what became of reading them.

import { problemOf } from "../../shared/mirrors/trouble.ts";
import type { Problem } from "../../shared/mirrors/types.ts";

export async function* inChunks(bytes: Uint8Array, size = 200): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** The kind of problem that reading ended with; "none" = it ended well. */
export const kindOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "none",
    (error) => problemOf(error).kind,
  );

/** Why it is refused; fails when it is read. */
export function refusalOf(read: () => unknown): Problem {
  try {
    read();
  } catch (error) {
    return problemOf(error);
  }
  throw new Error("it was read");
}
