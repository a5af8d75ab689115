// Random looks at mirrors: mostly what a look may find, partly what none ever would.

import fc from "fast-check";
import type {
  Accepted,
  Evidence,
  MetalinkForm,
  MirrorRules,
  Problem,
  ProblemKind,
  ReferenceSeen,
  RepomdSeen,
} from "../../shared/mirrors/types.ts";
import {
  BASE,
  DAY,
  HOUR,
  MADE_AT,
  makeEvidence,
  makePackages,
  makeRepomd,
  NOW,
  RECORD_TYPES,
  recordSeen,
  SAMPLE,
  UPSTREAM,
} from "./evidence.ts";

const KINDS: readonly ProblemKind[] = [
  "dns",
  "refused",
  "reset",
  "timeout",
  "tls",
  "certificate",
  "network",
  "budget",
  "status",
  "redirect-loop",
  "downgrade",
  "address",
  "too-large",
  "size",
  "checksum",
  "open-size",
  "open-checksum",
  "header-checksum",
  "decompress",
  "entities",
  "schema",
  "unknown-form",
  "rpm-header",
  "rpm-payload",
];

export const anyProblem: fc.Arbitrary<Problem> = fc.oneof(
  fc.constantFrom(...KINDS).map((kind) => ({ kind, detail: kind })),
  fc
    .constantFrom(301, 403, 404, 410, 500)
    .map((status) => ({ kind: "status" as const, detail: `HTTP ${status}`, status })),
);
/** null in most cases: things go well mostly, or no look would ever be accepted. */
const seldom = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });

/** Few, so that what is seen, referred to and accepted before is often the same; each name has its own time. */
const DOCUMENTS: readonly RepomdSeen[] = [
  makeRepomd("a", MADE_AT - 6 * DAY),
  makeRepomd("b", MADE_AT - HOUR),
  makeRepomd("c", MADE_AT),
  makeRepomd("d", MADE_AT),
  makeRepomd("e", MADE_AT + HOUR),
  makeRepomd("ahead", NOW + 40 * DAY),
];
const anyDocument = fc.constantFrom(...DOCUMENTS);
const anySha = anyDocument.map(({ sha256 }) => sha256);

const anyForm: fc.Arbitrary<MetalinkForm> = fc
  .record({
    seen: anyDocument,
    dated: fc.boolean(),
    types: fc.subarray(["md5", "sha1", "sha256", "sha512"] as const),
  })
  .map(({ seen, dated, types }) => ({
    timestamp: dated ? seen.content.timestamp : null,
    size: null,
    hashes: types.map((type) => ({ type, value: seen.digests[type] })),
  }));

const anyReference: fc.Arbitrary<ReferenceSeen> = fc.oneof(
  anyDocument.map(({ sha256, content }) => ({
    kind: "reference" as const,
    url: UPSTREAM,
    sha256,
    timestamp: content.timestamp,
  })),
  fc.record({ newest: anyForm, alternates: fc.array(anyForm, { maxLength: 3 }) }).map(({ newest, alternates }) => ({
    kind: "metalink" as const,
    url: `${UPSTREAM}metalink`,
    metalink: { newest, alternates, urls: [] },
  })),
  anyProblem.map((problem) => ({ kind: "problem" as const, url: UPSTREAM, problem })),
);

const anyUrl = fc.constantFrom(
  BASE,
  `${BASE}x`,
  "https://cdn.example.com/x",
  "http://mirror.example.org/",
  UPSTREAM,
  "nonsense",
);

const anyRecords = fc.tuple(
  ...RECORD_TYPES.map((type) => seldom(anyProblem).map((problem) => recordSeen(type, problem))),
);

const anyPackages = fc
  .record({
    count: fc.constantFrom(0, 700, 990, 1000),
    promised: seldom(fc.nat(2000)),
    clash: seldom(fc.constant("a-1-1.noarch")),
  })
  .map(({ count, promised, clash }) =>
    makePackages({ count, promised: promised ?? count, clashes: clash === null ? [] : [clash] }),
  );

const anySecond = (repomd: Evidence["repomd"]): fc.Arbitrary<Evidence["second"]> =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constant("sha256" in repomd ? { sha256: repomd.sha256 } : null) },
    { weight: 1, arbitrary: anySha.map((sha256) => ({ sha256 })) },
    { weight: 1, arbitrary: anyProblem.map((problem) => ({ problem })) },
    { weight: 1, arbitrary: fc.constant(null) },
  );

