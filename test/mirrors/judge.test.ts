// The verdict on one look: what a mirror answers, where it leads, whether it stays the same, and all of it together.

import { describe, expect, it } from "vitest";
import type { Hop, ProblemKind } from "../../shared/mirrors/types.ts";
import {
  BASE,
  DAY,
  detailOf,
  fault,
  HOUR,
  judged,
  MADE_AT,
  makeAccepted,
  makeEvidence,
  makeFailure,
  makePackages,
  makeRepomd,
  makeRules,
  NOT_FOUND,
  NOW,
  problem,
  RECORD_TYPES,
  recordSeen,
  referenceOf,
  SAMPLE,
  SEEN,
  UPSTREAM,
} from "./evidence.ts";

const hop = (from: string, to: string, status = 302): Hop => ({ from, to, status });

describe("a healthy mirror", () => {
  it("is ok, in every check that a look in full makes", () => {
    const judgement = judged();
    expect(judgement.verdict).toBe("ok");
    expect(judgement.trusted).toBe(true);
    expect(judgement.checks.map(({ name }) => name)).toEqual([
      "resolve",
      "fetch",
      "tls",
      "redirects",
      "schema",
      "stable",
      "authenticity",
      "monotonic",
      "records",
      "packages",
      "nevra",
      "rpms",
      "live",
    ]);
    expect(judgement.metadata).toEqual({
      revision: String(MADE_AT),
      timestamp: MADE_AT,
      repomdSha256: SEEN.sha256,
    });
  });

  it("is accepted, with all that later looks need", () => {
    expect(judged().accepted).toEqual({
      repomdSha256: SEEN.sha256,
      revision: String(MADE_AT),
      timestamp: MADE_AT,
      at: NOW,
      packages: 1000,
      index: { packed: "" },
      sample: SAMPLE,
      verifiedAt: NOW,
      vouched: [],
    });
  });

  it("is told as a person reads it", () => {
    const told = judged().checks.map(({ name, detail }) => `${name}: ${detail}`);
    expect(told).toContain("fetch: repomd.xml of 3000 bytes, the first answer after 42 ms");
    expect(told).toContain("authenticity: proved by TLS to mirror.example.org only");
    expect(told).toContain("monotonic: 1 d newer than what was accepted");
    expect(told).toContain("packages: 1000 packages, 990 before");
  });

  it("at head depth has no checks of what was not read, and keeps what is known of the same metadata", () => {
    const last = makeAccepted({ repomdSha256: SEEN.sha256, timestamp: MADE_AT });
    const records = RECORD_TYPES.map((type) => ({ ...recordSeen(type), read: false }));
    const evidence = makeEvidence({ depth: "head", records, packages: null, rpms: [], sample: [], live: null });
    const { checks, accepted } = judged({ evidence, last });
    const names = checks.map(({ name }) => name);
    expect(names.slice(-4)).toEqual(["stable", "authenticity", "monotonic", "records"]);
    expect(accepted).toEqual({ ...last, revision: String(MADE_AT), at: NOW });
    expect(judged({ evidence }).accepted).toMatchObject({ packages: null, index: null, sample: [], verifiedAt: null });
  });
});

