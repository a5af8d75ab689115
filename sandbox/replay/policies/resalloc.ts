// resalloc (Copr): a number of builders is started ahead, whatever the queue; used ones may be used again for a while.
// Simplified: one sandbox, so everybody may use a builder again; no end by age. `constantSpare` 1 is kinder than resalloc
// is: it starts for waiting tasks too (resalloc's issue 32 asks for that) and ends no builder that the reserve needs,
// where resalloc ends each after its idle time and starts another. Tuning tries only the kinder one.

import { fillParams } from "./params.ts";
import type { Family } from "./policy.ts";
import { buildersFor, drainBuilders, idleBuilders, inService, launchBuilders, spareBuilders } from "./pool-steps.ts";

const name = "resalloc";
/** max_prealloc 2, max_starting 1, reuse_opportunity_time 0: used once. Its `max` of 4 is the pool's here. */
const defaults = { prealloc: 2, maxStarting: 1, reuseSeconds: 0, constantSpare: 0 };

export const resalloc: Family = {
  name,
  source:
    "praiskup/resalloc 825cc7f, resallocserver/manager.py, _allocate_more_resources and _request_resource_removal",
  formula:
    "start while spare + starting < prealloc (constantSpare: + ceil(queued / room)) and starting < maxStarting; end used ones idle for reuseSeconds (constantSpare: any, while spare > prealloc)",
  tickSeconds: 10,
  defaults,
  grid: {
    prealloc: [1, 2, 4, 8, 24, 64, 120, 220, 320],
    reuseSeconds: [10, 60, 120, 180, 300, 600, 1200, 3600],
    maxStarting: [1000],
    constantSpare: [1],
  },
  create(params) {
    const { prealloc, maxStarting, reuseSeconds, constantSpare } = fillParams(name, defaults, params);
    const kinder = constantSpare > 0;
    const ephemeral = !kinder && reuseSeconds === 0;
    return {
      step(now, pools, controls) {
        for (const [index, pool] of pools.entries()) {
          const builders = inService(pool);
          const up = builders.filter((builder) => builder.upAt !== null).length;
          const starting = builders.length - up;
          // Of builders that take one task only, those without one are spare, whatever their room.
          const spare = ephemeral ? idleBuilders(pool, 0, now).length : spareBuilders(up, pool);

          const wanted = prealloc + (kinder ? buildersFor(pool.queued, pool) : 0);
          const missing = Math.min(wanted - spare - starting, maxStarting - starting);
          launchBuilders(controls, index, missing, { ephemeral });

          const idle = idleBuilders(pool, reuseSeconds, now).filter((builder) => kinder || builder.served > 0);
          drainBuilders(controls, index, idle, kinder ? spare - wanted : idle.length);
        }
      },
    };
  },
};
