// Bytes as they come from a mirror, and what became of reading them.

import { MirrorTrouble } from "../../shared/mirrors/trouble.ts";

export async function* inChunks(bytes: Uint8Array, size = 200): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** The kind of problem that reading ended with; "none" = it ended well. */
export async function kindOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    if (error instanceof MirrorTrouble) return error.problem.kind;
    throw error;
  }
}
