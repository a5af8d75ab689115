// Where snapshots of sets lie: the hub's region, and the regions and accounts they are copied to.

import type { Place } from "../aws/backup-clients.ts";
import type { Snapshot } from "../aws/snapshots.ts";
import type { BackupPorts } from "./ports.ts";
import { BACKUP_TAG } from "./tags.ts";
import type { Member } from "./types.ts";

/** The hub's region first; each region and account once. */
export function placesOf({ backup, clients }: Pick<BackupPorts, "backup" | "clients">): Place[] {
  const places: Place[] = [{ region: clients.home }];
  for (const { region, roleArn } of backup.copies)
    if (!places.some((each) => each.region === region && each.roleArn === roleArn)) places.push({ region, roleArn });
  return places;
}

/** Of a role's ARN; null = this account. */
export function accountOf({ roleArn }: Pick<Place, "roleArn">): string | null {
  return roleArn === undefined ? null : (/^arn:[^:]*:iam::(\d{12}):/.exec(roleArn)?.[1] ?? null);
}

/** "eu-central-1", or "eu-central-1 of account 123456789012". */
export function nameOf(place: Place): string {
  const account = accountOf(place);
  return account === null ? place.region : `${place.region} of account ${account}`;
}

export function memberOf(snapshot: Snapshot, region: string): Member {
  const { volume, state, sizeGiB, progress, startedAt, encrypted, tags } = snapshot;
  const holds = tags[BACKUP_TAG.holds] ?? "";
  return { snapshot: snapshot.snapshot, volume, region, state, sizeGiB, holds, progress, startedAt, encrypted, tags };
}
