// Taskcluster: the worker-manager's estimator; workers end themselves when idle.
// Simplified: one launch configuration for each pool, so no weights by recent errors; a worker that is to ask first
// (`ask` 1, workers under worker-runner) asks at every look after its idle time.

import { fillParams } from "./params.ts";
import type { Family } from "./policy.ts";
import { buildersFor, drainBuilders, idleBuilders, inService, launchBuilders, roomOf } from "./pool-steps.ts";

const name = "taskcluster";
/** scalingRatio 1 and minCapacity 0; the idle time is for the pool's owner to give: 15 minutes. */
const defaults = { ratio: 1, idleSeconds: 900, min: 0, ask: 1 };

export const taskcluster: Family = {
  name,
  source: "taskcluster/taskcluster 9d59eb59f6, services/worker-manager/src/estimator.js",
  formula:
    "spawn = max(min, min(max(0, pending - idle) x ratio + existing + stopping, max)) - existing - stopping - requested; asked, it keeps the newest up to (pending + claimed) x ratio",
  tickSeconds: 10,
  defaults,
  grid: { ratio: [0.5, 1, 1.5, 2, 3], idleSeconds: [10, 180, 900, 2700], min: [0, 1], ask: [0, 1] },
  create(params) {
    const { ratio, idleSeconds, min, ask } = fillParams(name, defaults, params);
    return {
      step(now, pools, controls) {
        for (const [index, pool] of pools.entries()) {
          // Capacities in tasks, as Taskcluster counts.
          const room = roomOf(pool);
          const workers = inService(pool);
          const up = workers.filter((worker) => worker.upAt !== null);
          const [least, most] = [min * room, pool.max * room];
          const existing = up.length * room;
          const stopping = (pool.builders.length - workers.length) * room;
          const requested = (workers.length - up.length) * room;

          const unserved = Math.max(0, pool.queued - Math.max(0, existing - pool.running));
          const desired = Math.max(least, Math.min(unserved * ratio + existing + stopping, most));
          launchBuilders(controls, index, buildersFor(desired - existing - stopping - requested, pool));

          const target = Math.max(least, Math.min((pool.queued + pool.running) * ratio, most));
          const newest = [...up].sort((a, b) => b.launchedAt - a.launchedAt || b.id - a.id);
          const kept = new Set(newest.slice(0, buildersFor(ask > 0 ? target : 0, pool)));
          const idle = idleBuilders(pool, idleSeconds, now).filter((worker) => !kept.has(worker));
          drainBuilders(controls, index, idle, up.length - min);
        }
      },
    };
  },
};
