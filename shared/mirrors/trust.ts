// What proves who made a repomd.xml: each trust that is given, against what was seen.

import { heaviestOf, isGone, type Unfit, verdictOfRecord } from "./checks/finding.ts";
import { expandArch } from "./rules.ts";
import type {
  Accepted,
  Evidence,
  Metalink,
  MetalinkForm,
  MirrorRules,
  ReferenceSeen,
  RepomdSeen,
  Trust,
} from "./types.ts";
import { spanText } from "./words.ts";

/**
 * `proven`: by a key, or upstream has it or had it. `known`: nothing new was proven, and nothing is new: it was accepted
 * before. `unproven`: what that says of the mirror.
 */
export type Proof =
  | { readonly state: "proven" | "known"; readonly detail: string }
  | { readonly state: "unproven"; readonly verdict: Unfit; readonly detail: string };

interface Question {
  readonly seen: RepomdSeen;
  readonly last: Accepted | null;
  readonly rules: MirrorRules;
}

/** One proof for each trust that is given, and for what upstream said without being given; none = nothing was asked. */
export function proofsOf(
  seen: RepomdSeen,
  evidence: Evidence,
  last: Accepted | null,
  rules: MirrorRules,
): readonly Proof[] {
  const question: Question = { seen, last, rules };
  const { reference, arch } = evidence;
  const signed = rules.trust.keys.length === 0 ? [] : [bySignature(evidence)];
  const asked = reference === null ? [] : [byUpstream(question, reference, isProven(signed))];
  const unasked = UPSTREAM.filter((kind) => isUnasked(kind, rules.trust, reference, arch)).map((kind) =>
    withoutUpstream(question, `upstream's ${kind} was not asked`),
  );
  return [...signed, ...asked, ...unasked];
}

/** By one of them at least; whether all hold is `unprovenVerdict`. */
export function isProven(proofs: readonly Proof[]): boolean {
  return proofs.some(({ state }) => state === "proven");
}

/** The heaviest of what is unproven; "ok" = every proof holds, or none was asked for. */
export function unprovenVerdict(proofs: readonly Proof[]): Unfit | "ok" {
  return heaviestOf(proofs.flatMap((proof) => (proof.state === "unproven" ? [proof.verdict] : [])));
}

const UPSTREAM = ["metalink", "reference"] as const;

function isUnasked(
  kind: (typeof UPSTREAM)[number],
  trust: Trust,
  reference: ReferenceSeen | null,
  arch: string,
): boolean {
  const given = trust[kind];
  if (given === null) return false;
  if (reference?.kind !== "problem") return reference?.kind !== kind;
  const other = kind === "metalink" ? trust.reference : trust.metalink;
  return other !== null && reference.url !== expandArch(given, arch);
}

function bySignature({ signature }: Evidence): Proof {
  if (signature === null)
    return { state: "unproven", verdict: "partial", detail: "repomd.xml.asc was not asked for, so no key proves it" };
  switch (signature.state) {
    case "good":
      return { state: "proven", detail: `signed by the pinned key ${signature.keyId}` };
    case "bad":
      return { state: "unproven", verdict: "tampered", detail: `its signature does not hold: ${signature.detail}` };
    case "missing": {
      const { problem } = signature;
      // A connection that broke is no statement of the mirror's: it is no reason to cry wolf.
      const verdict = isGone(problem) ? "tampered" : verdictOfRecord(problem);
      return { state: "unproven", verdict, detail: `there is no signature by a pinned key: ${problem.detail}` };
    }
    default:
      return signature satisfies never;
  }
}

function byUpstream(question: Question, reference: ReferenceSeen, signed: boolean): Proof {
  switch (reference.kind) {
    case "reference":
      return byReference(question, reference, signed);
    case "metalink":
      return byMetalink(question, reference.metalink);
    case "problem":
      return withoutUpstream(question, `upstream's ${reference.url} could not be had (${reference.problem.detail})`);
    default:
      return reference satisfies never;
  }
}

