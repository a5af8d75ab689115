// Last step of a restore, whatever happened: writes down what was made and what was kept, and lets go of the set.

import { listSnapshots, untagResources } from "../../aws/snapshots.ts";
import { listVolumesByTag } from "../../aws/volumes.ts";
import { sentenceOf } from "../../caught.ts";
import type { BackupPorts } from "../ports.ts";
import { BACKUP_TAG } from "../tags.ts";
import { endTurn, RESTORE_LEASE } from "../turn.ts";
import { type RestoreEvent, readRestoreEvent } from "./events.ts";
import type { RestoreTo } from "./plan.ts";

/** backup/restores/<id>.json: kept for ever. Times in epoch seconds. */
export interface RestoreRecord {
  readonly version: 1;
  readonly id: string;
  readonly set: string;
  readonly to: RestoreTo;
  readonly by: string;
  readonly reason: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly outcome: "succeeded" | "failed";
  /** One sentence. */
  readonly error: string | null;
  /** The set of what was there before. */
  readonly restorePoint: string | null;
  /** Made from the set, and still there. */
  readonly made: readonly RestoredVolume[];
  /** The hub's volumes of before that were taken off, and are kept. */
  readonly replaced: readonly RestoredVolume[];
}

export interface RestoredVolume {
  readonly volume: string;
  readonly holds: string | null;
  /** "i-... /dev/sdf"; null = attached to nothing. */
  readonly attached: string | null;
}

export const restoreKey = (id: string) => `backup/restores/${id}.json`;

export async function endRestore(ports: BackupPorts, event: unknown): Promise<RestoreRecord> {
  const read = readRestoreEvent(event);
  const { execution, restore } = read;
  const { clients, store, telemetry } = ports;
  const ec2 = clients.ec2({ region: clients.home });
  const record = await describeEnd(ports, read);
  await store.put(restoreKey(restore), `${JSON.stringify(record, null, 1)}\n`);
  const marked = await listSnapshots(ec2, { key: BACKUP_TAG.inUse, value: restore });
  const ids = marked.map(({ snapshot }) => snapshot);
  await untagResources(ec2, ids, [BACKUP_TAG.inUse]);
  await endTurn(ports, RESTORE_LEASE, execution);
  const isDone = record.outcome === "succeeded";
  telemetry.metric("RestoreSucceeded", "Count", isDone ? 1 : 0);
  telemetry.metric("RestoreFailed", "Count", isDone ? 0 : 1);
  if (isDone) telemetry.info(`restore ${restore} of ${record.set} is done`);
  else telemetry.warn(`restore ${restore} of ${record.set} failed: ${record.error}`);
  return record;
}

async function describeEnd({ clients, clock }: BackupPorts, read: RestoreEvent): Promise<RestoreRecord> {
  const { restore, startedAt, progress } = read;
  const ec2 = clients.ec2({ region: clients.home });
  const seen = async (key: string): Promise<RestoredVolume[]> =>
    (await listVolumesByTag(ec2, { key, value: restore })).map(({ volume, tags, attachments }) => {
      const [on] = attachments;
      const holds = tags[BACKUP_TAG.holds] ?? null;
      return { volume, holds, attached: on === undefined ? null : `${on.instanceId} ${on.device}` };
    });
  return {
    version: 1,
    id: restore,
    set: progress.set,
    to: progress.to,
    by: progress.by,
    reason: progress.reason,
    startedAt,
    endedAt: clock.now(),
    outcome: progress.error === undefined ? "succeeded" : "failed",
    error: progress.error === undefined ? null : sentenceOf(progress.error),
    restorePoint: progress.restorePoint?.set ?? null,
    made: await seen(BACKUP_TAG.restore),
    replaced: await seen(BACKUP_TAG.replaced),
  };
}
