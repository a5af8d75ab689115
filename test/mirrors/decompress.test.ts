// Each compression of repodata there and back, in chunks of any size, damaged, cut off, and as bombs.

import { execFileSync } from "node:child_process";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decompress, type Form, formOf } from "../../shared/mirrors/formats/decompress.ts";
import { MirrorTrouble } from "../../shared/mirrors/trouble.ts";
import { missing } from "../hosts/commands.ts";
import { inChunks, kindOf } from "./streams.ts";

const noTools = missing("the packages xz-utils and bzip2", "xz", "bzip2");
const MANY = 1_000_000_000;

function tool(command: string, input: Uint8Array, ...args: string[]): Buffer {
  return execFileSync(command, ["-c", ...args], { input, maxBuffer: MANY });
}

const COMPRESS: Readonly<Record<"gz" | "zst" | "xz" | "bz2", (bytes: Uint8Array) => Buffer>> = {
  gz: (bytes) => gzipSync(bytes),
  zst: (bytes) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
  xz: (bytes) => tool("xz", bytes, "-1"),
  bz2: (bytes) => tool("bzip2", bytes, "-1"),
};
const FORMS = ["gz", "zst", "xz", "bz2"] as const;

async function opened(form: Form, chunks: AsyncIterable<Uint8Array>, maxBytes = MANY): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of decompress(form, chunks, maxBytes)) parts.push(part);
  return Buffer.concat(parts);
}

function sample(bytes: number): Buffer {
  let state = 12345;
  return Buffer.from(
    Uint8Array.from({ length: bytes }, (_, index) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return index % 300 < 200 ? 97 + (index % 7) : state >>> 26;
    }),
  );
}

describe("the form of a record", () => {
  it("is what the suffix of its name says", () => {
    const hrefs = [
      "a/x-primary.xml.gz",
      "x.xml.XZ",
      "x.yaml.zst",
      "x.sqlite.bz2",
      "x.xml.zck",
      "comps.xml",
      "x.lz4",
      "x.xml.gz?a=b.xz",
    ];
    expect(hrefs.map(formOf)).toEqual(["gz", "xz", "zst", "bz2", "zck", "plain", null, "gz"]);
  });
});

