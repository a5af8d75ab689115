// The verdict on one look at a mirror: every check that the evidence allows, and the heaviest of what they found. Pure.

import { acceptedOf, keptOf, mayBeAccepted } from "./accept.ts";
import { checkAuthenticity, checkLag, checkMonotonic, lagOf } from "./checks/age.ts";
import { checkLive, checkNevra, checkPackages, checkRecords, checkRpms } from "./checks/contents.ts";
import { type Finding, heaviestOf } from "./checks/finding.ts";
import { checkFetch, checkResolve, checkSchema, checkStable, checkTls } from "./checks/reach.ts";
import { checkRedirects } from "./checks/redirects.ts";
import { proofsOf } from "./trust.ts";
import type { Accepted, Evidence, Judgement, MirrorRules, Verdict } from "./types.ts";

/**
 * Judges one look. Pure and total: it never throws, whatever the evidence. `last` is what was accepted before, null =
 * nothing; `now` in epoch seconds. A check whose facts were not gathered is left out; the verdict is ok exactly when all
 * that are there are ok. The order of the checks is that of the look.
 */
export function judge(evidence: Evidence, last: Accepted | null, rules: MirrorRules, now: number): Judgement {
  const { repomd, reference } = evidence;
  const seen = "content" in repomd ? repomd : null;
  const proofs = seen === null ? [] : proofsOf(seen, evidence, last, rules);
  const lag = seen === null ? null : lagOf(seen, reference);
  const byHand = seen !== null && rules.acceptedByHand.includes(seen.sha256);
  const findings = [
    checkResolve(evidence),
    checkFetch(evidence),
    checkTls(evidence, rules, now),
    checkRedirects(evidence, rules),
    checkSchema(evidence),
    checkStable(evidence),
    seen === null ? null : checkAuthenticity(proofs, evidence),
    seen === null ? null : checkMonotonic(seen, proofs, last, rules, now),
    checkLag(lag, rules),
    checkRecords(evidence.records, seen?.content ?? null),
    checkPackages(evidence, last, rules, byHand),
    checkNevra(evidence, byHand),
    checkRpms(evidence.rpms),
    checkLive(evidence),
  ].filter((finding) => finding !== null);
  const accepted =
    seen !== null && mayBeAccepted(evidence, findings)
      ? acceptedOf(evidence, seen, proofs, last, now)
      : keptOf(last, reference);
  return {
    verdict: verdictOf(findings),
    checks: findings.map(({ name, ok, detail }) => ({ name, ok, detail })),
    metadata:
      seen === null
        ? null
        : { revision: seen.content.revision, timestamp: seen.content.timestamp, repomdSha256: seen.sha256 },
    accepted,
    // A READY repo that is behind its mirror says nothing against the mirror.
    trusted: verdictOf(findings.filter(({ name }) => name !== "live")) === "ok",
    lagSeconds: lag?.seconds ?? null,
  };
}

function verdictOf(findings: readonly Finding[]): Verdict {
  return heaviestOf(findings.flatMap((finding) => (finding.ok ? [] : [finding.verdict])));
}
