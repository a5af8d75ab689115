// The catalog of sets, from what AWS shows by tag and what manifests say: both agree, or it says where they do not. Pure.

import { differences, type SetView } from "./catalog-differences.ts";
import { entryOfTags } from "./catalog-tags.ts";
import { BACKUP_TAG } from "./tags.ts";
import type { CatalogEntry, CatalogMember, Manifest, Member } from "./types.ts";

export interface CatalogSources {
  readonly manifests: readonly Manifest[];
  /** By region: all own snapshots tagged toji:backup of this site. A region that is no key was not looked at. */
  readonly snapshots: Readonly<Record<string, readonly Member[]>>;
  readonly lockedIds: ReadonlySet<string>;
  /** Snapshots that images are made of: EC2 does not delete them. */
  readonly amiSnapshots: ReadonlySet<string>;
  readonly now: number;
  /** So long a set may be in the making, its snapshots without a manifest or its copies unrecorded. */
  readonly makingHours?: number;
}

export interface Catalog {
  /** Newest first; without sets that are gone or going. */
  readonly entries: readonly CatalogEntry[];
  /** Each refuses retention until somebody has looked. */
  readonly disagreements: readonly string[];
  /** Fine, but worth a line: sets in the making, half deleted ones, failed copies. */
  readonly notes: readonly string[];
}

const DEFAULT_MAKING_HOURS = 72;

export function buildCatalog(sources: CatalogSources): Catalog {
  const { manifests, now, makingHours = DEFAULT_MAKING_HOURS } = sources;
  const found = Object.values(sources.snapshots).flat();
  const byId = new Map(found.map((each) => [each.snapshot, each]));
  const bySet = Map.groupBy(found, ({ tags }) => tags[BACKUP_TAG.set] ?? "");
  const looked = new Set(Object.keys(sources.snapshots));
  const sum: { entries: CatalogEntry[]; disagreements: string[]; notes: string[] } = {
    entries: [],
    disagreements: (bySet.get("") ?? []).map(
      ({ snapshot, region }) => `${snapshot} in ${region} carries ${BACKUP_TAG.site} and no ${BACKUP_TAG.set}`,
    ),
    notes: [],
  };
  for (const manifest of manifests) {
    const isYoung = now - manifest.startedAt < makingHours * 3600;
    const view: SetView = { manifest, byId, tagged: bySet.get(manifest.id) ?? [], looked, isYoung };
    const { disagreements, notes, members, counts } = differences(view);
    sum.disagreements.push(...disagreements);
    sum.notes.push(...notes);
    if (!counts) continue;
    const isForsaken = manifest.state === "pending" && !isYoung;
    if (isForsaken) sum.notes.push(`set ${manifest.id}: was never finished, it counts as failed`);
    sum.entries.push({ ...entryOf(manifest, members, sources), ...(isForsaken ? { state: "failed" } : {}) });
  }
  const described = new Set(manifests.map(({ id }) => id));
  for (const [id, members] of bySet) {
    if (id === "" || described.has(id)) continue;
    const { entry, disagreements, notes } = entryOfTags(id, members, now - makingHours * 3600);
    sum.disagreements.push(...disagreements);
    sum.notes.push(...notes);
    sum.entries.push({ ...entry, members: members.map((each) => memberOf(each, sources)) });
  }
  return {
    entries: sum.entries.toSorted((a, b) => b.instant - a.instant || (a.id < b.id ? 1 : -1)),
    disagreements: sum.disagreements.toSorted(),
    notes: sum.notes.toSorted(),
  };
}

function entryOf(manifest: Manifest, members: readonly Member[], sources: CatalogSources): CatalogEntry {
  const { id, grade, state, startedAt } = manifest;
  // The age of a set is that of its freeze; one without snapshots froze nothing and only has a start.
  const instant = manifest.instant ?? startedAt;
  return { id, instant, grade, state, members: members.map((each) => memberOf(each, sources)) };
}

function memberOf(
  { snapshot, state, region, tags }: Member,
  { lockedIds, amiSnapshots }: CatalogSources,
): CatalogMember {
  const inUse = amiSnapshots.has(snapshot) || (tags[BACKUP_TAG.inUse] ?? "") !== "";
  return { snapshot, state, locked: lockedIds.has(snapshot), inUse, region };
}