describe.skipIf(noTools)(`decompressing${noTools}`, () => {
  const text = sample(450_000);

  it.each(FORMS)("gives back what was compressed as %s, whatever the chunks", async (form) => {
    const bytes = COMPRESS[form](text);
    for (const size of [7_001, 65_536, MANY])
      expect((await opened(form, inChunks(bytes, size))).equals(text)).toBe(true);
    const small = COMPRESS[form](Buffer.from("primary"));
    expect((await opened(form, inChunks(small, 1))).toString()).toBe("primary");
    expect((await opened(form, inChunks(COMPRESS[form](Buffer.alloc(0)), 5))).length).toBe(0);
  });

  it.each(["gz", "zst", "bz2"] as const)("reads several members of %s in a row as one", async (form) => {
    const bytes = Buffer.concat([
      COMPRESS[form](Buffer.from("one ")),
      COMPRESS[form](text),
      COMPRESS[form](Buffer.from(" two")),
    ]);
    const expected = Buffer.concat([Buffer.from("one "), text, Buffer.from(" two")]);
    for (const size of [11, 4096, MANY])
      expect((await opened(form, inChunks(bytes, size))).equals(expected)).toBe(true);
  });

  it("reads what xz and bzip2 write at their highest level", async () => {
    expect((await opened("xz", inChunks(tool("xz", text, "-9e"), 9_999))).equals(text)).toBe(true);
    const runs = Buffer.concat([
      Buffer.alloc(70_000),
      Buffer.from("aaaa"),
      Buffer.alloc(260, 98),
      text.subarray(0, 5000),
    ]);
    expect((await opened("bz2", inChunks(tool("bzip2", runs, "-9"), 100))).equals(runs)).toBe(true);
  });

  it.each(FORMS)("tells %s that is cut off, damaged or empty", async (form) => {
    const bytes = COMPRESS[form](text.subarray(0, 40_000));
    expect(await kindOf(opened(form, inChunks(bytes.subarray(0, -9), 1000)))).toBe("decompress");
    expect(await kindOf(opened(form, inChunks(bytes.subarray(0, 2), 1000)))).toBe("decompress");
    expect(await kindOf(opened(form, inChunks(Buffer.alloc(0), 1000)))).toBe("decompress");
    expect(await kindOf(opened(form, inChunks(Buffer.alloc(5000, 0x55), 1000)))).toBe("decompress");
    for (const at of [bytes.length >> 1, bytes.length >> 2, bytes.length - 6]) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      expect(await kindOf(opened(form, inChunks(damaged, 1000)))).toBe("decompress");
    }
  });

  it.each(FORMS)("ends a bomb of %s at its bound, having read no more than it needed", async (form) => {
    const bytes = COMPRESS[form](Buffer.alloc(20_000_000));
    let read = 0;
    async function* counted() {
      for await (const chunk of inChunks(bytes, 64)) {
        read += chunk.length;
        yield chunk;
      }
    }
    expect(await kindOf(opened(form, counted(), 100_000))).toBe("open-size");
    // bzip2 is read a MiB ahead: its blocks have no length to go by.
    if (form !== "bz2") expect(read).toBeLessThan(bytes.length / 2);
  });

  it.each(FORMS)("lets go of its source when %s is left early, and is usable again", async (form) => {
    let isClosed = false;
    const bytes = COMPRESS[form](text);
    async function* source() {
      try {
        yield* inChunks(bytes, 1000);
      } finally {
        isClosed = true;
      }
    }
    for await (const part of decompress(form, source(), MANY)) {
      expect(part.length).toBeGreaterThan(0);
      break;
    }
    expect(isClosed).toBe(true);
    expect((await opened(form, inChunks(bytes, 9_000))).equals(text)).toBe(true);
  });

  it.each(FORMS)("throws on what the source of %s throws", async (form) => {
    async function* broken() {
      yield COMPRESS[form](text).subarray(0, 700);
      throw new MirrorTrouble("reset", "the connection broke off");
    }
    expect(await kindOf(opened(form, broken()))).toBe("reset");
  });

  it("reads two xz files at once", async () => {
    const bytes = COMPRESS.xz(text);
    const both = await Promise.all([1, 2].map(() => opened("xz", inChunks(bytes, 3000))));
    expect(both.every((each) => each.equals(text))).toBe(true);
  });

  it("never takes damaged bzip2 for whole, nor hangs on it", async () => {
    const whole = sample(3000);
    const bytes = COMPRESS.bz2(whole);
    const at = fc.integer({ min: 0, max: bytes.length * 8 - 1 });
    await fc.assert(
      fc.asyncProperty(fc.array(at, { minLength: 1, maxLength: 3 }), async (bits) => {
        const damaged = Buffer.from(bytes);
        for (const bit of bits) damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        if (damaged.equals(bytes)) return;
        let out: Buffer | null = null;
        const kind = await kindOf(
          opened("bz2", inChunks(damaged, 500)).then((result) => {
            out = result;
          }),
        );
        // Bits that pad the end, or the size of a block that is larger than it needs to be, say nothing of the content.
        if (kind === "none") expect(whole.equals(out ?? Buffer.alloc(0))).toBe(true);
        else expect(kind).toBe("decompress");
      }),
      { seed: 6, numRuns: 300 },
    );
  });

  it("refuses a bzip2 run whose length would overflow", async () => {
    // "BZh9", a block with one byte in use, two tables of codes 0, 10 and 11, then 45 times the symbol that doubles.
    const table = "00001" + "0" + "100" + "0";
    const bits = [
      ...[0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, 0, 0, 0, 0].map((byte) =>
        byte.toString(2).padStart(8, "0"),
      ),
      "0",
      "0".repeat(24),
      "1".padEnd(16, "0"),
      "1".padEnd(16, "0"),
      "010",
      "1".padStart(15, "0"),
      "0",
      table,
      table,
      "0".repeat(45),
      "11",
    ].join("");
    const bytes = Buffer.from((bits.match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt(byte.padEnd(8, "0"), 2)));
    await expect(opened("bz2", inChunks(bytes, 100))).rejects.toThrow("a run beyond the end of a bzip2 block");
  });

  it("refuses zstd that asks for a window of more memory than we give", async () => {
    const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (30 - 10) << 3, 0x01, 0, 0]);
    expect(await kindOf(opened("zst", inChunks(frame, 100)))).toBe("decompress");
  });
});
