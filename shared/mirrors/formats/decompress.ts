// What repodata is compressed with, and the way back, bounded.

import { setImmediate } from "node:timers/promises";
import { MirrorTrouble } from "../trouble.ts";
import type { RepomdRecord } from "../types.ts";
import { throughBzip2 } from "./bzip2.ts";
import { throughXz } from "./xz.ts";
import { throughZchunk } from "./zchunk.ts";
import { throughZlib } from "./zlib-stream.ts";

export type Form = "gz" | "xz" | "zst" | "bz2" | "zck" | "plain";

const BY_SUFFIX: ReadonlyMap<string, Form> = new Map([
  ["gz", "gz"],
  ["xz", "xz"],
  ["zst", "zst"],
  ["bz2", "bz2"],
  ["zck", "zck"],
  ...["xml", "yaml", "yml", "json", "txt", "sqlite", "asc", "sig"].map((suffix): [string, Form] => [suffix, "plain"]),
]);

/** Some decoders answer without ever waiting: timers and sockets have their turn after so many bytes. */
const TURN_BYTES = 4_194_304;

/** By the name's suffix, as createrepo_c and librepo do. null = a form that is not known here. */
export function formOf(href: string): Form | null {
  const [path = ""] = href.split(/[?#]/, 1);
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  return dot === -1 ? "plain" : (BY_SUFFIX.get(name.slice(dot + 1).toLowerCase()) ?? null);
}

/**
 * The decompressed bytes, a chunk at a time and none before it is asked for. Throws MirrorTrouble: "open-size" as soon
 * as there are more than `maxBytes`, "decompress" for damage, for zchunk those of throughZchunk. Errors of `chunks` are
 * thrown on.
 */
export async function* decompress(
  form: Form,
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
  listed: Pick<RepomdRecord, "headerChecksum" | "headerSize"> = { headerChecksum: null, headerSize: null },
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  let turn = TURN_BYTES;
  for await (const chunk of through(form, chunks, maxBytes, listed)) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      throw new MirrorTrouble("open-size", `more than ${maxBytes} bytes come out when it is decompressed`);
    }
    if (bytes > turn) {
      turn = bytes + TURN_BYTES;
      await setImmediate();
    }
    yield chunk;
  }
}

function through(
  form: Form,
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
  listed: Pick<RepomdRecord, "headerChecksum" | "headerSize">,
): AsyncIterable<Uint8Array> {
  switch (form) {
    case "plain":
      return chunks;
    case "gz":
    case "zst":
      return throughZlib(form, chunks);
    case "xz":
      return throughXz(chunks);
    case "bz2":
      return throughBzip2(chunks);
    case "zck":
      return throughZchunk(chunks, maxBytes, listed);
    default:
      return form satisfies never;
  }
}
