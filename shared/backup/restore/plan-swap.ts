// Which volume goes off the hub and which goes on, one look at a time: from any half-done state to the wanted one.

import type { BlockVolume } from "../../aws/volumes.ts";
import { BACKUP_TAG } from "../tags.ts";

export type SwapDirection = "forward" | "back";

/** One device of the hub and the two volumes that may hold it. */
export interface SwapPlace {
  readonly device: string;
  /** The volume of the hub as it was. */
  readonly before: string;
  /** The volume made from the set. */
  readonly after: string;
}

export type SwapAction =
  | { readonly do: "mark"; readonly volume: string }
  | { readonly do: "detach"; readonly volume: string; readonly device: string }
  | { readonly do: "attach"; readonly volume: string; readonly device: string };

export type SwapStep =
  | { readonly kind: "done" }
  /** Do these, in this order, then look again; none = wait for EC2. */
  | { readonly kind: "pending"; readonly actions: readonly SwapAction[] }
  | { readonly kind: "refused"; readonly why: string };

export interface SwapScene {
  readonly restore: string;
  readonly instanceId: string;
  readonly direction: SwapDirection;
  readonly places: readonly SwapPlace[];
  /** All that is attached to the hub, and all that carries this restore's tags. */
  readonly volumes: readonly BlockVolume[];
}

/** Never takes off a volume but the two of its place; says no rather than guess at any other. Pure. */
export function planSwap(scene: SwapScene): SwapStep {
  const steps = scene.places.map((place) => planPlace(scene, place));
  const refused = steps.find((step) => step.kind === "refused");
  if (refused !== undefined) return refused;
  if (steps.every((step) => step.kind === "done")) return { kind: "done" };
  return { kind: "pending", actions: steps.flatMap((step) => (step.kind === "pending" ? step.actions : [])) };
}

function planPlace(scene: SwapScene, { device, before, after }: SwapPlace): SwapStep {
  const [wanted, other] = scene.direction === "forward" ? [after, before] : [before, after];
  const holders = scene.volumes.flatMap(({ volume, attachments }) =>
    attachments
      .filter((each) => each.instanceId === scene.instanceId && each.device === device && each.state !== "detached")
      .map(({ state }) => ({ volume, state })),
  );
  const stranger = holders.find(({ volume }) => volume !== wanted && volume !== other);
  if (stranger !== undefined) {
    return refuse(
      `${stranger.volume} is attached as ${device}, which is neither ${before} nor ${after}: leave it to the restore`,
    );
  }
  const leaving = holders.find(({ volume }) => volume === other);
  if (leaving !== undefined) return leave(scene, leaving, { device, before });
  const arriving = holders.find(({ volume }) => volume === wanted);
  if (arriving !== undefined) return arriving.state === "attached" ? { kind: "done" } : WAIT;
  return arrive(scene, wanted, device);
}

/** The mark comes first: whoever finds the hub without its volume finds by it which one it was. */
function leave(
  { restore, volumes }: SwapScene,
  { volume, state }: { readonly volume: string; readonly state: string },
  { device, before }: Pick<SwapPlace, "device" | "before">,
): SwapStep {
  if (state !== "attached") return WAIT;
  const isMarked = volumes.find((each) => each.volume === volume)?.tags[BACKUP_TAG.replaced] === restore;
  const mark: SwapAction[] = volume === before && !isMarked ? [{ do: "mark", volume }] : [];
  return { kind: "pending", actions: [...mark, { do: "detach", volume, device }] };
}

function arrive({ volumes, instanceId }: SwapScene, volume: string, device: string): SwapStep {
  const found = volumes.find((each) => each.volume === volume);
  // EC2's lists lag behind its answers: one that was taken off just now may be in neither of them.
  if (found === undefined) return WAIT;
  const elsewhere = found.attachments.find((each) => each.state !== "detached");
  if (elsewhere !== undefined && (elsewhere.instanceId !== instanceId || elsewhere.device !== device)) {
    return refuse(`${volume} is attached to ${elsewhere.instanceId} as ${elsewhere.device}: take it off there`);
  }
  switch (found.state) {
    case "available":
      return { kind: "pending", actions: [{ do: "attach", volume, device }] };
    case "error":
    case "deleting":
    case "deleted":
      return refuse(`${volume} is in the state ${found.state}: it cannot be attached`);
    default:
      return WAIT;
  }
}

const WAIT: SwapStep = { kind: "pending", actions: [] };

function refuse(why: string): SwapStep {
  return { kind: "refused", why };
}
