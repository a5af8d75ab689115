// terraform-aws-github-runner: a runner for every "job queued" message; a cron ends runners that idle past a minimum age.
// Modes: 0 reuse, `idle` = idle_config (kept, never made); 1 reuse and a pool that is topped up to `idle` as well;
// 2 ephemeral runners, `idle` = its pool. Simplified: a runner takes as many jobs of one look as a builder has room;
// refused launches come again; job retry, an option there, is on, or a job of a lost runner would wait for ever.

import { JobMessages } from "./job-messages.ts";
import { fillParams } from "./params.ts";
import type { Controls, Family, PoolView } from "./policy.ts";
import { buildersFor, idleBuilders, inService, launchBuilders, rememberPerPool, spareBuilders } from "./pool-steps.ts";

const name = "terraform-aws-github-runner";
/** minimum_running_time_in_minutes 5, delay_webhook_event 30 s (0 when ephemeral), scale down by cron every 5 minutes. */
const defaults = { mode: 0, idle: 0, minimumRunningSeconds: 300, delaySeconds: 30, scaleDownSeconds: 300 };
const poolSeconds = 60;
const retrySeconds = 300;

const never = Number.NEGATIVE_INFINITY;
const startState = () => ({ messages: new JobMessages(), toppedUp: never, scaledDown: never, retried: never });
type State = ReturnType<typeof startState>;

export const terraformAwsGithubRunner: Family = {
  name,
  source: "github-aws-runners/terraform-aws-github-runner 4475534a9, control-plane/src/{scale-runners,pool}",
  formula:
    "launch for each message whose job is still queued after the delay; pool: idle - (spare + booting); every 5 min end idle ones past the minimum age except the `idle` newest",
  tickSeconds: 10,
  defaults,
  grid: { mode: [0, 1, 2], idle: [0, 1, 4, 16, 64, 220], minimumRunningSeconds: [120, 300, 900, 3600] },
  create(params) {
    const { mode, idle, minimumRunningSeconds, delaySeconds, scaleDownSeconds } = fillParams(name, defaults, params);
    const ephemeral = mode === 2;
    const stateOf = rememberPerPool(startState);

    function scaleUp(now: number, state: State, pool: PoolView, index: number, controls: Controls): number {
      state.messages.send(now + (ephemeral ? 0 : delaySeconds), pool.arrived);
      const { handed, waiting } = state.messages.receive(now, pool.queued);
      const again = pool.oldestSeconds >= retrySeconds && now - state.retried >= retrySeconds;
      if (again) state.retried = now;
      const jobs = again ? waiting : handed;
      const runners = ephemeral ? jobs : buildersFor(jobs, pool);
      const launched = launchBuilders(controls, index, runners, { ephemeral });
      if (launched < runners) state.messages.send(now, Math.ceil((jobs * (runners - launched)) / runners));
      return launched;
    }

    return {
      step(now, pools, controls) {
        for (const [index, pool] of pools.entries()) {
          const state = stateOf(pool);
          const launched = scaleUp(now, state, pool, index, controls);
          const runners = inService(pool).sort((a, b) => b.launchedAt - a.launchedAt || b.id - a.id);
          const up = runners.filter((runner) => runner.upAt !== null);
          if (mode !== 0 && now - state.toppedUp >= poolSeconds) {
            state.toppedUp = now;
            const spare = ephemeral ? idleBuilders(pool, 0, now).length : spareBuilders(up.length, pool);
            const booting = runners.length - up.length + launched;
            launchBuilders(controls, index, idle - spare - booting, { ephemeral });
          }
          if (now - state.scaledDown < scaleDownSeconds) continue;
          state.scaledDown = now;
          // As there: the newest are kept whether busy or not, so a busy fleet keeps no idle ones besides.
          const aged = up.filter((runner) => now - runner.launchedAt >= minimumRunningSeconds);
          for (const runner of aged.slice(idle)) if (runner.idleSince !== null) controls.drain(index, runner.id);
        }
      },
    };
  },
};
