// Pools that exist in memory: builders boot after a fixed time, tasks come and end, every act of a policy is kept.

import type { BuilderView, Controls, Family, Params, PoolView } from "../../../sandbox/replay/policies/policy.ts";

export interface Work {
  readonly pool?: number;
  readonly at: number;
  readonly seconds: number;
  readonly tasks: number;
}

interface World {
  readonly pools?: number;
  readonly room?: number;
  readonly max?: number;
  readonly bootSeconds?: number;
  readonly work: readonly Work[];
  readonly until: number;
  /** EC2 has no capacity at these times. */
  readonly refuses?: (now: number) => boolean;
}

export interface Launch {
  readonly at: number;
  readonly pool: number;
  readonly ephemeral: boolean;
  readonly size: number;
}

export interface Drain {
  readonly at: number;
  readonly pool: number;
  readonly tasks: number;
  /** Null = it was not idle. */
  readonly idleSeconds: number | null;
}

type Builder = { -readonly [Key in keyof BuilderView]: BuilderView[Key] } & { ephemeral: boolean; ends: number[] };
type Task = { releasedAt: number; seconds: number };
type Pool = { builders: Builder[]; queue: Task[]; arrived: number; toCome: Task[] };

/** Seconds go by one by one; the policy looks at every tick. */
export function play(family: Family, params: Params, world: World) {
  const { room = 1, max = 1000, bootSeconds = 120, work, until } = world;
  const policy = family.create(params);
  const launches: Launch[] = [];
  const drains: Drain[] = [];
  const waits: number[] = [];
  let refusals = 0;
  let mostRefusalsAtLook = 0;
  let nextId = 1;

  const pools = Array.from({ length: world.pools ?? 1 }, (_, index): Pool => {
    const mine = work.filter((some) => (some.pool ?? 0) === index);
    const toCome = mine.flatMap(({ at, seconds, tasks }) =>
      Array.from({ length: tasks }, () => ({ releasedAt: at, seconds })),
    );
    return { builders: [], queue: [], arrived: 0, toCome: toCome.sort((a, b) => a.releasedAt - b.releasedAt) };
  });

  for (let now = 0; now <= until; now++) {
    for (const pool of pools) live(pool, now);
    if (now % family.tickSeconds !== 0) continue;
    refusals = 0;
    policy.step(
      now,
      pools.map((pool, index) => viewOf(pool, index, now)),
      controlsAt(now),
    );
    mostRefusalsAtLook = Math.max(mostRefusalsAtLook, refusals);
    for (const pool of pools) pool.arrived = 0;
  }
  return { launches, drains, waits, mostRefusalsAtLook, inService: pools.map((pool) => pool.builders.length) };

  function live(pool: Pool, now: number): void {
    for (const builder of pool.builders) {
      if (builder.upAt === null && now >= builder.launchedAt + bootSeconds) {
        builder.upAt = now;
        builder.idleSince = now;
      }
      const left = builder.ends.filter((end) => end > now);
      builder.served += builder.ends.length - left.length;
      if (builder.ends.length > 0 && left.length === 0) builder.idleSince = now;
      builder.ends = left;
      builder.tasks = left.length;
    }
    pool.builders = pool.builders.filter((builder) => !builder.draining || builder.tasks > 0);
    while ((pool.toCome[0]?.releasedAt ?? Number.POSITIVE_INFINITY) <= now) {
      pool.queue.push(...pool.toCome.splice(0, 1));
      pool.arrived++;
    }
    while (pool.queue.length > 0) {
      // As the hub: the least loaded first.
      const fit = pool.builders.filter(({ upAt, draining, tasks }) => upAt !== null && !draining && tasks < room);
      const builder = fit.sort((a, b) => a.tasks - b.tasks)[0];
      const task = builder === undefined ? undefined : pool.queue.shift();
      if (builder === undefined || task === undefined) break;
      waits.push(now - task.releasedAt);
      builder.ends.push(now + task.seconds);
      builder.tasks++;
      builder.idleSince = null;
      if (builder.ephemeral) builder.draining = true;
    }
  }

  function viewOf(pool: Pool, index: number, now: number): PoolView {
    return {
      ...{ name: `pool-${index}`, pricePerHour: 0.1, tasksPerBuilder: room, max },
      queued: pool.queue.length,
      running: pool.builders.reduce((sum, builder) => sum + builder.tasks, 0),
      oldestSeconds: now - (pool.queue[0]?.releasedAt ?? now),
      arrived: pool.arrived,
      builders: pool.builders.map((builder) => ({ ...builder })),
    };
  }

  function controlsAt(now: number): Controls {
    return {
      launch(index, { ephemeral = false, size = 1 } = {}) {
        const pool = pools[index];
        if (pool === undefined || pool.builders.length >= max || world.refuses?.(now) === true) {
          refusals++;
          return false;
        }
        const fresh = { launchedAt: now, upAt: null, tasks: 0, idleSince: null, draining: false, served: 0, ends: [] };
        pool.builders.push({ id: nextId++, ephemeral, ...fresh });
        launches.push({ at: now, pool: index, ephemeral, size });
        return true;
      },
      drain(index, id) {
        const builder = pools[index]?.builders.find((candidate) => candidate.id === id);
        if (builder === undefined) throw new Error(`there is no builder ${id} in pool ${index}`);
        const { tasks, idleSince } = builder;
        drains.push({ at: now, pool: index, tasks, idleSeconds: idleSince === null ? null : now - idleSince });
        builder.draining = true;
      },
    };
  }
}
