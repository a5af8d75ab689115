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
  /** Up, but kojid has not checked in for longer than the hub's ReadyTimeout, in which the hub was there. */
  readonly silent: boolean;
  /** kojid's last check-in is younger than the hub's ReadyTimeout. */
  readonly polling: boolean;
  /** Seconds since then; Infinity = never. */
  readonly silentSeconds: number;
  /** Its instance's kojid has called the hub since the instance was launched or started. */
  readonly checkedIn: boolean;
  /** No profile of the config has it any more: what is in it is put out of service, and nothing is launched into it. */
  readonly retired: boolean;
}

export interface Slots {
  readonly all: readonly Slot[];
  /** Instances with our fleet tag that no slot of the config explains. */
  readonly strangers: readonly Instance[];
}

/** What every slot of one pass is derived from. */
interface Scene {
  readonly state: HubState;
  readonly ec2Seen: boolean;
  /** Hosts by name, and what they hold by host id. */
  readonly hosts: ReadonlyMap<string, Host>;
  readonly tasks: ReadonlyMap<number, readonly Task[]>;
  readonly claims: ReadonlyMap<string, readonly Instance[]>;
  /** By slot: the newest instance that Toji remembers. */
  readonly lastInstance: Memory["lastInstance"];
  /** How long the hub has been there again, after it was away. */
  readonly hubBackSeconds: number;
  readonly clockAhead: number;
}

/**
 * `lastInstance`: by slot, the newest instance that Toji remembers. `hubBackSeconds`: builders are silent only if they
 * had that long to check in, and did not. `clockAhead`: by which the hub's clock, and with it `state`, is ahead of EC2's
 * and ours.
 */
export function deriveSlots(
  state: HubState,
  ec2: InstancesView,
  site: Site,
  lastInstance: Memory["lastInstance"],
  { hubBackSeconds = Number.POSITIVE_INFINITY, clockAhead = 0 } = {},
): Slots {
  const instances = ec2.kind === "seen" ? ec2.instances : [];
  const scene: Scene = {
    state,
    ec2Seen: ec2.kind === "seen",
    hosts: new Map(state.hosts.map((host) => [host.name, host])),
    tasks: Map.groupBy(state.tasks.filter(isHeld), (task) => task.host_id ?? 0),
    claims: Map.groupBy(instances, (instance) => instance.slot ?? ""),
    lastInstance,
    hubBackSeconds,
    clockAhead,
  };
  const known = new Set<string>();
  const all: Slot[] = [];
  for (const profile of site.builders.profiles) {
    for (const name of slotNames(profile.slots)) {
      known.add(name);
      all.push(deriveSlot(name, profile, scene, false));
    }
  }
  for (const [name, claims] of [...scene.claims].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [holder] = oldestFirst(claims);
    if (name !== "" && !known.has(name) && holder !== undefined)
      all.push(deriveSlot(name, retiredProfile(holder, site), scene, true));
  }
  return { all, strangers: instances.filter((each) => each.state !== "terminated" && !each.slot) };
}

function oldestFirst(instances: readonly Instance[]): Instance[] {
  return instances.toSorted((a, b) => a.launchedAt - b.launchedAt || (a.instanceId < b.instanceId ? -1 : 1));
}

/** Stands for the profile that the config no longer has, or for the one that has fewer slots now. */
function retiredProfile(instance: Instance, site: Site): Profile {
  const [first] = site.builders.profiles;
  const own = site.builders.profiles.find((each) => each.name === instance.profile) ?? first;
  if (own === undefined) throw new Error("a site has at least one profile");
  return { ...own, name: instance.profile ?? "retired", min: 0 };
}

function isHeld(task: Task): boolean {
  return task.host_id !== null && (task.state === TASK_STATE.ASSIGNED || task.state === TASK_STATE.OPEN);
}

function deriveSlot(name: string, profile: Profile, scene: Scene, retired: boolean): Slot {
  const { state, ec2Seen } = scene;
  const host = scene.hosts.get(name) ?? null;
  const tasks = host === null ? [] : (scene.tasks.get(host.id) ?? []);
  const claims = scene.claims.get(name) ?? [];
  // The oldest live instance holds the slot; a later one can only be a mistake.
  const live = oldestFirst(claims).filter((each) => each.state !== "terminated");
  const instance = live[0] ?? null;
  // Both are the hub's own times.
  const silentSeconds = host?.update_ts == null ? Number.POSITIVE_INFINITY : state.now - host.update_ts;
  const { readyTimeout } = state.options;
  const fresh = silentSeconds <= readyTimeout;
  const checkedIn = instance !== null && hasCheckedIn(instance, host, scene.clockAhead);
  // Which is not known of a slot that Toji has forgotten: a later instance may be there that EC2 does not list yet.
  const sawItEnd = !retired && claims.some((each) => each.instanceId === scene.lastInstance[name]);
  const phase =
    instance === null ? phaseWithoutInstance(host, tasks, fresh, ec2Seen, sawItEnd) : phaseOf(instance, checkedIn);
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
    checkedIn,
    silentSeconds,
    silent:
      (phase === "serving" || phase === "draining") && Math.min(silentSeconds, scene.hubBackSeconds) > readyTimeout,
    retired,
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

function phaseOf(instance: Instance, checkedIn: boolean): SlotPhase {
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
      return checkedIn ? "serving" : "booting";
  }
}

/** Between two clocks that both are right, and the whole seconds of EC2's launch times. */
const CLOCK_NOISE_SECONDS = 5;

/**
 * kojid of this very instance has called the hub: the host's last update is another one than at the launch, and newer
 * than the last start (EC2 moves the launch time when a stopped instance is started).
 */
export function hasCheckedIn(instance: Instance, host: Pick<Host, "update_ts"> | null, clockAhead: number): boolean {
  if (isUntouched(instance, host)) return false;
  return (host?.update_ts ?? 0) - clockAhead >= instance.launchedAt - CLOCK_NOISE_SECONDS;
}

/** Nobody has called the hub under this name since the launch: told by no clock, for a hub's can be put back. */
export function isUntouched({ checkInAfter }: Instance, host: Pick<Host, "update_ts"> | null): boolean {
  return host === null || host.update_ts === null || host.update_ts === checkInAfter;
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

/** It runs another image than its profile has. */
export function isDrifted({ phase, instance, profile }: Slot): boolean {
  return phase === "serving" && instance !== null && instance.imageId !== null && instance.imageId !== profile.imageId;
}