/** Silence upstream is nothing against a mirror, as long as it has nothing new. */
function withoutUpstream({ seen, last }: Question, why: string): Proof {
  if (isKnown(last, seen)) return { state: "known", detail: `${why}; this content was accepted before` };
  return { state: "unproven", verdict: "partial", detail: `${why}, so nothing proves this new content` };
}

function byReference(
  { seen, last }: Question,
  { url, sha256, timestamp }: { readonly url: string; readonly sha256: string; readonly timestamp: number },
  signed: boolean,
): Proof {
  if (sha256 === seen.sha256) return { state: "proven", detail: `the same as upstream's ${url}` };
  if (isVouched(last, seen)) return { state: "proven", detail: `upstream's ${url} had it before` };
  const behind = timestamp - seen.content.timestamp;
  if (behind <= 0) {
    const age = behind === 0 ? "as old as" : `${spanText(-behind)} newer than`;
    return { state: "unproven", verdict: "tampered", detail: `it is ${age} upstream's ${url} and other content` };
  }
  const older = `it is ${spanText(behind)} older than upstream's`;
  return signed
    ? { state: "known", detail: `${older}, which the signature allows` }
    : { state: "unproven", verdict: "lagging", detail: `${older}, and nothing proves that it is upstream's older one` };
}

function byMetalink({ seen, last, rules }: Question, metalink: Metalink): Proof {
  const { newest, alternates } = metalink;
  if (isForm(seen, newest)) return { state: "proven", detail: "the newest that upstream's metalink names" };
  const alternate = alternates.find((form) => isForm(seen, form));
  const known = isKnown(last, seen);
  if (alternate !== undefined || known) {
    if (rules.onlyNewest)
      return {
        state: "unproven",
        verdict: "lagging",
        detail: "it is upstream's older one, and only the newest counts",
      };
    if (alternate === undefined)
      return {
        state: isVouched(last, seen) ? "proven" : "known",
        detail: "upstream's metalink names it no longer; it was accepted before",
      };
    return byAlternate(seen, alternate, newest, rules.alternateAgeSeconds);
  }
  const strong = [newest, ...alternates].some((form) => strongestOf(form) !== null);
  const detail = strong
    ? "upstream's metalink names other content, also among its older ones"
    : "upstream's metalink names neither a sha256 nor a sha512, and weaker hashes prove nothing";
  return { state: "unproven", verdict: "tampered", detail };
}

function byAlternate(seen: RepomdSeen, alternate: MetalinkForm, newest: MetalinkForm, allowedSeconds: number): Proof {
  const what = "an older one of upstream's metalink";
  if (newest.timestamp === null)
    return { state: "unproven", verdict: "lagging", detail: `${what}, which does not say how old its newest is` };
  const age = newest.timestamp - (alternate.timestamp ?? seen.content.timestamp);
  if (age <= allowedSeconds) return { state: "proven", detail: `${what}, ${spanText(age)} behind its newest` };
  const detail = `${what}, ${spanText(age)} behind its newest: more than the ${spanText(allowedSeconds)} that count`;
  return { state: "unproven", verdict: "lagging", detail };
}

function isKnown(last: Accepted | null, seen: RepomdSeen): boolean {
  return last?.repomdSha256 === seen.sha256 || isVouched(last, seen);
}

function isVouched(last: Accepted | null, { sha256 }: RepomdSeen): boolean {
  return last?.vouched.includes(sha256) ?? false;
}

/** Whether a metalink's form is what was seen, by the strongest hash that it gives; md5 and sha1 do not count. */
export function isForm({ digests }: RepomdSeen, form: MetalinkForm): boolean {
  const strongest = strongestOf(form);
  return strongest !== null && digests[strongest.type] === strongest.value;
}

function strongestOf({ hashes }: MetalinkForm): { readonly type: "sha256" | "sha512"; readonly value: string } | null {
  for (const type of ["sha512", "sha256"] as const) {
    const hash = hashes.find((each) => each.type === type);
    if (hash !== undefined) return { type, value: hash.value };
  }
  return null;
}
