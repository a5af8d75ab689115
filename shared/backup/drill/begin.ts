// First step of a drill: which set, alone, and out of retention's reach while it is read.

import { listSnapshots, tagResources } from "../../aws/snapshots.ts";
import { listManifests, needManifest } from "../manifest.ts";
import type { BackupPorts } from "../ports.ts";
import { BACKUP_TAG } from "../tags.ts";
import { DRILL_LEASE, endTurn, takeTurn } from "../turn.ts";
import type { Manifest } from "../types.ts";
import { chooseSet, whyNotDrilled } from "./choose-set.ts";
import { DrillRefused } from "./errors.ts";
import { readDrillEvent } from "./events.ts";

export interface DrillRun {
  /** null = every set has had its drill. */
  readonly set: string | null;
  readonly drill: string;
  /** Epoch seconds. */
  readonly startedAt: number;
}

/** Throws TurnTaken, SetUnknown or DrillRefused. Repeated, it says the same again. */
export async function beginDrill(ports: BackupPorts, event: unknown): Promise<DrillRun> {
  const { execution, startedAt, drill, progress } = readDrillEvent(event);
  const { store, telemetry } = ports;
  if (ports.backup.drill === undefined)
    throw new DrillRefused("toji.yml has no section backup.drill: describe there where a drill may run");
  await takeTurn(ports, DRILL_LEASE, execution);
  const chosen = progress.set === null ? await newestOpen(ports) : await needManifest(store, progress.set);
  if (chosen === null) {
    await endTurn(ports, DRILL_LEASE, execution);
    telemetry.info("nothing to drill: every set has its verdict");
    return { set: null, drill, startedAt };
  }
  refuseUnless(chosen);
  telemetry.info(`drill ${drill} of ${chosen.id} begins: its snapshots are marked as in use`);
  await markInUse(ports, chosen, drill);
  // Retention writes that a set goes before it looks for this mark: one of the two always sees the other.
  refuseUnless(await needManifest(store, chosen.id));
  return { set: chosen.id, drill, startedAt };
}

async function newestOpen({ store, listing, telemetry }: BackupPorts): Promise<Manifest | null> {
  const { manifests, unreadable } = await listManifests(store, listing);
  for (const sentence of unreadable) telemetry.warn(sentence);
  return chooseSet(manifests);
}

function refuseUnless(manifest: Manifest): void {
  const why = whyNotDrilled(manifest);
  if (why !== null) throw new DrillRefused(why);
}

/** Every member in the hub's region must be there and whole. A drill's older mark is stale, as drills come one by one. */
async function markInUse({ clients }: BackupPorts, { id, region, members }: Manifest, drill: string): Promise<void> {
  const ec2 = clients.ec2({ region: clients.home });
  if (region !== clients.home) throw new DrillRefused(`${id} is of ${region}: drill it there, this is ${clients.home}`);
  const found = await listSnapshots(ec2, { key: BACKUP_TAG.set, value: id });
  const whole = new Set(found.filter(({ state }) => state === "completed").map(({ snapshot }) => snapshot));
  const missing = members.map(({ snapshot }) => snapshot).filter((snapshot) => !whole.has(snapshot));
  if (missing.length > 0) {
    throw new DrillRefused(
      `${missing.join(", ")} of ${id} is gone or not complete: "toji backup show ${id}" says more`,
    );
  }
  const restore = found.map(({ tags }) => tags[BACKUP_TAG.inUse]).find((mark) => mark?.startsWith("rs-") === true);
  if (restore !== undefined) {
    throw new DrillRefused(
      `the restore ${restore} reads ${id}: drill it when that has ended, or take the tag ${BACKUP_TAG.inUse} off if it has`,
    );
  }
  const ids = members.map(({ snapshot }) => snapshot);
  await tagResources(ec2, ids, { [BACKUP_TAG.inUse]: drill });
}
