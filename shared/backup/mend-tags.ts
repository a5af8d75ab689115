// Tags that a verdict has not reached: a region that did not answer when it fell, an invocation that was cut off.

import { tagResources } from "../aws/snapshots.ts";
import type { Inventory, SeenPlace } from "./inventory.ts";
import { nameOf } from "./places.ts";
import type { BackupPorts } from "./ports.ts";
import { BACKUP_TAG } from "./tags.ts";
import type { Manifest, SetState } from "./types.ts";

export interface LaggingTags {
  readonly set: string;
  readonly state: SetState;
  readonly snapshots: readonly string[];
}

/** Before a verdict a snapshot says one of these. Whatever else it says was written on purpose, and is a disagreement. */
const EARLIER: ReadonlySet<string> = new Set(["", "pending", "unverified"]);
const VERDICTS: ReadonlySet<SetState> = new Set<SetState>(["verified", "failed", "degraded"]);

/** Only forward, from no verdict to the manifest's: never from one verdict to another. Pure. */
export function laggingTags(
  manifests: readonly Manifest[],
  { snapshots }: Pick<SeenPlace, "snapshots">,
): readonly LaggingTags[] {
  return manifests
    .filter(({ state, expiring, expiredAt }) => VERDICTS.has(state) && expiring === null && expiredAt === null)
    .map(({ id, state }) => {
      const behind = snapshots.filter(
        ({ tags }) => tags[BACKUP_TAG.set] === id && EARLIER.has(tags[BACKUP_TAG.state] ?? ""),
      );
      return { set: id, state, snapshots: behind.map(({ snapshot }) => snapshot) };
    })
    .filter((each) => each.snapshots.length > 0);
}

/** Whether anything was written. A place that refuses is told, and tried again by the next look. */
export async function mendTags(
  { clients, telemetry }: BackupPorts,
  { manifests, places }: Pick<Inventory, "manifests" | "places">,
): Promise<boolean> {
  let mended = false;
  for (const seen of places) {
    for (const { set, state, snapshots } of laggingTags(manifests, seen)) {
      telemetry.info(
        `${snapshots.join(", ")} in ${nameOf(seen.place)} did not say yet that ${set} is ${state}: now they do`,
      );
      try {
        await tagResources(clients.ec2(seen.place), snapshots, { [BACKUP_TAG.state]: state });
        mended = true;
      } catch (error) {
        telemetry.warn(error instanceof Error ? error.message : String(error));
      }
    }
  }
  return mended;
}
