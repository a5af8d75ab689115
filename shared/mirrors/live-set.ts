// The live set: the rpms that READY repos of the hub refer to at a mirror, and which of them a look asks for.
// A repo never changes once it is READY, so what was read of one is kept under its id.

import { promisify } from "node:util";
import { brotliCompress, brotliDecompressSync, constants } from "node:zlib";
import * as z from "zod";
import type { Asked, MirrorFetcher } from "./fetcher.ts";
import { readPrimary } from "./formats/primary.ts";
import { readRepomd } from "./formats/repomd.ts";
import { digestOf } from "./package-index.ts";
import { verifyRecord } from "./record.ts";
import { MirrorTrouble } from "./trouble.ts";

const compress = promisify(brotliCompress);

const REPOMD_MAX_BYTES = 2 * 1024 * 1024;
const PRIMARY_MAX_BYTES = 1024 ** 3;
const PRIMARY_MAX_OPEN_BYTES = 4 * 1024 ** 3;
/** Some 100 bytes a package: a repo of a million. */
const DIGEST_MAX_OPEN_BYTES = 128 * 1024 * 1024;
/** The least that compresses the names, and does not take a second. */
const QUALITY = 5;
const LINES_AT_ONCE = 2000;

const originSchema = z.object({
  /** As `sameBase` writes it. */
  base: z.string(),
  /** Lines "<24 hexadecimal digits of digestOf> <href>", brotli, base64. */
  packed: z.base64(),
  count: z.int().nonnegative(),
});

export const liveDigestSchema = z.object({
  repo: z.int(),
  tag: z.string(),
  arch: z.string(),
  origins: z.array(originSchema).readonly(),
});

/** What one READY repo takes from elsewhere, by the addresses it takes it from. */
export type LiveDigest = Readonly<z.infer<typeof liveDigestSchema>>;

/** Throws ZodError or SyntaxError for anything that was not written as JSON of a LiveDigest. */
export const parseLiveDigest = (text: string): LiveDigest => liveDigestSchema.parse(JSON.parse(text));

export interface LiveEntry {
  readonly url: string;
  readonly href: string;
  /** `digestOf` of the package as the repo has it. */
  readonly digest: string;
  /** Tags whose newest READY repo refers to it; where none does, those whose older ones do. */
  readonly tags: readonly string[];
  /** The newest READY repo of some tag refers to it, so the next build may need it. */
  readonly newest: boolean;
}

/**
 * Reads the merged metadata of a READY repo, as the hub serves it, and keeps what has an http or https xml:base.
 * Throws MirrorTrouble: the hub's own address did not answer, or what it gave is not whole.
 */
export async function readReadyRepo(
  fetcher: MirrorFetcher,
  topUrl: string,
  { id, tag, arch }: { readonly id: number; readonly tag: string; readonly arch: string },
  asked: Omit<Asked, "maxBytes">,
): Promise<LiveDigest> {
  const base = `${topUrl.replace(/\/+$/, "")}/repos/${encodeURIComponent(tag)}/${id}/${encodeURIComponent(arch)}/`;
  const repomd = await bytesOf(fetcher, `${base}repodata/repomd.xml`, { ...asked, maxBytes: REPOMD_MAX_BYTES });
  const { records } = readRepomd(repomd);
  const record = records.find(({ type }) => type === "primary");
  if (record === undefined) throw new MirrorTrouble("schema", `repo ${id} of ${tag} lists no primary`);
  // One more than listed: a body that is longer is told as that, not as one that was cut off.
  const maxBytes = (record.size ?? PRIMARY_MAX_BYTES) + 1;
  const { body } = await fetcher.get(new URL(record.href, base).href, { ...asked, maxBytes });
  const collected = collectOrigins();
  const { skipped } = await verifyRecord(record, body, { maxOpenBytes: PRIMARY_MAX_OPEN_BYTES }, async (open) => {
    await readPrimary(open, (pkg) => {
      const from = pkg.base === null ? null : sameBase(pkg.base);
      if (from !== null) collected.add(from, `${digestOf(pkg)} ${hrefBelow(from, pkg.href)}\n`);
    });
  });
  if (skipped !== null) throw new MirrorTrouble("unknown-form", skipped);
  return { repo: id, tag, arch, origins: await collected.pack() };
}

/** What a mirror writes there is asked for later, so it must not lead to another host. */
function hrefBelow(base: string, href: string): string {
  const isBelow = URL.canParse(href, base) && new URL(href, base).href.startsWith(base);
  if (isBelow && !/[\r\n]/.test(href)) return href;
  throw new MirrorTrouble("address", `${JSON.stringify(href)} is not below ${base}`);
}

