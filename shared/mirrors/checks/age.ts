// Checks of who made the metadata and how old it is: authenticity, monotonic, lag.

import { isForm, isProven, type Proof, unprovenVerdict } from "../trust.ts";
import type { Accepted, Evidence, MirrorRules, ReferenceSeen, RepomdSeen } from "../types.ts";
import { hostText, spanText } from "../words.ts";
import { type Finding, fine, unfit } from "./finding.ts";

/** Clocks of those who make repositories may be off by so much. */
const FUTURE_SECONDS = 86_400;

export function checkAuthenticity(proofs: readonly Proof[], { url, base }: Evidence): Finding {
  const address = base ?? url;
  if (proofs.length === 0)
    return fine(
      "authenticity",
      address.startsWith("https:")
        ? `proved by TLS to ${hostText(address)} only`
        : "unproven: plain HTTP without key, metalink or reference",
    );
  const detail = proofs.map((proof) => proof.detail).join("; ");
  const verdict = unprovenVerdict(proofs);
  return verdict === "ok" ? fine("authenticity", detail) : unfit("authenticity", verdict, detail);
}

export function checkMonotonic(
  { sha256, content }: RepomdSeen,
  proofs: readonly Proof[],
  last: Accepted | null,
  rules: MirrorRules,
  now: number,
): Finding {
  const { timestamp } = content;
  if (rules.acceptedByHand.includes(sha256)) return fine("monotonic", "the config names this repomd.xml as accepted");
  if (last !== null && timestamp < last.timestamp)
    return unfit("monotonic", "rolled_back", `${spanText(last.timestamp - timestamp)} older than what was accepted`);
  if (sha256 === last?.repomdSha256) return fine("monotonic", "the same as was accepted");
  // What is dated ahead and accepted would make all that upstream makes until then look rolled back.
  if (timestamp > now + FUTURE_SECONDS && !isProven(proofs))
    return unfit("monotonic", "tampered", `dated ${spanText(timestamp - now)} ahead, and nothing proves it`);
  if (last === null) return fine("monotonic", "nothing was accepted before");
  if (timestamp > last.timestamp)
    return fine("monotonic", `${spanText(timestamp - last.timestamp)} newer than what was accepted`);
  return isProven(proofs)
    ? fine("monotonic", "as old as what was accepted and other content, which is proven")
    : unfit("monotonic", "tampered", "as old as what was accepted and other content, and nothing proves it");
}

export interface Lag {
  /** null = it is not upstream's newest, and upstream does not say how old that is. */
  readonly seconds: number | null;
}

/** How far behind upstream it is; null = upstream was not asked, or did not answer. */
export function lagOf(seen: RepomdSeen, reference: ReferenceSeen | null): Lag | null {
  if (reference === null || reference.kind === "problem") return null;
  if (reference.kind === "reference")
    return {
      seconds: reference.sha256 === seen.sha256 ? 0 : atLeastZero(reference.timestamp - seen.content.timestamp),
    };
  const { newest, alternates } = reference.metalink;
  if (isForm(seen, newest)) return { seconds: 0 };
  if (newest.timestamp === null) return { seconds: null };
  const alternate = alternates.find((form) => isForm(seen, form));
  return { seconds: atLeastZero(newest.timestamp - (alternate?.timestamp ?? seen.content.timestamp)) };
}

const atLeastZero = (seconds: number): number => Math.max(0, seconds);

/** null where there was nothing to compare with. */
export function checkLag(lag: Lag | null, { lagBudgetSeconds }: MirrorRules): Finding | null {
  if (lag === null) return null;
  const { seconds } = lag;
  if (seconds === null)
    return unfit("lag", "lagging", "it is not upstream's newest, and the metalink does not say how old that is");
  if (seconds > lagBudgetSeconds)
    return unfit("lag", "lagging", `${spanText(seconds)} behind upstream, of ${spanText(lagBudgetSeconds)} allowed`);
  return fine("lag", seconds === 0 ? "not behind upstream" : `${spanText(seconds)} behind upstream, which is allowed`);
}
