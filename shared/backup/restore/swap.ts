// Puts the restored volumes in the place of the hub's own, or the hub's own back: one look and what it asks for.

import { AwsCallFailed } from "../../aws/errors.ts";
import { findHub } from "../../aws/hub-instance.ts";
import { tagResources } from "../../aws/snapshots.ts";
import { attachVolume, type BlockVolume, describeVolumes, detachVolume, listVolumesByTag } from "../../aws/volumes.ts";
import type { BackupPorts } from "../ports.ts";
import { BACKUP_TAG } from "../tags.ts";
import { RESTORE_LEASE, takeTurn } from "../turn.ts";
import { RestoreRefused, RestoreStuck } from "./errors.ts";
import { type RestoreEvent, readRestoreEvent } from "./events.ts";
import { planSwap, type SwapAction, type SwapDirection, type SwapPlace } from "./plan-swap.ts";

export interface Swap {
  readonly status: "done" | "pending";
  readonly direction: SwapDirection;
  /** Epoch seconds: the first look in this direction. */
  readonly since: number;
}

/** A volume that has not come off or on by then is held by something: forward, the machine goes back. */
const PATIENCE_SECONDS = { forward: 900, back: 1800 } as const;

/** Deletes nothing. Repeated until it answers `done`. Throws RestoreRefused, RestoreStuck. */
export async function swapVolumes(ports: BackupPorts, event: unknown): Promise<Swap> {
  const read = readRestoreEvent(event);
  const { execution, direction, progress, restore } = read;
  const { clock, telemetry } = ports;
  if (direction === undefined) throw new RestoreRefused("which way to swap is not said: forward or back");
  const now = clock.now();
  const since = progress.swap?.direction === direction ? progress.swap.since : now;
  const { instanceId, places } = placesOf(read);
  await takeTurn(ports, RESTORE_LEASE, execution);
  const volumes = await seeVolumes(ports, restore, instanceId);
  const step = planSwap({ restore, instanceId, direction, places, volumes });
  switch (step.kind) {
    case "done":
      return { status: "done", direction, since };
    case "refused":
      throw new RestoreRefused(step.why);
    case "pending":
      if (now - since > PATIENCE_SECONDS[direction]) {
        const minutes = Math.round((now - since) / 60);
        throw new RestoreStuck(
          `the volumes of ${instanceId} are not swapped ${direction} after ${minutes} min: look at what holds them`,
        );
      }
      for (const action of step.actions) {
        telemetry.info(`restore ${restore}: ${action.do} ${action.volume}`);
        await act(ports, read, instanceId, action);
      }
      return { status: "pending", direction, since };
    default: {
      const never: never = step;
      return never;
    }
  }
}

/** From the plan and the volumes that were made for it. */
function placesOf({ progress }: RestoreEvent): { readonly instanceId: string; readonly places: readonly SwapPlace[] } {
  const { run, volumes } = progress;
  if (run === undefined || run.instanceId === null || run.to !== "replace" || volumes === undefined) {
    throw new RestoreRefused("this restore replaces nothing: there is nothing to swap");
  }
  const places = run.volumes.map(({ device, replaces }) => {
    const after = volumes.volumes.find((each) => each.device === device)?.volume;
    if (replaces === null || after === undefined) throw new RestoreRefused(`no volume was made for ${device}`);
    return { device, before: replaces, after };
  });
  return { instanceId: run.instanceId, places };
}

async function seeVolumes({ clients, site }: BackupPorts, restore: string, instanceId: string): Promise<BlockVolume[]> {
  const ec2 = clients.ec2({ region: clients.home });
  const hub = await findHub(ec2, site.builders.fleet);
  if (hub.instanceId !== instanceId) {
    throw new RestoreRefused(`the hub is ${hub.instanceId} now, and was ${instanceId} when the restore began`);
  }
  const lists = await Promise.all([
    listVolumesByTag(ec2, { key: BACKUP_TAG.restore, value: restore }),
    listVolumesByTag(ec2, { key: BACKUP_TAG.replaced, value: restore }),
    describeVolumes(
      ec2,
      hub.volumes.map(({ volume }) => volume),
    ),
  ]);
  return [...new Map(lists.flat().map((volume) => [volume.volume, volume])).values()];
}

/** EC2's answers when a list was older than the truth: the next look sees it as it is. */
const CHANGED: ReadonlySet<string> = new Set(["IncorrectState", "VolumeInUse", "InvalidParameterValue"]);

async function act(
  { clients, telemetry }: BackupPorts,
  { restore }: RestoreEvent,
  instanceId: string,
  action: SwapAction,
): Promise<void> {
  const ec2 = clients.ec2({ region: clients.home });
  try {
    switch (action.do) {
      case "mark":
        return await tagResources(ec2, [action.volume], { [BACKUP_TAG.replaced]: restore });
      case "detach":
        return await detachVolume(ec2, action.volume, instanceId);
      case "attach":
        // DeleteOnTermination is false for what AttachVolume attaches (EC2 user guide: "Attach a volume").
        return await attachVolume(ec2, action.volume, instanceId, action.device);
      default: {
        const never: never = action;
        return never;
      }
    }
  } catch (error) {
    if (!(error instanceof AwsCallFailed) || !CHANGED.has(error.code)) throw error;
    telemetry.warn(`${action.volume} is not as EC2's list said, looking again: ${error.message}`);
  }
}
