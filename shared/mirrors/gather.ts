// One look at one repository of a mirror: asks, reads and verifies within its budget, and tells what it found. Judges nothing.

import { createHash } from "node:crypto";
import { type Account, openAccount } from "./budget.ts";
import type { MirrorFetcher } from "./fetcher.ts";
import { readMetalink } from "./formats/metalink.ts";
import { readRepomd } from "./formats/repomd.ts";
import { verifySignature } from "./formats/signature.ts";
import { lookAtLive, lookAtRecords, lookAtRpms, readsRecords } from "./gather-parts.ts";
import type { LiveEntry } from "./live-set.ts";
import { LIST_MAX_BYTES, type Resolved, resolve, resolveByContent } from "./resolve.ts";
import { problemOf } from "./trouble.ts";
import type {
  Accepted,
  Depth,
  Evidence,
  Metalink,
  Problem,
  ReferenceSeen,
  RepomdSeen,
  SecondLook,
  SignatureSeen,
  Trust,
} from "./types.ts";

/** librepo's own repomd.xml are some KiB; Fedora's largest, with deltas of many forms, 10. */
const REPOMD_MAX_BYTES = 2 * 1024 * 1024;
const SIGNATURE_MAX_BYTES = 256 * 1024;
/** Bases of a mirrorlist or metalink that are tried before the look gives up. */
const BASES_TRIED = 3;

export interface LookSettings {
  readonly budgetSeconds: number;
  /** Records that did not change and were read in full are read again after so long; 0 = each time. */
  readonly rereadSeconds: number;
  readonly heads: number;
  readonly reads: number;
  readonly readMaxBytes: number;
  /** Live rpms that are still listed: so many are asked for in each look. */
  readonly liveHeads: number;
}

export interface LookOrder {
  /** With $arch replaced. */
  readonly url: string;
  readonly arch: string;
  readonly depth: Depth;
  /** With $arch replaced. */
  readonly trust: Trust;
  readonly last: Accepted | null;
  /** What READY repos take from this URL; null = nobody asked the hub. */
  readonly live: { readonly tags: readonly string[]; readonly entries: readonly LiveEntry[] } | null;
  readonly settings: LookSettings;
  /** Grows by one with each look: what is asked for in turn goes by it. */
  readonly turn: number;
}

/** `now` in epoch seconds. Never throws for what a mirror does: that is evidence. */
export async function gather(fetcher: MirrorFetcher, order: LookOrder, now: number): Promise<Evidence> {
  const account = openAccount(fetcher, order.settings.budgetSeconds);
  try {
    return await look(account, order, now);
  } finally {
    account.close();
  }
}

async function look(account: Account, order: LookOrder, now: number): Promise<Evidence> {
  const { url, arch, depth, last, settings } = order;
  const found = await findRepomd(account, url);
  const { base, repomd, resolved } = found;
  const about = { url, arch, depth, at: now, resolution: resolved.resolution, base };
  if (base === null || "problem" in repomd) {
    const reference = await askReference(account, order.trust, resolved.metalink, url);
    return { ...about, repomd, second: null, reference, signature: null, ...NOTHING_READ, ...spent(account, url) };
  }
  const reads = depth !== "head" && readsRecords(last, repomd.sha256, settings.rereadSeconds, now);
  const [reference, signature, { records, primary }] = await Promise.all([
    askReference(account, order.trust, resolved.metalink, url),
    askSignature(account, base, found.bytes, order.trust.keys, now),
    lookAtRecords(account, base, repomd.content.records, { reads, last, seed: repomd.sha256 }),
  ]);
  const sample = primary?.sample ?? (last?.repomdSha256 === repomd.sha256 ? last.sample : []);
  const isNew = last?.repomdSha256 !== repomd.sha256 || settings.rereadSeconds === 0;
  const rpms =
    depth === "full" ? await lookAtRpms(account, base, sample, { ...settings, isNew, turn: order.turn }) : [];
  const index = primary?.packages.index ?? last?.index ?? null;
  const live =
    order.live === null || depth !== "full" ? null : await lookAtLive(account, order.live, index, settings, order.turn);
  return {
    ...about,
    repomd,
    second: await lookAgain(account, base),
    reference,
    signature,
    records,
    packages: primary?.packages ?? null,
    rpms,
    sample: primary?.sample ?? [],
    live,
    ...spent(account, base),
  };
}

