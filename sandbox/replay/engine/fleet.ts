// The builders of a replay: launched, booting, up, drained, gone; what EC2 refuses and takes back; and what all of it costs.

import { type Profile, slotNames } from "../../../shared/config/index.ts";
import { chooseOfferings, type OfferingChoice, tasksPerBuilder, UNLIMITED } from "../../../shared/fleet/index.ts";
import type { Host as HostRow } from "../../../shared/hub/index.ts";
import { Random } from "../../world/random.ts";
import { Host, type Machine } from "./host.ts";
import { MINIMUM_BILL_SECONDS } from "./setting.ts";
import type { World } from "./world.ts";

/** An instance that has ended, with its bill. */
export interface Bill {
  readonly instanceId: string;
  readonly instanceType: string;
  readonly market: "spot" | "on-demand";
  readonly seconds: number;
  readonly dollars: number;
  readonly used: boolean;
  /** With a task on it. */
  readonly busySeconds: number;
}

export type LaunchOutcome =
  | { readonly machine: Machine }
  | { readonly refused: readonly Pick<OfferingChoice, "instanceType" | "zone" | "market">[] };

/** EC2 warns two minutes before it takes a spot instance; the watcher on the builder stops kojid within seconds. */
const SPOT_WARNING_SECONDS = 120;
const WATCHER_SECONDS = 5;

export class Fleet {
  readonly #world: World;
  readonly #random: Random;
  readonly hosts: readonly Host[];
  readonly #byId = new Map<number, Host>();
  readonly #free: Host[][];
  /** Those with an instance in them: who polls is among them. */
  readonly manned = new Set<Host>();
  /** By pool: enabled and polling. */
  readonly up: readonly Set<Host>[];
  /** Indexes of the profiles, cheapest per task first. */
  readonly cheapestFirst: readonly number[];
  /** By pool, in the order to try. */
  readonly #offerings: readonly (readonly OfferingChoice[])[];
  readonly #channels = new Map<Profile, number[]>();
  readonly bills: Bill[] = [];
  launches = 0;
  busySeconds = 0;
  /** Instances that have not ended. */
  live = 0;
  #serial = 0;
  /** A single-use builder ends its first task. */
  readonly #ephemeral = new Set<Machine>();

  constructor(world: World) {
    this.#world = world;
    const { site, seed } = world.setting;
    this.#random = new Random(seed).fork("fleet");
    const { profiles } = site.builders;
    let id = 0;
    const pools = profiles.map((profile, pool) =>
      slotNames(profile.slots).map((name) => {
        id += 1;
        return new Host(name, id, pool, profile);
      }),
    );
    this.hosts = pools.flat();
    for (const host of this.hosts) this.#byId.set(host.id, host);
    this.#free = pools.map((hosts) => hosts.toReversed());
    this.up = pools.map(() => new Set<Host>());
    this.#offerings = profiles.map((profile) => chooseOfferings(profile, site, [], UNLIMITED, 0));
    const price = (index: number) => {
      const profile = profiles[index];
      return profile === undefined ? 0 : this.priceOf(index) / tasksPerBuilder(profile);
    };
    this.cheapestFirst = profiles.map((_, index) => index).sort((a, b) => price(a) - price(b));
  }

  hostById(id: number): Host | undefined {
    return this.#byId.get(id);
  }

  priceOf(pool: number): number {
    return this.#offerings[pool]?.[0]?.pricePerHour ?? 0;
  }

  /** An empty slot of the pool, for policies that do not care which. */
  takeSlot(pool: number): Host | undefined {
    return this.#free[pool]?.pop();
  }

  returnSlot(host: Host): void {
    this.#free[host.pool]?.push(host);
  }

  offeringsOf(pool: number): readonly OfferingChoice[] {
    return this.#offerings[pool] ?? [];
  }

  /** Tries the offerings in their order. `size`: so many times the room and the price. */
  launch(host: Host, offerings: readonly OfferingChoice[], { size = 1, ephemeral = false } = {}): LaunchOutcome {
    const { mishaps, boot, ideal } = this.#world.setting;
    const now = this.#world.now;
    const refused: OfferingChoice[] = [];
    for (const offering of offerings) {
      const draws = this.#random.fork(`launch ${this.#serial}`);
      this.#serial += 1;
      if (draws.uniform() < mishaps.capacityErrorRate) {
        refused.push(offering);
        continue;
      }
      const machine: Machine = {
        instanceId: `i-${this.#serial.toString(16).padStart(17, "0")}`,
        instanceType: offering.instanceType,
        market: offering.market,
        zone: offering.zone,
        pricePerHour: offering.pricePerHour * size,
        launchedAt: now,
        checkInAfter: host.lastUpdate,
        checkedInAt: Number.NaN,
        enabledAt: null,
        drainingAt: null,
        spotNoticeAt: null,
        endedAt: Number.NaN,
        served: 0,
        everUsed: false,
      };
      host.machine = machine;
      this.manned.add(host);
      host.capacity = host.profile.capacity * size;
      host.maxJobs = ephemeral ? 1 : host.profile.maxJobs * size;
      if (ephemeral) this.#ephemeral.add(machine);
      this.launches += 1;
      this.live += 1;
      this.#world.changes += 1;
      const failsToBoot = draws.uniform() < mishaps.bootFailureRate;
      const bootSeconds = ideal ? boot.median : draws.lognormal(boot.median, boot.p95);
      if (!failsToBoot) this.#world.at(now + bootSeconds, () => this.#checkIn(host, machine));
      if (offering.market === "spot") this.#planSpotLoss(host, machine, draws);
      return { machine };
    }
    return { refused };
  }

