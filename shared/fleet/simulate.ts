// What the builders that are there or coming will take: the hub's own scheduler run over the present queue. Pure.

import {
  canonicalArch,
  expectedWeight,
  FREE_TASK_LIMIT,
  type Host,
  type HubState,
  needsTagArch,
  type Refusal,
  schedule,
  TASK_STATE,
  type Task,
} from "../hub/index.ts";
import type { Slot } from "./slots.ts";
import type { Lookups } from "./types.ts";

export interface Simulation {
  /** Slots that would be given at least one FREE task. */
  readonly busySlots: ReadonlySet<string>;
  /** FREE tasks that no builder takes, in the hub's order; only those the hub looks at. */
  readonly unplaced: readonly Task[];
  /** FREE tasks that hosts outside the pool take. */
  readonly outside: ReadonlySet<number>;
  /** FREE tasks that still name a host: the hub cannot assign them. */
  readonly stuck: readonly Task[];
}

/** Whether a slot's builder takes tasks now ("ready"), will when it is up ("coming"), or does not count. */
export type SlotCapacity = "ready" | "coming" | "none";

/**
 * Runs the scheduler over the builders that are ready, then what is left over those that are coming: the hub gives tasks
 * to none of them before it is up. Slots count as `capacityOf` says, hosts outside the pool as the hub sees them.
 */
export function simulate(
  state: HubState,
  slots: readonly Slot[],
  capacityOf: (slot: Slot) => SlotCapacity,
  lookups: Lookups,
): Simulation {
  const slotOfHost = new Map<number, Slot>();
  const byName = new Map(slots.map((slot) => [slot.name, slot]));
  const channelIds = new Map(state.channels.map((channel) => [channel.name, channel.id]));
  const hosts: Host[] = [];
  const coming: { id: number; slot: Slot }[] = [];

  const add = (slot: Slot, host: Host) => {
    const capacity = capacityOf(slot);
    slotOfHost.set(host.id, slot);
    if (capacity === "coming") coming.push({ id: host.id, slot });
    hosts.push(
      capacity === "none"
        ? { ...host, enabled: false }
        : capacity === "ready"
          ? { ...host, enabled: true, ready: true, update_ts: state.now }
          : comingHost(host, slot, channelIds, state.now),
    );
  };
  for (const host of state.hosts) {
    const slot = byName.get(host.name);
    if (slot === undefined) hosts.push(host);
    else add(slot, host);
  }
  slots.forEach((slot, index) => {
    if (slot.host === null && capacityOf(slot) === "coming") add(slot, newHost(slot, -1 - index));
  });

  const tasks = state.tasks.map(asOpened);
  const free = tasks.filter((task) => task.state === TASK_STATE.FREE);
  const refusals = [...state.refusals, ...arrivalRefusals(free, coming, lookups, state.now)];
  const isComing = new Set(coming.map((each) => each.id));
  const there = hosts.map((host) => (isComing.has(host.id) ? { ...host, enabled: false } : host));
  const now = schedule({ ...state, hosts: there, tasks, refusals });
  const taken = new Set([...now.assigned, ...now.assign_failed].map((each) => each.task_id));
  const left = tasks.filter((task) => !taken.has(task.id));
  const soon = schedule({ ...state, hosts: hosts.filter((host) => isComing.has(host.id)), tasks: left, refusals });

  const placed = new Set([...now.assigned, ...soon.assigned].map((each) => each.task_id));
  const busySlots = new Set<string>();
  const outside = new Set<number>();
  for (const { host_id, task_id } of [...now.assigned, ...now.assign_failed, ...soon.assigned]) {
    const slot = slotOfHost.get(host_id);
    if (slot !== undefined) busySlots.add(slot.name);
    else outside.add(task_id);
  }
  const seen = inHubOrder(free).slice(0, FREE_TASK_LIMIT);
  return {
    busySlots,
    outside,
    unplaced: seen.filter((task) => task.host_id === null && !placed.has(task.id)),
    stuck: free.filter((task) => task.host_id !== null),
  };
}

/**
 * A task that no builder has opened shows weight 1.0; a light one (a build: 0.2) makes room again as soon as its builder
 * opens it, long before a new builder could be up. A heavy one is let in at 1.0 by the hub, so that stays.
 */
function asOpened(task: Task): Task {
  if (task.state !== TASK_STATE.FREE && task.state !== TASK_STATE.ASSIGNED) return task;
  const weight = Math.min(task.weight, expectedWeight(task));
  return weight === task.weight ? task : { ...task, weight };
}

/** Priority (null last), then age: the order in which the hub serves. */
export function inHubOrder(tasks: readonly Task[]): Task[] {
  const rank = (task: Task) => task.priority ?? Number.POSITIVE_INFINITY;
  return tasks.toSorted((a, b) => (rank(a) === rank(b) ? a.create_ts - b.create_ts : rank(a) - rank(b)));
}

function newHost(slot: Slot, id: number): Host {
  return {
    id,
    name: slot.name,
    arches: "",
    capacity: slot.profile.capacity,
    enabled: true,
    ready: true,
    task_load: 0,
    update_ts: null,
    channels: [],
    data: null,
  };
}

/** The host as it will be once its builder is up: what the launch sets, whatever an earlier life left there. */
function comingHost(host: Host, slot: Slot, channelIds: ReadonlyMap<string, number>, now: number): Host {
  return {
    ...host,
    arches: slot.profile.arches.join(" "),
    capacity: slot.profile.capacity,
    channels: slot.profile.channels.flatMap((name) => channelIds.get(name) ?? []),
    data: { maxjobs: slot.profile.maxJobs },
    enabled: true,
    ready: true,
    update_ts: now,
  };
}

/** kojid refuses a noarch build whose build tag has none of its arches, and the hub only stores that for hosts of old. */
function arrivalRefusals(
  free: readonly Task[],
  coming: readonly { readonly id: number; readonly slot: Slot }[],
  lookups: Lookups,
  now: number,
): Refusal[] {
  if (coming.length === 0) return [];
  const refusals: Refusal[] = [];
  for (const task of free) {
    const arches = tagArchesOf(task, lookups);
    if (arches === null) continue;
    for (const { id, slot } of coming) {
      if (slot.profile.arches.some((arch) => arches.includes(arch))) continue;
      refusals.push({ task_id: task.id, host_id: id, soft: false, by_host: false, ts: now });
    }
  }
  return refusals;
}

/** Canonical arches of the task's build tag where they limit it; null = no limit, or not known. */
export function tagArchesOf(task: Task, lookups: Lookups): readonly string[] | null {
  if (!needsTagArch(task) || task.build_tag == null) return null;
  const tag = String(task.build_tag);
  const found = Object.hasOwn(lookups.tagArches, tag) ? lookups.tagArches[tag] : undefined;
  return found === undefined || found.arches.length === 0 ? null : found.arches.map(canonicalArch);
}
