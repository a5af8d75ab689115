// A small rpm, as far as a mirror is checked: lead, signature header, header and payload, with the digests that rpm 4.18 writes.

import { createHash, hash } from "node:crypto";

export interface RpmSeed {
  readonly name: string;
  readonly version: string;
  readonly release: string;
  readonly arch: string;
  /** What it holds: other content under the same name is another file. */
  readonly content?: string;
}

const TAG = { name: 1000, version: 1001, release: 1002, arch: 1022, payloadDigest: 5092, payloadAlgorithm: 5093 };
const SHA256_OF_HEADER = 273;
const INT32 = 4;
const STRING = 6;
const STRING_ARRAY = 8;
/** OpenPGP's number. */
const SHA256 = 8;

/** The same seed gives the same bytes. */
export function makeRpmFile({ name, version, release, arch, content = "" }: RpmSeed): Buffer {
  const payload = Buffer.from(`payload of ${name}-${version}-${release}.${arch}\n${content}`);
  const header = headerOf([
    // The number first: it must lie on a multiple of four.
    { tag: TAG.payloadAlgorithm, type: INT32, value: SHA256 },
    { tag: TAG.name, type: STRING, value: name },
    { tag: TAG.version, type: STRING, value: version },
    { tag: TAG.release, type: STRING, value: release },
    { tag: TAG.arch, type: STRING, value: arch },
    { tag: TAG.payloadDigest, type: STRING_ARRAY, value: hash("sha256", payload, "hex") },
  ]);
  const digest = createHash("sha256").update(header).digest("hex");
  const signature = headerOf([{ tag: SHA256_OF_HEADER, type: STRING, value: digest }]);
  const padding = Buffer.alloc((8 - (signature.length % 8)) % 8);
  return Buffer.concat([leadOf(`${name}-${version}-${release}`), signature, padding, header, payload]);
}

function leadOf(name: string): Buffer {
  const lead = Buffer.alloc(96);
  lead.set([0xed, 0xab, 0xee, 0xdb, 3, 0]);
  lead.write(name.slice(0, 65), 10, "latin1");
  // A signature that is a header: the only kind there is.
  lead.writeUInt16BE(5, 78);
  return lead;
}

type Entry = { readonly tag: number; readonly type: number; readonly value: string | number };

function headerOf(entries: readonly Entry[]): Buffer {
  const index = Buffer.alloc(entries.length * 16);
  const values: Buffer[] = [];
  let offset = 0;
  entries.forEach(({ tag, type, value }, place) => {
    const bytes = typeof value === "string" ? Buffer.from(`${value}\0`, "latin1") : Buffer.alloc(4);
    if (typeof value === "number") bytes.writeUInt32BE(value);
    [tag, type, offset, 1].forEach((word, at) => void index.writeUInt32BE(word, place * 16 + at * 4));
    values.push(bytes);
    offset += bytes.length;
  });
  const intro = Buffer.alloc(16);
  intro.set([0x8e, 0xad, 0xe8, 0x01]);
  intro.writeUInt32BE(entries.length, 8);
  intro.writeUInt32BE(offset, 12);
  return Buffer.concat([intro, index, ...values]);
}
