// The removals of a sweep: one by one, each after a second look at the thing itself.

import { AwsCallFailed } from "../aws/errors.ts";
import {
  deleteInterface,
  deleteTemplateVersion,
  deleteVolume,
  findInterface,
  findVolume,
  type TaggedInterface,
  type TaggedVolume,
} from "../aws/leftovers.ts";
import { isPinned, type Orphan } from "./orphans.ts";
import type { SweepPorts } from "./sweep-ports.ts";
import { TAG } from "./tags.ts";

export interface Outcome {
  readonly kind: Orphan["kind"];
  readonly id: string;
  readonly outcome: "removed" | "left" | "failed" | "postponed";
  /** "volume vol-1 (60 GiB, builder-x86-03) is attached to nothing for 32 min: deleted" */
  readonly sentence: string;
}

/** A failure does not stop the others. No removal is begun at `end` or later. */
export async function removeOrphans(ports: SweepPorts, orphans: readonly Orphan[], end: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const orphan of orphans) {
    const { kind, id, what } = orphan;
    const { outcome, says } =
      ports.clock.now() < end
        ? await tryRemoval(ports, orphan)
        : ({ outcome: "postponed", says: "left for the next sweep, this one has run for long" } as const);
    outcomes.push({ kind, id, outcome, sentence: `${what}: ${says}` });
  }
  return outcomes;
}

async function tryRemoval(ports: SweepPorts, orphan: Orphan) {
  try {
    const left = await reasonToLeave(ports, orphan);
    if (left !== null) return { outcome: "left", says: left } as const;
    await remove(ports, orphan);
    return { outcome: "removed", says: "deleted" } as const;
  } catch (error) {
    if (!(error instanceof AwsCallFailed)) throw error;
    ports.telemetry.warn(`${orphan.what}: not deleted`, { error });
    return { outcome: "failed", says: `not deleted, ${error.message}` } as const;
  }
}

const GONE = "gone already";

/** The second look. null = remove it. */
async function reasonToLeave({ ec2, listing, site }: SweepPorts, { kind, id, since }: Orphan): Promise<string | null> {
  switch (kind) {
    case "volume":
      return attachableAgain(await findVolume(ec2, id), site.builders.fleet);
    case "network interface":
      return attachableAgain(await findInterface(ec2, id), site.builders.fleet);
    case "template version":
      // A launch uses a version that is up to 300 s old (launch.ts), never one that has been marked for longer.
      return null;
    case "identity": {
      // A launch that is tried again writes a new one under the same key.
      const found = (await listing(id)).find((each) => each.key === id);
      if (found === undefined) return GONE;
      return found.writtenAt > since ? "left alone, a launch has just written it anew" : null;
    }
    default:
      return kind satisfies never;
  }
}

function attachableAgain(found: TaggedVolume | TaggedInterface | null, fleet: string): string | null {
  if (found === null) return GONE;
  if (found.state !== "available") return `left alone, it is ${found.state} now`;
  if (found.tags[TAG.fleet] !== fleet) return `left alone, its tag ${TAG.fleet} has changed`;
  return isPinned(found.tags) ? `left alone, it carries the tag ${TAG.pin} now` : null;
}

/** Throws AwsCallFailed. What is gone meanwhile is fine. */
async function remove({ ec2, store, launchTemplateId }: SweepPorts, { kind, id }: Orphan): Promise<void> {
  switch (kind) {
    case "volume":
      return await deleteVolume(ec2, id);
    case "network interface":
      return await deleteInterface(ec2, id);
    case "template version":
      return await deleteTemplateVersion(ec2, launchTemplateId, id);
    case "identity":
      return await store.remove(id);
    default:
      return kind satisfies never;
  }
}
