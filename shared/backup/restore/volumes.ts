// Makes the volumes of a restore, each once, and says when all of them can be attached.

import { type BlockVolume, createVolume, listVolumesByTag } from "../../aws/volumes.ts";
import { needManifest } from "../manifest.ts";
import type { BackupPorts } from "../ports.ts";
import { BACKUP_TAG } from "../tags.ts";
import { RESTORE_LEASE, takeTurn } from "../turn.ts";
import type { Manifest } from "../types.ts";
import { RestoreRefused, RestoreStuck } from "./errors.ts";
import { type RestoreEvent, readRestoreEvent } from "./events.ts";
import type { VolumePlan } from "./plan.ts";

export interface MadeVolumes {
  readonly status: "ready" | "pending";
  readonly volumes: readonly { readonly volume: string; readonly device: string; readonly holds: string }[];
}

/** Repeated until it answers `ready`. Throws RestoreRefused, RestoreStuck. */
export async function makeVolumes(ports: BackupPorts, event: unknown): Promise<MadeVolumes> {
  const read = readRestoreEvent(event);
  const { execution, restore, progress } = read;
  const { clients } = ports;
  if (progress.run === undefined) throw new RestoreRefused("the restore has no plan: begin it first");
  await takeTurn(ports, RESTORE_LEASE, execution);
  await confirmPlaces(ports, read);
  const ec2 = clients.ec2({ region: clients.home });
  const found = await listVolumesByTag(ec2, { key: BACKUP_TAG.restore, value: restore });
  const volumes: MadeVolumes["volumes"][number][] = [];
  let isReady = true;
  for (const [index, plan] of progress.run.volumes.entries()) {
    const there = found.find((each) => isOf(each, plan));
    const volume = there?.volume ?? (await makeOne(ports, read, plan, index));
    if (there?.state === "error") {
      throw new RestoreStuck(
        `EC2 could not make ${volume} of ${plan.snapshot}: is its key there, and may Toji use it?`,
      );
    }
    isReady &&= there?.state === "available" || there?.state === "in-use";
    volumes.push({ volume, device: plan.device, holds: plan.holds });
  }
  return { status: isReady ? "ready" : "pending", volumes };
}

/** One that is going is none. */
function isOf({ snapshot, state, tags }: BlockVolume, plan: VolumePlan): boolean {
  return (
    snapshot === plan.snapshot && tags[BACKUP_TAG.holds] === plan.holds && state !== "deleting" && state !== "deleted"
  );
}

async function makeOne(
  { clients, site, telemetry }: BackupPorts,
  { restore, progress }: RestoreEvent,
  plan: VolumePlan,
  index: number,
): Promise<string> {
  telemetry.info(`making a volume of ${plan.snapshot} (${plan.holds}, ${plan.sizeGiB} GiB) for restore ${restore}`);
  return await createVolume(clients.ec2({ region: clients.home }), {
    ...plan,
    token: `${restore}-${index}`,
    tags: {
      Name: `${plan.holds} of ${progress.set}`,
      [BACKUP_TAG.site]: site.builders.fleet,
      [BACKUP_TAG.restore]: restore,
      [BACKUP_TAG.holds]: plan.holds,
    },
  });
}

/** The restore point has just asked the hub which mount lies on which volume: the plan must mean the same volumes. */
async function confirmPlaces({ store }: BackupPorts, { progress }: RestoreEvent): Promise<void> {
  if (progress.run?.to !== "replace") return;
  if (progress.restorePoint === undefined) throw new RestoreRefused("no restore point was taken: nothing is replaced");
  const why = whyMisplaced(progress.run.volumes, await needManifest(store, progress.restorePoint.set));
  if (why !== null) throw new RestoreRefused(why);
}

/** One sentence, or null when each mount lies where the plan has it. Pure. */
export function whyMisplaced(plan: readonly VolumePlan[], point: Manifest): string | null {
  // A hub whose PostgreSQL is dead gives none, and is just what one restores: the plan has the devices as they are attached.
  if (point.survey === null) return null;
  for (const { holds, device, replaces } of plan) {
    const now = point.members.filter((member) => member.holds === holds).map(({ volume }) => volume);
    if (replaces !== null && now.length > 0 && now.includes(replaces)) continue;
    const where = now.length === 0 ? "on no volume that is known" : `on ${now.join(" and ")}`;
    return `${holds} is ${where}, and ${replaces ?? "nothing"} is attached as ${device}: restore to new volumes and attach them by hand`;
  }
  return null;
}
