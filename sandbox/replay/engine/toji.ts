// Plays Toji: the production decision on what the hub and EC2 of the replay show, and what it decides is done there.

import type { Site } from "../../../shared/config/index.ts";
import {
  type Change,
  type Decision,
  decide,
  EMPTY_MEMORY,
  type FailedOffering,
  type Instance,
  type Lookups,
  type Memory,
  NO_HAND,
  noteLaunches,
  type RecentLaunch,
  type Snapshot,
} from "../../../shared/fleet/index.ts";
import type { HubState } from "../../../shared/hub/index.ts";
import type { Host, Machine } from "./host.ts";
import type { World } from "./world.ts";

/** Between two passes while something waits or moves, and while nothing does. */
const PASS_SECONDS = 10;
const REST_SECONDS = 60;
/** Passes that see exactly what the last one saw are left out for so long: what time alone brings comes that much later. */
const SETTLED_SECONDS = 30;
/** The hub lists every FREE task; a decision looks at the first 1,000 only. */
const LISTED_FREE_TASKS = 1100;
/** EC2 lists ended instances for about an hour; what a decision learns from them it learns in the first minutes. */
const LISTED_ENDED_SECONDS = 900;

export interface TojiPlay {
  /** What it remembers at the start. */
  readonly memory?: Memory;
  /** After each pass, with what it knew. */
  look?(snapshot: Snapshot, memory: Memory): void;
  /** After each pass that changed something, with the instances it launched. */
  note?(decision: Decision, launched: readonly RecentLaunch[]): void;
}

/** Returns the memory at the end. */
export function playToji(world: World, site: Site, play: TojiPlay = {}): Memory {
  let memory = play.memory ?? EMPTY_MEMORY;
  const view = new WorldView(world);
  // What the last pass left, if it changed nothing: until something happens the next ones see the same.
  let settled = { changes: -1, until: 0 };
  for (let now = 0; !world.isOver; now = nextPass(world, now)) {
    world.playUntil(now);
    if (world.isOver) break;
    if (world.changes === settled.changes && now < settled.until) continue;
    const snapshot = view.snapshot(memory);
    const decision = decide(snapshot, site, memory, world.epoch + now);
    play.look?.(snapshot, decision.memory);
    const applied = view.apply(decision.changes, decision.memory, site);
    memory = applied.memory;
    if (decision.changes.length > 0) play.note?.(decision, applied.launched);
    else settled = { changes: world.changes, until: now + SETTLED_SECONDS };
  }
  return memory;
}

/**
 * Passes come every ten seconds. At rest (nothing FREE, no builder) one sees what the last one saw, so those until the next
 * event, or the next minute, are passed over.
 */
function nextPass(world: World, now: number): number {
  const next = now + PASS_SECONDS;
  const atRest = world.free.length === 0 && world.active.size === 0 && world.fleet.live === 0;
  if (!atRest) return next;
  const limit = Math.min(now + REST_SECONDS, world.nextEventAt);
  return Math.max(next, Math.ceil((limit - now) / PASS_SECONDS) * PASS_SECONDS + now);
}

/** What observe would see of a replay's world, and the effects of the changes. */
class WorldView {
  readonly #world: World;
  readonly #instances = new Map<Machine, Instance>();
  readonly #ended: { readonly instance: Instance; readonly at: number }[] = [];
  readonly #slots: ReadonlyMap<string, Host>;
  /** Slots that a builder has had: the hub has no host for the others. */
  readonly #made = new Set<Host>();
  /** What a pass would look up: the trace tells all of it, and it does not change. */
  #lookups: Lookups | null = null;

  constructor(world: World) {
    this.#world = world;
    this.#slots = new Map(world.fleet.hosts.map((host) => [host.name, host]));
  }

