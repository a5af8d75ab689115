// buildkite-agent-scaler: sets an Auto Scaling group's size to the jobs there are; agents end themselves when idle.
// Simplified: jobs behind a wait step are not known here; the size is not capped at 1,000; Elastic CI mode, an experiment
// of its own, is left out. Kinder than the original: there an agent ends after its idle time even when the buffer wants
// it, and the scaler starts another; here idle ones go down to the desired size only.

import { fillParams } from "./params.ts";
import type { Family } from "./policy.ts";
import { buildersFor, drainBuilders, idleBuilders, inService, launchBuilders, rememberPerPool } from "./pool-steps.ts";

const name = "buildkite-agent-scaler";
/** The scaler's own; idle is ScaleInIdlePeriod of the Elastic CI Stack. Its template has an out-cooldown of 300 s. */
const defaults = { buffer: 0, idleSeconds: 600, min: 0, factor: 1, cooldownSeconds: 0 };

export const buildkiteAgentScaler: Family = {
  name,
  source: "buildkite/buildkite-agent-scaler 49c4145, scaler/scaling_calculator.go and scaler/scaler.go",
  formula:
    "need = ceil((queued + running) / room); desired = max(min, need + min(buffer, need)); launch ceil((desired - in service) x factor); end agents idle for idleSeconds beyond desired",
  tickSeconds: 10,
  defaults,
  grid: { buffer: [0, 4, 12, 45, 90, 180], idleSeconds: [60, 300, 2700], min: [0, 1, 2, 64] },
  create(params) {
    const { buffer, idleSeconds, min, factor, cooldownSeconds } = fillParams(name, defaults, params);
    const lastOutOf = rememberPerPool(() => ({ at: Number.NEGATIVE_INFINITY }));
    return {
      step(now, pools, controls) {
        for (const [index, pool] of pools.entries()) {
          const builders = inService(pool);
          const need = buildersFor(pool.queued + pool.running, pool);
          const desired = Math.min(pool.max, Math.max(min, need + Math.min(buffer, need)));

          const lastOut = lastOutOf(pool);
          if (desired > builders.length && now - lastOut.at >= cooldownSeconds) {
            const change = Math.ceil((desired - builders.length) * factor);
            if (launchBuilders(controls, index, change) > 0) lastOut.at = now;
          }
          drainBuilders(controls, index, idleBuilders(pool, idleSeconds, now), builders.length - desired);
        }
      },
    };
  },
};
