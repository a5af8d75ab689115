// The zip writer: what goes in comes out, and the same entries give the same bytes.

import { crc32, inflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { zip } from "../../infra/zip.ts";

interface Read {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

/** Reads by the central directory, as unzip does. Source: PKWARE APPNOTE.TXT 4.3.12 and 4.3.16. */
function readZip(bytes: Buffer): Read[] {
  const end = bytes.length - 22;
  expect(bytes.readUInt32LE(end)).toBe(0x06054b50);
  const entries: Read[] = [];
  let at = bytes.readUInt32LE(end + 16);
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left--) {
    expect(bytes.readUInt32LE(at)).toBe(0x02014b50);
    const nameLength = bytes.readUInt16LE(at + 28);
    const local = bytes.readUInt32LE(at + 42);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const content = inflateRawSync(bytes.subarray(start, start + bytes.readUInt32LE(at + 20)));
    expect(content.length).toBe(bytes.readUInt32LE(at + 24));
    expect(crc32(content)).toBe(bytes.readUInt32LE(at + 16));
    const path = bytes.toString("utf8", at + 46, at + 46 + nameLength);
    expect(bytes.toString("utf8", local + 30, local + 30 + nameLength)).toBe(path);
    entries.push({ path, text: content.toString(), mode: bytes.readUInt32LE(at + 38) >>> 16 });
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  expect(at).toBe(end);
  return entries;
}

describe("zip", () => {
  const script = { path: "hosts/start", content: Buffer.from("#!/bin/sh\n"), executable: true };
  const text = { path: "日本酒.txt", content: Buffer.from("杜氏 ".repeat(1000)) };

  it("gives back paths, contents and modes", () => {
    expect(readZip(zip([script, text]))).toEqual([
      { path: "hosts/start", text: "#!/bin/sh\n", mode: 0o100755 },
      { path: "日本酒.txt", text: "杜氏 ".repeat(1000), mode: 0o100644 },
    ]);
  });

  it("does not depend on the order of its entries", () => {
    expect(zip([text, script]).equals(zip([script, text]))).toBe(true);
  });
});
