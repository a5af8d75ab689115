// Which set a drill is for, and whether it may be drilled at all.

import type { Manifest } from "../types.ts";

/** The newest set without a verdict; null = every set has had its drill. Pure. */
export function chooseSet(manifests: readonly Manifest[]): Manifest | null {
  const open = manifests.filter(
    (each) => each.state === "unverified" && each.drills.length === 0 && whyNotDrilled(each) === null,
  );
  return open.toSorted((a, b) => (b.instant ?? 0) - (a.instant ?? 0) || (a.id < b.id ? 1 : -1))[0] ?? null;
}

/** One sentence, or null when it may be drilled. Pure. */
export function whyNotDrilled({ id, state, instant, expiring, expiredAt, members }: Manifest): string | null {
  if (expiredAt !== null) return `${id} is gone: retention has deleted its snapshots`;
  if (expiring !== null) return `${id} is being deleted (${expiring.reason}): choose another set`;
  switch (state) {
    case "pending":
      return `${id} is not complete yet: drill it when its backup has ended`;
    case "degraded":
      return `${id} is degraded, a drill cannot make it whole: its manifest says why`;
    case "failed":
      return `${id} has failed already: its manifest says why`;
    case "unverified":
    case "verified":
      break;
    default: {
      const never: never = state;
      return never;
    }
  }
  if (instant === null || members.length === 0) return `${id} has no snapshots: make a new set`;
  return null;
}
