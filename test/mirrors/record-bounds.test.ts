// What the verification of a record costs when what is in it has no end.

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { verifyRecord } from "../../shared/mirrors/record.ts";
import { MirrorTrouble } from "../../shared/mirrors/trouble.ts";
import type { RepomdRecord } from "../../shared/mirrors/types.ts";

const OPEN_BYTES = 16 * 1024 ** 2;
const BOMB = gzipSync(Buffer.alloc(OPEN_BYTES, 0x20));

const record: RepomdRecord = {
  type: "primary",
  href: "repodata/primary.xml.gz",
  checksum: { type: "sha256", value: createHash("sha256").update(BOMB).digest("hex") },
  openChecksum: null,
  headerChecksum: null,
  timestamp: 1_790_000_000,
  size: BOMB.length,
  openSize: null,
  headerSize: null,
};

async function* inOneChunk(): AsyncGenerator<Uint8Array> {
  yield BOMB;
}

describe("a record that opens to far more than came", () => {
  it("is given up in the middle of a chunk when the time is used up, with that as its trouble", async () => {
    const end = new AbortController();
    const spent = new MirrorTrouble("budget", "the time was used up");
    let read = 0;
    const readOpen = async (open: AsyncIterable<Uint8Array>) => {
      for await (const part of open) {
        read += part.length;
        end.abort(spent);
      }
    };
    const limits = { maxOpenBytes: OPEN_BYTES, signal: end.signal };
    await expect(verifyRecord(record, inOneChunk(), limits, readOpen)).rejects.toBe(spent);
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(OPEN_BYTES / 16);
  });

  it("keeps none of its open bytes: each chunk is gone when the next one is there", async () => {
    let before: Uint8Array | null = null;
    let gone = 0;
    let chunks = 0;
    const readOpen = async (open: AsyncIterable<Uint8Array>) => {
      for await (const part of open) {
        chunks += 1;
        if (before?.length === 0) gone += 1;
        before = part;
      }
    };
    expect(await verifyRecord(record, inOneChunk(), { maxOpenBytes: OPEN_BYTES }, readOpen)).toEqual({ skipped: null });
    expect(chunks).toBeGreaterThan(100);
    expect(gone / chunks).toBeGreaterThan(0.9);
  });
});
