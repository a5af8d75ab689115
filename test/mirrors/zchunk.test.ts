// zchunk files: ones written here, with every part as a test wants it, and those of zck and createrepo_c themselves.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { throughZchunk } from "../../shared/mirrors/formats/zchunk.ts";
import type { RepomdRecord } from "../../shared/mirrors/types.ts";
import { missing } from "../hosts/commands.ts";
import { inChunks, kindOf } from "./streams.ts";

type Listed = Pick<RepomdRecord, "headerChecksum" | "headerSize">;
const NOTHING: Listed = { headerChecksum: null, headerSize: null };
const noZck = missing("the package zchunk", "zck");
const noCreaterepo = missing("the package createrepo-c", "createrepo_c");

async function opened(bytes: Uint8Array, listed = NOTHING, { maxBytes = 1e9, size = 1000 } = {}): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of throughZchunk(inChunks(bytes, size), maxBytes, listed)) parts.push(part);
  return Buffer.concat(parts);
}

/** As zchunk writes numbers: seven bits a byte, the top bit on the last. */
function long(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left > 127; left = Math.floor(left / 128)) bytes.push(left % 128);
  return Buffer.from([...bytes, left | 0x80]);
}

interface Written {
  readonly flags?: number;
  readonly compression?: number;
  readonly dictionary?: Buffer;
  readonly openBytes?: (bytes: number) => number;
  readonly trailing?: Buffer;
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
const chunkSum = (bytes: Uint8Array) => createHash("sha512").update(bytes).digest().subarray(0, 16);

function zchunk(chunks: readonly Buffer[], options: Written = {}) {
  const { flags = 0, compression = 2, dictionary, openBytes = (bytes) => bytes } = options;
  const close = (bytes: Buffer) =>
    compression === 0 ? bytes : zstdCompressSync(bytes, dictionary === undefined ? {} : { dictionary });
  const closed = chunks.map(close);
  const closedDictionary = dictionary === undefined ? Buffer.alloc(0) : zstdCompressSync(dictionary);
  const data = Buffer.concat([closedDictionary, ...closed]);
  const stream = (number: number) => (flags & 1 ? long(number) : Buffer.alloc(0));
  const open = (bytes: Buffer) => (flags & 4 ? chunkSum(bytes) : Buffer.alloc(0));
  const index = Buffer.concat([
    long(3),
    long(chunks.length + 1),
    stream(0),
    dictionary === undefined ? Buffer.alloc(16) : chunkSum(closedDictionary),
    open(dictionary ?? Buffer.alloc(0)),
    long(closedDictionary.length),
    long(dictionary?.length ?? 0),
    ...closed.flatMap((bytes, at) => {
      const of = chunks[at] ?? Buffer.alloc(0);
      return [stream(1), chunkSum(bytes), open(of), long(bytes.length), long(openBytes(of.length))];
    }),
  ]);
  const elements = flags & 2 ? Buffer.concat([long(1), long(7), long(3), Buffer.from("abc")]) : Buffer.alloc(0);
  const rest = Buffer.concat([
    // zchunk has zeros here beside checksums of open chunks.
    flags & 4 ? Buffer.alloc(32) : sha256(data),
    long(flags),
    long(compression),
    elements,
    long(index.length),
    index,
    long(0),
  ]);
  const lead = Buffer.concat([Buffer.from("\0ZCK1", "latin1"), long(1), long(rest.length)]);
  const checksum = sha256(Buffer.concat([lead, rest]));
  const header = Buffer.concat([lead, checksum, rest]);
  const listed: Listed = {
    headerChecksum: { type: "sha256", value: checksum.toString("hex") },
    headerSize: header.length,
  };
  return { bytes: Buffer.concat([header, data, options.trailing ?? Buffer.alloc(0)]), header, listed };
}

const WORDS = Buffer.from("<package><name>alpha</name></package>\n".repeat(400));

describe("a zchunk file", () => {
  it("gives back its chunks, whatever their sizes and the sizes they come in", async () => {
    const big = Buffer.concat([WORDS, Buffer.alloc(700_000, 65)]);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.constant(big.length)), { maxLength: 6 }),
        fc.constantFrom(0, 2),
        fc.constantFrom(0, 1, 2, 4, 7),
        fc.boolean(),
        fc.constantFrom(1, 37, 5000, 1e9),
        async (sizes, compression, flags, hasDictionary, size) => {
          const chunks = sizes.map((each) => big.subarray(0, each));
          const dictionary = hasDictionary && compression === 2 ? { dictionary: WORDS } : {};
          const { bytes, listed } = zchunk(chunks, { compression, flags, ...dictionary });
          const cut = bytes.length > 20_000 ? Math.max(size, 999) : size;
          expect((await opened(bytes, listed, { size: cut })).equals(Buffer.concat(chunks))).toBe(true);
        },
      ),
      { seed: 6, numRuns: 60 },
    );
  });

  it("is refused when any bit of it is not as its header says", async () => {
    const { bytes, listed } = zchunk([WORDS, WORDS.subarray(0, 999)]);
    for (let bit = 0; bit < bytes.length * 8; bit += 5) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(["decompress", "header-checksum", "unknown-form"]).toContain(await kindOf(opened(damaged, listed)));
    }
  });

  it("is refused when it is cut off, longer, or not zchunk at all", async () => {
    const { bytes, header } = zchunk([WORDS, WORDS]);
    for (const length of [0, 3, 20, header.length, bytes.length - 1]) {
      expect(await kindOf(opened(bytes.subarray(0, length)))).toBe("decompress");
    }
    expect(await kindOf(opened(zchunk([WORDS], { trailing: Buffer.from("more") }).bytes))).toBe("decompress");
    expect(await kindOf(opened(Buffer.from("<metadata/>")))).toBe("decompress");
  });

  it("has the header that repomd.xml lists", async () => {
    const { bytes, listed } = zchunk([WORDS]);
    const other = zchunk([WORDS.subarray(1)]);
    expect(await kindOf(opened(bytes, listed))).toBe("none");
    expect(await kindOf(opened(other.bytes, { ...listed, headerSize: null }))).toBe("header-checksum");
    expect(await kindOf(opened(bytes, { ...listed, headerSize: (listed.headerSize ?? 0) + 1 }))).toBe(
      "header-checksum",
    );
  });

  it("whose chunks are not as large as it says is refused; one that promises too much, before it is read", async () => {
    expect(await kindOf(opened(zchunk([WORDS], { openBytes: (bytes) => bytes - 1 }).bytes))).toBe("decompress");
    expect(await kindOf(opened(zchunk([WORDS], { openBytes: (bytes) => bytes + 1 }).bytes))).toBe("decompress");
    expect(await kindOf(opened(zchunk([WORDS, WORDS]).bytes, NOTHING, { maxBytes: WORDS.length * 2 - 1 }))).toBe(
      "open-size",
    );
  });

  it("with a flag or a compression that is not known is told as that", async () => {
    expect(await kindOf(opened(zchunk([WORDS], { flags: 8 }).bytes))).toBe("unknown-form");
    const { bytes } = zchunk([WORDS], { compression: 1 });
    expect(await kindOf(opened(bytes))).toBe("unknown-form");
  });
});

