// Which builder a person means: the one live instance of the fleet in a slot, or the one with an id.

import { listInstances, type TaggedInstance } from "../../shared/aws/ec2.ts";
import { slotNames } from "../../shared/config/index.ts";
import { TAG } from "../../shared/fleet/index.ts";
import { type FleetScene, hintOf, Problem } from "./scene.ts";

/** A builder as a person finds it. */
export interface Found {
  readonly instanceId: string;
  readonly market: TaggedInstance["market"];
  /** null = it has no slot tag. */
  readonly slot: string | null;
  readonly profile: string | null;
  readonly tags: TaggedInstance["tags"];
}

/** Throws Problem when there is not exactly one. */
export async function findBuilder(scene: FleetScene, target: string): Promise<Found> {
  const listed = await listInstances(scene.ec2, { key: TAG.fleet, value: scene.fleet });
  return describe(target.startsWith("i-") ? byId(listed, target, scene) : bySlot(listed, target, scene));
}

function describe({ instanceId, market, tags }: TaggedInstance): Found {
  return { instanceId, market, slot: tags[TAG.slot] ?? null, profile: tags[TAG.profile] ?? null, tags };
}

function byId(listed: readonly TaggedInstance[], instanceId: string, { fleet }: FleetScene): TaggedInstance {
  const found = listed.find((each) => each.instanceId === instanceId);
  if (found === undefined) {
    const ids = listed.filter(isLive).map((each) => each.instanceId);
    throw new Problem(`no instance ${instanceId} has the tag ${TAG.fleet}=${fleet}${hintOf(instanceId, ids)}`);
  }
  if (!isLive(found)) throw new Problem(`${instanceId} is ${found.state}: nothing is left to keep or to drain`);
  return found;
}

function bySlot(listed: readonly TaggedInstance[], slot: string, scene: FleetScene): TaggedInstance {
  const claims = listed.filter((each) => each.tags[TAG.slot] === slot);
  const live = claims.filter(isLive);
  const [first, second] = live;
  if (second !== undefined) {
    const ids = live.map((each) => each.instanceId).join(" and ");
    throw new Problem(`${live.length} instances hold slot ${slot}: name the one you mean, ${ids}`);
  }
  if (first !== undefined) return first;
  const configured = scene.site?.builders.profiles.flatMap((profile) => slotNames(profile.slots)) ?? [];
  if (claims.length > 0 || configured.includes(slot)) throw new Problem(`slot ${slot} has no instance now`);
  const inUse = listed.filter(isLive).flatMap((each) => each.tags[TAG.slot] ?? []);
  const hint = hintOf(slot, [...new Set([...inUse, ...configured])].sort());
  throw new Problem(`no instance of fleet "${scene.fleet}" holds a slot "${slot}"${hint}`);
}

/** A stopped one keeps its slot; one that is shutting down comes back never. */
function isLive({ state }: TaggedInstance): boolean {
  return state !== "terminated" && state !== "shutting-down";
}
