// A set without a manifest: what the tags of its snapshots say of it. Pure.

import { gradeSchema, setStateSchema } from "./manifest.ts";
import { BACKUP_TAG } from "./tags.ts";
import type { CatalogEntry, Member } from "./types.ts";

export interface TagsAnswer {
  readonly entry: Omit<CatalogEntry, "members">;
  readonly disagreements: readonly string[];
  readonly notes: readonly string[];
}

/** `members`: at least one. Those that began before `makingSince` are in the making no more. */
export function entryOfTags(id: string, members: readonly Member[], makingSince: number): TagsAnswer {
  const started = Math.min(...members.map(({ startedAt }) => startedAt));
  const tagged = Date.parse(oneOf(members, BACKUP_TAG.instant) ?? "") / 1000;
  const instant = Number.isNaN(tagged) ? started : tagged;
  const written = members.some(({ tags }) => tags[BACKUP_TAG.state] !== undefined);
  if (!written && started >= makingSince) {
    const entry = { id, instant, grade: "torn", state: "pending" } as const;
    return { entry, disagreements: [], notes: [`set ${id}: is in the making, ${members.length} snapshots so far`] };
  }
  // Tags that say nothing, or several things, vouch for nothing.
  const entry = {
    id,
    instant,
    grade: gradeSchema.safeParse(oneOf(members, BACKUP_TAG.grade)).data ?? "torn",
    state: setStateSchema.safeParse(oneOf(members, BACKUP_TAG.state)).data ?? "degraded",
  };
  const names = members.map(({ snapshot, region }) => `${snapshot} in ${region}`).join(", ");
  return { entry, disagreements: [`set ${id}: is only in tags, of ${names}: it has no manifest`], notes: [] };
}

/** What all members say alike. */
function oneOf(members: readonly Member[], tag: string): string | undefined {
  const [first, ...others] = new Set(members.map(({ tags }) => tags[tag]));
  return others.length === 0 ? first : undefined;
}
