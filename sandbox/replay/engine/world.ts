// The world of a replay: tasks, hub, builders and bills on virtual time. Policies differ only in what they launch and drain.

import { DEFAULT_HUB_OPTIONS, type HubOptions, type HubState, type Task } from "../../../shared/hub/index.ts";
import { EventQueue } from "../../world/event-queue.ts";
import { Fleet } from "./fleet.ts";
import type { Host } from "./host.ts";
import { place } from "./hub-run.ts";
import { insertInOrder } from "./queue-order.ts";
import type { EngineSetting } from "./setting.ts";
import { makeTasks, type PlayedTask, poolsFor, rowOf } from "./task.ts";
import { Waits } from "./waits.ts";

/** Calendar of traces that have none: a Monday. */
const MONDAY = Date.UTC(2026, 0, 5) / 1000;

/** The outside builder that serves what no profile of the site does polls all the time. */
const OUTSIDE_POLL_SECONDS = 15;

export class World {
  readonly setting: EngineSetting;
  readonly epoch: number;
  readonly options: HubOptions;
  readonly pollSeconds: number;
  readonly channels: HubState["channels"];
  readonly channelIds: ReadonlyMap<string, number>;
  readonly tasks: readonly PlayedTask[];
  readonly fleet: Fleet;
  readonly waits: Waits;
  /** FREE tasks of the fleet in the hub's order. */
  readonly free: PlayedTask[] = [];
  /** Assigned and open ones. */
  readonly active = new Set<PlayedTask>();
  readonly #events = new EventQueue();
  readonly #byId = new Map<number, PlayedTask>();
  readonly #refused: { task: number; host: number; at: number }[] = [];
  readonly #outside: boolean;
  #now = 0;
  #left: number;
  #lastRun = Number.NEGATIVE_INFINITY;
  #armed: { readonly at: number; cancel(): void } | null = null;
  tasksLost = 0;
  lastEnd = 0;
  /** Counts changes that a policy could see. */
  changes = 0;
  /** FREE tasks by first-choice pool. */
  readonly queued: number[];
  /** FREE tasks that came, by first-choice pool, since a policy last took the counts. */
  readonly arrived: number[];

