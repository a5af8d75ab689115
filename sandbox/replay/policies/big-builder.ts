// Big builder: one machine for everything, always on, as the founding thread describes it.
// Simplified: one for each pool (one machine cannot have two arches); the hub's own load on it is left out.

import { fillParams } from "./params.ts";
import type { Family } from "./policy.ts";
import { inService, launchBuilders } from "./pool-steps.ts";

const name = "big-builder";
/** Of four times a builder's room: 16 tasks at once where a builder takes 4. */
const defaults = { size: 4 };

export const bigBuilder: Family = {
  name,
  source: "community.theforeman.org/t/rearchitecting-koji-server/17417 (2020)",
  formula: "launch one builder of `size` times the room when there is none; drain nothing",
  tickSeconds: 60,
  defaults,
  grid: {
    size: [
      1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256, 320, 384, 512, 640, 768, 1024, 1536, 2048,
    ],
  },
  create(params) {
    const { size } = fillParams(name, defaults, params);
    return {
      step(_now, pools, controls) {
        for (const [index, pool] of pools.entries()) {
          launchBuilders(controls, index, 1 - inService(pool).length, { size });
        }
      },
    };
  },
};
