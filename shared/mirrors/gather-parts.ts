// What a look asks for besides repomd.xml: its records, a sample of rpms, and the rpms that READY repos refer to.

import { type Account, problemIn } from "./budget.ts";
import { formOf } from "./formats/decompress.ts";
import { readPrimary } from "./formats/primary.ts";
import { verifyRpm } from "./formats/rpm.ts";
import type { LookSettings } from "./gather.ts";
import { type LiveEntry, planLive } from "./live-set.ts";
import { createIndex, openIndex } from "./package-index.ts";
import { verifyRecord } from "./record.ts";
import { chooseHeads, chooseReads, createSampler } from "./sample.ts";
import type {
  Accepted,
  LiveSeen,
  PackageIndex,
  PackagesSeen,
  Problem,
  RecordSeen,
  RepomdRecord,
  RpmSeen,
  SampledRpm,
} from "./types.ts";

/** Where repomd.xml lists no size: Fedora's largest records are some 100 MiB. */
const RECORD_MAX_BYTES = 1024 ** 3;
const RECORD_MAX_OPEN_BYTES = 4 * 1024 ** 3;
/** At one time, so that memory stays what it is for a few. */
const RECORDS_AT_ONCE = 4;
const HEADS_AT_ONCE = 8;
const MOST_ELSEWHERE = 10;

/** Whether the records are to be read in full. Pure; epoch seconds. */
export function readsRecords(last: Accepted | null, sha256: string, rereadSeconds: number, now: number): boolean {
  if (last === null || last.verifiedAt === null || last.repomdSha256 !== sha256) return true;
  return rereadSeconds === 0 || now - last.verifiedAt >= rereadSeconds;
}

export interface PrimarySeen {
  readonly packages: PackagesSeen;
  readonly sample: readonly SampledRpm[];
}

export async function lookAtRecords(
  account: Account,
  base: string,
  records: readonly RepomdRecord[],
  { reads, last, seed }: { readonly reads: boolean; readonly last: Accepted | null; readonly seed: string },
): Promise<{ readonly records: RecordSeen[]; readonly primary: PrimarySeen | null }> {
  let primary: PrimarySeen | null = null;
  const looked = await eachOf(records, RECORDS_AT_ONCE, async (record): Promise<RecordSeen> => {
    const about = { type: record.type, href: record.href, read: reads };
    const url = new URL(record.href, base).href;
    if (!reads) return { ...about, problem: await headOf(account, url, record.size), skipped: null };
    let skipped: string | null = null;
    const problem = await problemIn(async () => {
      // One more than listed: a body that is longer is told as that, not as one that was cut off.
      const { body } = await account.get(url, (record.size ?? RECORD_MAX_BYTES) + 1);
      const readOpen =
        record.type === "primary" && formOf(record.href) !== null
          ? async (open: AsyncIterable<Uint8Array>) => {
              primary = await listPackages(open, last?.index ?? null, seed);
            }
          : undefined;
      ({ skipped } = await verifyRecord(
        record,
        body,
        { maxOpenBytes: RECORD_MAX_OPEN_BYTES, signal: account.signal },
        readOpen,
      ));
    });
    return { ...about, problem: sizeInPlace(problem, record.size), skipped };
  });
  // A list that is not what repomd.xml says is no list.
  const isWhole = looked.every(({ type, problem }) => type !== "primary" || problem === null);
  return { records: looked, primary: isWhole ? primary : null };
}

async function listPackages(
  open: AsyncIterable<Uint8Array>,
  last: PackageIndex | null,
  seed: string,
): Promise<PrimarySeen> {
  const index = createIndex(last);
  const sampler = createSampler(seed);
  const elsewhere = new Map<string, string>();
  const { count, promised } = await readPrimary(open, (pkg) => {
    index.add(pkg);
    sampler.add(pkg);
    if (pkg.base !== null && elsewhere.size < MOST_ELSEWHERE) elsewhere.set(hostIn(pkg.base), pkg.base);
  });
  const packages = { count, promised, elsewhere: [...elsewhere.values()], ...index.finish() };
  return { packages, sample: sampler.finish() };
}

/** A body that is declared longer than listed is refused unread: a sync under way, and not an attack on the reader. */
function sizeInPlace(problem: Problem | null, size: number | null): Problem | null {
  return problem?.kind === "too-large" && size !== null ? { ...problem, kind: "size" } : problem;
}

function hostIn(base: string): string {
  return URL.canParse(base) ? new URL(base).host : base;
}

/** HEAD, and the size compared where both sides name one. */
async function headOf(account: Account, url: string, size: number | null): Promise<Problem | null> {
  let answered: number | null = null;
  const problem = await problemIn(async () => {
    answered = (await account.head(url)).contentLength;
  });
  if (problem !== null || size === null || answered === null || answered === size) return problem;
  return { kind: "size", detail: `${answered} bytes in place of ${size}` };
}

export async function lookAtRpms(
  account: Account,
  base: string,
  sample: readonly SampledRpm[],
  settings: LookSettings & { readonly isNew: boolean; readonly turn: number },
): Promise<RpmSeen[]> {
  const heads = chooseHeads(sample, settings.heads, settings.turn);
  // What did not change was read when it came.
  const reads = settings.isNew ? chooseReads(sample, settings.reads, settings.readMaxBytes, settings.turn) : [];
  const asked = await eachOf(heads, HEADS_AT_ONCE, async ({ href, size }) => {
    const url = new URL(href, base).href;
    return { url, read: false, problem: await headOf(account, url, size) };
  });
  const read = await eachOf(reads, 2, async (rpm) => {
    const url = new URL(rpm.href, base).href;
    const problem = await problemIn(async () => {
      const { body } = await account.get(url, rpm.size + 1);
      await verifyRpm(body, rpm);
    });
    return { url, read: true, problem: sizeInPlace(problem, rpm.size) };
  });
  return [...asked, ...read];
}

/** `index`: of the metadata as it is now; null = unknown, and every rpm is asked for as if it were not listed. */
export async function lookAtLive(
  account: Account,
  { tags, entries }: { readonly tags: readonly string[]; readonly entries: readonly LiveEntry[] },
  index: PackageIndex | null,
  { liveHeads }: LookSettings,
  turn: number,
): Promise<LiveSeen> {
  const listed = index === null ? null : openIndex(index);
  const asked = planLive(entries, (digest) => listed?.has(digest) ?? false, liveHeads, turn);
  const looked = await eachOf(asked, HEADS_AT_ONCE, async ({ url, tags: users }) => ({
    url,
    tags: users,
    problem: await headOf(account, url, null),
  }));
  const missing = looked.flatMap(({ url, tags: users, problem }) =>
    problem === null ? [] : [{ url, tags: users, problem }],
  );
  return { tags, total: entries.length, asked: asked.length, missing };
}

/** In order; so many at one time. */
export async function eachOf<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  run: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results = new Map<number, Result>();
  let next = 0;
  const work = async () => {
    while (next < items.length) {
      const place = next++;
      const item = items[place];
      if (item !== undefined) results.set(place, await run(item));
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  return [...results.entries()].sort(([a], [b]) => a - b).map(([, result]) => result);
}
