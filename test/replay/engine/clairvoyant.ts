// Drives a world by the clairvoyant plan: every launch a boot before it is needed, every drain at the end of a task.

import { clairvoyantPlan } from "../../../sandbox/replay/bounds/clairvoyant-plan.ts";
import type { World } from "../../../sandbox/replay/engine/world.ts";
import { flatTrace, type Span, worldFor } from "./traces.ts";

interface Terms {
  readonly site: World["setting"]["site"];
  readonly pricePerHour: number;
  readonly bootSeconds: number;
  readonly launchFee: number;
}

/** Plays it to the end. The trace is moved so that no launch lies before its begin. */
export function playClairvoyant(spans: readonly Span[], { site, pricePerHour, bootSeconds, launchFee }: Terms): World {
  const moved = spans.map((span) => ({ ...span, start: span.start + bootSeconds }));
  const world = worldFor(flatTrace(moved), site, {
    boot: { median: bootSeconds, p95: bootSeconds },
    launchFee,
    ideal: true,
  });
  for (const { launchAt, drainAt } of clairvoyantPlan(moved, { pricePerHour, bootSeconds, launchFee })) {
    world.at(launchAt, () => launch(world));
    // What ends or starts at the same instant comes first: what is idle then is not needed.
    world.at(drainAt, () =>
      world.at(drainAt, () => world.at(drainAt, () => world.at(drainAt, () => drainIdle(world)))),
    );
  }
  world.playUntil(Number.POSITIVE_INFINITY);
  return world;
}

function launch({ fleet }: World): void {
  const host = fleet.takeSlot(0);
  if (host === undefined) throw new Error("the site of a clairvoyant play has too few slots");
  fleet.enable(host);
  const outcome = fleet.launch(host, fleet.offeringsOf(0));
  if ("refused" in outcome) throw new Error("nothing is refused without mishaps");
}

function drainIdle({ fleet }: World): void {
  const idle = [...(fleet.up[0] ?? [])].find((host) => host.tasks.size === 0 && host.reserved.size === 0);
  if (idle === undefined) throw new Error("the plan drains a builder, and none is idle");
  fleet.disable(idle);
  fleet.terminate(idle);
  fleet.returnSlot(idle);
}
