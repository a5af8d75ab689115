// repomd.xml -> what it lists. Its form: createrepo_c writes it, librepo and kojira read it.

import { MirrorTrouble } from "../trouble.ts";
import type { Checksum, Repomd, RepomdRecord } from "../types.ts";
import {
  checksumIn,
  childOf,
  childrenOf,
  countIn,
  quoted,
  readXml,
  refused,
  requiredAttribute,
  requiredChild,
  timestampIn,
  type XmlElement,
} from "./xml.ts";

const REPO = "http://linux.duke.edu/metadata/repo";
const XML_BASE = "{http://www.w3.org/XML/1998/namespace}base";
const MAX_RECORDS = 200;
const MAX_REVISION = 1024;

/** Throws MirrorTrouble: "entities", "schema" (with the line), "unknown-form" (a checksum's type), "too-large". */
export function readRepomd(bytes: Uint8Array): Repomd {
  const root = readXml(bytes);
  if (root.uri !== REPO || root.name !== "repomd") {
    throw refused(root, `it is a <${root.name}> of the namespace ${quoted(root.uri)}, not a repomd of ${REPO}`);
  }
  const listed = childrenOf(root, REPO, "data");
  if (listed.length > MAX_RECORDS) throw refused(root, `it lists ${listed.length} records, more than ${MAX_RECORDS}`);
  const seen = new Set<string>();
  const records = listed.map((data) => {
    const record = readRecord(data);
    if (seen.has(record.type)) throw refused(data, `it lists ${record.type} twice`);
    seen.add(record.type);
    return record;
  });
  if (!seen.has("primary")) throw refused(root, "it lists no primary, the packages");
  const revision = childOf(root, REPO, "revision")?.text ?? "";
  if (revision.length > MAX_REVISION) throw refused(root, `its revision is longer than ${MAX_REVISION} characters`);
  return { revision, timestamp: Math.max(...records.map(({ timestamp }) => timestamp)), records };
}

function readRecord(data: XmlElement): RepomdRecord {
  const type = requiredAttribute(data, "type");
  if (!/^[\w.:+-]{1,100}$/.test(type)) throw refused(data, `${quoted(type)} is no type of a record`);
  const location = requiredChild(data, REPO, "location");
  const optional = <T>(name: string, read: (element: XmlElement) => T): T | null => {
    const element = childOf(data, REPO, name);
    return element && read(element);
  };
  return {
    type,
    href: hrefOf(location),
    checksum: knownChecksum(requiredChild(data, REPO, "checksum")),
    openChecksum: optional("open-checksum", knownChecksum),
    headerChecksum: optional("header-checksum", knownChecksum),
    timestamp: timestampIn(requiredChild(data, REPO, "timestamp")),
    size: optional("size", countIn),
    openSize: optional("open-size", countIn),
    headerSize: optional("header-size", countIn),
  };
}

function knownChecksum(element: XmlElement): Checksum {
  const checksum = checksumIn(element);
  if (checksum) return checksum;
  const type = quoted(requiredAttribute(element, "type"));
  throw new MirrorTrouble("unknown-form", `line ${element.line}: ${type} is no checksum known here`);
}

/** Relative and below the repository's base, or an http(s) address: of its own, or by xml:base. */
function hrefOf(location: XmlElement): string {
  const href = requiredAttribute(location, "href");
  const problem = hrefProblem(href);
  if (problem) throw refused(location, `the location ${quoted(href)} ${problem}`);
  const base = location.attributes.get(XML_BASE);
  if (base === undefined || isAbsolute(href)) return href;
  const baseProblem = isAbsolute(base) ? hrefProblem(base) : "is no http or https address";
  if (baseProblem) throw refused(location, `the xml:base ${quoted(base)} ${baseProblem}`);
  // As librepo joins them: the base is a folder, whether it ends in a slash or not.
  return `${base}${base.endsWith("/") ? "" : "/"}${href}`;
}

function isAbsolute(address: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(address);
}

function hrefProblem(href: string): string | null {
  if (href === "") return "is empty";
  // An address parser drops or turns these, so that what is checked would not be what is asked for.
  if ([...href].some((letter) => letter <= " " || letter === "\\" || letter === "\u007f")) {
    return "has a space, a control character or a backslash";
  }
  if (/[?#]/.test(href)) return "is no plain path";
  const segments = href
    .replace(/%2e/gi, ".")
    .replace(/%(?:2f|5c)/gi, "/")
    .split("/");
  if (segments.includes("..")) return "climbs out by ..";
  if (!isAbsolute(href)) return href.startsWith("/") ? "leaves the repository" : null;
  if (!/^https?:\/\//i.test(href) || !URL.canParse(href)) return "is no http or https address";
  const { username, password } = new URL(href);
  return username !== "" || password !== "" ? "has a user and password" : null;
}
