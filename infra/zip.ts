// Writes a zip whose bytes depend on its contents only: entries by name, no dates, no owner, fixed modes.

import { crc32, deflateRawSync } from "node:zlib";

export interface ZipEntry {
  /** Path inside the zip, with slashes. */
  readonly path: string;
  readonly content: Uint8Array;
  readonly executable?: boolean;
}

/** 1980-01-01, the first day a zip can name. */
const DOS_DATE = (1 << 5) | 1;
const UTF8_NAMES = 0x0800;
const DEFLATE = 8;
/** Made by Unix, so that the upper half of the external attributes is a file mode. */
const MADE_BY = (3 << 8) | 20;
const VERSION_NEEDED = 20;

/** Source: PKWARE APPNOTE.TXT 4.3. Far below the sizes that need zip64: Lambda takes 50 MB. */
export function zip(entries: readonly ZipEntry[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const entry of entries.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    const name = Buffer.from(entry.path);
    const packed = deflateRawSync(entry.content, { level: 9 });
    const common = sharedHeader(entry.content, packed, name.length);
    const header = Buffer.concat([uint32(0x04034b50), common, name, packed]);
    const mode = entry.executable === true ? 0o100755 : 0o100644;
    central.push(
      uint32(0x02014b50),
      uint16(MADE_BY),
      common,
      Buffer.alloc(6),
      uint32(mode * 65536),
      uint32(offset),
      name,
    );
    local.push(header);
    offset += header.length;
  }
  const directory = Buffer.concat(central);
  const count = uint16(entries.length);
  const end = [uint32(0x06054b50), Buffer.alloc(4), count, count, uint32(directory.length), uint32(offset), uint16(0)];
  return Buffer.concat([...local, directory, ...end]);
}

/** The fields that the local header and the central directory share, in their one order. */
function sharedHeader(content: Uint8Array, packed: Uint8Array, nameLength: number): Buffer {
  return Buffer.concat([
    uint16(VERSION_NEEDED),
    uint16(UTF8_NAMES),
    uint16(DEFLATE),
    uint16(0), // midnight
    uint16(DOS_DATE),
    uint32(crc32(content)),
    uint32(packed.length),
    uint32(content.length),
    uint16(nameLength),
    uint16(0), // no extra field
  ]);
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}
