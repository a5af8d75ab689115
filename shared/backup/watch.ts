// The look at all sets, every hour: the catalog, what nobody knows, how the hub is protected, and the numbers people watch.

import { findHub, HubNotFound } from "../aws/hub-instance.ts";
import { imagesUsing, listOwnSnapshots } from "../aws/snapshots.ts";
import { auditSnapshots, judgeEncryption, judgeProtection, type OwnSnapshot, tellOthers } from "./audit.ts";
import { type CatalogFile, type CatalogSet, readCatalogFile, writeCatalogFile } from "./catalog-file.ts";
import { type Inventory, type SeenPlace, takeInventory } from "./inventory.ts";
import { mendTags } from "./mend-tags.ts";
import { nameOf } from "./places.ts";
import type { BackupPorts } from "./ports.ts";
import { sealSet } from "./seal.ts";
import { BACKUP_TAG } from "./tags.ts";
import type { CatalogEntry, Manifest, SetState } from "./types.ts";

export type Machines = CatalogFile["machines"];

export interface WatchAnswer {
  readonly sets: number;
  readonly newestVerifiedAgeHours: number | null;
  readonly disagreements: number;
  readonly unknown: number;
  readonly protection: number;
}

const STATES: readonly SetState[] = ["pending", "unverified", "verified", "degraded", "failed"];

/** The machine ends by itself before (statemachines/backup.asl.yaml, TimeoutSeconds: 96 h). */
const ABANDONED_SECONDS = 97 * 3600;

export async function watch(ports: BackupPorts, machines: Machines): Promise<WatchAnswer> {
  const file = await refreshCatalog(ports, machines);
  for (const sentence of [...file.disagreements, ...file.unknown, ...file.protection]) ports.telemetry.warn(sentence);
  return measure(ports, file);
}

/** `machines`: null = as the file said before. */
export async function refreshCatalog(ports: BackupPorts, machines: Machines | null): Promise<CatalogFile> {
  const before = machines === null ? await machinesBefore(ports) : machines;
  let inventory = await takeInventory(ports);
  const [closed, mended] = [await closeAbandoned(ports, inventory), await mendTags(ports, inventory)];
  if (closed || mended) inventory = await takeInventory(ports);
  const { catalog, manifests, now } = inventory;
  const entries = catalog.entries.map((each) => ({ ...each, members: each.members.map((member) => ({ ...member })) }));
  const strangers = await unknownSnapshots(ports, inventory);
  const guarded = await lookAtHub(ports);
  const file: CatalogFile = {
    at: now,
    site: ports.site.builders.fleet,
    region: ports.clients.home,
    machines: before,
    sets: manifests
      .filter(({ expiring, expiredAt }) => expiring === null && expiredAt === null)
      .toSorted((a, b) => b.startedAt - a.startedAt)
      .map((each) => setOf(each, inventory)),
    disagreements: [...catalog.disagreements],
    ...strangers,
    others: [...strangers.others, ...guarded.advice],
    protection: guarded.protection,
    newestVerified: newestVerified(entries, now),
    entries,
  };
  await writeCatalogFile(ports.store, file);
  return file;
}

async function machinesBefore({ store, telemetry }: BackupPorts): Promise<Machines> {
  try {
    const file = await readCatalogFile(store);
    if (file !== null) return file.machines;
  } catch (error) {
    telemetry.warn(error instanceof Error ? error.message : String(error));
  }
  return { backup: null, drill: null, restore: null };
}

/** Sets whose execution is over and left no verdict: somebody stopped it. Every set ends in a state. */
async function closeAbandoned(ports: BackupPorts, { manifests, now }: Inventory): Promise<boolean> {
  const abandoned = manifests.filter(
    ({ state, startedAt }) => state === "pending" && now - startedAt > ABANDONED_SECONDS,
  );
  for (const { id } of abandoned) await sealSet(ports, id, {}, ["its execution ended without a verdict"]);
  return abandoned.length > 0;
}

