// Where every slot stands: derived from EC2 and the hub in each pass, never stored. Pure.

import { type Profile, type Site, slotNames } from "../config/index.ts";
import { type Host, type HubState, TASK_STATE, type Task } from "../hub/index.ts";
import type { Instance, InstancesView, Memory, SlotPhase } from "./types.ts";

/** One slot of a profile with what is known of it. */
export interface Slot {
  readonly name: string;
  readonly profile: Profile;
  readonly phase: SlotPhase;
  /** The live instance, or null. */
  readonly instance: Instance | null;
  /** Further live instances that claim the same slot: never right, never by Toji. */
  readonly rivals: readonly Instance[];
  readonly host: Host | null;
  /** ASSIGNED and OPEN tasks that the hub holds for this host. */
  readonly tasks: readonly Task[];
  /** Serving, but a person disabled the host on the hub. */
  readonly disabledByPerson: boolean;
  /** Serving, but kojid has not checked in for longer than the hub's ReadyTimeout, in which the hub was there. */
  readonly silent: boolean;
  /** kojid's last check-in is younger than the hub's ReadyTimeout. */
  readonly polling: boolean;
}

export interface Slots {
  readonly all: readonly Slot[];
  /** Instances with our fleet tag that no slot of the config explains. */
  readonly strangers: readonly Instance[];
}

/** `hubBackAt`: when the hub was seen again after an outage; builders are silent only if they missed that too. */
export function deriveSlots(state: HubState, ec2: InstancesView, site: Site, hubBackAt: number | null = null): Slots {
  const instances = ec2.kind === "seen" ? ec2.instances : [];
  const bySlot = Map.groupBy(instances, (instance) => instance.slot ?? "");
  const hosts = new Map(state.hosts.map((host) => [host.name, host]));
  const tasks = Map.groupBy(state.tasks.filter(isHeld), (task) => task.host_id ?? 0);
  const known = new Set<string>();
  const all: Slot[] = [];
  for (const profile of site.builders.profiles) {
    for (const name of slotNames(profile.slots)) {
      known.add(name);
      const host = hosts.get(name) ?? null;
      const held = host === null ? [] : (tasks.get(host.id) ?? []);
      all.push(deriveSlot(name, profile, bySlot.get(name) ?? [], host, held, state, ec2.kind === "seen", hubBackAt));
    }
  }
  const strangers = instances.filter(
    (each) => each.state !== "terminated" && (each.slot === null || !known.has(each.slot)),
  );
  return { all, strangers };
}

function isHeld(task: Task): boolean {
  return task.host_id !== null && (task.state === TASK_STATE.ASSIGNED || task.state === TASK_STATE.OPEN);
}

function deriveSlot(
  name: string,
  profile: Profile,
  claims: readonly Instance[],
  host: Host | null,
  tasks: readonly Task[],
  state: HubState,
  ec2Seen: boolean,
  hubBackAt: number | null,
): Slot {
  // The oldest live instance holds the slot; a later one can only be a mistake.
  const live = claims
    .filter((each) => each.state !== "terminated")
    .sort((a, b) => a.launchedAt - b.launchedAt || (a.instanceId < b.instanceId ? -1 : 1));
  const instance = live[0] ?? null;
  const fresh = host !== null && host.update_ts !== null && state.now - host.update_ts <= state.options.readyTimeout;
  const heard = host?.update_ts == null ? null : Math.max(host.update_ts, hubBackAt ?? 0);
  const phase =
    instance === null ? phaseWithoutInstance(host, tasks, fresh, ec2Seen, claims.length > 0) : phaseOf(instance, host);
  return {
    name,
    profile,
    phase,
    instance,
    rivals: live.slice(1),
    host,
    tasks,
    disabledByPerson:
      phase === "serving" && host?.enabled === false && (instance === null || instance.enabledAt !== null),
    polling: fresh,
    silent: phase === "serving" && (heard === null || state.now - heard > state.options.readyTimeout),
  };
}

function phaseWithoutInstance(
  host: Host | null,
  tasks: readonly Task[],
  fresh: boolean,
  ec2Seen: boolean,
  sawItEnd: boolean,
): SlotPhase {
  if (host === null) return "empty";
  // Without AWS the hub is all there is to go by.
  if (!ec2Seen) return fresh ? "serving" : host.enabled ? "lost" : "empty";
  // Something that checks in as this slot, though no instance of ours holds it: untagged, or not ours.
  if (fresh && !sawItEnd) return "unknown";
  return host.enabled || tasks.length > 0 ? "lost" : "empty";
}

function phaseOf(instance: Instance, host: Host | null): SlotPhase {
  switch (instance.state) {
    case "shutting-down":
    case "terminated":
      return "stopping";
    case "stopping":
    case "stopped":
      return "stopped";
    case "pending":
      return "launching";
    case "running":
      if (instance.drainingAt !== null) return "draining";
      return hasCheckedIn(instance, host) ? "serving" : "booting";
  }
}

/** kojid of this very instance has called the hub: the host's last update is newer than it was at launch. */
export function hasCheckedIn(instance: Instance, host: Host | null): boolean {
  if (host === null || host.update_ts === null) return false;
  return instance.checkInAfter === null || host.update_ts > instance.checkInAfter;
}

/** Seconds without a task, as far as Toji remembers; an unknown past counts as busy. */
export function idleSeconds(slot: Slot, memory: Memory, now: number): number {
  return Math.max(0, now - (memory.idleSince[slot.name] ?? now));
}

/** Enabled, polling and idle for a few polls, and still not ready: short of disk or overloaded, so no capacity. */
export function isUnready(slot: Slot, site: Site, memory: Memory, now: number): boolean {
  const { host, instance } = slot;
  if (slot.phase !== "serving" || slot.tasks.length > 0 || host === null || !host.enabled || host.ready) return false;
  if (!slot.polling || instance === null || instance.enabledAt === null) return false;
  return Math.min(now - instance.enabledAt, idleSeconds(slot, memory, now)) > 4 * site.builders.pollSeconds;
}

/** Past this many expected boots something is wrong with it: it may still come, but the queue is not left to it. */
const LATE_BOOTS = 2;

/** A launch whose builder should long have checked in. */
export function isLate(instance: Instance, site: Site, now: number): boolean {
  const { bootSeconds, bootLimitSeconds } = site.builders;
  return now - instance.launchedAt > Math.min(LATE_BOOTS * bootSeconds, bootLimitSeconds);
}

/** Of an identity's life. kojid's session and certificate both end with it, and what kojid runs then is lost. */
const SERVED_SHARE = 0.75;

/** A builder that should be replaced at its next idle moment, before its identity ends. */
export function isAged({ phase, instance }: Slot, site: Site, now: number): boolean {
  if (phase !== "serving" || instance === null || instance.enabledAt === null) return false;
  return now - instance.launchedAt > SERVED_SHARE * site.builders.identityHours * 3600;
}
