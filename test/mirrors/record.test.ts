// One record against what came: each way it may differ, and what is told when it differs in several.

import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { readPrimary } from "../../shared/mirrors/formats/primary.ts";
import { createIndex, openIndex } from "../../shared/mirrors/package-index.ts";
import { verifyRecord } from "../../shared/mirrors/record.ts";
import { MirrorTrouble } from "../../shared/mirrors/trouble.ts";
import type { RepomdRecord } from "../../shared/mirrors/types.ts";
import { makeBigRepository } from "../bench/big-repository.ts";
import { inChunks, kindOf } from "./streams.ts";

const LIMITS = { maxOpenBytes: 100_000_000 };
const OPEN = Buffer.from("<metadata/>\n".repeat(20_000));
const CLOSED = gzipSync(OPEN);

const sha256 = (bytes: Uint8Array) =>
  ({ type: "sha256", value: createHash("sha256").update(bytes).digest("hex") }) as const;

function recordOf(closed: Uint8Array, open: Uint8Array, changes: Partial<RepomdRecord> = {}): RepomdRecord {
  return {
    type: "primary",
    href: "repodata/primary.xml.gz",
    checksum: sha256(closed),
    openChecksum: sha256(open),
    headerChecksum: null,
    timestamp: 1_790_000_000,
    size: closed.length,
    openSize: open.length,
    headerSize: null,
    ...changes,
  };
}

const RECORD = recordOf(CLOSED, OPEN);

const verify = (record: RepomdRecord, closed: Uint8Array, readOpen?: Parameters<typeof verifyRecord>[3]) =>
  kindOf(verifyRecord(record, inChunks(closed), LIMITS, readOpen));

function flipped(bytes: Uint8Array, at: number): Buffer {
  const damaged = Buffer.from(bytes);
  damaged[at] = (damaged[at] ?? 0) ^ 1;
  return damaged;
}

