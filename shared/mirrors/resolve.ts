// From a configured address to the base of a repository: the address itself, or what a mirrorlist or metalink names.

import type { Account } from "./budget.ts";
import { baseOf, readMetalink } from "./formats/metalink.ts";
import { readMirrorlist } from "./formats/mirrorlist.ts";
import { MirrorTrouble, problemOf } from "./trouble.ts";
import type { Metalink, Problem, Resolution } from "./types.ts";

export const LIST_MAX_BYTES = 2 * 1024 * 1024;

export interface Resolved {
  readonly resolution: Resolution;
  /** Of a metalink: it vouches for what its mirrors have. */
  readonly metalink: Metalink | null;
}

/** By its name: MirrorManager's addresses end in `/metalink?...` and `/mirrorlist?...`. Static unless that says otherwise. */
export function addressKind(url: string): Resolution["kind"] {
  const path = new URL(url).pathname.toLowerCase();
  const last = path.split("/").findLast((part) => part !== "") ?? "";
  if (/metalink|\.meta4$/.test(last)) return "metalink";
  return /mirrorlist|mirror-list|mirrors\.list|\.mirrors?$/.test(last) ? "mirrorlist" : "static";
}

/** Asks from where this runs: MirrorManager answers by the asker's address, so this belongs into the builders' network. */
export async function resolve(account: Account, url: string): Promise<Resolved> {
  const kind = addressKind(url);
  try {
    return kind === "static" ? staticAddress(url) : await readList(account, url, kind);
  } catch (error) {
    return { resolution: { kind, bases: [], problem: problemOf(error) }, metalink: null };
  }
}

/** An address below which no repomd.xml is may be a list all the same; null = it is none. */
export async function resolveByContent(account: Account, url: string, problem: Problem): Promise<Resolved | null> {
  if (problem.kind !== "status" || url.endsWith("/")) return null;
  for (const kind of ["metalink", "mirrorlist"] as const) {
    try {
      return await readList(account, url, kind);
    } catch (error) {
      problemOf(error);
    }
  }
  return null;
}

function staticAddress(url: string): Resolved {
  return { resolution: { kind: "static", bases: [withSlash(url)], problem: null }, metalink: null };
}

async function readList(account: Account, url: string, kind: "mirrorlist" | "metalink"): Promise<Resolved> {
  const bytes = await account.read(url, LIST_MAX_BYTES);
  if (kind === "mirrorlist")
    return { resolution: { kind, bases: readMirrorlist(bytes), problem: null }, metalink: null };
  const metalink = readMetalink(bytes);
  const bases = metalink.urls.map(baseOf).filter((base) => base !== null);
  if (bases.length === 0) throw new MirrorTrouble("schema", "the metalink names no address of a repomd.xml");
  return { resolution: { kind, bases, problem: null }, metalink };
}

export function withSlash(url: string): string {
  return url.endsWith("/") ? url : `${url}/`;
}