describe("a mirror that does not answer", () => {
  it.each<[ProblemKind]>([
    ["dns"],
    ["refused"],
    ["reset"],
    ["timeout"],
    ["network"],
    ["budget"],
    ["redirect-loop"],
    ["address"],
    ["size"],
  ])("with %s is unreachable", (kind) => {
    expect(fault({ evidence: makeFailure(problem(kind)) }).slice(0, 2)).toEqual(["unreachable", "fetch"]);
  });

  it.each([[404], [410]])("with HTTP %d has moved", (status) => {
    const [verdict, name, detail] = fault({ evidence: makeFailure(problem("status", `HTTP ${status}`, status)) });
    expect([verdict, name]).toEqual(["moved", "fetch"]);
    expect(detail).toContain("upstream has moved it, perhaps to its archive");
  });

  it.each([[403], [500], [503]])("with HTTP %d is unreachable", (status) => {
    expect(fault({ evidence: makeFailure(problem("status", `HTTP ${status}`, status)) })[0]).toBe("unreachable");
  });

  it.each<[ProblemKind]>([["tls"], ["certificate"]])("for its %s is unreachable, told as TLS too", (kind) => {
    const { verdict, checks } = judged({ evidence: makeFailure(problem(kind, "the certificate has expired")) });
    expect(verdict).toBe("unreachable");
    expect(checks).toContainEqual({ name: "tls", ok: false, detail: "the certificate has expired" });
  });

  it.each<[ProblemKind]>([["downgrade"], ["too-large"]])("but with %s was tampered with", (kind) => {
    expect(fault({ evidence: makeFailure(problem(kind)) }).slice(0, 2)).toEqual(["tampered", "fetch"]);
  });

  it.each<[ProblemKind]>([["schema"], ["entities"], ["unknown-form"]])(
    "with a repomd.xml but has one of %s was tampered with",
    (kind) => {
      expect(fault({ evidence: makeFailure(problem(kind)) }).slice(0, 2)).toEqual(["tampered", "schema"]);
    },
  );

  it.each([
    ["could not be had", { bases: [], problem: problem("dns", "no such host") }],
    ["names no base", { bases: [], problem: null }],
  ])("since its mirrorlist %s is unreachable", (words, resolution) => {
    const evidence = makeFailure(NOT_FOUND, { resolution: { kind: "mirrorlist", ...resolution } });
    const [verdict, name, detail] = fault({ evidence });
    expect([verdict, name]).toEqual(["unreachable", "resolve"]);
    expect(detail).toContain(words);
  });

  it("leaves what was accepted as it is", () => {
    expect(judged({ evidence: makeFailure(problem("timeout")) })).toMatchObject({
      accepted: makeAccepted(),
      metadata: null,
      trusted: false,
      lagSeconds: null,
    });
  });
});

describe("a certificate", () => {
  it("that ends soon is told, and is ok", () => {
    const judgement = judged({ evidence: makeEvidence({ tls: { protocol: "TLSv1.2", validTo: NOW + 3 * DAY } }) });
    expect(judgement.verdict).toBe("ok");
    expect(detailOf(judgement, "tls")).toBe("TLSv1.2, the server's certificate ends in 3 d: tell whoever runs it");
  });

  it("that has ended is refused by whoever builds", () => {
    const evidence = makeEvidence({ tls: { protocol: "TLSv1.3", validTo: NOW - HOUR } });
    expect(fault({ evidence }).slice(0, 2)).toEqual(["unreachable", "tls"]);
  });
});

