// A mirrorlist: the base of a repository on each line.

import { MirrorTrouble } from "../trouble.ts";
import { plainAddress } from "./metalink.ts";
import { quoted } from "./xml.ts";

const MAX_BYTES = 1024 * 1024;
const MAX_BASES = 200;

/**
 * At most 200 http and https addresses in their order, each once and ending in a slash; others (rsync, ftp, with a
 * password or a query) are left out. Throws MirrorTrouble "schema" where there is none, and "too-large".
 */
export function readMirrorlist(bytes: Uint8Array): readonly string[] {
  if (bytes.length > MAX_BYTES) throw new MirrorTrouble("too-large", `a mirrorlist of ${bytes.length} bytes`);
  const lines = textOf(bytes)
    .split(/\r\n?|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const markup = lines.find((line) => line.startsWith("<"));
  if (markup !== undefined) {
    throw new MirrorTrouble("schema", `it is XML or HTML, not a list of addresses: ${quoted(markup)}`);
  }
  const addresses = lines.map(plainAddress).filter((address) => address !== null);
  const plain = addresses.filter((address) => !address.includes("?"));
  const folders = plain.map((address) => (address.endsWith("/") ? address : `${address}/`));
  if (folders.length > 0) return [...new Set(folders)].slice(0, MAX_BASES);
  // As the mirrorlist servers of CentOS and Rocky say that they know no such repository, with a status of 200.
  const said = lines[0] === undefined ? "it is empty" : `it says ${quoted(lines[0])}`;
  throw new MirrorTrouble("schema", `there is no http or https address in it: ${said}`);
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new MirrorTrouble("schema", "it is no text in UTF-8", { cause });
  }
}
