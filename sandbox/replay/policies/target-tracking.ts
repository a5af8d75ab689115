// Target tracking: EC2 Auto Scaling keeps the backlog per instance near a target, as AWS advises for queue workers.
// Simplified: instances that work are protected from scale-in (AWS's advice too), so only idle ones go; no instance
// warm-up, booting ones count against what is wanted. `running` 1 counts tasks at work as backlog besides those queued.
// At least one instance: with none the metric is undefined, and the alarms never fire.

import { fillParams } from "./params.ts";
import type { Family } from "./policy.ts";
import { drainBuilders, idleBuilders, inService, launchBuilders, rememberPerPool, roomOf } from "./pool-steps.ts";

const name = "target-tracking";
/** Target: tasks for each that an instance works on at once. AWS leaves it to the user: 1 = nobody waits for two. */
const defaults = { target: 1, min: 1, running: 0 };
/** Data points of 60 s in a row, and the margin below the target, of the alarms that AWS makes; not to be changed. */
const alarms = { periodsHigh: 3, periodsLow: 15, marginLow: 0.9 };

export const targetTracking: Family = {
  name,
  source:
    "Amazon EC2 Auto Scaling User Guide, 'Scaling policy based on Amazon SQS' and 'Target tracking scaling policies'",
  formula:
    "backlog / (up x room) above target 3 x 60 s: up to ceil(backlog / (target x room)); below 0.9 target 15 x 60 s: down to it",
  tickSeconds: 60,
  defaults,
  grid: { target: [0.25, 0.5, 0.75, 1, 2], min: [1, 2, 4, 12, 45, 100, 220, 320], running: [0, 1] },
  create(params) {
    const { target, min, running } = fillParams(name, defaults, params);
    const breachesOf = rememberPerPool(() => ({ high: 0, low: 0 }));
    return {
      step(now, pools, controls) {
        for (const [index, pool] of pools.entries()) {
          const builders = inService(pool);
          const up = builders.filter((builder) => builder.upAt !== null).length;
          const backlog = pool.queued + running * pool.running;
          const perInstance = backlog / (Math.max(1, up) * roomOf(pool));

          const breaches = breachesOf(pool);
          breaches.high = perInstance > target ? breaches.high + 1 : 0;
          breaches.low = perInstance < alarms.marginLow * target ? breaches.low + 1 : 0;

          const wanted = Math.max(1, min, Math.ceil(backlog / (target * roomOf(pool))));
          const floor = breaches.high >= alarms.periodsHigh ? wanted : Math.max(1, min);
          launchBuilders(controls, index, floor - builders.length);
          if (breaches.low >= alarms.periodsLow) {
            drainBuilders(controls, index, idleBuilders(pool, 0, now), builders.length - wanted);
          }
        }
      },
    };
  },
};
