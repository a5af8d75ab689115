// What the forecast remembers from pass to pass; it is stored with the fleet's memory, so that a restart is not cold.

import type { ArrivalMemory } from "./arrivals.ts";
import { type GraphMemory, NO_GRAPH } from "./families.ts";
import type { PathMemory } from "./path.ts";
import { NO_WORK, type WorkMemory } from "./work-times.ts";

export interface ForecastMemory {
  /** Time of the last pass; null = none yet. */
  readonly at: number | null;
  /** The newest task that was seen. */
  readonly newestTask: number;
  /** By the names of the profiles. */
  readonly groups: Readonly<Record<string, ArrivalMemory>>;
  /** By profile. */
  readonly paths: Readonly<Record<string, PathMemory>>;
  /** By profile: builders worth keeping, by pass, of the hold time; the most first. */
  readonly keeps: Readonly<Record<string, readonly (readonly [at: number, builders: number])[]>>;
  readonly graph: GraphMemory;
  readonly work: WorkMemory;
}

export const NO_FORECAST: ForecastMemory = {
  at: null,
  newestTask: 0,
  groups: {},
  paths: {},
  keeps: {},
  graph: NO_GRAPH,
  work: NO_WORK,
};
