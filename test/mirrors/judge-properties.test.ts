// What holds of every verdict, whatever was seen: random looks, sound and nonsensical ones.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { heaviestOf, weightOf } from "../../shared/mirrors/checks/finding.ts";
import { judge } from "../../shared/mirrors/judge.ts";
import type { Accepted, Evidence, Judgement, MirrorRules, Verdict } from "../../shared/mirrors/types.ts";
import { holds } from "../fleet/seed.ts";
import { anyAccepted, anyEvidence, anyProblem, anyRules } from "./any-evidence.ts";
import {
  BASE,
  DAY,
  HOUR,
  MADE_AT,
  makeAccepted,
  makeEvidence,
  makePackages,
  makeRepomd,
  makeRules,
  NOT_FOUND,
  NOW,
  recordSeen,
  referenceOf,
} from "./evidence.ts";

const RUNS = 1000;

interface Look {
  readonly evidence: Evidence;
  readonly last: Accepted | null;
  readonly rules: MirrorRules;
}

const anyLook: fc.Arbitrary<Look> = fc.record({ evidence: anyEvidence, last: fc.option(anyAccepted), rules: anyRules });
const judgeLook = ({ evidence, last, rules }: Look): Judgement => judge(evidence, last, rules, NOW);
const shaOf = ({ repomd }: Evidence): string | null => ("sha256" in repomd ? repomd.sha256 : null);
/** What this look brought, if it was accepted and had not been before. */
function newlyAccepted({ evidence, last }: Look, { accepted }: Judgement): Accepted | null {
  if (accepted === null || accepted.repomdSha256 === last?.repomdSha256) return null;
  return accepted.repomdSha256 === shaOf(evidence) ? accepted : null;
}

describe("every verdict", () => {
  it("is ok exactly when all checks are ok, and names each check once", () => {
    holds(
      anyLook,
      (look) => {
        const { verdict, checks } = judgeLook(look);
        expect(verdict === "ok").toBe(checks.every(({ ok }) => ok));
        expect(new Set(checks.map(({ name }) => name)).size).toBe(checks.length);
        expect(checks.filter(({ detail }) => detail === "" || /undefined|NaN|Infinity/.test(detail))).toEqual([]);
      },
      RUNS,
    );
  });

  it("is trusted exactly when all checks but that of READY repos are ok", () => {
    holds(anyLook, (look) => {
      const { trusted, checks } = judgeLook(look);
      expect(trusted).toBe(checks.every(({ name, ok }) => ok || name === "live"));
    });
  });

  it("changes nothing that it was given, and is the same again", () => {
    holds(anyLook, (look) => {
      const before = structuredClone(look);
      expect(judgeLook(look)).toEqual(judgeLook(look));
      expect(look).toEqual(before);
    });
  });
});

describe("what is accepted", () => {
  it("is never older than what was, unless a person says so", () => {
    holds(
      anyLook,
      (look) => {
        const { accepted } = judgeLook(look);
        if (look.last === null || accepted === null) return;
        const byHand = look.rules.acceptedByHand.includes(accepted.repomdSha256);
        expect(byHand || accepted.timestamp >= look.last.timestamp).toBe(true);
      },
      RUNS,
    );
  });

  it("is what was accepted before, or was found well or late, proven, and the same twice", () => {
    let fresh = 0;
    holds(
      anyLook,
      (look) => {
        const judgement = judgeLook(look);
        const accepted = newlyAccepted(look, judgement);
        if (accepted === null) {
          expect(judgement.accepted?.repomdSha256).toBe(look.last?.repomdSha256);
          return;
        }
        fresh++;
        const bad = judgement.checks.filter(({ ok }) => !ok).map(({ name }) => name);
        expect(bad.filter((name) => name !== "lag" && name !== "live")).toEqual([]);
        expect(look.evidence.second).toEqual({ sha256: accepted.repomdSha256 });
      },
      RUNS,
    );
    expect(fresh).toBeGreaterThan(0);
  });

  it("has a proof for each trust that is given", () => {
    let proven = 0;
    holds(
      anyLook,
      (look) => {
        const accepted = newlyAccepted(look, judgeLook(look));
        if (accepted === null) return;
        const { evidence, last, rules } = look;
        const { keys, metalink, reference } = rules.trust;
        if (keys.length > 0 || metalink !== null || reference !== null) proven++;
        const sha = accepted.repomdSha256;
        const vouched = last?.vouched.includes(sha) ?? false;
        if (keys.length > 0) expect(evidence.signature?.state).toBe("good");
        const named = evidence.reference?.kind === "metalink" ? JSON.stringify(evidence.reference.metalink) : "";
        const sha512 = "digests" in evidence.repomd ? evidence.repomd.digests.sha512 : sha;
        if (metalink !== null) expect(vouched || named.includes(sha) || named.includes(sha512)).toBe(true);
        if (reference === null || vouched) return;
        const same = evidence.reference?.kind === "reference" && evidence.reference.sha256 === sha;
        expect(same || keys.length > 0).toBe(true);
      },
      RUNS,
    );
    expect(proven).toBeGreaterThan(0);
  });

  it("forgets nothing that upstream vouched for, up to fifty", () => {
    holds(anyLook, (look) => {
      const { accepted } = judgeLook(look);
      const vouched = accepted?.vouched ?? [];
      expect(new Set(vouched).size).toBe(vouched.length);
      expect(vouched.length).toBeLessThanOrEqual(50);
      if (vouched.length < 50) expect(vouched).toEqual(expect.arrayContaining([...(look.last?.vouched ?? [])]));
    });
  });

  it("is accepted again: the same look after one that was ok is ok, and changes nothing", () => {
    let ok = 0;
    holds(
      anyLook,
      (look) => {
        const { verdict, accepted } = judgeLook(look);
        if (verdict !== "ok" || accepted === null || accepted.repomdSha256 !== shaOf(look.evidence)) return;
        ok++;
        const again = judgeLook({ ...look, last: accepted });
        expect(again.verdict).toBe("ok");
        expect(again.accepted).toEqual(accepted);
      },
      RUNS,
    );
    expect(ok).toBeGreaterThan(0);
  });
});