describe("a record", () => {
  it("that is as listed gives its open bytes to whoever reads them", async () => {
    const parts: Uint8Array[] = [];
    const readOpen = async (open: AsyncIterable<Uint8Array>) => {
      for await (const part of open) parts.push(Buffer.from(part));
    };
    expect(await verifyRecord(RECORD, inChunks(CLOSED), LIMITS, readOpen)).toEqual({ skipped: null });
    expect(Buffer.concat(parts).equals(OPEN)).toBe(true);
    expect(await verify(RECORD, CLOSED)).toBe("none");
  });

  it("is verified to its end even when its reader has enough", async () => {
    const enough = async (open: AsyncIterable<Uint8Array>) => {
      for await (const part of open) if (part.length > 0) break;
    };
    expect(await verify(RECORD, CLOSED, enough)).toBe("none");
    expect(await verify(RECORD, flipped(CLOSED, CLOSED.length - 10), enough)).toBe("checksum");
    expect(await verify(RECORD, CLOSED, async () => {})).toBe("none");
  });

  it("without sizes and open checksum is verified as far as it is listed", async () => {
    const bare = { ...RECORD, size: null, openSize: null, openChecksum: null };
    expect(await verify(bare, CLOSED)).toBe("none");
    expect(await verify(bare, flipped(CLOSED, 30))).toBe("checksum");
    expect(
      await verify(recordOf(OPEN, OPEN, { href: "repodata/comps.xml", openChecksum: null, openSize: null }), OPEN),
    ).toBe("none");
  });

  it("of which too little or too much comes is told by its size, and no more is read of it", async () => {
    expect(await verify(RECORD, CLOSED.subarray(0, -20))).toBe("size");
    let isClosed = false;
    let read = 0;
    async function* endless() {
      try {
        for (;;) {
          read += 100;
          yield Buffer.alloc(100, 7);
        }
      } finally {
        isClosed = true;
      }
    }
    expect(await kindOf(verifyRecord(RECORD, endless(), LIMITS))).toBe("size");
    expect({ isClosed, atMost: read <= CLOSED.length + 100 }).toEqual({ isClosed: true, atMost: true });
  });

  it("that is damaged is told by its checksum, wherever the damage shows first", async () => {
    for (let at = 0; at < CLOSED.length; at += 37) expect(await verify(RECORD, flipped(CLOSED, at))).toBe("checksum");
    const other = gzipSync(Buffer.concat([OPEN, OPEN]));
    const padded = Buffer.concat([other, Buffer.alloc(Math.max(0, CLOSED.length - other.length))]).subarray(
      0,
      CLOSED.length,
    );
    expect(await verify(RECORD, padded)).toBe("checksum");
  });

  it("that is what is listed, but not inside, is told by what is inside", async () => {
    const inside = (open: Uint8Array, changes: Partial<RepomdRecord> = {}) => {
      const closed = gzipSync(open);
      return verify(recordOf(closed, OPEN, changes), closed);
    };
    expect(await inside(OPEN.subarray(1))).toBe("open-size");
    expect(await inside(Buffer.concat([OPEN, Buffer.from(" ")]))).toBe("open-size");
    expect(await inside(flipped(OPEN, 5))).toBe("open-checksum");
    expect(await inside(Buffer.alloc(200_000), { openSize: null, openChecksum: null })).toBe("none");
    const half = CLOSED.subarray(0, -300);
    expect(await verify(recordOf(half, OPEN), half)).toBe("decompress");
  });

  it("that is a bomb, or lists more than is allowed, is left at the bound", async () => {
    const bomb = gzipSync(Buffer.alloc(30_000_000));
    let open = 0;
    const count = async (chunks: AsyncIterable<Uint8Array>) => {
      for await (const chunk of chunks) open += chunk.length;
    };
    expect(await verify(recordOf(bomb, OPEN), bomb, count)).toBe("open-size");
    expect(open).toBeLessThanOrEqual(OPEN.length);
    const small = { maxOpenBytes: 1_000_000 };
    expect(await kindOf(verifyRecord(recordOf(bomb, OPEN, { openSize: null }), inChunks(bomb), small))).toBe(
      "open-size",
    );
    expect(await verify({ ...RECORD, openSize: 10_000_000_000 }, CLOSED)).toBe("open-size");
  });

  it("that its reader refuses is told by that only when all else is right", async () => {
    const refuse = async () => {
      throw new MirrorTrouble("schema", "not a list of packages");
    };
    expect(await verify(RECORD, CLOSED, refuse)).toBe("schema");
    expect(await verify({ ...RECORD, openChecksum: sha256(CLOSED) }, CLOSED, refuse)).toBe("open-checksum");
    expect(await verify(RECORD, flipped(CLOSED, 99), refuse)).toBe("checksum");
    const defect = async () => {
      throw new TypeError("a defect");
    };
    await expect(verifyRecord(RECORD, inChunks(flipped(CLOSED, 99)), LIMITS, defect)).rejects.toThrow("a defect");
  });

  it("whose body breaks off is told by why it did", async () => {
    async function* broken() {
      yield CLOSED.subarray(0, 300);
      throw new MirrorTrouble("timeout", "nothing came for 30 s");
    }
    const readOpen = async (open: AsyncIterable<Uint8Array>) => {
      await readPrimary(open, () => {});
    };
    expect(await kindOf(verifyRecord(RECORD, broken(), LIMITS, readOpen))).toBe("timeout");
    expect(await kindOf(verifyRecord({ ...RECORD, href: "x.lz4" }, broken(), LIMITS))).toBe("timeout");
  });

  it("in a form that is not known is verified as it is, and the rest is said to be skipped", async () => {
    const unknown = recordOf(CLOSED, OPEN, { href: "repodata/primary.xml.lz4" });
    const result = await verifyRecord(unknown, inChunks(CLOSED), LIMITS);
    expect(result.skipped).toContain("its compression is not known");
    expect(await verify(unknown, flipped(CLOSED, 50))).toBe("checksum");
  });
});

describe("a repository in a distribution's shape", () => {
  const folder = mkdtempSync(join(tmpdir(), "toji-big-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("has the records it lists, and each of its packages once", async () => {
    const made = await makeBigRepository(folder, { packages: 150, seed: 3 });
    const repomd = readFileSync(join(folder, "repodata/repomd.xml"), "utf8");
    const index = createIndex(null);
    let count = 0;
    for (const [element, type = ""] of repomd.matchAll(/<data type="(\w+)">.*?<\/data>/gs)) {
      const found = (pattern: RegExp) => pattern.exec(element)?.[1] ?? "";
      const href = found(/href="([^"]*)"/);
      const record: RepomdRecord = {
        type,
        href,
        checksum: { type: "sha256", value: found(/<checksum type="sha256">(\w+)/) },
        openChecksum: { type: "sha256", value: found(/<open-checksum type="sha256">(\w+)/) },
        headerChecksum: null,
        headerSize: null,
        timestamp: Number(found(/<timestamp>(\d+)/)),
        size: made.sizes[type]?.bytes ?? 0,
        openSize: made.sizes[type]?.openBytes ?? 0,
      };
      const readOpen = async (open: AsyncIterable<Uint8Array>) => {
        ({ count } = await readPrimary(open, (pkg) => index.add(pkg)));
      };
      const body = inChunks(readFileSync(join(folder, href)), 65_536);
      await verifyRecord(record, body, LIMITS, type === "primary" ? readOpen : undefined);
    }
    const { index: packed, clashes } = index.finish();
    expect({ count, size: openIndex(packed).size, clashes }).toEqual({ count: 150, size: 150, clashes: [] });
  });
});
