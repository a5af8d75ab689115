// A repository as files in memory: small rpms, and metadata in createrepo_c's form whose checksums and sizes are right.

import { hash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { makeRpmFile, type RpmSeed } from "./rpm.ts";

export interface PackageSeed extends RpmSeed {
  /** Default: the repository itself. As mergerepo_c writes it for rpms of an external repo: then no file is made. */
  readonly base?: string;
}

export interface MadePackage extends PackageSeed {
  /** Below the base. */
  readonly href: string;
  readonly file: Buffer;
}

export interface RepositorySeed {
  readonly packages: readonly PackageSeed[];
  /** Epoch seconds: of the metadata. */
  readonly timestamp: number;
}

/** By their paths below the repository's base. */
export type RepositoryFiles = ReadonlyMap<string, Uint8Array>;

export interface Repository {
  readonly files: RepositoryFiles;
  readonly packages: readonly MadePackage[];
  readonly repomdSha256: string;
}

/** So many packages with names in order, all of one version. */
export function packagesOf(
  count: number,
  { arch, version = "1.0" }: { readonly arch: string; readonly version?: string },
) {
  return Array.from({ length: count }, (_, index): PackageSeed => {
    const name = `package-${String(index).padStart(5, "0")}`;
    return { name, version, release: "1", arch };
  });
}

/** The same seed gives the same bytes. */
export function makeRepository({ packages: seeds, timestamp }: RepositorySeed): Repository {
  const packages = seeds.map((seed): MadePackage => {
    const { name, version, release, arch } = seed;
    return {
      ...seed,
      href: `Packages/${name[0] ?? "_"}/${name}-${version}-${release}.${arch}.rpm`,
      file: makeRpmFile(seed),
    };
  });
  const records = [
    recordOf("primary", primaryXml(packages, timestamp), timestamp),
    recordOf("filelists", listXml("filelists", packages), timestamp),
    recordOf("other", listXml("otherdata", packages), timestamp),
  ];
  const repomd = Buffer.from(repomdXml(records, timestamp));
  const files = new Map<string, Uint8Array>([["repodata/repomd.xml", repomd]]);
  for (const { href, bytes } of records) files.set(href, bytes);
  for (const { base, href, file } of packages) if (base === undefined) files.set(href, file);
  return { files, packages, repomdSha256: sha256(repomd) };
}

interface MadeRecord {
  readonly type: string;
  readonly href: string;
  readonly bytes: Buffer;
  readonly open: Buffer;
  readonly timestamp: number;
}

function recordOf(type: string, text: string, timestamp: number): MadeRecord {
  const open = Buffer.from(text);
  const bytes = gzipSync(open);
  return { type, href: `repodata/${sha256(bytes)}-${type}.xml.gz`, bytes, open, timestamp };
}

const XML = `<?xml version="1.0" encoding="UTF-8"?>`;
const LINUX = "http://linux.duke.edu/metadata";

function repomdXml(records: readonly MadeRecord[], revision: number): string {
  const data = records.map(
    ({ type, href, bytes, open, timestamp }) => `  <data type="${type}">
    <checksum type="sha256">${sha256(bytes)}</checksum>
    <open-checksum type="sha256">${sha256(open)}</open-checksum>
    <location href="${href}"/>
    <timestamp>${timestamp}</timestamp>
    <size>${bytes.length}</size>
    <open-size>${open.length}</open-size>
  </data>`,
  );
  return `${XML}
<repomd xmlns="${LINUX}/repo" xmlns:rpm="${LINUX}/rpm">
  <revision>${revision}</revision>
${data.join("\n")}
</repomd>
`;
}

function primaryXml(packages: readonly MadePackage[], timestamp: number): string {
  const listed = packages.map(({ name, version, release, arch, base, href, file }) => {
    const origin = base === undefined ? "" : ` xml:base="${escaped(base)}"`;
    return `<package type="rpm">
  <name>${escaped(name)}</name>
  <arch>${arch}</arch>
  <version epoch="0" ver="${escaped(version)}" rel="${escaped(release)}"/>
  <checksum type="sha256" pkgid="YES">${sha256(file)}</checksum>
  <summary>A package</summary>
  <description>Of no use</description>
  <packager></packager>
  <url></url>
  <time file="${timestamp}" build="${timestamp}"/>
  <size package="${file.length}" installed="1" archive="1"/>
  <location${origin} href="${escaped(href)}"/>
  <format><rpm:license>MIT</rpm:license></format>
</package>`;
  });
  return `${XML}
<metadata xmlns="${LINUX}/common" xmlns:rpm="${LINUX}/rpm" packages="${packages.length}">
${listed.join("\n")}
</metadata>
`;
}

/** Of filelists and other nothing is read but that they are whole. */
function listXml(root: "filelists" | "otherdata", packages: readonly MadePackage[]): string {
  const space = root === "filelists" ? "filelists" : "other";
  const listed = packages.map(
    ({ name, version, release, arch, file }) =>
      `<package pkgid="${sha256(file)}" name="${escaped(name)}" arch="${arch}"><version epoch="0" ver="${escaped(version)}" rel="${escaped(release)}"/></package>`,
  );
  return `${XML}\n<${root} xmlns="${LINUX}/${space}" packages="${packages.length}">\n${listed.join("\n")}\n</${root}>\n`;
}

const sha256 = (bytes: Uint8Array): string => hash("sha256", bytes, "hex");

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
