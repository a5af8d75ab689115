// Makes a Koji tree of small files and the rows that belong to it; paths are made here by hand, not by the project's SQL.

import { createHash } from "node:crypto";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A file that the database knows, by its path below the top. */
export interface KnownFile {
  readonly path: string;
  readonly kind: "rpm" | "archive" | "signature";
}

export interface KojiTree {
  readonly files: readonly KnownFile[];
  readonly builds: readonly { readonly path: string; readonly link: string | null }[];
  /** SQL that makes the rows; to be run after those of a busy hub. */
  readonly sql: string;
}

const ARCHES = ["src", "x86_64", "aarch64", "noarch"] as const;
const KEY = "fd431d51";
const VOLUMES = ["DEFAULT", "archive", "slow disks"] as const;
const BTYPES = ["maven", "win", "image", "module"] as const;

function hex(algorithm: "md5" | "sha1" | "sha256", bytes: Buffer): string {
  return createHash(algorithm).update(bytes).digest("hex");
}

function header(entries: readonly { tag: number; type: number; count: number; value: Buffer }[]): Buffer {
  const start = Buffer.from("8eade80100000000", "hex");
  const counts = Buffer.alloc(8);
  counts.writeUInt32BE(entries.length, 0);
  const values = Buffer.concat(entries.map(({ value }) => value));
  counts.writeUInt32BE(values.length, 4);
  let offset = 0;
  const index = entries.map(({ tag, type, count, value }) => {
    const entry = Buffer.alloc(16);
    [tag, type, offset, count].forEach((each, at) => {
      entry.writeUInt32BE(each, at * 4);
    });
    offset += value.length;
    return entry;
  });
  return Buffer.concat([start, counts, ...index, values]);
}

/** The least that is an rpm: lead, signature header with the MD5 (tag 1004) and sometimes a signature, header, payload. */
export function makeRpm(name: string, serial: number): { rpm: Buffer; payloadhash: string; signatureHeader: Buffer } {
  const lead = Buffer.alloc(96);
  Buffer.from("edabeedb0300", "hex").copy(lead);
  lead.write(name.slice(0, 60), 10);
  const body = Buffer.concat([
    header([{ tag: 1000, type: 6, count: 1, value: Buffer.from(`${name}\0`) }]),
    Buffer.from(`payload ${serial} `.repeat(3 + (serial % 40))),
  ]);
  const md5 = createHash("md5").update(body).digest();
  const pgp = { tag: 1002, type: 7, count: 70 + (serial % 7), value: Buffer.alloc(70 + (serial % 7), serial % 251) };
  const own = { tag: 1004, type: 7, count: 16, value: md5 };
  const signature = header(serial % 3 === 0 ? [pgp, own] : [own]);
  const signatureHeader = Buffer.concat([signature, Buffer.alloc((8 - (signature.length % 8)) % 8)]);
  return { rpm: Buffer.concat([lead, signatureHeader, body]), payloadhash: md5.toString("hex"), signatureHeader };
}

class Writer {
  readonly #top: string;
  readonly #made = new Set<string>();
  readonly files: KnownFile[] = [];

  constructor(top: string) {
    this.#top = top;
  }

