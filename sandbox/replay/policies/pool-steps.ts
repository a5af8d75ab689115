// What scaling policies do alike: count builders and room, launch until refused, find the idle, remember per pool.

import type { BuilderView, Controls, PoolView } from "./policy.ts";

/** Builders that take tasks or soon will: those put out of service do not count. */
export function inService(pool: PoolView): BuilderView[] {
  return pool.builders.filter((builder) => !builder.draining);
}

/** Typical tasks that one builder works on at once; at least 1, for every formula divides by it. */
export function roomOf(pool: PoolView): number {
  return Math.max(1, pool.tasksPerBuilder);
}

/** Builders that so many tasks fill. */
export function buildersFor(tasks: number, pool: PoolView): number {
  // Ratios and rooms need not be whole: 3 tasks x 1.1 / 1.1 are 3 builders, not 4.
  return Math.ceil(tasks / roomOf(pool) - 1e-9);
}

/** Builders for which there is no task: a count by room, for the hub spreads tasks over builders that are half idle. */
export function spareBuilders(up: number, pool: PoolView): number {
  return Math.max(0, up - buildersFor(pool.running, pool));
}

/** Ends at the first refusal: a limit or a lack of capacity stays for this look. Tells how many it got. */
export function launchBuilders(
  controls: Controls,
  pool: number,
  count: number,
  options?: { readonly ephemeral?: boolean; readonly size?: number },
): number {
  let launched = 0;
  while (launched < count && controls.launch(pool, options)) launched++;
  return launched;
}

/** Builders without a task for that long or longer, longest idle first. */
export function idleBuilders(pool: PoolView, seconds: number, now: number): BuilderView[] {
  return inService(pool)
    .filter((builder) => builder.idleSince !== null && now - builder.idleSince >= seconds)
    .sort((a, b) => (a.idleSince ?? now) - (b.idleSince ?? now) || a.id - b.id);
}

/** At most so many of these, in their order. */
export function drainBuilders(controls: Controls, pool: number, builders: readonly BuilderView[], most: number): void {
  for (const builder of builders.slice(0, Math.max(0, most))) controls.drain(pool, builder.id);
}

/** State per pool, made when a pool is first seen. */
export function rememberPerPool<State>(start: () => State): (pool: PoolView) => State {
  const states = new Map<string, State>();
  return (pool) => {
    const known = states.get(pool.name);
    if (known !== undefined) return known;
    const made = start();
    states.set(pool.name, made);
    return made;
  };
}