describe("redirects", () => {
  const REPOMD = `${BASE}repodata/repomd.xml`;
  const CDN = "https://a.cdn.example.com:8443/el9/repodata/repomd.xml";

  it.each([
    ["on the same host", [hop(REPOMD, "https://mirror.example.org/other/repodata/repomd.xml")], []],
    ["to an allowed host", [hop(REPOMD, CDN)], ["a.cdn.example.com"]],
    ["below an allowed domain", [hop(REPOMD, CDN)], [".example.com"]],
    ["to an allowed host and port", [hop(REPOMD, CDN)], ["a.cdn.example.com:8443"]],
    [
      "by way of another host",
      [hop(REPOMD, "https://b.example.net/x"), hop("https://b.example.net/x", CDN)],
      [".example.com"],
    ],
  ])("%s are fine", (_, hops, redirectHosts) => {
    expect(judged({ evidence: makeEvidence({ hops }), rules: makeRules({ redirectHosts }) }).verdict).toBe("ok");
  });

  it.each([
    ["another host", [hop(REPOMD, CDN)], []],
    ["another port than allowed", [hop(REPOMD, CDN)], ["a.cdn.example.com:443"]],
    ["a host that only ends alike", [hop(REPOMD, "https://evilexample.com/")], [".example.com", "example.com"]],
    ["the domain itself of which only hosts are allowed", [hop(REPOMD, "https://example.com/")], [".example.com"]],
    ["a host behind an allowed one", [hop(REPOMD, CDN), hop(CDN, "https://evil.example.net/")], [".example.com"]],
    ["a circle of others", [hop("https://x.example.net/", CDN), hop(CDN, "https://x.example.net/")], []],
  ])("to %s mean that it has moved", (_, hops, redirectHosts) => {
    const given = { evidence: makeEvidence({ hops }), rules: makeRules({ redirectHosts }) };
    expect(fault(given).slice(0, 2)).toEqual(["moved", "redirects"]);
  });

  it("and files that the metadata itself names on another host count as such", () => {
    const elsewhere = makePackages({ elsewhere: ["https://b.example.net/rpms/"] });
    const evidence = makeEvidence({ packages: elsewhere });
    expect(fault({ evidence }).slice(0, 2)).toEqual(["moved", "redirects"]);
    expect(judged({ evidence, rules: makeRules({ redirectHosts: [".example.net"] }) }).verdict).toBe("ok");
    const own = makePackages({ elsewhere: ["https://mirror.example.org/other/"] });
    expect(judged({ evidence: makeEvidence({ packages: own }) }).verdict).toBe("ok");
  });

  it("from https to http are tampering, wherever they lead", () => {
    const evidence = makeEvidence({ hops: [hop(REPOMD, REPOMD.replace("https:", "http:"))] });
    expect(fault({ evidence }).slice(0, 2)).toEqual(["tampered", "redirects"]);
  });

  it("that are permanent are told with the address to write", () => {
    const hops = [hop(REPOMD, "https://mirror.example.org/new/repodata/repomd.xml", 308)];
    expect(detailOf(judged({ evidence: makeEvidence({ hops }) }), "redirects")).toBe(
      "they end at mirror.example.org; the address has changed for good: write https://mirror.example.org/new/ instead",
    );
  });

  it("of upstream's own host say nothing of the mirror", () => {
    const hops = [hop(`${UPSTREAM}repodata/repomd.xml`, "https://origin.example.com/repodata/repomd.xml")];
    const evidence = makeEvidence({ hops, reference: referenceOf(SEEN) });
    expect(judged({ evidence }).verdict).toBe("ok");
  });

  it("of a mirrorlist's base are measured by the base's host", () => {
    const url = "https://lists.example.net/el9";
    const hops = [hop(REPOMD, "https://mirror.example.org/new/repodata/repomd.xml", 301)];
    const resolution = { kind: "mirrorlist", bases: [BASE], problem: null } as const;
    const judgement = judged({ evidence: makeEvidence({ url, hops, resolution }) });
    expect(judgement.verdict).toBe("ok");
    expect(detailOf(judgement, "redirects")).toBe("they end at mirror.example.org");
  });
});

describe("metadata that changes while it is read", () => {
  it("is partial, and is not accepted", () => {
    const evidence = makeEvidence({ second: { sha256: makeRepomd("next").sha256 } });
    expect(fault({ evidence }).slice(0, 2)).toEqual(["partial", "stable"]);
    expect(judged({ evidence }).accepted).toEqual(makeAccepted());
  });

  it("is partial too if it is gone at the second look", () => {
    expect(fault({ evidence: makeEvidence({ second: { problem: NOT_FOUND } }) })[0]).toBe("partial");
  });

  it("is not accepted without a second look", () => {
    expect(judged({ evidence: makeEvidence({ second: null }) }).accepted).toEqual(makeAccepted());
  });
});

describe("several damages at once", () => {
  it("are told all, and the heaviest gives the verdict", () => {
    const evidence = makeEvidence({
      second: { problem: problem("reset") },
      packages: makePackages({ clashes: ["bash-5.2-1.x86_64"] }),
    });
    const { verdict, checks } = judged({ evidence, last: makeAccepted({ timestamp: MADE_AT + HOUR }) });
    expect(verdict).toBe("tampered");
    expect(checks.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(["stable", "monotonic", "nevra"]);
  });
});
