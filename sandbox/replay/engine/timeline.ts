// Queue and fleet over the trace, a few hundred samples.

import type { PolicyDetail } from "../result.ts";
import type { World } from "./world.ts";

const SAMPLES = 400;

export class Timeline {
  readonly samples: PolicyDetail["timeline"][number][] = [];

  constructor(world: World) {
    const { spanSeconds } = world.setting.trace;
    const every = Math.max(10, spanSeconds / SAMPLES);
    const sample = () => {
      this.samples.push({
        at: world.now,
        queued: world.free.length,
        running: world.active.size,
        builders: world.fleet.live,
        up: world.fleet.up.reduce((sum, each) => sum + each.size, 0),
      });
      world.at(world.now + every, sample);
    };
    world.at(0, sample);
  }
}
