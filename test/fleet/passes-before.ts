// What the forecast has learned before the pass of a random world: passes over younger versions of the same world.

import fc from "fast-check";
import type { Site } from "../../shared/config/index.ts";
import { decide } from "../../shared/fleet/decide.ts";
import { NO_FORECAST } from "../../shared/fleet/forecast/memory.ts";
import type { Memory, Snapshot } from "../../shared/fleet/types.ts";
import { NOW } from "./world.ts";

/** It saw the first so many of the world's tasks. */
export interface PassBefore {
  readonly at: number;
  readonly tasks: number;
}

/** Now and then one lies ahead of now: clocks are set right. */
const passBefore = fc.record({
  at: fc.integer({ min: -60, max: 600 }).map((seconds) => NOW - seconds),
  tasks: fc.nat(60),
});

/** Mostly none: most worlds are met cold. */
export const anyPassesBefore: fc.Arbitrary<readonly PassBefore[]> = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  fc.array(passBefore, { maxLength: 4 }),
);

interface World {
  readonly site: Site;
  readonly snapshot: Snapshot;
  readonly memory: Memory;
}

export function learnedBefore({ site, snapshot, memory }: World, passes: readonly PassBefore[]): Memory["forecast"] {
  const { hub } = snapshot;
  if (!hub.seen) return NO_FORECAST;
  return passes.reduce<Memory>((known, { at, tasks }) => {
    const state = { ...hub.state, now: at, tasks: hub.state.tasks.slice(0, tasks) };
    return decide({ ...snapshot, at, hub: { ...hub, state } }, site, known, at).memory;
  }, memory).forecast;
}
