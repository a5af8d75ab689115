// Real schedules at random: what the bounds are to stay below. Builders boot, have slots, and take tasks in turn.
import type { BoundPool, Job } from "../../../sandbox/replay/bounds/jobs.ts";

interface Builder {
  readonly pool: BoundPool;
  readonly upAt: number;
  lastEnd: number;
  /** When each slot is free. */
  readonly slots: number[];
}

interface Cost {
  readonly dollars: number;
  readonly waitHours: number;
}

/**
 * Jobs by start, each to a place, an existing builder or a new one, as `pick` (0 <= x < 1) has it. New builders are up
 * when their first job starts. With `mayWait` a job may also take a builder whose slots are all busy.
 */
export function scheduleAtRandom(
  jobs: readonly Job[],
  pools: readonly BoundPool[],
  launchFee: number,
  mayWait: boolean,
  pick: () => number,
): Cost {
  const builders: Builder[] = [];
  let waited = 0;
  for (const job of jobs.toSorted((a, b) => a.start - b.start)) {
    const place = job.places[Math.floor(pick() * job.places.length)];
    const pool = pools.find((one) => one.name === place?.pool);
    if (!place || !pool) throw new Error("a job without a place");
    const fit = builders.filter((one) => one.pool === pool && (mayWait || Math.min(...one.slots) <= job.start));
    let builder = fit[Math.floor(pick() * (fit.length + 0.5))];
    if (!builder) {
      const upAt = mayWait && pick() < 0.3 ? job.start + 30 : job.start;
      builder = { pool, upAt, lastEnd: upAt, slots: new Array<number>(Math.floor(1 / place.share)).fill(upAt) };
      builders.push(builder);
    }
    const slot = builder.slots.indexOf(Math.min(...builder.slots));
    const opened = Math.max(job.start, builder.slots[slot] ?? 0);
    waited += opened - job.start;
    builder.slots[slot] = opened + job.seconds;
    builder.lastEnd = Math.max(builder.lastEnd, opened + job.seconds);
  }
  const dollars = builders.reduce(
    (sum, { pool, upAt, lastEnd }) =>
      sum + launchFee + (pool.pricePerHour * (lastEnd - upAt + pool.bootSeconds)) / 3600,
    0,
  );
  return { dollars, waitHours: waited / 3600 };
}
