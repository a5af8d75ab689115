// A repository of many packages in the shape and the sizes of a distribution's: metadata only, there are no rpms.

import { createHash, type Hash } from "node:crypto";
import { createReadStream, createWriteStream, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";

export interface BigRepository {
  readonly packages: number;
  /** By record: as served, and decompressed. */
  readonly sizes: Readonly<Record<string, { readonly bytes: number; readonly openBytes: number }>>;
}

const TIME = 1_790_000_000;
const WORDS =
  "alpha core data engine font graph http image json kernel lang math net object parser query ring shell text unit video wave xml yaml zone".split(
    " ",
  );
const OWN = ["share", "lib64", "lib/python3.9/site-packages", "include", "libexec"];
const SHARED = ["/usr/bin", "/usr/lib64", "/usr/share/man/man1", "/usr/share/man/man3", "/usr/lib/systemd/system"];

/** Numbers below `below`, the same for the same seed. */
type Draw = (below: number) => number;

function drawsOf(seed: number): Draw {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

interface Package {
  readonly name: string;
  readonly number: number;
  readonly version: string;
  readonly release: string;
  readonly arch: string;
  readonly pkgid: string;
}

function packageOf(number: number, draw: Draw): Package {
  const word = () => WORDS[draw(WORDS.length)] ?? "alpha";
  return {
    name: `${word()}-${word()}${draw(3) === 0 ? "-devel" : ""}-${number}`,
    number,
    version: `${draw(9)}.${draw(40)}.${draw(20)}`,
    release: `${1 + draw(60)}.el9`,
    arch: draw(4) === 0 ? "noarch" : "x86_64",
    pkgid: createHash("sha256")
      .update(`${number}:${draw(0xffffffff)}`)
      .digest("hex"),
  };
}

function times<Value>(many: number, make: (index: number) => Value): Value[] {
  return Array.from({ length: many }, (_, index) => make(index));
}

function prose(words: number, draw: Draw): string {
  return times(words, () => WORDS[draw(WORDS.length)] ?? "alpha").join(" ");
}

function primaryOf({ name, number, version, release, arch, pkgid }: Package, draw: Draw): string {
  const entry = (what: string) => `      <rpm:entry name="${what}"/>`;
  const versioned = (what: string) =>
    `      <rpm:entry name="${what}" flags="EQ" epoch="0" ver="${version}" rel="${release}"/>`;
  const provides = [
    versioned(name),
    versioned(`${name}(x86-64)`),
    ...times(draw(6), (index) => entry(`lib${name}${index}.so.${draw(9)}()(64bit)`)),
  ];
  const requires = [
    ...times(6 + draw(20), () => entry(`lib${prose(1, draw)}${draw(300)}.so.${draw(9)}(GLIBC_2.${draw(34)})(64bit)`)),
    '      <rpm:entry name="rtld(GNU_HASH)"/>',
    '      <rpm:entry name="/bin/sh" pre="1"/>',
  ];
  const file = `${name}-${version}-${release}.${arch}.rpm`;
  return `<package type="rpm">
  <name>${name}</name>
  <arch>${arch}</arch>
  <version epoch="0" ver="${version}" rel="${release}"/>
  <checksum type="sha256" pkgid="YES">${pkgid}</checksum>
  <summary>The ${prose(5, draw)} of ${name}</summary>
  <description>${prose(30 + draw(40), draw)} &amp; more.
${prose(30 + draw(60), draw)}</description>
  <packager>Build System</packager>
  <url>https://www.example.org/${name}</url>
  <time file="${TIME + number}" build="${TIME - draw(100_000_000)}"/>
  <size package="${10_000 + draw(9_000_000)}" installed="${draw(30_000_000)}" archive="${draw(30_000_000)}"/>
  <location href="Packages/${name.slice(0, 1)}/${file}"/>
  <format>
    <rpm:license>GPLv2+ and MIT</rpm:license>
    <rpm:vendor>Example</rpm:vendor>
    <rpm:group>Unspecified</rpm:group>
    <rpm:buildhost>builder-${draw(40)}.example.org</rpm:buildhost>
    <rpm:sourcerpm>${name}-${version}-${release}.src.rpm</rpm:sourcerpm>
    <rpm:header-range start="4504" end="${9_000 + draw(60_000)}"/>
    <rpm:provides>
${provides.join("\n")}
    </rpm:provides>
    <rpm:requires>
${requires.join("\n")}
    </rpm:requires>
    <file>/usr/bin/${name}</file>
    <file>/etc/${name}.conf</file>
  </format>
</package>
`;
}

function headOf({ name, version, release, arch, pkgid }: Package): string {
  return `<package pkgid="${pkgid}" name="${name}" arch="${arch}">
  <version epoch="0" ver="${version}" rel="${release}"/>
`;
}

/**
 * Most packages have one folder of their own, some of them documentation and licenses beside it, and files in folders
 * that all share: where each file has a folder to itself, libsolv takes minutes for them.
 */
function filelistsOf(pkg: Package, draw: Draw): string {
  const name = pkg.name.replace("-devel", "");
  const own = `/usr/${OWN[draw(OWN.length)] ?? "share"}/${name}`;
  const folders = [own, own, `${own}/${prose(1, draw)}`, SHARED[draw(SHARED.length)] ?? "/usr/bin"];
  if (draw(2) === 0) folders.push(`/usr/share/doc/${name}`);
  if (draw(3) === 0) folders.push(`/usr/share/licenses/${name}`);
  const files = times(30 + draw(30), (index) => {
    const folder = folders[draw(folders.length)] ?? own;
    return `  <file>${folder}/${prose(1, draw)}_${prose(1, draw)}_${pkg.number}_${index}.${draw(2) === 0 ? "h" : "py"}</file>`;
  });
  return `${headOf(pkg)}  <file type="dir">${own}</file>\n${files.join("\n")}\n</package>\n`;
}

function otherOf(pkg: Package, draw: Draw): string {
  const logs = times(10, (index) => {
    const version = `${draw(9)}.${draw(40)}-${10 - index}`;
    const lines = times(1 + draw(3), () => `- ${prose(6 + draw(8), draw)} (#${draw(2_000_000)})`);
    return `  <changelog author="Pretend Packager &lt;pretend@example.org&gt; - ${version}" date="${TIME - index * 4_000_000}">${lines.join("\n")}</changelog>`;
  });
  return `${headOf(pkg)}${logs.join("\n")}\n</package>\n`;
}

interface Kind {
  readonly type: string;
  readonly root: string;
  readonly namespaces: string;
  readonly packageOf: (pkg: Package, draw: Draw) => string;
}

const LINUX = "http://linux.duke.edu/metadata";
const KINDS: readonly Kind[] = [
  {
    type: "primary",
    root: "metadata",
    namespaces: `xmlns="${LINUX}/common" xmlns:rpm="${LINUX}/rpm"`,
    packageOf: primaryOf,
  },
  { type: "filelists", root: "filelists", namespaces: `xmlns="${LINUX}/filelists"`, packageOf: filelistsOf },
  { type: "other", root: "otherdata", namespaces: `xmlns="${LINUX}/other"`, packageOf: otherOf },
];

/** Writes repodata/ with primary, filelists and other as createrepo_c does by default; the same for the same seed. */
export async function makeBigRepository(
  folder: string,
  { packages, seed }: { readonly packages: number; readonly seed: number },
): Promise<BigRepository> {
  const repodata = join(folder, "repodata");
  mkdirSync(repodata, { recursive: true });
  const records: string[] = [];
  const sizes: Record<string, { bytes: number; openBytes: number }> = {};
  for (const [index, kind] of KINDS.entries()) {
    const made = await writeRecord(repodata, kind, packages, seed, index);
    records.push(made.element);
    sizes[kind.type] = { bytes: made.bytes, openBytes: made.openBytes };
  }
  const repomd = `<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="${LINUX}/repo" xmlns:rpm="${LINUX}/rpm">
  <revision>${TIME}</revision>
${records.join("\n")}
</repomd>
`;
  writeFileSync(join(repodata, "repomd.xml"), repomd);
  return { packages, sizes };
}

async function writeRecord(folder: string, kind: Kind, packages: number, seed: number, index: number) {
  const path = join(folder, `${kind.type}.xml.gz`);
  const open = createHash("sha256");
  let openBytes = 0;
  // The packages are those of the other records, what is told of them is drawn anew.
  const identities = drawsOf(seed);
  const details = drawsOf(seed + 7919 * (index + 1));
  async function* text() {
    const parts = [
      `<?xml version="1.0" encoding="UTF-8"?>\n<${kind.root} ${kind.namespaces} packages="${packages}">\n`,
    ];
    for (let number = 0; number < packages; number += 1) {
      parts.push(kind.packageOf(packageOf(number, identities), details));
      if (parts.length >= 64) yield taken(parts);
    }
    parts.push(`</${kind.root}>\n`);
    yield taken(parts);
  }
  function taken(parts: string[]): Buffer {
    const bytes = Buffer.from(parts.splice(0).join(""));
    openBytes += bytes.length;
    open.update(bytes);
    return bytes;
  }
  await pipeline(text, createGzip({ level: 6 }), createWriteStream(path));
  const { checksum, bytes } = await sumOf(path);
  const name = `${checksum}-${kind.type}.xml.gz`;
  renameSync(path, join(folder, name));
  return { bytes, openBytes, element: elementOf(kind.type, name, { checksum, bytes, open, openBytes }) };
}

async function sumOf(path: string): Promise<{ readonly checksum: string; readonly bytes: number }> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { checksum: hash.digest("hex"), bytes };
}

function elementOf(
  type: string,
  name: string,
  { checksum, bytes, open, openBytes }: { checksum: string; bytes: number; open: Hash; openBytes: number },
): string {
  return `  <data type="${type}">
    <checksum type="sha256">${checksum}</checksum>
    <open-checksum type="sha256">${open.digest("hex")}</open-checksum>
    <location href="repodata/${name}"/>
    <timestamp>${TIME}</timestamp>
    <size>${bytes}</size>
    <open-size>${openBytes}</open-size>
  </data>`;
}
