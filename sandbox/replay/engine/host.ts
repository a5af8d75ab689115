// A slot of the pool as the hub knows it, and the builder in it: what it has on, when it polls, what it has room for.

import type { Profile } from "../../../shared/config/index.ts";
import type { PlayedTask } from "./task.ts";

/** The instance in a slot. Times in seconds from the start of the trace. */
export interface Machine {
  readonly instanceId: string;
  readonly instanceType: string;
  readonly market: "spot" | "on-demand";
  readonly zone: string;
  readonly pricePerHour: number;
  readonly launchedAt: number;
  /** The host's last check-in before the launch; null = never. */
  readonly checkInAfter: number | null;
  /** kojid's first check-in; NaN = not yet. */
  checkedInAt: number;
  enabledAt: number | null;
  drainingAt: number | null;
  spotNoticeAt: number | null;
  endedAt: number;
  /** Tasks it has ended. */
  served: number;
  everUsed: boolean;
}

export class Host {
  readonly name: string;
  readonly id: number;
  readonly pool: number;
  readonly profile: Profile;
  capacity: number;
  maxJobs: number;
  enabled = false;
  machine: Machine | null = null;
  /** Assigned and open tasks. */
  readonly tasks = new Set<PlayedTask>();
  /** Weight of those at work; of assigned ones 1.0 each, as the hub counts. */
  load = 0;
  /** Weight of open ones at work, as kojid counts. */
  openLoad = 0;
  openJobs = 0;
  /** What is put aside for tasks that wait for the hub. */
  readonly reserved = new Set<PlayedTask>();
  reservedLoad = 0;
  /** Since when kojid would say ready, if it polled; NaN = it would not. */
  readySince = Number.NaN;
  /** Check-in before the present machine's, if it has not polled: the hub's update_ts. */
  lastUpdate: number | null = null;
  /** kojid answers: between check-in and end. */
  polling = false;
  pollPhase = 0;
  busySince = Number.NaN;
  busySeconds = 0;

  constructor(name: string, id: number, pool: number, profile: Profile) {
    this.name = name;
    this.id = id;
    this.pool = pool;
    this.profile = profile;
    this.capacity = profile.capacity;
    this.maxJobs = profile.maxJobs;
  }

  /** Assigned and open tasks without waiting parents. */
  get openJobsAtWork(): number {
    let count = 0;
    for (const task of this.tasks) if (task.state === "assigned" || task.openChildren === 0) count += 1;
    return count;
  }

  /** The first poll at or after `time`. */
  nextPoll(time: number, every: number): number {
    if (every === 0) return time;
    const polls = Math.max(0, Math.ceil((time - this.pollPhase) / every - 1e-9));
    return this.pollPhase + polls * every;
  }

  /** The last poll at or before `time`; null = it has not polled yet. */
  lastPoll(time: number, every: number): number | null {
    if (!this.polling || time < this.pollPhase) return this.lastUpdate;
    if (every === 0) return time;
    return this.pollPhase + Math.floor((time - this.pollPhase) / every + 1e-9) * every;
  }

  /** kojid said ready at its last poll. */
  isReady(time: number, every: number): boolean {
    if (!this.polling || !this.enabled || Number.isNaN(this.readySince)) return false;
    const poll = this.lastPoll(time, every);
    return poll !== null && this.pollPhase <= time && poll >= this.readySince - 1e-9;
  }

  /** A task has left it: without any its loads are exactly 0, whatever the sums came to. */
  noteLeft(time: number): void {
    if (this.tasks.size > 0) return;
    this.load = 0;
    this.openLoad = 0;
    this.busySeconds += time - this.busySince;
  }

  /** kojid's own test at a poll: enabled, load not above the capacity, fewer tasks than maxjobs. */
  noteReadiness(time: number): void {
    const ready = this.polling && this.enabled && this.openLoad <= this.capacity && this.openJobs < this.maxJobs;
    if (!ready) this.readySince = Number.NaN;
    else if (Number.isNaN(this.readySince)) this.readySince = time;
  }

  /** Room for one more by weight and job slots, what is put aside counted. */
  hasRoomFor(weight: number, overcommit: number): boolean {
    if (this.tasks.size + this.reserved.size >= this.maxJobs) return false;
    return this.capacity - this.load - this.reservedLoad > Math.max(0, weight - overcommit);
  }
}
