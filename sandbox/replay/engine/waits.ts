// How long tasks wait for a builder: room is put aside for each the moment somebody has it, in the order of the queue.
// What the hub's scheduler and kojid's polls add comes later and is counted apart.

import type { Host } from "./host.ts";
import { insertInOrder, isBefore } from "./queue-order.ts";
import type { PlayedTask } from "./task.ts";

/** Tasks of the same pools, in the order in which the hub serves them. */
interface Line {
  readonly pools: readonly number[];
  readonly tasks: PlayedTask[];
  head: number;
}

export class Waits {
  readonly #overcommit: number;
  readonly #hosts: readonly Set<Host>[];
  readonly #lines = new Map<readonly number[], Line>();
  readonly #linesOf: Line[][];

  /** `hosts`: by pool, those that are up and enabled. */
  constructor(hosts: readonly Set<Host>[], overcommit: number) {
    this.#hosts = hosts;
    this.#overcommit = overcommit;
    this.#linesOf = hosts.map(() => []);
  }

  /** A task has become FREE. */
  arrive(task: PlayedTask, now: number): void {
    const host = this.#findRoom(task);
    if (host !== null) {
      this.#reserve(task, host);
      return;
    }
    task.unreservedSince = now;
    const line = this.#lineOf(task.pools);
    insertInOrder(line.tasks, task, line.head);
  }

  /** The hub has given it to a builder, or it is gone. What was put aside elsewhere serves the next. */
  leave(task: PlayedTask, taker: Host | null, now: number): void {
    const from = task.reservedOn;
    if (from === null) {
      this.#endWait(task, now);
    } else {
      this.#release(task, from);
    }
    if (from === taker) return;
    if (taker !== null) this.#displace(taker, from);
    if (from !== null) this.serve(from, now);
  }

  /** A builder has got room. */
  serve(host: Host, now: number): void {
    if (!host.enabled || !host.polling) return;
    for (;;) {
      const line = this.#firstLine(host);
      const task = line?.tasks[line.head];
      if (line === undefined || task === undefined || !host.hasRoomFor(task.is.weight, this.#overcommit)) return;
      line.head += 1;
      if (line.head > 1000 && line.head * 2 > line.tasks.length) {
        line.tasks.splice(0, line.head);
        line.head = 0;
      }
      this.#endWait(task, now);
      this.#reserve(task, host);
    }
  }

  /** A builder takes nothing more: what was put aside on it waits again, or finds room elsewhere. */
  close(host: Host, now: number): void {
    const tasks = [...host.reserved];
    for (const task of tasks) this.#release(task, host);
    for (const task of tasks) this.arrive(task, now);
  }

  #endWait(task: PlayedTask, now: number): void {
    if (Number.isNaN(task.unreservedSince)) return;
    task.noBuilderSeconds += now - task.unreservedSince;
    task.unreservedSince = Number.NaN;
  }

  #reserve(task: PlayedTask, host: Host): void {
    task.reservedOn = host;
    host.reserved.add(task);
    host.reservedLoad += task.is.weight;
  }

  #release(task: PlayedTask, host: Host): void {
    task.reservedOn = null;
    host.reserved.delete(task);
    host.reservedLoad = host.reserved.size === 0 ? 0 : host.reservedLoad - task.is.weight;
  }

  /** The taker's room was put aside for another: that one gets the place that the hub has left free instead. */
  #displace(taker: Host, free: Host | null): void {
    if (free === null || taker.tasks.size + taker.reserved.size < taker.maxJobs) return;
    const [moved] = taker.reserved;
    if (moved === undefined || !moved.pools.includes(free.pool) || !free.hasRoomFor(moved.is.weight, this.#overcommit))
      return;
    this.#release(moved, taker);
    this.#reserve(moved, free);
  }

  #findRoom(task: PlayedTask): Host | null {
    for (const pool of task.pools) {
      for (const host of this.#hosts[pool] ?? []) if (host.hasRoomFor(task.is.weight, this.#overcommit)) return host;
    }
    return null;
  }

  #lineOf(pools: readonly number[]): Line {
    let line = this.#lines.get(pools);
    if (line === undefined) {
      line = { pools, tasks: [], head: 0 };
      this.#lines.set(pools, line);
      for (const pool of pools) this.#linesOf[pool]?.push(line);
    }
    return line;
  }

  /** Of the lines that this host serves, the one whose head comes first. Tasks that have left meanwhile are passed over. */
  #firstLine(host: Host): Line | undefined {
    let best: Line | undefined;
    let bestHead: PlayedTask | undefined;
    for (const line of this.#linesOf[host.pool] ?? []) {
      while (line.head < line.tasks.length && Number.isNaN(line.tasks[line.head]?.unreservedSince)) line.head += 1;
      const head = line.tasks[line.head];
      if (head !== undefined && (bestHead === undefined || isBefore(head, bestHead))) [best, bestHead] = [line, head];
    }
    return best;
  }
}