  #planSpotLoss(host: Host, machine: Machine, draws: Random): void {
    const { spotLossPerHour } = this.#world.setting.mishaps;
    if (spotLossPerHour === 0) return;
    const hours = -Math.log(1 - draws.uniform()) / spotLossPerHour;
    this.#world.at(machine.launchedAt + hours * 3600, () => {
      if (host.machine !== machine) return;
      machine.spotNoticeAt = this.#world.now;
      this.#world.changes += 1;
      this.#world.at(this.#world.now + WATCHER_SECONDS, () => {
        if (host.machine === machine) this.#stopKojid(host);
      });
      this.#world.at(this.#world.now + SPOT_WARNING_SECONDS, () => {
        if (host.machine === machine) this.terminate(host);
      });
    });
  }

  #checkIn(host: Host, machine: Machine): void {
    if (host.machine !== machine) return;
    const { now } = this.#world;
    machine.checkedInAt = now;
    host.polling = true;
    host.pollPhase = now;
    // A builder that was lost here before left tasks: a fresh kojid gives back what it knows nothing of.
    for (const task of [...host.tasks]) this.#world.requeue(task, host);
    this.#world.changes += 1;
    host.noteReadiness(now);
    if (host.enabled) this.#becomeUp(host);
  }

  #becomeUp(host: Host): void {
    if (!host.polling || !host.enabled) return;
    this.up[host.pool]?.add(host);
    host.noteReadiness(this.#world.now);
    this.#world.waits.serve(host, this.#world.now);
    this.#world.noteReady(host);
  }

  enable(host: Host): void {
    host.enabled = true;
    this.#world.changes += 1;
    this.#becomeUp(host);
  }

  disable(host: Host): void {
    host.enabled = false;
    host.noteReadiness(this.#world.now);
    this.#world.changes += 1;
    if (this.up[host.pool]?.delete(host)) this.#world.waits.close(host, this.#world.now);
  }

  /** SIGTERM: open tasks go back at once. */
  #stopKojid(host: Host): void {
    host.lastUpdate = host.lastPoll(this.#world.now, this.#world.pollSeconds);
    host.polling = false;
    host.noteReadiness(this.#world.now);
    this.up[host.pool]?.delete(host);
    this.#world.waits.close(host, this.#world.now);
    for (const task of [...host.tasks]) this.#world.requeue(task, host);
    this.#world.changes += 1;
  }

  terminate(host: Host): void {
    const { machine } = host;
    if (machine === null) return;
    if (host.polling) this.#stopKojid(host);
    machine.endedAt = this.#world.now;
    this.bills.push(this.billOf(machine, this.#world.now, host.busySeconds));
    this.busySeconds += host.busySeconds;
    host.busySeconds = 0;
    host.machine = null;
    this.manned.delete(host);
    this.live -= 1;
    host.readySince = Number.NaN;
    this.#world.changes += 1;
  }

  billOf(machine: Machine, until: number, busySeconds = 0): Bill {
    const minimum = this.#world.setting.ideal ? 0 : MINIMUM_BILL_SECONDS;
    const seconds = Math.max(minimum, until - machine.launchedAt);
    const { instanceId, instanceType, market, pricePerHour, everUsed } = machine;
    const dollars = (seconds * pricePerHour) / 3600;
    return { instanceId, instanceType, market, seconds, dollars, used: everUsed, busySeconds };
  }

  /** Single-use builders go once their task has ended. */
  noteTaskEnded(host: Host): void {
    const { machine } = host;
    if (machine === null || !this.#ephemeral.has(machine) || host.tasks.size > 0) return;
    this.disable(host);
    this.#ephemeral.delete(machine);
    machine.drainingAt = this.#world.now;
  }

  /** The hub's record of a slot, as listHosts has it now. */
  rowOf(host: Host): HostRow {
    const { now, epoch, pollSeconds } = this.#world;
    const lastPoll = host.lastPoll(now, pollSeconds);
    return {
      id: host.id,
      name: host.name,
      arches: host.profile.arches.join(" "),
      capacity: host.capacity,
      enabled: host.enabled,
      ready: host.isReady(now, pollSeconds),
      task_load: host.load,
      update_ts: lastPoll === null ? null : epoch + lastPoll,
      channels: this.#channelsOf(host.profile),
      data: { maxjobs: host.maxJobs },
    };
  }

  #channelsOf(profile: Profile): readonly number[] {
    const known = this.#channels.get(profile);
    if (known !== undefined) return known;
    const ids = profile.channels.flatMap((name) => this.#world.channelIds.get(name) ?? []);
    this.#channels.set(profile, ids);
    return ids;
  }
}
