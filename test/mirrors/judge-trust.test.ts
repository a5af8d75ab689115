// The verdict on one look: who made the metadata, and how old it is.

import { describe, expect, it } from "vitest";
import type { Accepted, Evidence, Verdict } from "../../shared/mirrors/types.ts";
import {
  BASE,
  DAY,
  detailOf,
  fault,
  formOf,
  HOUR,
  judged,
  MADE_AT,
  makeAccepted,
  makeEvidence,
  makeRepomd,
  makeRules,
  metalinkOf,
  NOT_FOUND,
  NOW,
  problem,
  referenceOf,
  SEEN,
  UPSTREAM,
} from "./evidence.ts";

describe("authenticity without any trust", () => {
  it("is told as unproven over plain HTTP", () => {
    const judgement = judged({ evidence: makeEvidence({ base: BASE.replace("https:", "http:"), tls: null }) });
    expect(judgement.verdict).toBe("ok");
    expect(detailOf(judgement, "authenticity")).toBe("unproven: plain HTTP without key, metalink or reference");
    expect(detailOf(judgement, "tls")).toBeUndefined();
  });
});

describe("authenticity by a pinned key", () => {
  const rules = makeRules({ trust: { keys: ["key"] } });

  it("holds for a good signature", () => {
    const evidence = makeEvidence({ signature: { state: "good", keyId: "0123456789abcdef" } });
    expect(detailOf(judged({ evidence, rules }), "authenticity")).toBe("signed by the pinned key 0123456789abcdef");
  });

  it.each<[Verdict, string, Evidence["signature"]]>([
    ["tampered", "bad", { state: "bad", detail: "the content was altered" }],
    ["tampered", "missing", { state: "missing", problem: NOT_FOUND }],
    ["tampered", "endless", { state: "missing", problem: problem("too-large") }],
    ["partial", "not had in time", { state: "missing", problem: problem("timeout") }],
    ["partial", "not there for a broken server", { state: "missing", problem: problem("status", "HTTP 500", 500) }],
    ["partial", "not asked for", null],
  ])("is %s where the signature is %s", (verdict, _, signature) => {
    const evidence = makeEvidence({ signature });
    expect(fault({ evidence, rules }).slice(0, 2)).toEqual([verdict, "authenticity"]);
    expect(judged({ evidence, rules }).accepted?.repomdSha256).toBe(makeAccepted().repomdSha256);
  });
});

