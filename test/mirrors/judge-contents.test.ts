// The verdict on one look: records, packages, the sample of rpms and those in use.

import { describe, expect, it } from "vitest";
import type { ProblemKind, Verdict } from "../../shared/mirrors/types.ts";
import {
  BASE,
  fault,
  HOUR,
  judged,
  MADE_AT,
  makeAccepted,
  makeEvidence,
  makePackages,
  makeRules,
  NOT_FOUND,
  NOW,
  problem,
  RECORD_TYPES,
  recordSeen,
  SEEN,
} from "./evidence.ts";

const withRecord = (kind: ProblemKind, status?: number) =>
  makeEvidence({
    records: RECORD_TYPES.map((type) => recordSeen(type, type === "filelists" ? problem(kind, kind, status) : null)),
  });
const withRpm = (kind: ProblemKind, status?: number) =>
  makeEvidence({ rpms: [{ url: `${BASE}a.rpm`, read: true, problem: problem(kind, kind, status) }] });

describe("records", () => {
  it.each<[ProblemKind]>([
    ["checksum"],
    ["open-checksum"],
    ["open-size"],
    ["header-checksum"],
    ["entities"],
    ["schema"],
    ["decompress"],
    ["too-large"],
  ])("with %s were tampered with", (kind) => {
    expect(fault({ evidence: withRecord(kind) })).toEqual(["tampered", "records", `filelists: ${kind}`]);
  });

  it.each<[ProblemKind, number?]>([["size"], ["status", 404], ["timeout"], ["reset"], ["budget"], ["unknown-form"]])(
    "with %s are in the middle of a sync",
    (kind, status) => {
      const detail = `filelists: ${kind}; the mirror may be in the middle of a sync`;
      expect(fault({ evidence: withRecord(kind, status) })).toEqual(["partial", "records", detail]);
    },
  );

  it("that were not looked at are no records that are whole", () => {
    const [verdict, , detail] = fault({ evidence: makeEvidence({ records: [recordSeen("primary")] }) });
    expect(verdict).toBe("partial");
    expect(detail).toContain("filelists: not looked at; other: not looked at");
  });

  it("are named, five at most, and what was skipped is told", () => {
    const records = Array.from({ length: 7 }, (_, index) =>
      recordSeen(`r${index}`, problem("checksum", "other content")),
    );
    const skipped = { ...recordSeen("primary_zck"), skipped: "zchunk with a dictionary" };
    const evidence = makeEvidence({ records: [...records, ...RECORD_TYPES.map((type) => recordSeen(type)), skipped] });
    const [, , detail] = fault({ evidence });
    expect(detail).toContain("r4: other content and 2 more");
    expect(detail).toContain("not looked into: primary_zck (zchunk with a dictionary)");
  });

  it("that are all read again make it verified again, and not otherwise", () => {
    const last = makeAccepted({ repomdSha256: SEEN.sha256, timestamp: MADE_AT, verifiedAt: NOW - HOUR });
    expect(judged({ last }).accepted?.verifiedAt).toBe(NOW);
    const records = RECORD_TYPES.map((type) => ({ ...recordSeen(type), read: type !== "other" }));
    expect(judged({ evidence: makeEvidence({ records }), last }).accepted?.verifiedAt).toBe(NOW - HOUR);
    expect(judged({ evidence: makeEvidence({ records }) }).accepted?.verifiedAt).toBeNull();
  });
});

describe("packages", () => {
  it("that are not as many as promised are partial", () => {
    const evidence = makeEvidence({ packages: makePackages({ count: 900, promised: 1000 }) });
    expect(fault({ evidence })).toEqual(["partial", "packages", "primary lists 900 packages and promises 1000"]);
    const more = makeEvidence({ packages: makePackages({ count: 1000, promised: 900 }) });
    expect(fault({ evidence: more })[0]).toBe("partial");
  });

  it.each<[number, Verdict]>([
    [792, "ok"],
    [791, "partial"],
    [0, "partial"],
  ])("that became %d of 990 are %s", (count, verdict) => {
    expect(judged({ evidence: makeEvidence({ packages: makePackages({ count }) }) }).verdict).toBe(verdict);
  });

  it("that became none are told as a drop of 100 %, which a person may accept", () => {
    const evidence = makeEvidence({ packages: makePackages({ count: 0 }) });
    expect(fault({ evidence })[2]).toBe("0 packages, 990 before: 100 % fewer, of 20 % allowed");
    const rules = makeRules({ acceptedByHand: [SEEN.sha256] });
    expect(judged({ evidence, rules })).toMatchObject({ verdict: "ok", accepted: { packages: 0 } });
  });

  it.each([
    ["twice in it", { clashes: ["bash-5.2-1.x86_64"] }, "listed twice: bash-5.2-1.x86_64"],
    ["other than before", { changed: { count: 12, names: ["bash-5.2-1.x86_64"] } }, "bash-5.2-1.x86_64 and 11 more"],
  ])("of the same name with content %s were tampered with, unless a person accepts it", (_, changes, words) => {
    const evidence = makeEvidence({ packages: makePackages(changes) });
    const [verdict, name, detail] = fault({ evidence });
    expect([verdict, name]).toEqual(["tampered", "nevra"]);
    expect(detail).toContain(words);
    expect(judged({ evidence, rules: makeRules({ acceptedByHand: [SEEN.sha256] }) }).verdict).toBe("ok");
  });
});

describe("rpms of the sample", () => {
  it.each<[Verdict, ProblemKind, number?]>([
    ["partial", "status", 404],
    ["partial", "size"],
    ["partial", "too-large"],
    ["partial", "timeout"],
    ["tampered", "checksum"],
    ["tampered", "rpm-header"],
    ["tampered", "rpm-payload"],
  ])("are %s with %s", (verdict, kind, status) => {
    expect(fault({ evidence: withRpm(kind, status) })).toEqual([
      verdict,
      "rpms",
      `1 of 1 in the sample: a.rpm: ${kind}`,
    ]);
  });
});

describe("rpms that READY repos refer to", () => {
  const missing = [{ url: `${BASE}Packages/gone-1-1.noarch.rpm`, tags: ["el9-build"], problem: NOT_FOUND }];
  const evidence = makeEvidence({ live: { tags: ["el9-build", "el8-build"], total: 12, asked: 12, missing } });

  it("and are gone make it partial, and do not make the mirror untrusted", () => {
    const [verdict, name, detail] = fault({ evidence });
    expect([verdict, name]).toEqual(["partial", "live"]);
    expect(detail).toBe(
      "1 of the 12 rpms that READY repos of el9-build, el8-build refer to do not answer, needed by el9-build: gone-1-1.noarch.rpm: HTTP 404",
    );
    expect(judged({ evidence })).toMatchObject({ trusted: true, accepted: { repomdSha256: SEEN.sha256 } });
  });
});
