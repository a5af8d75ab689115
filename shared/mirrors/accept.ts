// What is remembered of a look: the state that later looks are measured against. Pure.

import type { Finding } from "./checks/finding.ts";
import { isProven, type Proof } from "./trust.ts";
import type { Accepted, Evidence, ReferenceSeen, RepomdSeen } from "./types.ts";

const MOST_VOUCHED = 50;

/** Newest first, each once. */
export function mergeVouched(...lists: readonly (readonly string[])[]): readonly string[] {
  return [...new Set(lists.flat())].slice(0, MOST_VOUCHED);
}

/**
 * Whether this look's metadata may be what later looks are measured against: all is well with it, or no worse than late;
 * it was proven, went forward, was the same twice, and nothing was left out for want of time.
 */
export function mayBeAccepted(evidence: Evidence, findings: readonly Finding[]): boolean {
  const good = (name: Finding["name"]) => findings.some((finding) => finding.name === name && finding.ok);
  const wellOrLate = findings.every(
    (finding) => finding.ok || finding.name === "live" || finding.verdict === "lagging",
  );
  return wellOrLate && good("authenticity") && good("monotonic") && good("stable") && !ranOutOfTime(evidence);
}

/** Whatever else was left out for want of time is a check that is not ok; of upstream it says nothing against a mirror. */
function ranOutOfTime({ reference }: Evidence): boolean {
  return reference?.kind === "problem" && reference.problem.kind === "budget";
}

/** The new state. What this look did not read is taken from the last state if that is of the same repomd.xml. */
export function acceptedOf(
  evidence: Evidence,
  seen: RepomdSeen,
  proofs: readonly Proof[],
  last: Accepted | null,
  now: number,
): Accepted {
  const same = last?.repomdSha256 === seen.sha256 ? last : null;
  const { packages, sample } = evidence;
  return {
    repomdSha256: seen.sha256,
    revision: seen.content.revision,
    timestamp: seen.content.timestamp,
    at: now,
    packages: packages === null ? (same?.packages ?? null) : packages.count,
    index: packages === null ? (same?.index ?? null) : packages.index,
    sample: packages === null ? (same?.sample ?? []) : sample,
    verifiedAt: wasReadWhole(evidence, seen) ? now : (same?.verifiedAt ?? null),
    vouched: vouchedAfter(last, evidence.reference, isUpstreams(evidence.reference, proofs) ? [seen.sha256] : []),
  };
}

function wasReadWhole({ records }: Evidence, { content }: RepomdSeen): boolean {
  const whole = new Set(records.filter(({ read, problem }) => read && problem === null).map(({ type }) => type));
  return content.records.every(({ type }) => whole.has(type));
}

/** A metalink may know the content by a hash that is no sha256: then its own is what it vouched for. */
function isUpstreams(reference: ReferenceSeen | null, proofs: readonly Proof[]): boolean {
  return reference?.kind === "metalink" && isProven(proofs);
}

/** The last state, which also remembers what upstream has vouched for in this look. */
export function keptOf(last: Accepted | null, reference: ReferenceSeen | null): Accepted | null {
  return last === null ? null : { ...last, vouched: vouchedAfter(last, reference, []) };
}

function vouchedAfter(
  last: Accepted | null,
  reference: ReferenceSeen | null,
  more: readonly string[],
): readonly string[] {
  return mergeVouched(vouchedBy(reference), more, last?.vouched ?? []);
}

function vouchedBy(reference: ReferenceSeen | null): readonly string[] {
  if (reference === null || reference.kind === "problem") return [];
  if (reference.kind === "reference") return [reference.sha256];
  const { newest, alternates } = reference.metalink;
  return [newest, ...alternates].flatMap(({ hashes }) =>
    hashes.flatMap(({ type, value }) => (type === "sha256" ? [value] : [])),
  );
}
