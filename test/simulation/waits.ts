// The rules "starts-in-time" and "idle-gives-way": judged only while nothing disturbs and nothing but Toji can be the
// reason for a wait.

import type { LiveInstance } from "../../sandbox/world/ec2/index.ts";
import type { TaskRow } from "../../sandbox/world/hub/index.ts";
import { onDemandPrice, type Profile, slotNames, vcpusOf } from "../../shared/config/index.ts";
import { TAG } from "../../shared/fleet/index.ts";
import type { Invariants } from "./invariants.ts";
import type { World } from "./world.ts";

const MINUTE = 60;
/** Of the model's times: 75 s until it runs and 40 s until its user data does, both rarely. */
const BOOT_P99_SECONDS = 115;
/** A tick to see the task, one to enable its builder, two polls, calls that take time, and the odd slower boot. */
const SLACK_SECONDS = 2 * MINUTE + 30 + 150;
/** An idle builder in the way of a task has to be drained and gone first, its hold time over. */
const GIVE_WAY_SECONDS = 1800;

export class Waits {
  /** Waits that were judged, those in time included. */
  judged = 0;
  readonly #world: World;
  readonly #invariants: Invariants;
  /** Since when a FREE task has had every reason to be served. */
  #fairSince = new Map<number, number>();
  /** Since when nothing but idle builders that cannot run it has kept a FREE task from its own. */
  #blockedSince = new Map<number, number>();

  constructor(world: World, invariants: Invariants) {
    this.#world = world;
    this.#invariants = invariants;
  }

  /** Each minute. */
  check(live: readonly LiveInstance[]): void {
    this.#checkIdle(live);
    const before = this.#fairSince;
    this.#fairSince = new Map();
    if (!this.#world.isCalm) return;
    const { clock, hub, site } = this.#world;
    const limit = BOOT_P99_SECONDS + 2 * site.hub.options.runInterval + SLACK_SECONDS;
    const roomy = new Map(site.builders.profiles.map((profile) => [profile, this.#hasRoom(profile, live)]));
    for (const task of hub.freeTasks()) {
      const able = site.builders.profiles.filter((profile) => this.#serves(profile, task));
      if (able.length === 0 || !able.every((profile) => roomy.get(profile) && !this.#isTroubled(profile))) continue;
      const since = before.get(task.id) ?? clock.now();
      this.#fairSince.set(task.id, since);
      if (!before.has(task.id)) this.judged += 1;
      const seconds = clock.now() - since;
      if (seconds > limit) {
        const where = able.map(({ name }) => name).join(" or ");
        this.#invariants.break(
          "starts-in-time",
          `task ${task.id}`,
          `${task.method} is FREE for ${seconds} s though ${where} has room`,
        );
      }
    }
  }

  #checkIdle(live: readonly LiveInstance[]): void {
    const before = this.#blockedSince;
    this.#blockedSince = new Map();
    const { clock, hub, site, alarms, isCalm } = this.#world;
    if (!isCalm || Number.isFinite(alarms.terminationStopped)) return;
    const idle = this.#idleAboveFloor(live);
    const others = live.filter((each) => !idle.includes(each));
    if (idle.length === 0) return;
    for (const task of hub.freeTasks()) {
      const able = site.builders.profiles.filter((profile) => this.#serves(profile, task));
      const names = able.map(({ name }) => name);
      const canRun = live.some(({ tags }) => names.includes(tags[TAG.profile] ?? ""));
      const fits = (all: readonly LiveInstance[]) => able.some((profile) => this.#hasRoom(profile, all));
      if (able.length === 0 || canRun || fits(live) || !fits(others)) continue;
      if (able.some((profile) => this.#isTroubled(profile) || this.#invariants.hand.isHeld(profile.name))) continue;
      const since = before.get(task.id) ?? clock.now();
      this.#blockedSince.set(task.id, since);
      const seconds = clock.now() - since;
      if (seconds <= GIVE_WAY_SECONDS) continue;
      const inTheWay = idle.map(({ tags }) => tags[TAG.slot]).join(", ");
      const detail = `${task.method} is FREE for ${seconds} s while ${inTheWay} idle and use up the budget of ${names.join(" or ")}`;
      this.#invariants.break("idle-gives-way", `task ${task.id}`, detail);
    }
  }

  /** Builders that serve and have nothing to do: Toji may drain them. */
  #idleAboveFloor(live: readonly LiveInstance[]): LiveInstance[] {
    return this.#world.site.builders.profiles.flatMap((profile) => {
      const own = live.filter(({ tags }) => tags[TAG.profile] === profile.name);
      const idle = own.filter(({ tags, state }) => {
        const host = this.#invariants.hostOf(tags[TAG.slot] ?? "");
        const isKept = tags[TAG.pin] !== undefined || this.#invariants.hand.isHeld(profile.name);
        return (
          state === "running" && host?.enabled === true && !isKept && this.#world.hub.tasksHeldBy(host.id).length === 0
        );
      });
      return idle.slice(0, Math.max(0, own.length - profile.min));
    });
  }

  /** So many of its boots failed that Toji may pause it: for hours, when it goes on. */
  #isTroubled({ name }: Profile): boolean {
    const { failures, longestPauseSeconds } = this.#world.site.builders.bootBreaker;
    const since = this.#world.clock.now() - 2 * longestPauseSeconds;
    const failed = this.#invariants.failedBoots.get(name)?.filter((at) => at > since) ?? [];
    return failed.length >= failures;
  }

  #serves({ channels, arches }: Profile, { channel_id, arch }: Readonly<TaskRow>): boolean {
    const names = channels.map((name) => this.#world.hub.channelId(name));
    return names.includes(channel_id) && (arch === "noarch" || arches.includes(arch));
  }

  /** A slot that nothing holds, and budget for its dearest offering. */
  #hasRoom(profile: Profile, live: readonly LiveInstance[]): boolean {
    const { budget, spotPriceRatio } = this.#world.site.builders;
    const own = live.filter(({ tags }) => tags[TAG.profile] === profile.name);
    if (own.length >= (profile.max ?? profile.slots.count)) return false;
    const hosts = this.#world.hub.hosts();
    const taken = new Set(own.map(({ tags }) => tags[TAG.slot]));
    const free = slotNames(profile.slots).some((slot) => {
      const host = hosts.find((each) => each.name === slot);
      if (taken.has(slot)) return false;
      return host === undefined || (!host.enabled && this.#world.hub.tasksHeldBy(host.id).length === 0);
    });
    if (!free || live.length + 1 > budget.maxInstances) return false;
    let [vcpus, dollars] = [0, 0];
    for (const { instanceType, market } of live) {
      vcpus += vcpusOf(instanceType) ?? 0;
      dollars += (onDemandPrice(instanceType) ?? 0) * (market === "spot" ? spotPriceRatio : 1);
    }
    const types = profile.offerings.map(({ instanceType }) => instanceType);
    const mostVcpus = Math.max(...types.map((type) => vcpusOf(type) ?? 0));
    const mostDollars = Math.max(...types.map((type) => onDemandPrice(type) ?? 0));
    return vcpus + mostVcpus <= budget.maxVcpus && dollars + mostDollars <= budget.dollarsPerHour;
  }
}
