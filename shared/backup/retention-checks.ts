// When retention refuses: signs that the catalog, the rules or the newest backup cannot be trusted. Pure.

import type { RetentionRules } from "../config/index.ts";
import { isInstant, minuteText } from "./calendar.ts";
import { isEmpty } from "./retention-rules.ts";
import type { CatalogEntry, MemberState } from "./types.ts";

/** Where a set is whole enough to be restored from there. */
export function isWholeIn({ members }: CatalogEntry, region: string): boolean {
  const there = members.filter((member) => member.region === region);
  return there.length > 0 && there.every(({ state }) => state === "completed");
}

/** Verified sets that count: a set from the future has a wrong clock behind it. */
export function provedSets(catalog: readonly CatalogEntry[], now: number): readonly CatalogEntry[] {
  return catalog.filter(({ state, instant }) => state === "verified" && instant <= now);
}

/** `named` wins; otherwise every region that a verified set has members in. */
export function regionsThatCount(
  proved: readonly CatalogEntry[],
  named: readonly string[] | undefined,
): readonly string[] {
  if (named !== undefined && named.length > 0) return [...new Set(named)].toSorted();
  return [...new Set(proved.flatMap(({ members }) => members.map(({ region }) => region)))].toSorted();
}

export interface RetentionCase {
  readonly catalog: readonly CatalogEntry[];
  readonly rules: RetentionRules & { readonly regions?: readonly string[] };
  readonly now: number;
  /** Where tags and manifests do not agree, one sentence each. */
  readonly disagreements: readonly string[];
}

/** One sentence, or null if the plan may be made. */
export function whyRefused(all: RetentionCase): string | null {
  for (const check of CHECKS) {
    const why = check(all);
    if (why !== null) return why;
  }
  return null;
}

const CHECKS: readonly ((all: RetentionCase) => string | null)[] = [
  emptyRules,
  unreadable,
  duplicates,
  shared,
  disagreeing,
  unsoundNewest,
  tooFew,
];

function emptyRules({ rules }: RetentionCase): string | null {
  return isEmpty(rules) ? "no rule keeps anything: set last, hourly, daily, weekly, monthly or yearly above 0" : null;
}

function unreadable({ catalog, now }: RetentionCase): string | null {
  if (!isInstant(now)) return `the time now (${now}) is no time`;
  const odd = catalog.find(({ instant }) => !isInstant(instant));
  return odd === undefined ? null : `set ${odd.id} has no instant (${odd.instant})`;
}

function duplicates({ catalog }: RetentionCase): string | null {
  const twice = firstRepeated(catalog.map(({ id }) => id));
  return twice === undefined ? null : `the catalog names the set ${twice} more than once`;
}

/** Deleting one set would tear the other. */
function shared({ catalog }: RetentionCase): string | null {
  const owner = new Map<string, string>();
  for (const { id, members } of catalog) {
    for (const { snapshot } of members) {
      const other = owner.get(snapshot);
      if (other !== undefined)
        return other === id
          ? `set ${id} names the snapshot ${snapshot} twice`
          : `the sets ${other} and ${id} share the snapshot ${snapshot}`;
      owner.set(snapshot, id);
    }
  }
  return null;
}

/** `recoverable`: somebody deleted it, and it lies in the Recycle Bin. */
const LOST: ReadonlySet<MemberState> = new Set<MemberState>(["missing", "error", "recoverable"]);

function disagreeing({ catalog, disagreements }: RetentionCase): string | null {
  const [first, ...more] = [...disagreements, ...catalog.flatMap(lostMembers)];
  if (first === undefined) return null;
  return `the catalog does not agree with AWS: ${first}${more.length === 0 ? "" : ` (and ${more.length} more)`}`;
}

function lostMembers({ id, state, members }: CatalogEntry): string[] {
  if (state !== "verified" && state !== "unverified") return [];
  if (members.length === 0) return [`set ${id} is ${state} and has no snapshots`];
  return members
    .filter((member) => LOST.has(member.state))
    .map(
      (member) => `set ${id} is ${state}, and its snapshot ${member.snapshot} in ${member.region} is ${member.state}`,
    );
}

/** While backups fail, older sets are all there is. */
function unsoundNewest({ catalog, rules, now }: RetentionCase): string | null {
  const made = catalog.filter(({ state, instant }) => state !== "pending" && instant <= now);
  const newest = made.reduce((latest, { instant }) => Math.max(latest, instant), Number.NEGATIVE_INFINITY);
  const bad = made.find(
    ({ instant, state, grade }) =>
      instant === newest && (state === "failed" || state === "degraded" || grade === "torn"),
  );
  if (bad === undefined) return null;
  const what = bad.grade === "torn" && bad.state !== "failed" ? `${bad.state}, torn` : bad.state;
  return `the newest set ${bad.id} (${minuteText(bad.instant, rules.timezone)}) is ${what}: nothing goes until a good one is made`;
}

function tooFew({ catalog, rules, now }: RetentionCase): string | null {
  const proved = provedSets(catalog, now);
  const least = rules.minimumVerified;
  const short = (count: number, where: string) =>
    `${count === 0 ? "no" : `only ${count}`} verified set${count === 1 ? "" : "s"}${where}, and at least ${least} must stay`;
  if (proved.length < least) return short(proved.length, "");
  for (const region of regionsThatCount(proved, rules.regions)) {
    const count = proved.filter((set) => isWholeIn(set, region)).length;
    if (count < least) return short(count, ` in ${region}`);
  }
  return null;
}

function firstRepeated(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}
