// Static: the same number of builders at all times.
// Simplified: one number for every pool; builders that are lost are replaced within a minute.

import { fillParams } from "./params.ts";
import type { Family } from "./policy.ts";
import { inService, launchBuilders } from "./pool-steps.ts";

const name = "static";
/** Nobody ships a number: two is a small farm with a spare. */
const defaults = { builders: 2 };

export const staticFleet: Family = {
  name,
  source: "what most Koji installations run: hosts that are always on",
  formula: "launch max(0, builders - in service); drain nothing",
  tickSeconds: 60,
  defaults,
  grid: {
    // Up to the highest number of tasks at once in the recorded traces (1,815), closer together than powers of two.
    builders: [
      1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576,
      640, 704, 768, 896, 1024, 1280, 1536, 1792, 2048,
    ],
  },
  create(params) {
    const { builders } = fillParams(name, defaults, params);
    return {
      step(_now, pools, controls) {
        for (const [index, pool] of pools.entries()) launchBuilders(controls, index, builders - inService(pool).length);
      },
    };
  },
};