async function bytesOf(fetcher: MirrorFetcher, url: string, asked: Asked): Promise<Uint8Array> {
  const { body } = await fetcher.get(url, asked);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Lines are made into bytes some at a time: a short string may hold on to the whole chunk that it was cut from. */
function collectOrigins() {
  const origins = new Map<string, { lines: string[]; readonly parts: Buffer[]; count: number }>();
  return {
    add(base: string, line: string): void {
      const origin = origins.get(base) ?? { lines: [], parts: [], count: 0 };
      origins.set(base, origin);
      origin.lines.push(line);
      origin.count += 1;
      if (origin.lines.length < LINES_AT_ONCE) return;
      origin.parts.push(Buffer.from(origin.lines.join("")));
      origin.lines = [];
    },
    async pack(): Promise<LiveDigest["origins"]> {
      const packed: LiveDigest["origins"][number][] = [];
      for (const [base, { lines, parts, count }] of [...origins].sort(([a], [b]) => order(a, b))) {
        const text = Buffer.concat([...parts, Buffer.from(lines.join(""))]);
        const bytes = await compress(text, { params: { [constants.BROTLI_PARAM_QUALITY]: QUALITY } });
        packed.push({ base, packed: bytes.toString("base64"), count });
      }
      return packed;
    },
  };
}

/** One spelling of an address: lower-case host, no default port, a slash at its end. null = not http or https. */
export function sameBase(address: string): string | null {
  if (!URL.canParse(address)) return null;
  const { protocol, href } = new URL(address);
  if (protocol !== "http:" && protocol !== "https:") return null;
  return href.endsWith("/") ? href : `${href}/`;
}

/**
 * The rpms that the repos take from the URL ($arch replaced), each once, in the order of their hrefs. `newest`: ids of
 * the repos that are the newest READY ones of their tags; left out, those of the greatest id, which is the same but
 * for a repo that was made at an older event. Pure; throws when a digest is damaged.
 */
export function liveOf(
  digests: readonly LiveDigest[],
  url: string,
  newest: ReadonlySet<number> = greatestIds(digests),
): LiveEntry[] {
  const base = sameBase(url);
  if (base === null) return [];
  const found = new Map<string, { readonly newest: Set<string>; readonly older: Set<string> }>();
  for (const { repo, tag, origins } of digests) {
    for (const origin of origins) {
      if (origin.base !== base) continue;
      for (const line of linesOf(origin.packed)) {
        const entry = found.get(line) ?? { newest: new Set(), older: new Set() };
        found.set(line, entry);
        (newest.has(repo) ? entry.newest : entry.older).add(tag);
      }
    }
  }
  return [...found]
    .map(([line, { newest: takers, older }]): LiveEntry => {
      const [digest, href] = [line.slice(0, DIGEST_LENGTH), line.slice(DIGEST_LENGTH + 1)];
      const tags = [...(takers.size > 0 ? takers : older)].sort();
      return { url: new URL(href, base).href, href, digest, tags, newest: takers.size > 0 };
    })
    .sort((a, b) => order(a.href, b.href) || order(a.digest, b.digest));
}

function greatestIds(digests: readonly LiveDigest[]): ReadonlySet<number> {
  const greatest = new Map<string, number>();
  for (const { tag, repo } of digests) greatest.set(tag, Math.max(repo, greatest.get(tag) ?? repo));
  return new Set(greatest.values());
}

const DIGEST_LENGTH = 24;

function linesOf(packed: string): string[] {
  const bytes = brotliDecompressSync(Buffer.from(packed, "base64"), { maxOutputLength: DIGEST_MAX_OPEN_BYTES });
  return bytes
    .toString()
    .split("\n")
    .filter((line) => line !== "");
}

/**
 * Which rpms this look asks for: all that the metadata no longer lists, for those a mirror deletes next, and `budget`
 * of the others, in turn. Pure. Over looks whose `turn` grows by one each of n listed ones is asked for within
 * ceil(n / budget) of them, as long as the entries stay the same.
 */
export function planLive(
  entries: readonly LiveEntry[],
  index: (digest: string) => boolean,
  budget: number,
  turn: number,
): LiveEntry[] {
  const unlisted = entries.filter(({ digest }) => !index(digest));
  const listed = entries.filter(({ digest }) => index(digest));
  const some = Math.min(budget, listed.length);
  const from = listed.length === 0 ? 0 : (turn * budget) % listed.length;
  return [...unlisted, ...[...listed, ...listed].slice(from, from + some)];
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
