// Plays a baseline policy: its looks at the queue, and the same careful launches and drains that Toji makes.

import { tasksPerBuilder } from "../../../shared/fleet/index.ts";
import type { BuilderView, Controls, Policy, PoolView } from "../policies/policy.ts";
import type { Host, Machine } from "./host.ts";
import type { World } from "./world.ts";

interface Builder extends BuilderView {
  readonly host: Host;
  readonly machine: Machine;
  upAt: number | null;
  tasks: number;
  idleSince: number | null;
  draining: boolean;
  served: number;
}

/** `mayGoOn` is asked before each look. Returns whether the trace was played to its end. */
export function playBaseline(
  world: World,
  policy: Policy,
  tickSeconds: number,
  mayGoOn: (world: World) => boolean = () => true,
): boolean {
  const { site } = world.setting;
  const pools = site.builders.profiles.map(() => [] as Builder[]);
  const controls = controlsOf(world, pools);
  for (let now = 0; !world.isOver; now += tickSeconds) {
    world.playUntil(now);
    if (world.isOver) break;
    if (!mayGoOn(world)) return false;
    for (const builders of pools) step(world, builders);
    policy.step(now, viewPools(world, pools), controls);
  }
  return true;
}

function controlsOf(world: World, pools: readonly Builder[][]): Controls {
  const { fleet } = world;
  const { maxInstances } = world.setting.site.builders.budget;
  return {
    launch(pool, options = {}) {
      const builders = pools[pool];
      const host = count(pools) >= maxInstances ? undefined : fleet.takeSlot(pool);
      if (builders === undefined || host === undefined) return false;
      const outcome = fleet.launch(host, fleet.offeringsOf(pool), options);
      if ("refused" in outcome) {
        fleet.returnSlot(host);
        return false;
      }
      const { machine } = outcome;
      // Safe as the host has been silent for longer than the hub's ReadyTimeout; Toji does the same.
      if (isSilent(world, host)) fleet.enable(host);
      builders.push({
        id: host.id,
        host,
        machine,
        launchedAt: machine.launchedAt,
        upAt: null,
        tasks: 0,
        idleSince: null,
        draining: false,
        served: 0,
      });
      return true;
    },
    drain(pool, id) {
      const builder = pools[pool]?.find((each) => each.id === id);
      if (builder === undefined || builder.draining) return;
      builder.draining = true;
      builder.machine.drainingAt = world.now;
      if (builder.host.enabled) fleet.disable(builder.host);
    },
  };
}

const count = (pools: readonly Builder[][]) => pools.reduce((sum, each) => sum + each.length, 0);

export function isSilent(world: World, host: Host): boolean {
  return host.lastUpdate === null || world.now - host.lastUpdate > world.options.readyTimeout;
}

/** What Toji's protocol does in a pass: enable who has checked in, end who is drained or never came, note the rest. */
function step(world: World, builders: Builder[]): void {
  const { fleet, now, options, pollSeconds, setting } = world;
  const settle = setting.ideal ? 0 : options.runInterval + pollSeconds;
  let kept = 0;
  for (const builder of builders) {
    const { host, machine } = builder;
    if (host.machine !== machine) {
      // EC2 has taken it back.
      if (host.enabled) fleet.disable(host);
      fleet.returnSlot(host);
      continue;
    }
    builder.draining ||= machine.drainingAt !== null;
    if (host.polling && !host.enabled && !builder.draining) fleet.enable(host);
    const isGone =
      (builder.draining && host.tasks.size === 0 && now - (machine.drainingAt ?? now) >= settle) ||
      (!host.polling && now - machine.launchedAt > setting.site.builders.bootLimitSeconds);
    if (isGone) {
      if (host.enabled) fleet.disable(host);
      fleet.terminate(host);
      fleet.returnSlot(host);
      continue;
    }
    if (builder.upAt === null && host.polling && host.enabled) builder.upAt = now;
    builder.tasks = host.tasks.size;
    builder.served = machine.served;
    const idle = builder.upAt !== null && host.tasks.size === 0 && host.reserved.size === 0;
    if (!idle) builder.idleSince = null;
    else builder.idleSince ??= now;
    builders[kept] = builder;
    kept += 1;
  }
  builders.length = kept;
}

function viewPools(world: World, pools: readonly Builder[][]): PoolView[] {
  const { fleet, setting } = world;
  const oldest = pools.map(() => world.now);
  // In the hub's order: whose oldest stands further behind is not late.
  for (const task of world.free.slice(0, 100)) {
    const [home] = task.pools;
    if (home !== undefined) oldest[home] = Math.min(oldest[home] ?? world.now, task.createdAt);
  }
  return pools.map((builders, index) => {
    const profile = setting.site.builders.profiles[index];
    if (profile === undefined) throw new RangeError(`no profile ${index}`);
    const arrived = world.arrived[index] ?? 0;
    world.arrived[index] = 0;
    return {
      name: profile.name,
      pricePerHour: fleet.priceOf(index),
      tasksPerBuilder: tasksPerBuilder(profile),
      queued: world.queued[index] ?? 0,
      running: builders.reduce((sum, { host }) => sum + host.openJobsAtWork, 0),
      oldestSeconds: world.now - (oldest[index] ?? world.now),
      arrived,
      max: profile.max ?? profile.slots.count,
      builders,
    };
  });
}