  constructor(setting: EngineSetting) {
    const { site, trace } = setting;
    this.setting = setting;
    this.epoch = trace.start === 0 ? MONDAY : trace.start;
    this.options = { ...DEFAULT_HUB_OPTIONS, ...site.hub.options, ...(setting.ideal ? { runInterval: 0 } : {}) };
    this.pollSeconds = setting.ideal ? 0 : site.builders.pollSeconds;
    const names = new Set([
      ...site.builders.profiles.flatMap((each) => each.channels),
      ...trace.tasks.map((each) => each.channel),
    ]);
    this.channels = [...names].map((name, index) => ({ id: index + 1, name, enabled: true }));
    this.channelIds = new Map(this.channels.map(({ id, name }) => [name, id]));
    this.fleet = new Fleet(this);
    this.tasks = makeTasks(trace, poolsFor(site, this.fleet.cheapestFirst));
    this.waits = new Waits(this.fleet.up, this.options.capacityOvercommit);
    this.arrived = site.builders.profiles.map(() => 0);
    this.queued = site.builders.profiles.map(() => 0);
    this.#left = this.tasks.length;
    this.#outside = this.tasks.some((task) => task.pools.length === 0);
    for (const task of this.tasks) {
      this.#byId.set(task.is.id, task);
      const { release } = task.is;
      if ("at" in release) this.at(release.at, () => this.#release(task));
      else if (task.blockedBy === 0) this.at(release.delay, () => this.#release(task));
    }
  }

  /** Seconds since the start of the trace. */
  get now(): number {
    return this.#now;
  }

  get isOver(): boolean {
    return this.#left === 0;
  }

  at(time: number, fire: () => void): { cancel(): void } {
    const event = this.#events.push(Math.max(time, this.#now), fire, false);
    return { cancel: () => this.#events.cancel(event) };
  }

  /** Plays all events up to `time`, that instant included, or to the end of the last task. */
  playUntil(time: number): void {
    for (;;) {
      const next = this.#events.peek();
      if (next === undefined || next.time > time || this.#left === 0) break;
      this.#events.pop();
      this.#now = next.time;
      next.fire();
    }
    if (this.#left > 0) this.#now = Math.max(this.#now, time);
  }

  /** When something is due next; Infinity = never. */
  get nextEventAt(): number {
    return this.#events.peek()?.time ?? Number.POSITIVE_INFINITY;
  }

  taskRow(task: PlayedTask): Task {
    return rowOf(task, this.epoch, this.channelIds);
  }

  // --- tasks

  #release(task: PlayedTask): void {
    task.createdAt = this.#now;
    if (task.pools.length > 0) {
      this.#queue(task);
      this.#count(this.arrived, task, 1);
      return;
    }
    // Nobody of ours runs it: it is open at once, so that what follows it comes in time.
    task.openedAt = this.#now;
    task.state = "open";
    this.#begin(task);
  }

  #queue(task: PlayedTask): void {
    task.state = "free";
    task.row = null;
    this.changes += 1;
    this.#count(this.queued, task, 1);
    insertInOrder(this.free, task);
    this.waits.arrive(task, this.#now);
    if (this.options.runInterval === 0) this.#armRun(this.#now);
  }

  #count(counts: number[], { pools: [home] }: PlayedTask, change: number): void {
    if (home !== undefined) counts[home] = (counts[home] ?? 0) + change;
  }

  #assign(task: PlayedTask, host: Host): void {
    this.waits.leave(task, host, this.#now);
    this.#count(this.queued, task, -1);
    task.state = "assigned";
    task.assignedAt = this.#now;
    task.host = host;
    task.row = null;
    host.tasks.add(task);
    host.load += 1;
    if (host.tasks.size === 1) host.busySince = this.#now;
    this.active.add(task);
    this.changes += 1;
    this.at(host.nextPoll(this.#now, this.pollSeconds), () => this.openAssigned(host));
    this.at(this.#now + this.options.assignTimeout, () => this.#timeOutAssignment(task, host, task.assignedAt));
  }

  /** One poll of kojid: it takes its tasks one after the other while it is ready. */
  openAssigned(host: Host): void {
    if (!host.polling) return;
    for (const task of host.tasks) {
      if (task.state !== "assigned") continue;
      if (!host.enabled || host.openLoad > host.capacity || host.openJobs >= host.maxJobs) return;
      this.#open(task, host);
    }
  }

  #open(task: PlayedTask, host: Host): void {
    task.state = "open";
    task.openedAt = this.#now;
    task.row = null;
    // Of a task that was cut off only the first wait is told apart.
    if (task.restarts === 0) {
      task.pollSeconds = this.#now - task.assignedAt;
      task.schedulerSeconds = Math.max(0, task.assignedAt - task.createdAt - task.noBuilderSeconds);
    }
    host.openJobs += 1;
    host.load -= 1;
    const weight = task.openChildren > 0 ? 0 : task.is.weight;
    host.load += weight;
    host.openLoad += weight;
    if (host.machine !== null) host.machine.everUsed = true;
    host.noteReadiness(this.#now);
    this.changes += 1;
    this.#begin(task);
  }

  #begin(task: PlayedTask): void {
    if (task.openChildren === 0) {
      const { host, restarts } = task;
      this.at(this.#now + task.is.seconds, () => {
        if (task.host === host && task.restarts === restarts) this.#end(task);
      });
      return;
    }
    if (task.restarts === 0) for (const child of task.children) this.#unblock(child);
  }

  #unblock(task: PlayedTask): void {
    task.blockedBy -= 1;
    if (task.blockedBy === 0 && "after" in task.is.release)
      this.at(this.#now + task.is.release.delay, () => this.#release(task));
  }

  #end(task: PlayedTask): void {
    task.state = "done";
    task.doneAt = this.#now;
    this.#left -= 1;
    this.lastEnd = this.#now;
    this.changes += 1;
    const { host, parent } = task;
    if (host !== null) this.#leaveHost(task, host);
    for (const follower of task.followers) this.#unblock(follower);
    if (parent === null) return;
    parent.openChildren -= 1;
    if (parent.openChildren === 0 && parent.state === "open") this.#resume(parent);
  }

  /** Its last child has ended: it is at work again. */
  #resume(parent: PlayedTask): void {
    const { host } = parent;
    parent.row = null;
    if (host !== null) {
      host.load += parent.is.weight;
      host.openLoad += parent.is.weight;
      host.noteReadiness(this.#now);
    }
    this.#begin(parent);
  }

  #leaveHost(task: PlayedTask, host: Host): void {
    this.active.delete(task);
    host.tasks.delete(task);
    if (host.machine !== null) host.machine.served += 1;
    host.openJobs -= 1;
    host.load -= task.is.weight;
    host.openLoad -= task.is.weight;
    host.noteLeft(this.#now);
    host.noteReadiness(this.#now);
    this.waits.serve(host, this.#now);
    this.#armFor(host);
    if (host.tasks.size > 0) this.at(host.nextPoll(this.#now, this.pollSeconds), () => this.openAssigned(host));
    this.fleet.noteTaskEnded(host);
  }

  /** Back to FREE: its builder is gone, or did not open it in time. */
  requeue(task: PlayedTask, host: Host): void {
    this.active.delete(task);
    host.tasks.delete(task);
    if (task.state === "open") {
      this.tasksLost += 1;
      task.restarts += 1;
      host.openJobs -= 1;
      if (task.openChildren === 0) {
        host.load -= task.is.weight;
        host.openLoad -= task.is.weight;
      }
    } else host.load -= 1;
    host.noteLeft(this.#now);
    task.host = null;
    this.#queue(task);
  }

  #timeOutAssignment(task: PlayedTask, host: Host, assignedAt: number): void {
    if (task.state !== "assigned" || task.host !== host || task.assignedAt !== assignedAt) return;
    this.#refused.push({ task: task.is.id, host: host.id, at: this.epoch + this.#now });
    this.requeue(task, host);
    this.waits.serve(host, this.#now);
  }

  // --- the hub's scheduler

  /** A builder has become ready, or may have: the scheduler runs at its next poll, if it is due by then. */
  noteReady(host: Host): void {
    this.#armFor(host);
  }

  #armFor(host: Host): void {
    if (Number.isNaN(host.readySince)) return;
    const due = Math.max(this.#now, this.#lastRun + this.options.runInterval, host.readySince);
    this.#armRun(host.nextPoll(due, this.pollSeconds));
  }

  #armRun(at: number): void {
    if (this.#armed !== null) {
      if (this.#armed.at <= at) return;
      this.#armed.cancel();
    }
    const event = this.at(at, () => this.#runScheduler());
    this.#armed = { at, cancel: () => event.cancel() };
  }

  #runScheduler(): void {
    this.#armed = null;
    const due = this.#lastRun + this.options.runInterval;
    if (this.options.runInterval > 0 && this.#now < due - 1e-6) return;
    this.#lastRun = this.#now;
    if (this.free.length > 0) this.#assignFree();
    this.#armNextRun();
  }

  #assignFree(): void {
    const candidates = [...this.fleet.manned].filter(
      (host) =>
        host.isReady(this.#now, this.pollSeconds) && host.tasks.size < host.maxJobs && host.load < host.capacity,
    );
    if (candidates.length === 0) return;
    // Among equals the hub takes the host that it lists first.
    candidates.sort((a, b) => a.id - b.id);
    const oldest = this.epoch + this.#now - this.options.softRefusalTimeout;
    while ((this.#refused[0]?.at ?? oldest) < oldest) this.#refused.shift();
    const placed = place(candidates, this.free, this.#refused, {
      now: this.epoch + this.#now,
      options: this.options,
      channels: this.channels,
      taskRow: (task) => this.taskRow(task),
      hostRow: (host) => this.fleet.rowOf(host),
    });
    if (placed.length === 0) return;
    const given = new Set<PlayedTask>();
    for (const { task, host } of placed) {
      const played = this.#byId.get(task);
      const taker = this.fleet.hostById(host);
      if (played === undefined || taker === undefined) continue;
      given.add(played);
      this.#assign(played, taker);
    }
    const last = this.free.findLastIndex((task) => given.has(task));
    const kept = this.free.slice(0, last + 1).filter((task) => !given.has(task));
    this.free.splice(0, last + 1, ...kept);
  }

  #armNextRun(): void {
    // A hub without an interval runs when something changes; every task that comes and every builder arms it.
    if (this.options.runInterval === 0) return;
    const due = this.#lastRun + this.options.runInterval;
    let first = this.#outside ? Math.ceil(due / OUTSIDE_POLL_SECONDS) * OUTSIDE_POLL_SECONDS : Number.POSITIVE_INFINITY;
    for (const host of this.fleet.manned) {
      if (Number.isNaN(host.readySince)) continue;
      first = Math.min(first, host.nextPoll(Math.max(due, host.readySince), this.pollSeconds));
    }
    if (Number.isFinite(first)) this.#armRun(first);
  }
}