describe("one more problem", () => {
  const worse = fc.oneof(
    anyProblem.map(
      (problem) =>
        (evidence: Evidence): Evidence => ({
          ...evidence,
          records: [...evidence.records, { ...recordSeen("updateinfo"), problem }],
        }),
    ),
    anyProblem.map(
      (problem) =>
        (evidence: Evidence): Evidence => ({
          ...evidence,
          rpms: [...evidence.rpms, { url: `${BASE}x.rpm`, read: true, problem }],
        }),
    ),
    anyProblem.map(
      (problem) =>
        (evidence: Evidence): Evidence => ({ ...evidence, second: { problem } }),
    ),
    anyProblem.map(
      (problem) =>
        (evidence: Evidence): Evidence => ({
          ...evidence,
          resolution: { ...evidence.resolution, problem },
        }),
    ),
    fc.constant((evidence: Evidence): Evidence => {
      const packages = evidence.packages ?? makePackages();
      return { ...evidence, packages: { ...packages, clashes: [...packages.clashes, "bash-5.2-1.x86_64"] } };
    }),
    anyProblem.map((problem) => (evidence: Evidence): Evidence => {
      const live = evidence.live ?? { tags: [], total: 1, asked: 1, missing: [] };
      return {
        ...evidence,
        live: { ...live, missing: [...live.missing, { url: `${BASE}y.rpm`, tags: ["t"], problem }] },
      };
    }),
    fc.constant(
      (evidence: Evidence): Evidence => ({
        ...evidence,
        hops: [...evidence.hops, { from: `${BASE}z`, to: "https://elsewhere.example.com/z", status: 302 }],
      }),
    ),
  );

  it("never makes a verdict better, and never makes anything accepted", () => {
    holds(
      fc.tuple(anyLook, worse),
      ([look, worsen]) => {
        const after = { ...look, evidence: worsen(look.evidence) };
        const [first, second] = [judgeLook(look), judgeLook(after)];
        expect(weightOf(second.verdict)).toBeGreaterThanOrEqual(weightOf(first.verdict));
        if (newlyAccepted(look, first) === null) expect(newlyAccepted(after, second)).toBeNull();
      },
      RUNS,
    );
  });
});

describe("damages together", () => {
  const newer = makeRepomd("newer", MADE_AT + 3 * DAY);
  const seen = makeRepomd();
  /** Each does not touch what the others do. */
  const DAMAGES: readonly (readonly [Verdict, (look: Look) => Look])[] = [
    [
      "unreachable",
      (look) => ({ ...look, evidence: { ...look.evidence, tls: { protocol: "TLSv1.3", validTo: NOW - 1 } } }),
    ],
    [
      "moved",
      (look) => ({
        ...look,
        evidence: { ...look.evidence, hops: [{ from: BASE, to: "https://elsewhere.example.com/", status: 302 }] },
      }),
    ],
    [
      "tampered",
      (look) => ({ ...look, evidence: { ...look.evidence, packages: makePackages({ clashes: ["a-1-1.noarch"] }) } }),
    ],
    ["rolled_back", (look) => ({ ...look, last: makeAccepted({ timestamp: MADE_AT + HOUR, vouched: [seen.sha256] }) })],
    [
      "partial",
      (look) => ({
        ...look,
        evidence: { ...look.evidence, records: [...look.evidence.records, recordSeen("group", NOT_FOUND)] },
      }),
    ],
    ["lagging", (look) => ({ ...look, evidence: { ...look.evidence, reference: referenceOf(newer) } })],
  ];
  const healthy: Look = {
    evidence: makeEvidence(),
    last: makeAccepted({ vouched: [seen.sha256] }),
    rules: makeRules(),
  };

  it("each alone has its verdict", () => {
    for (const [verdict, damage] of DAMAGES) expect(judgeLook(damage(healthy)).verdict).toBe(verdict);
    expect(judgeLook(healthy).verdict).toBe("ok");
  });

  it("have the verdict of the heaviest, in whatever order they came", () => {
    holds(fc.shuffledSubarray([...DAMAGES]), (damages) => {
      const look = damages.reduce((before, [, damage]) => damage(before), healthy);
      const first = DAMAGES.find((damage) => damages.includes(damage));
      expect(judgeLook(look).verdict).toBe(first?.[0] ?? "ok");
    });
  });

  it("weigh unreachable, moved, tampered, rolled back, partial, lagging, ok, in this order", () => {
    const weights = [...DAMAGES.map(([verdict]) => verdict), "ok" as const].map(weightOf);
    expect(weights).toEqual([6, 5, 4, 3, 2, 1, 0]);
    expect(heaviestOf<Verdict>(["lagging", "tampered", "partial"])).toBe("tampered");
    expect(heaviestOf<Verdict>([])).toBe("ok");
  });
});