const NOTHING_READ = { records: [], packages: null, rpms: [], sample: [], live: null } as const;

function spent(account: Account, at: string) {
  const { bytes, requests, latencyMilliseconds, milliseconds, hops, tls } = account;
  return { bytes, requests, latencyMilliseconds, milliseconds, hops, tls: tls.get(new URL(at).host) ?? null };
}

interface Found {
  readonly resolved: Resolved;
  readonly base: string | null;
  readonly repomd: RepomdSeen | { readonly problem: Problem };
  readonly bytes: Uint8Array;
}

/** The first base that has a repomd.xml; of the last one tried the problem. */
async function findRepomd(account: Account, url: string): Promise<Found> {
  const resolved = await resolve(account, url);
  const found = await firstBase(account, resolved);
  if (resolved.resolution.kind !== "static" || !("problem" in found.repomd)) return found;
  const listed = await resolveByContent(account, url, found.repomd.problem);
  return listed === null ? found : await firstBase(account, listed);
}

async function firstBase(account: Account, resolved: Resolved): Promise<Found> {
  const { bases, problem } = resolved.resolution;
  let last: Problem = problem ?? { kind: "address", detail: "no address was named" };
  for (const base of bases.slice(0, BASES_TRIED)) {
    try {
      const bytes = await account.read(repomdOf(base), REPOMD_MAX_BYTES);
      return { resolved, base, repomd: seen(bytes), bytes };
    } catch (error) {
      last = problemOf(error);
    }
  }
  return { resolved, base: null, repomd: { problem: last }, bytes: new Uint8Array() };
}

function seen(bytes: Uint8Array): RepomdSeen {
  const digest = (algorithm: string) => createHash(algorithm).update(bytes).digest("hex");
  const digests = { md5: digest("md5"), sha1: digest("sha1"), sha256: digest("sha256"), sha512: digest("sha512") };
  return { sha256: digests.sha256, size: bytes.length, digests, content: readRepomd(bytes) };
}

async function lookAgain(account: Account, base: string): Promise<SecondLook> {
  try {
    const bytes = await account.read(repomdOf(base), REPOMD_MAX_BYTES);
    return { sha256: createHash("sha256").update(bytes).digest("hex") };
  } catch (error) {
    return { problem: problemOf(error) };
  }
}

/** What the trust names; without it, the metalink that led to the mirror. */
async function askReference(
  account: Account,
  trust: Trust,
  led: Metalink | null,
  url: string,
): Promise<ReferenceSeen | null> {
  const asked = trust.metalink ?? trust.reference;
  if (asked === null) return led === null ? null : { kind: "metalink", url, metalink: led };
  try {
    if (trust.metalink !== null) {
      const metalink = readMetalink(await account.read(trust.metalink, LIST_MAX_BYTES));
      return { kind: "metalink", url: asked, metalink };
    }
    const bytes = await account.read(repomdOf(asked), REPOMD_MAX_BYTES);
    const { sha256, content } = seen(bytes);
    return { kind: "reference", url: asked, sha256, timestamp: content.timestamp };
  } catch (error) {
    return { kind: "problem", url: asked, problem: problemOf(error) };
  }
}

async function askSignature(
  account: Account,
  base: string,
  document: Uint8Array,
  keys: readonly string[],
  now: number,
): Promise<SignatureSeen | null> {
  if (keys.length === 0) return null;
  try {
    const armored = await account.read(`${repomdOf(base)}.asc`, SIGNATURE_MAX_BYTES);
    return await verifySignature(document, Buffer.from(armored).toString("utf8"), keys, new Date(now * 1000));
  } catch (error) {
    return { state: "missing", problem: problemOf(error) };
  }
}

function repomdOf(base: string): string {
  return new URL("repodata/repomd.xml", base.endsWith("/") ? base : `${base}/`).href;
}