  snapshot(memory: Memory): Snapshot {
    const world = this.#world;
    const at = world.epoch + world.now;
    this.#lookups ??= this.#findLookups(memory, at);
    return {
      at,
      hub: { seen: true, version: null, latencySeconds: 0, clockAhead: 0, state: this.#hubState(at), notes: [] },
      ec2: { kind: "seen", instances: this.#listInstances() },
      lookups: this.#lookups,
      hand: NO_HAND,
    };
  }

  #findLookups({ lookups }: Memory, at: number): Lookups {
    const { targets } = this.#world.setting.trace;
    const told = Object.entries(targets).map(([target, arches]) => [target, { arches, at }] as const);
    return { ...lookups, tagArches: { ...Object.fromEntries(told), ...lookups.tagArches } };
  }

  #hubState(now: number): HubState {
    const world = this.#world;
    const tasks = world.free.slice(0, LISTED_FREE_TASKS).map((task) => world.taskRow(task));
    for (const task of world.active) tasks.push(world.taskRow(task));
    const hosts: HubState["hosts"][number][] = [];
    for (const host of this.#made) hosts.push(world.fleet.rowOf(host));
    return { now, options: world.options, channels: world.channels, hosts, tasks, refusals: [], runs: [] };
  }

  #listInstances(): Instance[] {
    const instances: Instance[] = [];
    for (const host of this.#made) {
      const { machine } = host;
      if (machine !== null) instances.push(this.#instanceOf(host, machine));
    }
    while ((this.#ended[0]?.at ?? Number.POSITIVE_INFINITY) < this.#world.now - LISTED_ENDED_SECONDS)
      this.#ended.shift();
    for (const { instance } of this.#ended) instances.push(instance);
    return instances;
  }

  #instanceOf(host: Host, machine: Machine): Instance {
    const known = this.#instances.get(machine);
    if (known !== undefined && known.spotNoticeAt === this.#epoch(machine.spotNoticeAt)) return known;
    const instance = this.#describe(host, machine);
    this.#instances.set(machine, instance);
    return instance;
  }

  #describe(host: Host, machine: Machine): Instance {
    return {
      instanceId: machine.instanceId,
      state: Number.isNaN(machine.endedAt) ? "running" : "terminated",
      instanceType: machine.instanceType,
      zone: machine.zone,
      market: machine.market,
      launchedAt: this.#world.epoch + machine.launchedAt,
      slot: host.name,
      profile: host.profile.name,
      checkInAfter: this.#epoch(machine.checkInAfter),
      enabledAt: this.#epoch(machine.enabledAt),
      drainingAt: this.#epoch(machine.drainingAt),
      spotNoticeAt: this.#epoch(machine.spotNoticeAt),
      templateVersion: null,
      launch: null,
      imageId: host.profile.imageId,
      rebalanceAt: null,
      pinned: false,
      drainNow: false,
      takenBySpot: !Number.isNaN(machine.endedAt) && machine.spotNoticeAt !== null,
      untagged: false,
    };
  }

  #epoch(seconds: number | null): number | null {
    return seconds === null ? null : this.#world.epoch + seconds;
  }

  apply(
    changes: readonly Change[],
    memory: Memory,
    site: Site,
  ): { readonly memory: Memory; readonly launched: readonly RecentLaunch[] } {
    const failed: FailedOffering[] = [];
    const without: string[] = [];
    const launched: Record<string, RecentLaunch> = {};
    for (const change of changes) {
      const host = this.#slots.get(change.slot);
      if (host === undefined) throw new RangeError(`no slot ${change.slot} in the replay`);
      if (change.kind === "launch") this.#launch(change, host, site, { failed, without, launched });
      else this.#change(change, host);
    }
    this.#noteEnds();
    const learned =
      failed.length + without.length + Object.keys(launched).length > 0
        ? noteLaunches(memory, failed, without, launched)
        : memory;
    return { memory: learned, launched: Object.values(launched) };
  }

  #launch(
    change: Extract<Change, { kind: "launch" }>,
    host: Host,
    site: Site,
    lessons: { failed: FailedOffering[]; without: string[]; launched: Record<string, RecentLaunch> },
  ): void {
    const world = this.#world;
    const now = world.epoch + world.now;
    this.#made.add(host);
    const outcome = world.fleet.launch(host, change.offerings);
    if ("refused" in outcome) {
      const until = now + site.builders.failedOfferingSeconds;
      lessons.without.push(change.slot);
      for (const { instanceType, zone, market } of outcome.refused)
        lessons.failed.push({ instanceType, zone, market, code: "InsufficientInstanceCapacity", until });
      return;
    }
    const { instanceId, instanceType, zone, market } = outcome.machine;
    lessons.launched[change.slot] = { instanceId, at: now, profile: change.profile, instanceType, zone, market };
    if (change.enablesHost) world.fleet.enable(host);
  }

  #change(change: Exclude<Change, { kind: "launch" }>, host: Host): void {
    const { fleet, now } = this.#world;
    const { machine } = host;
    if (machine !== null) this.#instances.delete(machine);
    switch (change.kind) {
      case "enable":
        if (machine !== null) machine.enabledAt = now;
        fleet.enable(host);
        return;
      case "cancel-drain":
        if (machine !== null) machine.drainingAt = null;
        fleet.enable(host);
        return;
      case "drain":
        if (machine !== null) machine.drainingAt = now;
        if (machine !== null && change.forGood) machine.enabledAt = null;
        fleet.disable(host);
        return;
      case "terminate":
        fleet.terminate(host);
        if (machine !== null) this.#ended.push({ instance: this.#describe(host, machine), at: now });
        return;
      case "free-tasks":
        for (const task of [...host.tasks]) this.#world.requeue(task, host);
        return;
      case "enable-lost":
        fleet.enable(host);
        return;
      case "disable-lost":
        fleet.disable(host);
        return;
      case "adopt":
        throw new RangeError("nobody takes tags away in a replay");
    }
  }

  /** What EC2 has ended by itself since the last pass. */
  #noteEnds(): void {
    for (const [machine, instance] of this.#instances) {
      if (Number.isNaN(machine.endedAt) || instance.state === "terminated") continue;
      this.#instances.delete(machine);
      const host = this.#slots.get(instance.slot ?? "");
      if (host !== undefined) this.#ended.push({ instance: this.#describe(host, machine), at: machine.endedAt });
    }
  }
}
