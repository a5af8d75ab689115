// First step of a restore: is this set good enough, and what exactly will be made and moved.

import { findHub, HubNotFound } from "../../aws/hub-instance.ts";
import { tagResources } from "../../aws/snapshots.ts";
import { needManifest } from "../manifest.ts";
import { dataMounts } from "../mounts.ts";
import type { BackupPorts } from "../ports.ts";
import { BACKUP_TAG } from "../tags.ts";
import { RESTORE_LEASE, takeTurn } from "../turn.ts";
import type { HubInstance, Manifest } from "../types.ts";
import { RestoreRefused } from "./errors.ts";
import { readRestoreEvent } from "./events.ts";
import { planRestore, type RestoreTo, type VolumePlan, whyNotRestored } from "./plan.ts";

export interface RestoreRun {
  readonly set: string;
  readonly restore: string;
  readonly to: RestoreTo;
  readonly by: string;
  /** The hub; null = there is none, and none is needed. */
  readonly instanceId: string | null;
  readonly volumes: readonly VolumePlan[];
}

/** Throws TurnTaken, SetUnknown, HubNotFound or RestoreRefused; then nothing has been touched. */
export async function beginRestore(ports: BackupPorts, event: unknown): Promise<RestoreRun> {
  const { execution, restore, progress } = readRestoreEvent(event);
  const { backup, clients, store, telemetry } = ports;
  const { set, to, by, acceptUnproven } = progress;
  const ec2 = clients.ec2({ region: clients.home });
  const good = (manifest: Manifest) => refuseUnless(whyNotRestored(manifest, clients.home, acceptUnproven));
  await takeTurn(ports, RESTORE_LEASE, execution);
  const manifest = await needManifest(store, set);
  good(manifest);
  const hub = await hubFor(ports, to);
  const plan = planRestore(manifest, hub, to, dataMounts(backup.mounts));
  if (plan.kind === "refused") throw new RestoreRefused(plan.why);
  const snapshots = manifest.members.map(({ snapshot }) => snapshot);
  telemetry.info(`restore ${restore} of ${set} to ${to}, asked for by ${by}, begins with ${snapshots.join(", ")}`);
  await tagResources(ec2, snapshots, { [BACKUP_TAG.inUse]: restore });
  // Retention writes that a set goes before it looks for this mark: one of the two always sees the other.
  good(await needManifest(store, set));
  return { set, restore, to, by, instanceId: hub?.instanceId ?? null, volumes: plan.volumes };
}

function refuseUnless(why: string | null): void {
  if (why !== null) throw new RestoreRefused(why);
}

/** New volumes can be made when the hub is lost: that is what they are for. */
async function hubFor({ clients, site }: BackupPorts, to: RestoreTo): Promise<HubInstance | null> {
  try {
    return await findHub(clients.ec2({ region: clients.home }), site.builders.fleet);
  } catch (error) {
    if (to === "new-volumes" && error instanceof HubNotFound) return null;
    throw error;
  }
}
