// Last step of a drill, whatever happened: what it made goes, what it marked is unmarked, the next drill may begin.

import { AwsCallFailed } from "../../aws/errors.ts";
import { listInstances, type TaggedInstance, terminateInstance } from "../../aws/run-instance.ts";
import { listSnapshots, untagResources } from "../../aws/snapshots.ts";
import { type BlockVolume, deleteVolume, listVolumesByTag } from "../../aws/volumes.ts";
import type { BackupPorts } from "../ports.ts";
import { BACKUP_TAG } from "../tags.ts";
import { DRILL_LEASE, endTurn } from "../turn.ts";
import { type DrillEvent, readDrillEvent } from "./events.ts";

export interface DrillTeardown {
  /** `left`: something did not go within an hour. */
  readonly status: "gone" | "pending" | "left";
  /** The drill's, for the machine's end. */
  readonly outcome: "verified" | "failed" | "none";
  /** Epoch seconds: the first look of this step. */
  readonly since: number;
}

/** A launch whose answer was lost may show up so late. */
const LATE_LAUNCH_SECONDS = 120;

const PATIENCE_SECONDS = 3600;

/** EC2's words for a thing that costs nothing any more. */
const GONE: ReadonlySet<string> = new Set(["terminated", "deleting", "deleted"]);

type Ec2 = ReturnType<BackupPorts["clients"]["ec2"]>;

/** Touches only what carries this drill's tag. Repeated until it answers `gone` or `left`. */
export async function tearDownDrill(ports: BackupPorts, event: unknown): Promise<DrillTeardown> {
  const read = readDrillEvent(event);
  const { drill, execution, progress } = read;
  const { clients, clock, telemetry } = ports;
  const ec2 = clients.ec2({ region: clients.home });
  const now = clock.now();
  const since = progress.teardown?.since ?? now;
  const outcome = progress.verdict?.outcome ?? "none";
  const tag = { key: BACKUP_TAG.drill, value: drill };
  const left = [
    ...(await terminateAll(ec2, await listInstances(ec2, tag))),
    ...(await deleteAll(ec2, await listVolumesByTag(ec2, tag))),
  ];
  const isLate = now - since >= PATIENCE_SECONDS;
  if (!isLate && (left.length > 0 || mayStillAppear(read, now - since))) return { status: "pending", outcome, since };
  if (left.length > 0)
    telemetry.warn(`${left.join(", ")} of drill ${drill} did not go within an hour: delete them by hand`);
  const marked = await listSnapshots(ec2, { key: BACKUP_TAG.inUse, value: drill });
  const ids = marked.map(({ snapshot }) => snapshot);
  await untagResources(ec2, ids, [BACKUP_TAG.inUse]);
  await endTurn(ports, DRILL_LEASE, execution);
  if (outcome === "none") telemetry.metric("DrillInconclusive", "Count", 1);
  return { status: left.length > 0 ? "left" : "gone", outcome, since };
}

/** Nothing is listed, yet a launch was tried and no instance of it is known. */
function mayStillAppear({ progress }: DrillEvent, seconds: number): boolean {
  return progress.run !== undefined && progress.instance === undefined && seconds < LATE_LAUNCH_SECONDS;
}

/** Ids of those that are not gone yet. */
async function terminateAll(ec2: Ec2, found: readonly TaggedInstance[]): Promise<string[]> {
  const there = found.filter(({ state }) => !GONE.has(state));
  for (const { instanceId, state } of there) {
    if (state !== "shutting-down") await unlessChanged(terminateInstance(ec2, instanceId));
  }
  return there.map(({ instanceId }) => instanceId);
}

/** Those still attached go with their instance, or are deleted at the next look. */
async function deleteAll(ec2: Ec2, found: readonly BlockVolume[]): Promise<string[]> {
  const there = found.filter(({ state }) => !GONE.has(state));
  for (const { volume, state } of there) {
    if (state === "available" || state === "error") await unlessChanged(deleteVolume(ec2, volume));
  }
  return there.map(({ volume }) => volume);
}

/** EC2's lists lag: the next look tells what became of it. */
async function unlessChanged(call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch (error) {
    const changed = ["InvalidInstanceID.NotFound", "VolumeInUse", "IncorrectState"];
    if (!(error instanceof AwsCallFailed) || !changed.includes(error.code)) throw error;
  }
}
