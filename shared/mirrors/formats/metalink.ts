// A metalink of repomd.xml, as MirrorManager writes them: its hashes now and before, and where it is to be had.

import { MirrorTrouble } from "../trouble.ts";
import type { Metalink, MetalinkForm } from "../types.ts";
import {
  checksumIn,
  childOf,
  childrenOf,
  countIn,
  onlyOne,
  quoted,
  readXml,
  refused,
  requiredChild,
  timestampIn,
  type XmlElement,
} from "./xml.ts";

const METALINKER = "http://www.metalinker.org/";
const REPOMD = "repodata/repomd.xml";

/**
 * Throws MirrorTrouble: "entities", "schema" (with the line), "too-large", and "unknown-form" for metalinks of another
 * version or without a hash that is known here. `urls` may be empty: a metalink of hashes alone still proves something.
 */
export function readMetalink(bytes: Uint8Array): Metalink {
  const root = readXml(bytes);
  if (root.name !== "metalink") throw refused(root, `it is a <${root.name}>, not a metalink`);
  if (root.uri !== METALINKER) {
    throw new MirrorTrouble("unknown-form", `it is a metalink of the namespace ${quoted(root.uri)}, not version 3.0`);
  }
  const files = requiredChild(root, METALINKER, "files");
  const file = onlyOne(
    files,
    childrenOf(files, METALINKER, "file").filter(({ attributes }) => attributes.get("name") === "repomd.xml"),
    "file name=repomd.xml",
  );
  if (!file) throw refused(files, "it lists no repomd.xml");
  const newest = readForm(file);
  if (newest.hashes.length === 0) {
    throw new MirrorTrouble("unknown-form", `line ${file.line}: it has no hash of repomd.xml that is known here`);
  }
  const alternates = extension(file, "alternates")?.children ?? [];
  return {
    newest,
    alternates: alternates.filter(({ name }) => name === "alternate").map(readForm),
    urls: urlsOf(file),
  };
}

/** MirrorManager's own elements, by name alone: its forks have namespaces of their own (openEuler's). */
function extension(element: XmlElement, name: string): XmlElement | null {
  return onlyOne(
    element,
    element.children.filter((child) => child.name === name),
    name,
  );
}

function readForm(element: XmlElement): MetalinkForm {
  const timestamp = extension(element, "timestamp");
  const size = childOf(element, METALINKER, "size");
  const verification = childOf(element, METALINKER, "verification");
  const hashes = verification ? childrenOf(verification, METALINKER, "hash") : [];
  const known = hashes.map(checksumIn).filter((hash) => hash !== null);
  if (new Set(known.map(({ type }) => type)).size !== known.length) {
    throw refused(element, `<${element.name}> has two hashes of one type`);
  }
  return { timestamp: timestamp && timestampIn(timestamp), size: size && countIn(size), hashes: known };
}

function urlsOf(file: XmlElement): readonly string[] {
  const resources = childOf(file, METALINKER, "resources");
  if (!resources) return [];
  const found = childrenOf(resources, METALINKER, "url").flatMap((url) => {
    const address = plainAddress(url.text);
    return address === null ? [] : [{ address, secure: address.startsWith("https:"), preference: preferenceOf(url) }];
  });
  found.sort((a, b) => Number(b.secure) - Number(a.secure) || b.preference - a.preference);
  return [...new Set(found.map(({ address }) => address))];
}

/** 100 is best; one without comes last. */
function preferenceOf(url: XmlElement): number {
  const written = url.attributes.get("preference") ?? "0";
  if (!/^\d{1,9}$/.test(written)) throw refused(url, `the preference ${quoted(written)} is no whole number`);
  return Number(written);
}

/** The http or https address, as it is asked for; null = it is another, has a user and password, or a fragment. */
export function plainAddress(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const plain = /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
  // `hash` is empty for a lone "#" too.
  return plain && !url.href.includes("#") ? url.href : null;
}

/** The repository's base, ending in a slash, of the address of its repomd.xml; null = it is not such an address. */
export function baseOf(url: string): string | null {
  const address = plainAddress(url);
  return address?.endsWith(`/${REPOMD}`) && !address.includes("?") ? address.slice(0, -REPOMD.length) : null;
}