describe("authenticity by a metalink", () => {
  const rules = makeRules({ trust: { metalink: "https://upstream.example.net/metalink" } });
  const next = makeRepomd("next", MADE_AT + HOUR);
  const muchLater = makeRepomd("next", MADE_AT + 6 * DAY);

  it("holds for its newest form", () => {
    const evidence = makeEvidence({ reference: metalinkOf(formOf(SEEN)) });
    const judgement = judged({ evidence, rules });
    expect(judgement).toMatchObject({ verdict: "ok", lagSeconds: 0 });
    expect(judgement.accepted?.vouched).toEqual([SEEN.sha256]);
  });

  it("goes by the strongest hash of a form, and remembers what it stood for", () => {
    const form = { ...formOf(SEEN), hashes: [{ type: "sha512", value: SEEN.digests.sha512 }] } as const;
    const judgement = judged({ evidence: makeEvidence({ reference: metalinkOf(form) }), rules });
    expect(judgement.verdict).toBe("ok");
    expect(judgement.accepted?.vouched).toEqual([SEEN.sha256]);
    const other = {
      ...form,
      hashes: [
        { type: "sha256", value: SEEN.sha256 },
        { type: "sha512", value: "00" },
      ],
    } as const;
    expect(fault({ evidence: makeEvidence({ reference: metalinkOf(other) }), rules })[0]).toBe("tampered");
  });

  it("does not hold by md5 and sha1 alone", () => {
    const hashes = [
      { type: "md5", value: SEEN.digests.md5 },
      { type: "sha1", value: SEEN.digests.sha1 },
    ] as const;
    const evidence = makeEvidence({ reference: metalinkOf({ ...formOf(SEEN), hashes }) });
    const [verdict, , detail] = fault({ evidence, rules, last: null });
    expect(verdict).toBe("tampered");
    expect(detail).toContain("weaker hashes prove nothing");
  });

  it("holds for an older form that is not too old, with its lag", () => {
    const evidence = makeEvidence({ reference: metalinkOf(formOf(next), [formOf(SEEN)]) });
    const judgement = judged({ evidence, rules });
    expect(judgement).toMatchObject({ verdict: "ok", lagSeconds: HOUR });
    expect(judgement.accepted?.vouched).toEqual([next.sha256, SEEN.sha256]);
  });

  it("is late, not false, for an older form that no longer counts", () => {
    const evidence = makeEvidence({ reference: metalinkOf(formOf(muchLater), [formOf(SEEN)]) });
    const { verdict, accepted, checks } = judged({ evidence, rules });
    expect(verdict).toBe("lagging");
    expect(checks.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(["authenticity", "lag"]);
    expect(accepted).toEqual(makeAccepted({ vouched: [muchLater.sha256, SEEN.sha256] }));
    expect(judged({ evidence, rules, last: accepted }).verdict).toBe("lagging");
  });

  it("tells the lag by its own times, not by those of the records", () => {
    const reference = metalinkOf(formOf(next, MADE_AT + 3 * HOUR), [formOf(SEEN, MADE_AT + HOUR)]);
    expect(judged({ evidence: makeEvidence({ reference }), rules }).lagSeconds).toBe(2 * HOUR);
  });

  it("in an emergency holds for the newest only, whatever was accepted before", () => {
    const strict = makeRules({ ...rules, onlyNewest: true });
    const evidence = makeEvidence({ reference: metalinkOf(formOf(next), [formOf(SEEN)]) });
    const last = makeAccepted({ repomdSha256: SEEN.sha256, timestamp: MADE_AT, vouched: [SEEN.sha256] });
    expect(fault({ evidence, rules: strict }).slice(0, 2)).toEqual(["lagging", "authenticity"]);
    expect(fault({ evidence, rules: strict, last }).slice(0, 2)).toEqual(["lagging", "authenticity"]);
    const dropped = makeEvidence({ reference: metalinkOf(formOf(next)) });
    expect(fault({ evidence: dropped, rules: strict, last }).slice(0, 2)).toEqual(["lagging", "authenticity"]);
  });

  it("holds for what it named before", () => {
    const evidence = makeEvidence({ reference: metalinkOf(formOf(next)) });
    expect(judged({ evidence, rules, last: makeAccepted({ vouched: [SEEN.sha256] }) }).verdict).toBe("ok");
    const same = makeAccepted({ repomdSha256: SEEN.sha256, timestamp: MADE_AT });
    expect(judged({ evidence, rules, last: same })).toMatchObject({ verdict: "ok", lagSeconds: HOUR });
    // What was accepted before there was a metalink is not upstream's for that.
    expect(judged({ evidence, rules, last: same }).accepted?.vouched).toEqual([next.sha256]);
  });

  it("does not hold for what it never named", () => {
    const evidence = makeEvidence({ reference: metalinkOf(formOf(next)) });
    expect(fault({ evidence, rules }).slice(0, 2)).toEqual(["tampered", "authenticity"]);
  });

  it("that gives no times only knows its newest", () => {
    const evidence = makeEvidence({ reference: metalinkOf(formOf(next, null), [formOf(SEEN)]) });
    expect(judged({ evidence, rules })).toMatchObject({ verdict: "lagging", lagSeconds: null });
  });
});

describe("authenticity by upstream's own copy", () => {
  const rules = makeRules({ trust: { reference: UPSTREAM } });
  const next = makeRepomd("next", MADE_AT + HOUR);

  it("holds where both are the same", () => {
    const judgement = judged({ evidence: makeEvidence({ reference: referenceOf(SEEN) }), rules });
    expect(judgement).toMatchObject({ verdict: "ok", lagSeconds: 0 });
    expect(judgement.accepted?.vouched).toEqual([SEEN.sha256]);
  });

  it("holds for what upstream had before, until that is too late", () => {
    const last = makeAccepted({ vouched: [SEEN.sha256] });
    const late = makeRepomd("late", MADE_AT + 3 * DAY);
    expect(judged({ evidence: makeEvidence({ reference: referenceOf(next) }), rules, last })).toMatchObject({
      verdict: "ok",
      lagSeconds: HOUR,
    });
    const evidence = makeEvidence({ reference: referenceOf(late) });
    expect(fault({ evidence, rules, last })).toEqual(["lagging", "lag", "3 d behind upstream, of 2 d allowed"]);
    expect(judged({ evidence, rules, last }).accepted?.repomdSha256).toBe(SEEN.sha256);
  });

  it("is late where it is older and nothing proves that it ever was upstream's", () => {
    const evidence = makeEvidence({ reference: referenceOf(next) });
    expect(fault({ evidence, rules }).slice(0, 2)).toEqual(["lagging", "authenticity"]);
    expect(judged({ evidence, rules }).accepted).toEqual(makeAccepted({ vouched: [next.sha256] }));
    expect(judged({ evidence, rules, last: null }).accepted).toBeNull();
  });

  it("holds for an older one that is signed", () => {
    const signed = makeRules({ trust: { reference: UPSTREAM, keys: ["key"] } });
    const evidence = makeEvidence({ reference: referenceOf(next), signature: { state: "good", keyId: "ab" } });
    expect(judged({ evidence, rules: signed }).verdict).toBe("ok");
  });

  it.each([
    ["as old", MADE_AT],
    ["older", MADE_AT - HOUR],
  ])("does not hold where upstream's is %s and other content", (_, timestamp) => {
    const evidence = makeEvidence({ reference: referenceOf(makeRepomd("other", timestamp)) });
    expect(fault({ evidence, rules }).slice(0, 2)).toEqual(["tampered", "authenticity"]);
  });

  it("is partial for new content while upstream is silent, and ok for what is known", () => {
    const evidence = makeEvidence({ reference: { kind: "problem", url: UPSTREAM, problem: problem("timeout") } });
    const [verdict, name, detail] = fault({ evidence, rules });
    expect([verdict, name]).toEqual(["partial", "authenticity"]);
    expect(detail).toBe(`upstream's ${UPSTREAM} could not be had (timeout), so nothing proves this new content`);
    const last = makeAccepted({ repomdSha256: SEEN.sha256, timestamp: MADE_AT });
    expect(judged({ evidence, rules, last })).toMatchObject({ verdict: "ok", lagSeconds: null });
    expect(judged({ evidence, rules, last: makeAccepted({ vouched: [SEEN.sha256] }) }).verdict).toBe("ok");
  });

  it("is not accepted where the look ran out of time before upstream answered", () => {
    const last = makeAccepted({ vouched: [SEEN.sha256] });
    const silent = (kind: "budget" | "timeout") =>
      makeEvidence({ reference: { kind: "problem", url: UPSTREAM, problem: problem(kind) } });
    expect(judged({ evidence: silent("timeout"), rules, last }).accepted?.repomdSha256).toBe(SEEN.sha256);
    expect(judged({ evidence: silent("budget"), rules, last }).accepted).toEqual(last);
  });

  it("is not held by another trust: each that is given must hold", () => {
    const both = makeRules({ trust: { reference: UPSTREAM, metalink: "https://upstream.example.net/metalink" } });
    const evidence = makeEvidence({ reference: referenceOf(SEEN) });
    const [verdict, , detail] = fault({ evidence, rules: both });
    expect(verdict).toBe("partial");
    expect(detail).toContain("upstream's metalink was not asked");
  });
});

describe("metadata against what was accepted", () => {
  it.each<[Verdict | "ok", string, Partial<Accepted>]>([
    ["rolled_back", "is older", { timestamp: MADE_AT + HOUR }],
    ["tampered", "is as old and other content", { timestamp: MADE_AT }],
    ["ok", "is newer", { timestamp: MADE_AT - 1 }],
  ])("is %s where it %s", (verdict, _, changes) => {
    expect(judged({ last: makeAccepted(changes) }).verdict).toBe(verdict);
  });

  it("that is as old and other content is ok where a key proves it", () => {
    const rules = makeRules({ trust: { keys: ["key"] } });
    const evidence = makeEvidence({ signature: { state: "good", keyId: "ab" } });
    expect(judged({ evidence, rules, last: makeAccepted({ timestamp: MADE_AT }) }).verdict).toBe("ok");
  });

  it("that is older stays so although upstream has it, until a person accepts it", () => {
    const last = makeAccepted({ timestamp: MADE_AT + HOUR });
    const evidence = makeEvidence({ reference: referenceOf(SEEN) });
    expect(fault({ evidence, last }).slice(0, 2)).toEqual(["rolled_back", "monotonic"]);
    const rules = makeRules({ acceptedByHand: [SEEN.sha256] });
    expect(judged({ evidence, last, rules })).toMatchObject({ verdict: "ok", accepted: { timestamp: MADE_AT } });
  });

  it("that is dated ahead is not accepted unless it is proven: all later ones would look rolled back", () => {
    const ahead = makeRepomd("ahead", NOW + 2 * DAY);
    const evidence = makeEvidence({ repomd: ahead });
    expect(fault({ evidence }).slice(0, 2)).toEqual(["tampered", "monotonic"]);
    expect(judged({ evidence: { ...evidence, reference: referenceOf(ahead) } }).verdict).toBe("ok");
  });
});
