// Karpenter: batches what waits, packs it on nodes that exist and are coming, buys nodes for the rest, ends empty ones.
// Simplified: nodes of one size for each pool; no consolidation of half-empty nodes, for a running task cannot be moved;
// a look every 5 s stands for the batch window, which closes 1 s after the last pod and 10 s after the first. `buffer`
// is its capacity buffers: virtual pods in every packing, here so many full nodes.

import { fillParams } from "./params.ts";
import type { Family } from "./policy.ts";
import { buildersFor, drainBuilders, idleBuilders, inService, launchBuilders, roomOf } from "./pool-steps.ts";

const name = "karpenter";
/** consolidateAfter 0 s, no buffer, 10 % of the nodes at once. */
const defaults = { consolidateAfterSeconds: 0, buffer: 0, budget: 0.1 };
/** A disruption is looked at again after this, before it is done. */
const validationSeconds = 15;

export const karpenter: Family = {
  name,
  source: "kubernetes-sigs/karpenter 226646810, pkg/controllers/{provisioning,disruption}",
  formula:
    "launch ceil((queued + buffer x room - free room, booting nodes' too) / room); drain nodes empty for consolidateAfter + 15 s that the packing does not need, within the budget",
  tickSeconds: 5,
  defaults,
  grid: {
    consolidateAfterSeconds: [0, 10, 30, 60, 120, 180, 300, 900, 3600],
    buffer: [0, 2, 8, 32, 100, 150, 220, 320],
  },
  create(params) {
    const { consolidateAfterSeconds, buffer, budget } = fillParams(name, defaults, params);
    return {
      step(now, pools, controls) {
        for (const [index, pool] of pools.entries()) {
          const nodes = inService(pool);
          const free = Math.max(0, nodes.length * roomOf(pool) - pool.running);
          const unplaced = pool.queued + buffer * roomOf(pool) - free;
          launchBuilders(controls, index, buildersFor(unplaced, pool));

          const empty = idleBuilders(pool, consolidateAfterSeconds + validationSeconds, now);
          const draining = pool.builders.length - nodes.length;
          const allowed = Math.ceil(budget * pool.builders.length) - draining;
          drainBuilders(controls, index, empty, Math.min(allowed, Math.floor(-unplaced / roomOf(pool))));
        }
      },
    };
  },
};
