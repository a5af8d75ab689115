// Reads the console of the drill's instance, and says whether there is more to wait for.

import { AwsCallFailed } from "../../aws/errors.ts";
import { listInstances, readConsole as readOutput, type TaggedInstance } from "../../aws/run-instance.ts";
import type { DrillLine } from "../host-answers.ts";
import type { BackupPorts } from "../ports.ts";
import { BACKUP_TAG } from "../tags.ts";
import { DRILL_LEASE, takeTurn } from "../turn.ts";
import { mergeLines, readConsole } from "./console.ts";
import { DrillRefused } from "./errors.ts";
import { type DrillEvent, readDrillEvent } from "./events.ts";

export type LookStatus = "pending" | "verdict" | "late" | "gone";

export interface DrillLook {
  readonly status: LookStatus;
  /** All that was read so far. */
  readonly lines: readonly DrillLine[];
  /** Epoch seconds by which the instance had booted: never too early, so that no drill looks faster than it was. */
  readonly bootedBy: number | null;
}

/** An instance that EC2 does not list so long after its launch is gone; before, EC2's lists may lag behind. */
const LISTED_WITHIN_SECONDS = 600;

/** An instance that has said nothing by then never will: there is no need to pay for it until the limit. */
const BOOT_SECONDS = 3600;

export interface DrillScene {
  readonly lines: readonly DrillLine[];
  /** EC2's word; null = EC2 does not list it. */
  readonly state: TaggedInstance["state"] | null;
  readonly startedAt: number;
  readonly launchedAt: number;
  readonly limitSeconds: number;
}

/** A verdict counts however late it comes and whatever became of the instance. Times in epoch seconds. Pure. */
export function statusOf({ lines, state, startedAt, launchedAt, limitSeconds }: DrillScene, now: number): LookStatus {
  if (lines.some(({ step }) => step === "verdict")) return "verdict";
  if (now >= startedAt + limitSeconds) return "late";
  switch (state) {
    case null:
      return now - launchedAt > LISTED_WITHIN_SECONDS ? "gone" : "pending";
    case "pending":
    case "running":
      return lines.length === 0 && now - launchedAt > BOOT_SECONDS ? "late" : "pending";
    case "shutting-down":
    case "terminated":
    case "stopping":
    case "stopped":
      return "gone";
    default: {
      const never: never = state;
      return never;
    }
  }
}

export async function lookAtDrill(ports: BackupPorts, event: unknown): Promise<DrillLook> {
  const read = readDrillEvent(event);
  const { execution, startedAt, progress } = read;
  if (ports.backup.drill === undefined) throw new DrillRefused("toji.yml has no section backup.drill any more");
  await takeTurn(ports, DRILL_LEASE, execution);
  const seen = await seeInstance(ports, read);
  const now = ports.clock.now();
  const before = progress.look?.lines ?? [];
  const lines = mergeLines(before, seen === null ? [] : seen.lines);
  const bootedBy = earliest(progress.look?.bootedBy ?? null, now, lines);
  if (seen === null) return { status: "pending", lines, bootedBy };
  const launchedAt = progress.instance?.launchedAt ?? startedAt;
  const limitSeconds = ports.backup.drill.limitHours * 3600;
  return { status: statusOf({ lines, state: seen.state, startedAt, launchedAt, limitSeconds }, now), lines, bootedBy };
}

/** null = EC2 asks to be asked again later: a drill of hours does not end for that. */
async function seeInstance({ clients, telemetry }: BackupPorts, { drill, progress }: DrillEvent) {
  const ec2 = clients.ec2({ region: clients.home });
  try {
    const found = await listInstances(ec2, { key: BACKUP_TAG.drill, value: drill });
    const instanceId = progress.instance?.instance ?? found[0]?.instanceId;
    const state = found.find((each) => each.instanceId === instanceId)?.state ?? null;
    if (instanceId === undefined) return { state, lines: [] };
    return { state, lines: readConsole(await readUnlessGone(ec2, instanceId), drill) };
  } catch (error) {
    if (!(error instanceof AwsCallFailed) || !error.retryable) throw error;
    telemetry.warn(`the drill's instance could not be looked at, next look in a minute: ${error.message}`);
    return null;
  }
}

async function readUnlessGone(ec2: Parameters<typeof readOutput>[0], instanceId: string): Promise<string> {
  try {
    return await readOutput(ec2, instanceId);
  } catch (error) {
    if (error instanceof AwsCallFailed && error.code === "InvalidInstanceID.NotFound") return "";
    throw error;
  }
}

/** The last line came before now, so the boot came before now by at least that line's uptime. */
function earliest(before: number | null, now: number, lines: readonly DrillLine[]): number | null {
  if (lines.length === 0) return before;
  const bound = now - Math.max(...lines.map(({ uptime }) => uptime));
  return before === null ? bound : Math.min(before, bound);
}
