// One look at everything: snapshots by tag in all places, locks, images and manifests, put together to a catalog.

import type { Place } from "../aws/backup-clients.ts";
import { imagesUsing, listLocked, listSnapshots, type Snapshot } from "../aws/snapshots.ts";
import { buildCatalog, type Catalog } from "./catalog.ts";
import { listManifests } from "./manifest.ts";
import { memberOf, placesOf } from "./places.ts";
import type { BackupPorts } from "./ports.ts";
import { BACKUP_TAG } from "./tags.ts";
import type { Manifest, Member } from "./types.ts";

export interface Inventory {
  readonly catalog: Catalog;
  readonly manifests: readonly Manifest[];
  readonly places: readonly SeenPlace[];
  readonly now: number;
}

export interface SeenPlace {
  readonly place: Place;
  /** Those that carry the site's tag. */
  readonly snapshots: readonly Snapshot[];
  readonly locked: ReadonlySet<string>;
  readonly ofImages: ReadonlySet<string>;
}

/** Throws when one place cannot be seen: half a look would make sets look broken. */
export async function takeInventory(ports: BackupPorts): Promise<Inventory> {
  const { manifests, unreadable } = await listManifests(ports.store, ports.listing);
  const places = await Promise.all(allPlaces(ports, manifests).map((place) => lookAtPlace(ports, place)));
  const snapshots: Record<string, Member[]> = {};
  for (const { place, snapshots: found } of places) {
    snapshots[place.region] ??= [];
    snapshots[place.region]?.push(...found.map((each) => memberOf(each, place.region)));
  }
  const now = ports.clock.now();
  const catalog = buildCatalog({
    manifests,
    snapshots,
    lockedIds: new Set(places.flatMap(({ locked }) => [...locked])),
    amiSnapshots: new Set(places.flatMap(({ ofImages }) => [...ofImages])),
    now,
  });
  return {
    catalog: { ...catalog, disagreements: [...unreadable, ...catalog.disagreements] },
    manifests,
    places,
    now,
  };
}

/** The configured places, and regions of this account that sets were copied to when the site said so. */
export function allPlaces(ports: BackupPorts, manifests: readonly Manifest[]): Place[] {
  const places = placesOf(ports);
  const copied = manifests.filter(({ expiredAt }) => expiredAt === null).flatMap(({ copies }) => copies);
  for (const { region, account } of copied)
    if (account === null && !places.some((each) => each.region === region)) places.push({ region });
  return places;
}

async function lookAtPlace({ clients, site }: BackupPorts, place: Place): Promise<SeenPlace> {
  const ec2 = clients.ec2(place);
  const snapshots = await listSnapshots(ec2, { key: BACKUP_TAG.site, value: site.builders.fleet });
  const ids = snapshots.map(({ snapshot }) => snapshot);
  const [locked, ofImages] = await Promise.all([listLocked(ec2, ids), imagesUsing(ec2, ids)]);
  return { place, snapshots, locked, ofImages };
}
