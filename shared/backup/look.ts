// Has the set come, whole and complete? Asked by tag, so that an order whose answer was lost is found as well.

import * as z from "zod";
import { listSnapshots, type Snapshot } from "../aws/snapshots.ts";
import { runSchema, stepEvent } from "./event.ts";
import type { BackupPorts } from "./ports.ts";
import { BACKUP_TAG } from "./tags.ts";
import type { HubInstance, HubVolume } from "./types.ts";

export interface LookAnswer {
  readonly status: "complete" | "pending" | "failed" | "late";
  /** One sentence unless all is well. */
  readonly why: string | null;
  readonly members: readonly Pick<Snapshot, "snapshot" | "volume" | "state" | "progress">[];
}

/** EC2 shows what was ordered within seconds, as a rule; what it does not show by then was never taken. */
const APPEARS_WITHIN_SECONDS = 600;

const orderedSchema = z.object({ snapshot: z.object({ orderedAt: z.number() }) });

/** Volumes that a set is made of. */
export function volumesOf(hub: HubInstance, { bootVolume }: { readonly bootVolume: boolean }): HubVolume[] {
  return hub.volumes.filter(({ isBoot }) => bootVolume || !isBoot);
}

export async function look(ports: BackupPorts, event: unknown): Promise<LookAnswer> {
  const { progress } = stepEvent.parse(event);
  const { run } = runSchema.parse(progress);
  const { snapshot: order } = orderedSchema.parse(progress);
  const { backup, clients, clock } = ports;
  const ec2 = clients.ec2({ region: clients.home });
  const snapshots = await listSnapshots(ec2, { key: BACKUP_TAG.set, value: run.setId });
  const answer = judgeMembers({
    snapshots,
    expected: volumesOf(run.hub, backup).length,
    waitedSeconds: clock.now() - order.orderedAt,
    completionHours: backup.completionHours,
  });
  if (answer.why !== null && answer.status !== "pending") ports.telemetry.warn(`set ${run.setId}: ${answer.why}`);
  const members = snapshots.map(({ snapshot, volume, state, progress: done }) => ({
    snapshot,
    volume,
    state,
    progress: done,
  }));
  return { ...answer, members };
}

export interface MembersSeen {
  readonly snapshots: readonly Pick<Snapshot, "snapshot" | "state">[];
  readonly expected: number;
  /** Since the order. */
  readonly waitedSeconds: number;
  readonly completionHours: number;
}

/** Pure. `pending` only while waiting may still change the verdict. */
export function judgeMembers(seen: MembersSeen): Pick<LookAnswer, "status" | "why"> {
  const { snapshots, expected, waitedSeconds, completionHours } = seen;
  const broken = snapshots.filter(({ state }) => state !== "pending" && state !== "completed");
  if (broken.length > 0) {
    const words = broken.map(({ snapshot, state }) => `${snapshot} is in state ${state}`);
    return { status: "failed", why: words.join(", ") };
  }
  if (snapshots.length > expected)
    return { status: "failed", why: `${snapshots.length} snapshots instead of ${expected}: the order was doubled` };
  const missing = expected - snapshots.length;
  if (missing > 0) {
    const why = `${missing} of ${expected} snapshots are not to be seen`;
    return { status: waitedSeconds > APPEARS_WITHIN_SECONDS ? "failed" : "pending", why };
  }
  const open = snapshots.filter(({ state }) => state === "pending").length;
  if (open === 0) return { status: "complete", why: null };
  const why = `${open} of ${expected} snapshots are not complete`;
  if (waitedSeconds <= completionHours * 3600) return { status: "pending", why };
  return { status: "late", why: `${why} after ${completionHours} h` };
}