const anyRepomd: fc.Arbitrary<Evidence["repomd"]> = fc.oneof(
  { weight: 9, arbitrary: anyDocument },
  { weight: 1, arbitrary: anyProblem.map((problem) => ({ problem })) },
);

export const anyEvidence: fc.Arbitrary<Evidence> = anyRepomd.chain((repomd) =>
  fc
    .record({
      url: fc.oneof({ weight: 8, arbitrary: fc.constant(BASE) }, { weight: 1, arbitrary: anyUrl }),
      base: fc.oneof(
        { weight: 8, arbitrary: fc.constant<string | null>(BASE) },
        { weight: 1, arbitrary: fc.option<string>(anyUrl) },
      ),
      depth: fc.constantFrom("head" as const, "metadata" as const, "full" as const),
      resolution: fc.record({
        kind: fc.constantFrom("static" as const, "mirrorlist" as const, "metalink" as const),
        bases: fc.oneof({ weight: 9, arbitrary: fc.constant([BASE]) }, { weight: 1, arbitrary: fc.constant([]) }),
        problem: seldom(anyProblem),
      }),
      second: anySecond(repomd),
      reference: fc.option(anyReference, { freq: 2 }),
      signature: fc.oneof(
        { weight: 4, arbitrary: fc.constant({ state: "good" as const, keyId: "ab" }) },
        { weight: 1, arbitrary: fc.constant(null) },
        { weight: 1, arbitrary: fc.constant({ state: "bad" as const, detail: "altered" }) },
        { weight: 1, arbitrary: anyProblem.map((problem) => ({ state: "missing" as const, problem })) },
      ),
      hops: seldom(
        fc.array(fc.record({ from: anyUrl, to: anyUrl, status: fc.constantFrom(301, 302, 308) }), { maxLength: 5 }),
      ).map((hops) => hops ?? []),
      tls: fc.option(
        fc.record({ protocol: fc.constant("TLSv1.3"), validTo: fc.integer({ min: NOW - HOUR, max: NOW + DAY * 300 }) }),
      ),
      records: fc.option(anyRecords, { freq: 6 }).map((records) => records ?? []),
      packages: fc.option(anyPackages),
      rpms: fc.array(
        seldom(anyProblem).map((problem) => ({ url: `${BASE}a.rpm`, read: false, problem })),
        { maxLength: 2 },
      ),
      live: fc.option(
        fc.array(anyProblem, { maxLength: 1 }).map((problems) => ({
          tags: ["el9-build"],
          total: 5,
          asked: 5,
          missing: problems.map((problem) => ({ url: `${BASE}a.rpm`, tags: ["el9-build"], problem })),
        })),
      ),
    })
    .map((changes) => makeEvidence({ ...changes, repomd })),
);

export const anyAccepted: fc.Arbitrary<Accepted> = fc
  .record({
    document: anyDocument,
    packages: fc.option(fc.constantFrom(0, 900, 1000)),
    verifiedAt: fc.option(fc.constant(NOW - HOUR)),
    vouched: fc.oneof(
      { weight: 4, arbitrary: fc.uniqueArray(anySha, { maxLength: 3 }) },
      { weight: 1, arbitrary: fc.constant(Array.from({ length: 50 }, (_, index) => String(index))) },
    ),
  })
  .map(({ document, packages, verifiedAt, vouched }) => ({
    repomdSha256: document.sha256,
    revision: document.content.revision,
    timestamp: document.content.timestamp,
    at: NOW - HOUR,
    packages,
    index: packages === null ? null : { packed: "" },
    sample: SAMPLE,
    verifiedAt,
    vouched,
  }));

export const anyRules: fc.Arbitrary<MirrorRules> = fc.record({
  trust: fc.record({
    keys: fc.constantFrom([], [], ["key"]),
    metalink: fc.constantFrom(null, null, `${UPSTREAM}metalink`),
    reference: fc.constantFrom(null, null, UPSTREAM),
  }),
  redirectHosts: fc.subarray(["cdn.example.com", ".example.com", "mirror.example.org:80"]),
  lagBudgetSeconds: fc.constantFrom(60, 2 * DAY, 30 * DAY),
  alternateAgeSeconds: fc.constantFrom(60, 5 * DAY),
  onlyNewest: fc.boolean(),
  maxPackageDropPercent: fc.constantFrom(0, 20, 100),
  acceptedByHand: seldom(fc.array(anySha, { maxLength: 2 })).map((shas) => shas ?? []),
  certificateWarningDays: fc.constantFrom(0, 14),
});