/** Pure. */
function setOf(manifest: Manifest, { places }: Inventory): CatalogSet {
  const { members, request, freeze, drills } = manifest;
  const promised = Math.max(members.length, ...members.map(({ tags }) => Number(tags[BACKUP_TAG.members] ?? 0)));
  const regions: CatalogSet["regions"] = {};
  for (const region of new Set([manifest.region, ...manifest.copies.map((each) => each.region)])) {
    const seen = places.filter(({ place }) => place.region === region).flatMap(({ snapshots }) => snapshots);
    const whole = seen.filter(({ state, tags }) => state === "completed" && tags[BACKUP_TAG.set] === manifest.id);
    const originals = new Set(whole.map(({ snapshot, tags }) => tags[BACKUP_TAG.copyOf] ?? snapshot));
    regions[region] = { completed: originals.size, expected: promised };
  }
  const failed = manifest.copies.filter(({ state }) => state === "failed");
  return {
    id: manifest.id,
    instant: manifest.instant,
    startedAt: manifest.startedAt,
    grade: manifest.grade,
    state: manifest.state,
    kind: request.kind,
    by: request.by,
    freezeMilliseconds: freeze.milliseconds,
    changedBytes: manifest.changedBytes,
    dollarsPerMonth: manifest.dollarsPerMonth,
    rtoSeconds:
      drills.toSorted((a, b) => b.at - a.at).find(({ rtoSeconds }) => rtoSeconds !== null)?.rtoSeconds ?? null,
    regions,
    members: members.map(({ snapshot, volume, holds, state, sizeGiB }) => ({
      snapshot,
      volume,
      holds,
      state,
      sizeGiB,
    })),
    notes: [
      ...manifest.notes,
      ...failed.map(({ region, why }) => `its copy to ${region} failed: ${why ?? "no reason given"}`),
    ],
  };
}

/** Snapshots of images are known by their images; those of sets by their tags or manifests. */
async function unknownSnapshots(
  { clients }: BackupPorts,
  { manifests, places, now }: Inventory,
): Promise<{ readonly unknown: string[]; readonly others: string[] }> {
  const standing = manifests.filter(({ expiredAt }) => expiredAt === null);
  const named = standing.flatMap(({ members, copies }) => [...members, ...copies.flatMap((each) => each.members)]);
  const volumes = new Set(manifests.flatMap(({ hub }) => hub.volumes.map(({ volume }) => volume)));
  const lists = places.map(async ({ place, snapshots }: SeenPlace) => {
    const ec2 = clients.ec2(place);
    const known = new Set([...snapshots, ...named].map(({ snapshot }) => snapshot));
    const own = (await listOwnSnapshots(ec2)).filter(({ snapshot }) => !known.has(snapshot));
    const ofImages = await imagesUsing(
      ec2,
      own.map(({ snapshot }) => snapshot),
    );
    const strangers: OwnSnapshot[] = own.map((each) => ({ ...each, region: place.region }));
    const found = auditSnapshots(strangers, ofImages, now);
    const others = tellOthers(
      found.filter(({ volume }) => !volumes.has(volume)),
      nameOf(place),
    );
    return {
      unknown: found.filter(({ volume }) => volumes.has(volume)).map(({ sentence }) => sentence),
      others: others === null ? [] : [others],
    };
  });
  const found = await Promise.all(lists);
  return { unknown: found.flatMap(({ unknown }) => unknown), others: found.flatMap(({ others }) => others) };
}

async function lookAtHub({ clients, site, backup }: BackupPorts): Promise<{
  readonly protection: string[];
  readonly advice: string[];
}> {
  try {
    const hub = await findHub(clients.ec2({ region: clients.home }), site.builders.fleet);
    return { protection: [...judgeProtection(hub, backup)], advice: [...judgeEncryption(hub, backup)] };
  } catch (error) {
    if (error instanceof HubNotFound) return { protection: [error.message], advice: [] };
    throw error;
  }
}

function newestVerified(entries: readonly CatalogEntry[], now: number): CatalogFile["newestVerified"] {
  const newest = entries
    .filter(({ state, instant }) => state === "verified" && instant <= now)
    .toSorted((a, b) => b.instant - a.instant)[0];
  return newest === undefined ? null : { id: newest.id, instant: newest.instant };
}

function measure({ telemetry }: BackupPorts, file: CatalogFile): WatchAnswer {
  const { newestVerified: newest, at, sets } = file;
  const newestVerifiedAgeHours = newest === null ? null : (at - newest.instant) / 3600;
  // Nothing verified is no number: the alarm takes missing ones as the worst.
  if (newestVerifiedAgeHours !== null) telemetry.metric("NewestVerifiedAgeHours", "Count", newestVerifiedAgeHours);
  for (const state of STATES)
    telemetry.metric("Sets", "Count", sets.filter((each) => each.state === state).length, { state });
  const restoreSeconds = sets.find(({ rtoSeconds }) => rtoSeconds !== null)?.rtoSeconds ?? null;
  if (restoreSeconds !== null) telemetry.metric("RestoreSeconds", "Seconds", restoreSeconds);
  telemetry.metric("CatalogDisagreements", "Count", file.disagreements.length);
  telemetry.metric("UnknownSnapshots", "Count", file.unknown.length);
  telemetry.metric("HubUnprotected", "Count", file.protection.length === 0 ? 0 : 1);
  return {
    sets: sets.length,
    newestVerifiedAgeHours,
    disagreements: file.disagreements.length,
    unknown: file.unknown.length,
    protection: file.protection.length,
  };
}