  directory(path: string): void {
    if (this.#made.has(path)) return;
    mkdirSync(join(this.#top, path), { recursive: true });
    this.#made.add(path);
  }

  /** A file without row. */
  write(path: string, content: Buffer | string): void {
    this.directory(dirname(path));
    writeFileSync(join(this.#top, path), content);
  }

  add(kind: KnownFile["kind"], path: string, content: Buffer): void {
    this.write(path, content);
    this.files.push({ path, kind });
  }

  link(path: string, target: string): void {
    this.directory(dirname(path));
    symlinkSync(target, join(this.#top, path));
  }
}

/** `builds` builds in all states, of which about 9 of 10 are COMPLETE with 8 rpms each, some on other volumes. */
export function makeTree(top: string, builds: number): KojiTree {
  const writer = new Writer(top);
  const rows: Record<string, string[]> = {};
  const row = (table: string, ...values: readonly (string | number | null)[]) => {
    rows[table] ??= [];
    rows[table].push(values.map((value) => value ?? "\\N").join("\t"));
  };
  VOLUMES.forEach((name, id) => {
    row("volume", id, name);
  });
  BTYPES.forEach((name, at) => {
    row("btype", at + 1, name);
  });
  row("external_repo", 0, "INTERNAL");
  row("external_repo", 1, "epel");
  for (let number = 1; number <= Math.ceil(builds / 5); number += 1) row("package", number, `package-${number}`);

  const serials = { rpm: 0, archive: 0 };
  const places: { path: string; link: string | null }[] = [];
  for (let id = 1; id <= builds; id += 1) {
    const name = `package-${Math.ceil(id / 5)}`;
    const [version, release] = [`1.${id % 5}`, id % 50 === 1 ? `1.el9,draft_${id}` : "1.el9"];
    // In turn: two that are not complete (one at work, one deleted) of every twenty.
    const state = id % 20 === 0 ? 0 : id % 20 === 10 ? 2 : 1;
    const volume = id % 10 === 3 ? 1 : id % 10 === 7 ? 2 : 0;
    row("build", id, volume, Math.ceil(id / 5), version, release, 1, state, 1);
    const usual = `packages/${name}/${version}/${release}`;
    const place = volume === 0 ? usual : `vol/${VOLUMES[volume]}/${usual}`;
    if (state === 1) {
      places.push({ path: place, link: volume === 0 ? null : usual });
      writer.directory(place);
      if (volume !== 0) writer.link(usual, `../../../${place}`);
      writer.write(`${place}/data/logs/x86_64/build.log`, "built\n");
    }
    addRpms({ writer, row, serials, build: { id, name, version, place, state } });
    if (id % 4 === 0) addArchives({ writer, row, serials, build: { id, name, version, place, state } });
  }
  return { files: writer.files, builds: places, sql: toSql(rows) };
}

interface Addition {
  readonly writer: Writer;
  readonly row: (table: string, ...values: readonly (string | number | null)[]) => void;
  readonly serials: { rpm: number; archive: number };
  readonly build: {
    readonly id: number;
    readonly name: string;
    readonly version: string;
    readonly place: string;
    readonly state: number;
  };
}

function addRpms({ writer, row, serials, build }: Addition): void {
  for (const [at, suffix] of ["", "-devel"].entries()) {
    for (const arch of ARCHES) {
      serials.rpm += 1;
      const [id, name] = [serials.rpm, `${build.name}${suffix}`];
      // A sub-package may have a version of its own, and that is where the file's name comes from.
      const version = at === 1 ? `${build.version}.9` : build.version;
      const file = `${arch}/${name}-${version}-1.el9.${arch}.rpm`;
      const { rpm, payloadhash, signatureHeader } = makeRpm(`${name}-${version}-1.el9`, id);
      const metadataOnly = id % 41 === 0;
      row("rpminfo", id, build.id, name, version, "1.el9", arch, 0, payloadhash, rpm.length, metadataOnly ? "t" : "f");
      if (build.state !== 1 || metadataOnly) continue;
      writer.add("rpm", `${build.place}/${file}`, rpm);
      if (id % 4 !== 0) continue;
      const key = id % 8 === 0 ? KEY : "";
      row("rpmsigs", id, key, hex("md5", signatureHeader));
      writer.add(
        "signature",
        `${build.place}/data/sigcache/${key === "" ? "" : `${key}/`}${file}.sig`,
        signatureHeader,
      );
      if (key !== "") writer.write(`${build.place}/data/signed/${key}/${file}`, rpm);
    }
  }
  // Of a builder's buildroot: a row of an external repo, whose file is elsewhere.
  serials.rpm += 1;
  row("rpminfo", serials.rpm, null, `foreign-${serials.rpm}`, "1", "1", "noarch", 1, "0".repeat(32), 10, "f");
}

function addArchives({ writer, row, serials, build }: Addition): void {
  for (const [at, type] of BTYPES.entries()) {
    serials.archive += 1;
    const id = serials.archive;
    const content = Buffer.from(`archive ${id} of ${type}\n`.repeat(1 + (id % 9)));
    // A byte that COPY must escape, and a name with spaces.
    const file = id % 40 === 1 ? `odd \\name\t${id}.bin` : `${build.name} ${id}.bin`;
    const [algorithm, checksumType] = (
      [
        ["md5", 0],
        ["sha1", 1],
        ["sha256", 2],
      ] as const
    )[id % 3] ?? ["md5", 0];
    const metadataOnly = id % 37 === 0;
    const escaped = file.replaceAll("\\", "\\\\").replaceAll("\t", "\\t");
    // Rows from before Koji 1.11 have no type of their own.
    const btype = type !== "module" && id % 11 === 0 ? null : at + 1;
    const sum = hex(algorithm, content);
    row("archiveinfo", id, btype, build.id, escaped, content.length, sum, checksumType, metadataOnly ? "t" : "f");
    let below = `files/${type}`;
    if (type === "maven") {
      row("maven_archives", id, "org.example.some", build.name, build.version);
      below = `maven/org/example/some/${build.name}/${build.version}`;
    } else if (type === "win") {
      const relpath = id % 8 < 4 ? "bin/x64" : "";
      row("win_archives", id, relpath, "windows");
      below = relpath === "" ? "win" : `win/${relpath}`;
    } else if (type === "image") {
      row("image_archives", id, "x86_64");
      below = "images";
    }
    if (build.state !== 1 || metadataOnly) continue;
    writer.add("archive", `${build.place}/${below}/${file}`, content);
    if (type === "maven") writer.write(`${build.place}/${below}/maven-metadata.xml`, "<metadata/>");
  }
}

const COLUMNS: Readonly<Record<string, string>> = {
  volume: "id, name",
  btype: "id, name",
  external_repo: "id, name",
  package: "id, name",
  build: "id, volume_id, pkg_id, version, release, create_event, state, owner",
  rpminfo: "id, build_id, name, version, release, arch, external_repo_id, payloadhash, size, metadata_only",
  rpmsigs: "rpm_id, sigkey, sighash",
  archiveinfo: "id, btype_id, build_id, filename, size, checksum, checksum_type, metadata_only",
  maven_archives: "archive_id, group_id, artifact_id, version",
  win_archives: "archive_id, relpath, platforms",
  image_archives: "archive_id, arch",
};

function toSql(rows: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(COLUMNS)
    .map(([table, columns]) => `COPY ${table} (${columns}) FROM STDIN;\n${(rows[table] ?? []).join("\n")}\n\\.\n`)
    .join("");
}