describe("zchunk files of others", () => {
  const folder = mkdtempSync(join(tmpdir(), "toji-zchunk-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.skipIf(noZck)(`of zck are read, with a dictionary and without${noZck}`, async () => {
    const text = Buffer.from(
      Array.from({ length: 60_000 }, (_, index) => `<package pkgid="${index * 7919}"/>\n`).join(""),
    );
    writeFileSync(join(folder, "text"), text);
    writeFileSync(join(folder, "dictionary"), text.subarray(0, 20_000));
    const forms = [
      [],
      ["-h", "sha256"],
      ["-h", "sha512"],
      ["-u"],
      ["--compression-format=none"],
      ["-D", join(folder, "dictionary")],
    ];
    for (const form of forms) {
      execFileSync("zck", [...form, "-o", join(folder, "text.zck"), join(folder, "text")], { stdio: "pipe" });
      expect((await opened(readFileSync(join(folder, "text.zck")))).equals(text)).toBe(true);
      rmSync(join(folder, "text.zck"));
    }
  });

  it.skipIf(noCreaterepo)(`of createrepo_c have the header it lists${noCreaterepo}`, async () => {
    mkdirSync(join(folder, "repo"));
    execFileSync("createrepo_c", ["--zck", join(folder, "repo")], { stdio: "pipe" });
    const repomd = readFileSync(join(folder, "repo/repodata/repomd.xml"), "utf8");
    const record = /<data type="primary_zck">(.*?)<\/data>/s.exec(repomd)?.[1] ?? "";
    const value = /<header-checksum type="sha256">([^<]*)/.exec(record)?.[1] ?? "";
    const headerSize = Number(/<header-size>(\d+)/.exec(record)?.[1]);
    const file = readdirSync(join(folder, "repo/repodata")).find((name) => name.endsWith("primary.xml.zck")) ?? "";
    const bytes = readFileSync(join(folder, "repo/repodata", file));
    const open = await opened(bytes, { headerChecksum: { type: "sha256", value }, headerSize });
    expect(record).toContain(sha256(open).toString("hex"));
  });
});
