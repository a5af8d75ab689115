// Retention, every day: sets that the plan lets go are deleted whole, in all places, and nothing else ever is.

import type { Place } from "../aws/backup-clients.ts";
import {
  deleteSnapshot,
  imagesUsing,
  listLocked,
  listSnapshots,
  type Snapshot,
  SnapshotKept,
} from "../aws/snapshots.ts";
import { allPlaces, takeInventory } from "./inventory.ts";
import { listManifests, updateManifest } from "./manifest.ts";
import { nameOf, placesOf } from "./places.ts";
import type { BackupPorts } from "./ports.ts";
import { planRetention } from "./retention.ts";
import { BACKUP_TAG } from "./tags.ts";
import type { RetentionPlan } from "./types.ts";

export interface ExpireAnswer {
  /** Sets whose snapshots are gone. */
  readonly expired: readonly string[];
  /** Sets whose deletion was decided and could not be ended, each with a sentence. */
  readonly stopped: readonly string[];
  readonly refused: string | null;
}

/** One snapshot of a set, where it is. */
interface Found {
  readonly place: Place;
  readonly snapshot: Snapshot;
}

export async function expire(ports: BackupPorts): Promise<ExpireAnswer> {
  const expired: string[] = [];
  const stopped: string[] = [];
  const note = (id: string, kept: string | null) => void (kept === null ? expired.push(id) : stopped.push(kept));
  // A deletion that was cut off is ended first: half a set is of use to nobody, whatever the plan says by now.
  const { manifests } = await listManifests(ports.store, ports.listing);
  const places = allPlaces(ports, manifests);
  for (const { id, expiring, expiredAt } of manifests)
    if (expiring !== null && expiredAt === null) note(id, await deleteSet(ports, places, id));
  const plan = await makePlan(ports);
  for (const { id, reason } of plan.expire) note(id, await beginDeletion(ports, places, id, reason));
  const { telemetry } = ports;
  if (plan.refused !== null) telemetry.warn(`no set is deleted: ${plan.refused}`);
  for (const sentence of stopped) telemetry.warn(sentence);
  telemetry.metric("RetentionRefused", "Count", plan.refused === null ? 0 : 1);
  telemetry.metric("SetsExpired", "Count", expired.length);
  telemetry.metric("ExpiryStopped", "Count", stopped.length);
  return { expired, stopped, refused: plan.refused };
}

/** From a fresh look; every configured place must keep its number of verified sets. */
async function makePlan(ports: BackupPorts): Promise<RetentionPlan> {
  const { catalog, now } = await takeInventory(ports);
  const regions = [...new Set(placesOf(ports).map(({ region }) => region))];
  return planRetention(catalog.entries, { ...ports.backup.retention, regions }, now, catalog.disagreements);
}

async function beginDeletion(
  ports: BackupPorts,
  places: readonly Place[],
  id: string,
  reason: string,
): Promise<string | null> {
  const kept = await whyKept(ports, id, await findSet(ports, places, id));
  if (kept !== null) return kept;
  ports.telemetry.info(`delete set ${id}: ${reason}`, { setId: id });
  const at = ports.clock.now();
  await updateManifest(ports.store, id, (manifest) => ({ ...manifest, expiring: manifest.expiring ?? { at, reason } }));
  return await deleteSet(ports, places, id);
}

/** null = all of it is gone. A sentence = something keeps it; it is tried again by the next run. */
async function deleteSet(ports: BackupPorts, places: readonly Place[], id: string): Promise<string | null> {
  const found = await findSet(ports, places, id);
  const kept = await whyKept(ports, id, found);
  if (kept !== null) return kept;
  for (const { place, snapshot } of found) {
    const words = `delete ${snapshot.snapshot} of set ${id} in ${nameOf(place)}`;
    ports.telemetry.info(words, { setId: id, snapshot: snapshot.snapshot });
    try {
      await deleteSnapshot(ports.clients.ec2(place), snapshot.snapshot);
    } catch (error) {
      if (!(error instanceof SnapshotKept)) throw error;
      return `set ${id} is half deleted: ${error.message}; the next run tries again`;
    }
  }
  await updateManifest(ports.store, id, (manifest) => ({ ...manifest, expiredAt: ports.clock.now() }));
  return null;
}

/** Only what carries both of our tags, as EC2 shows it right now. */
async function findSet(ports: BackupPorts, places: readonly Place[], id: string): Promise<Found[]> {
  const found: Found[] = [];
  for (const place of places) {
    const snapshots = await listSnapshots(ports.clients.ec2(place), { key: BACKUP_TAG.set, value: id });
    const ours = snapshots.filter(({ tags }) => isOurs(tags, id, ports.site.builders.fleet));
    found.push(...ours.map((snapshot) => ({ place, snapshot })));
  }
  return found;
}

function isOurs(tags: Snapshot["tags"], id: string, fleet: string): boolean {
  return tags[BACKUP_TAG.set] === id && tags[BACKUP_TAG.site] === fleet;
}

/** A lock, an image, a drill or a restore may have come since the plan. */
async function whyKept({ clients }: BackupPorts, id: string, found: readonly Found[]): Promise<string | null> {
  for (const [place, several] of Map.groupBy(found, (each) => each.place)) {
    const ec2 = clients.ec2(place);
    const ids = several.map(({ snapshot }) => snapshot.snapshot);
    const [locked, ofImages] = await Promise.all([listLocked(ec2, ids), imagesUsing(ec2, ids)]);
    for (const { snapshot } of several) {
      const { snapshot: name, tags } = snapshot;
      const user = tags[BACKUP_TAG.inUse] ?? "";
      const why = locked.has(name)
        ? "it is locked"
        : ofImages.has(name)
          ? "an image (AMI) uses it"
          : user !== ""
            ? `${user} reads it`
            : null;
      if (why !== null) return `set ${id} stays for now: ${name} in ${nameOf(place)}: ${why}`;
    }
  }
  return null;
}
