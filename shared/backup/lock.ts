// Locks a set's snapshots in all places: nobody deletes them for some days, not by mistake and not on purpose.

import { listLocked, listSnapshots, lockSnapshot } from "../aws/snapshots.ts";
import { setOf, stepEvent } from "./event.ts";
import { placesOf } from "./places.ts";
import type { BackupPorts } from "./ports.ts";
import { BACKUP_TAG } from "./tags.ts";

export interface LockAnswer {
  /** Snapshots that are locked now, those that were before too. */
  readonly locked: readonly string[];
}

/** Copies that failed are left alone: nobody needs them. */
export async function lock(ports: BackupPorts, event: unknown): Promise<LockAnswer> {
  const step = stepEvent.parse(event);
  const { backup, clients, telemetry } = ports;
  const { mode, days } = backup.lock;
  if (mode === "none") return { locked: [] };
  const id = setOf(step);
  const locked: string[] = [];
  for (const place of placesOf(ports)) {
    const ec2 = clients.ec2(place);
    const snapshots = await listSnapshots(ec2, { key: BACKUP_TAG.set, value: id });
    const ids = snapshots.filter(({ state }) => state !== "error").map(({ snapshot }) => snapshot);
    const already = await listLocked(ec2, ids);
    for (const snapshot of ids) {
      if (!already.has(snapshot)) {
        telemetry.info(`lock ${snapshot} in ${place.region} for ${days} d (${mode})`, { setId: id, snapshot });
        await lockSnapshot(ec2, snapshot, mode, days);
      }
      locked.push(snapshot);
    }
  }
  return { locked };
}
