// What a look at a healthy mirror finds, with whatever a test wants otherwise; and what was accepted before.

import { createHash } from "node:crypto";
import { expect } from "vitest";
import { judge } from "../../shared/mirrors/judge.ts";
import { DEFAULT_RULES } from "../../shared/mirrors/rules.ts";
import type {
  Accepted,
  CheckName,
  Evidence,
  Judgement,
  MetalinkForm,
  MirrorRules,
  PackagesSeen,
  Problem,
  ProblemKind,
  RecordSeen,
  ReferenceSeen,
  Repomd,
  RepomdRecord,
  RepomdSeen,
  SampledRpm,
  Trust,
  Verdict,
} from "../../shared/mirrors/types.ts";

export const NOW = 1_900_000_000;
export const HOUR = 3600;
export const DAY = 86_400;

/** When the metadata of a healthy look was made. */
export const MADE_AT = NOW - 6 * HOUR;

export const BASE = "https://mirror.example.org/el9/x86_64/";
export const UPSTREAM = "https://upstream.example.net/el9/x86_64/";

export const digestOf = (algorithm: string, text: string): string => createHash(algorithm).update(text).digest("hex");

export function problem(kind: ProblemKind, detail: string = kind, status?: number): Problem {
  return { kind, detail, ...(status === undefined ? {} : { status }) };
}

export const NOT_FOUND = problem("status", "HTTP 404", 404);

export const RECORD_TYPES = ["primary", "filelists", "other"] as const;

export function makeRecord(type: string, timestamp: number): RepomdRecord {
  return {
    type,
    href: `repodata/${type}.xml.gz`,
    checksum: { type: "sha256", value: digestOf("sha256", `${type} ${timestamp}`) },
    openChecksum: { type: "sha256", value: digestOf("sha256", `open ${type} ${timestamp}`) },
    headerChecksum: null,
    timestamp,
    size: 4096,
    openSize: 40_960,
    headerSize: null,
  };
}

/** `name` stands for the content: another name is another repomd.xml, whatever its timestamp. */
export function makeRepomd(name = "healthy", timestamp = MADE_AT): RepomdSeen {
  const content: Repomd = {
    revision: String(timestamp),
    timestamp,
    records: RECORD_TYPES.map((type) => makeRecord(type, timestamp)),
  };
  const digests = {
    md5: digestOf("md5", name),
    sha1: digestOf("sha1", name),
    sha256: digestOf("sha256", name),
    sha512: digestOf("sha512", name),
  };
  return { sha256: digests.sha256, size: 3000, digests, content };
}

export function makePackages(changes: Partial<PackagesSeen> = {}): PackagesSeen {
  const count = changes.count ?? 1000;
  return {
    count,
    promised: count,
    index: { packed: "" },
    clashes: [],
    elsewhere: [],
    changed: { count: 0, names: [] },
    ...changes,
  };
}

export const SAMPLE: readonly SampledRpm[] = [
  {
    href: "Packages/bash-5.2-1.x86_64.rpm",
    size: 2048,
    checksum: { type: "sha256", value: digestOf("sha256", "bash") },
  },
];

export function recordSeen(type: string, trouble: Problem | null = null): RecordSeen {
  return { type, href: `repodata/${type}.xml.gz`, read: true, problem: trouble, skipped: null };
}

export function formOf(seen: RepomdSeen, timestamp: number | null = seen.content.timestamp): MetalinkForm {
  return { timestamp, size: seen.size, hashes: [{ type: "sha256", value: seen.sha256 }] };
}

export function metalinkOf(newest: MetalinkForm, alternates: readonly MetalinkForm[] = []): ReferenceSeen {
  const url = "https://upstream.example.net/metalink?repo=el9&arch=x86_64";
  return { kind: "metalink", url, metalink: { newest, alternates, urls: [`${BASE}repodata/repomd.xml`] } };
}

export function referenceOf(seen: RepomdSeen): ReferenceSeen {
  return { kind: "reference", url: UPSTREAM, sha256: seen.sha256, timestamp: seen.content.timestamp };
}

/** A look at full depth that found nothing wrong, over https, with nothing given that would prove more. */
export function makeEvidence(changes: Partial<Evidence> = {}): Evidence {
  const repomd = changes.repomd ?? makeRepomd();
  return {
    url: BASE,
    arch: "x86_64",
    depth: "full",
    at: NOW,
    resolution: { kind: "static", bases: [BASE], problem: null },
    base: BASE,
    repomd,
    second: "sha256" in repomd ? { sha256: repomd.sha256 } : null,
    reference: null,
    signature: null,
    hops: [],
    tls: { protocol: "TLSv1.3", validTo: NOW + 90 * DAY },
    records: RECORD_TYPES.map((type) => recordSeen(type)),
    packages: makePackages(),
    rpms: [{ url: `${BASE}Packages/bash-5.2-1.x86_64.rpm`, read: false, problem: null }],
    sample: SAMPLE,
    live: { tags: ["el9-build"], total: 12, asked: 12, missing: [] },
    bytes: 15_000,
    requests: 8,
    latencyMilliseconds: 42,
    milliseconds: 300,
    ...changes,
  };
}

/** A look that got no repomd.xml. */
export function makeFailure(trouble: Problem, changes: Partial<Evidence> = {}): Evidence {
  return makeEvidence({
    repomd: { problem: trouble },
    base: null,
    tls: null,
    records: [],
    packages: null,
    rpms: [],
    sample: [],
    live: null,
    latencyMilliseconds: null,
    ...changes,
  });
}

/** What was accepted a day before the healthy look. */
export function makeAccepted(changes: Partial<Accepted> = {}): Accepted {
  const before = makeRepomd("before", MADE_AT - DAY);
  return {
    repomdSha256: before.sha256,
    revision: before.content.revision,
    timestamp: before.content.timestamp,
    at: NOW - DAY,
    packages: 990,
    index: { packed: "" },
    sample: SAMPLE,
    verifiedAt: NOW - DAY,
    vouched: [],
    ...changes,
  };
}

export function makeRules(
  changes: Omit<Partial<MirrorRules>, "trust"> & { readonly trust?: Partial<Trust> } = {},
): MirrorRules {
  return { ...DEFAULT_RULES, ...changes, trust: { ...DEFAULT_RULES.trust, ...changes.trust } };
}

/** The repomd.xml of a healthy look. */
export const SEEN = makeRepomd();

export interface Given {
  readonly evidence?: Evidence;
  readonly last?: Accepted | null;
  readonly rules?: MirrorRules;
}

export function judged({
  evidence = makeEvidence(),
  last = makeAccepted(),
  rules = makeRules(),
}: Given = {}): Judgement {
  return judge(evidence, last, rules, NOW);
}

/** The verdict, and the only check that is not ok. */
export function fault(given: Given): readonly [Verdict, CheckName | undefined, string | undefined] {
  const { verdict, checks } = judged(given);
  const bad = checks.filter(({ ok }) => !ok);
  expect(bad.map(({ name }) => name)).toHaveLength(1);
  return [verdict, bad[0]?.name, bad[0]?.detail];
}

export function detailOf({ checks }: Judgement, name: CheckName): string | undefined {
  return checks.find((check) => check.name === name)?.detail;
}
