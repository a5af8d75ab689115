// What a kind of fault is: a name, how long it stands, and what it does to a world.

import type { LiveInstance } from "../../../sandbox/world/ec2/index.ts";
import type { Random } from "../../../sandbox/world/random.ts";
import type { World } from "../world.ts";

export interface FaultKind {
  readonly name: string;
  /** How long it stands, drawn between the two; left out = it happens at one instant. */
  readonly seconds?: readonly [number, number];
  /** Passes may see the world as it is not: they prove nothing while it stands. */
  readonly blinds?: boolean;
  /** How often it is drawn, relative to the others; default 1. */
  readonly weight?: number;
  /** `took` says that it took effect, which it may never do. Returns how it ends; "later" = there is no victim yet. */
  begin(world: World, random: Random, took: () => void): (() => void) | "later" | undefined;
}

/** An instance of Toji's that runs, with its tags. */
export function pickRunning(
  world: World,
  random: Random,
  wanted: (instance: LiveInstance) => boolean = () => true,
): LiveInstance | undefined {
  const found = world.live().filter((each) => each.state === "running" && wanted(each));
  return found.length === 0 ? undefined : random.pick(found);
}

/** Puts hooks up; the result takes them all away. */
export const together =
  (...ends: readonly (() => void)[]) =>
  () => {
    for (const end of ends) end();
  };
