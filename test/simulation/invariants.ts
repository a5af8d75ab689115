// Looks at the world after every event and each minute, and notes which rule is broken: once for each rule and subject.

import type { TerminateInstancesCommandInput } from "@aws-sdk/client-ec2";
import type { LiveInstance } from "../../sandbox/world/ec2/index.ts";
import { onDemandPrice, slotNames, vcpusOf } from "../../shared/config/index.ts";
import { TAG } from "../../shared/fleet/index.ts";
import type { Container } from "./container.ts";
import { EnableRules } from "./enable-rules.ts";
import { judgeEnd } from "./end-rules.ts";
import { HandRules } from "./hand-rules.ts";
import type { Rule, Violation } from "./rules.ts";
import { StuckTasks } from "./stuck-tasks.ts";
import { Waits } from "./waits.ts";
import type { World } from "./world.ts";

const MINUTE = 60;
/** A pass each minute at least, and a little for it to end. */
const TWO_PASSES_SECONDS = 150;
const DOLLARS_TOLERANCE = 1e-6;

/** One launch of Toji's. */
export interface Launched {
  readonly instanceId: string;
  readonly slot: string;
  readonly profile: string;
  readonly launchedAt: number;
  /** Whether its user data ran, and the host's last check-in before that. */
  booted: boolean;
  checkInBefore: number | null;
  /** Its kojid has checked in and its host was enabled, at one time. */
  served: boolean;
}

export class Invariants {
  readonly violations: Violation[] = [];
  readonly launched = new Map<string, Launched>();
  readonly slots: ReadonlySet<string>;
  readonly waits: Waits;
  readonly stuck: StuckTasks;
  readonly hand: HandRules;
  readonly enable: EnableRules;
  /** By slot: when a person took the tags of its instance away. */
  readonly tagsLostAt = new Map<string, number>();
  /** When a fault last took Toji its memory. */
  memoryLostAt = Number.NEGATIVE_INFINITY;
  /** By profile: when instances ended that had never served. */
  readonly failedBoots = new Map<string, number[]>();
  /** Passes so far that saw the whole world as it is and whose every change was made. */
  passes = 0;
  lastPassAt = Number.NEGATIVE_INFINITY;
  readonly #world: World;
  readonly #standing = new Map<string, { readonly at: number; readonly seconds: number; readonly passes: number }>();
  readonly #told = new Set<string>();

  constructor(world: World) {
    this.#world = world;
    this.slots = new Set(world.site.builders.profiles.flatMap((profile) => slotNames(profile.slots)));
    this.waits = new Waits(world, this);
    this.stuck = new StuckTasks(world, this);
    this.hand = new HandRules(world, this);
    this.enable = new EnableRules(world, this);
  }

  break(rule: Rule, subject: string, detail: string): void {
    if (this.#told.has(`${rule} ${subject}`)) return;
    this.#told.add(`${rule} ${subject}`);
    const at = this.#world.clock.now();
    this.violations.push({ at, rule, detail: `${subject}: ${detail}` });
    this.#world.trace.add(`VIOLATION ${rule}: ${subject}: ${detail}`);
  }

  /** Broken once it has held for longer than so many passes, and so many seconds while passes saw and did everything. */
  limit(rule: Rule, subject: string, holds: boolean, seconds: number, passes: number, detail: () => string): void {
    const key = `${rule} ${subject}`;
    if (!holds) {
      this.#standing.delete(key);
      return;
    }
    const at = this.#world.clock.now();
    const before = this.#standing.get(key) ?? { at, seconds: 0, passes: this.passes };
    const counts = at - this.lastPassAt <= 2 * MINUTE;
    const standing = { at, seconds: before.seconds + (counts ? at - before.at : 0), passes: before.passes };
    this.#standing.set(key, standing);
    const passed = this.passes - standing.passes;
    if (standing.seconds > seconds && passed > passes) {
      this.break(rule, subject, `${detail()}, for ${Math.round(standing.seconds)} s and ${passed} passes`);
    }
  }

  // --- events

  onPass(): void {
    this.passes += 1;
    this.lastPassAt = this.#world.clock.now();
  }

  onLaunch(instanceIds: readonly string[], { view, name, site }: Container): void {
    const live = this.#world.live();
    for (const each of live.filter(({ instanceId }) => instanceIds.includes(instanceId))) {
      const { instanceId, launchedAt, tags } = each;
      const [slot, profile] = [tags[TAG.slot] ?? "", tags[TAG.profile] ?? ""];
      this.launched.set(instanceId, {
        instanceId,
        slot,
        profile,
        launchedAt,
        booted: false,
        checkInBefore: null,
        served: false,
      });
      if (!view.ec2 || !view.hub) {
        const what = view.ec2 ? "the hub" : "EC2";
        this.break("no-blind-launch", instanceId, `launched by ${name}, whose last look at ${what} failed`);
      }
    }
    for (const instanceId of instanceIds) this.hand.onEffect("launched", instanceId);
    if (instanceIds.length === 0) return;
    this.#checkSlots(live);
    this.#checkBounds(live);
    // By the config that launched: a smaller max ends nothing that runs.
    for (const { name: profile, max, slots } of site.builders.profiles) {
      const count = live.filter(({ tags }) => tags[TAG.profile] === profile).length;
      const grew = live.some((each) => instanceIds.includes(each.instanceId) && each.tags[TAG.profile] === profile);
      if (grew && count > (max ?? slots.count)) this.break("within-max", profile, `${count} instances`);
    }
  }

  /** At the instant EC2 takes the order. */
  onTerminate(input: Partial<TerminateInstancesCommandInput>): void {
    for (const instanceId of input.InstanceIds ?? []) {
      const launched = this.launched.get(instanceId);
      this.hand.onEffect("terminated", instanceId);
      if (launched === undefined || !this.hasCheckedIn(launched)) continue;
      const held = this.tasksOf(launched.slot);
      const ids = held.map((task) => `${task.id} ${task.method}`).join(", ");
      if (held.length > 0) this.break("busy-kept", `${launched.slot} ${instanceId}`, `the hub held ${ids} for it`);
    }
  }

  /** Just before its user data runs. */
  onBoot(instanceId: string): void {
    const launched = this.launched.get(instanceId);
    if (launched === undefined) return;
    launched.booted = true;
    launched.checkInBefore = this.hostOf(launched.slot)?.update_ts ?? null;
  }

  onState(instanceId: string, state: string): void {
    const launched = this.launched.get(instanceId);
    if (state === "shutting-down" && launched?.served === false) {
      const { profile } = launched;
      this.failedBoots.set(profile, [...(this.failedBoots.get(profile) ?? []), this.#world.clock.now()]);
    }
    if (state === "running" || state === "pending") this.#checkSlots(this.#world.live());
  }

  /** After each write to the hub and each invocation: a builder may be enabled for a moment only. */
  noteServing(enabled: readonly string[] = []): void {
    for (const launched of this.#liveLaunched(this.#world.live())) this.#noteServed(launched, enabled);
  }

  // --- each minute

  watch(): () => void {
    const { clock } = this.#world;
    let cancel = () => {};
    const look = () => {
      cancel = clock.after(MINUTE, look);
      this.check();
    };
    cancel = clock.after(MINUTE, look);
    return () => cancel();
  }

  check(): void {
    const live = this.#world.live();
    this.#checkSlots(live);
    this.#checkBounds(live);
    this.#checkGhosts(live);
    this.#checkBoots(live);
    this.#checkTags(live);
    this.stuck.check(live);
    this.waits.check(live);
  }

  async judgeEnd(): Promise<void> {
    await judgeEnd(this.#world, this);
  }

  // --- facts

  tasksOf(slot: string) {
    const host = this.hostOf(slot);
    return host === undefined ? [] : this.#world.hub.tasksHeldBy(host.id);
  }

  hostOf(slot: string) {
    return this.#world.hub.findHost(slot);
  }

  /** This very instance's kojid, not an earlier one's of the same name. */
  hasCheckedIn({ instanceId, slot, booted, checkInBefore }: Launched): boolean {
    if (!booted || this.#world.kojidOf(instanceId) === undefined) return false;
    return (this.hostOf(slot)?.update_ts ?? null) !== checkInBefore;
  }

  /** `enabled`: slots that a call has just enabled, whatever a person has done since. */
  #noteServed(launched: Launched, enabled: readonly string[]): void {
    if (launched.served || !this.hasCheckedIn(launched)) return;
    launched.served = enabled.includes(launched.slot) || this.hostOf(launched.slot)?.enabled === true;
  }

  #liveLaunched(live: readonly LiveInstance[]): Launched[] {
    return live.flatMap(({ instanceId }) => this.launched.get(instanceId) ?? []);
  }

  // --- rules

  #checkSlots(live: readonly LiveInstance[]): void {
    const seen = new Map<string, string>();
    for (const { instanceId, tags } of live) {
      const slot = tags[TAG.slot];
      if (slot === undefined) continue;
      const other = seen.get(slot);
      if (other !== undefined) this.break("one-instance-a-slot", slot, `${other} and ${instanceId}`);
      seen.set(slot, instanceId);
    }
  }

  /** By EC2's own types and the price table. */
  #checkBounds(live: readonly LiveInstance[]): void {
    const { budget, spotPriceRatio } = this.#world.site.builders;
    let [vcpus, dollars] = [0, 0];
    for (const { instanceType, market } of live) {
      vcpus += vcpusOf(instanceType) ?? 0;
      dollars += (onDemandPrice(instanceType) ?? 0) * (market === "spot" ? spotPriceRatio : 1);
    }
    if (live.length > budget.maxInstances) this.break("within-budget", "instances", `${live.length}`);
    if (vcpus > budget.maxVcpus) this.break("within-budget", "vCPUs", `${vcpus}`);
    if (dollars > budget.dollarsPerHour + DOLLARS_TOLERANCE)
      this.break("within-budget", "dollars per hour", dollars.toFixed(4));
  }

  #checkGhosts(live: readonly LiveInstance[]): void {
    // By launch and by tag: an instance that lost its tags still is its slot's.
    const taken = new Set(live.flatMap((each) => [each.tags[TAG.slot], this.launched.get(each.instanceId)?.slot]));
    for (const host of this.#world.hub.hosts()) {
      if (!this.slots.has(host.name)) continue;
      const ghost = host.enabled && !taken.has(host.name) && this.#world.hub.tasksHeldBy(host.id).length === 0;
      // Ended before it had its tags back, or forgotten by Toji: its slot is known by the kojid's silence then.
      const { readyTimeout } = this.#world.site.hub.options;
      const lostAt = Math.max(this.tagsLostAt.get(host.name) ?? 0, this.memoryLostAt);
      const nameless = this.#world.clock.now() - lostAt < 900;
      const seconds = TWO_PASSES_SECONDS + (nameless ? readyTimeout : 0);
      this.limit("no-ghost-hosts", host.name, ghost, seconds, 2, () => "enabled, without instance or task");
    }
  }

  #checkBoots(live: readonly LiveInstance[]): void {
    const { bootLimitSeconds, pollSeconds } = this.#world.site.builders;
    const { runInterval, readyTimeout } = this.#world.site.hub.options;
    // An enabled host is drained first, which takes a scheduler run and a poll, or its silence.
    const seconds = TWO_PASSES_SECONDS + runInterval + pollSeconds + readyTimeout;
    const now = this.#world.clock.now();
    for (const { instanceId, state, tags, startedAt } of live) {
      const launched = this.launched.get(instanceId);
      if (launched === undefined || launched.served) continue;
      const known = tags[TAG.slot] !== undefined && tags[TAG.pin] === undefined;
      const on = state === "running" || state === "pending";
      // While hub and EC2 disagree nothing is terminated, until a person has seen to it.
      const stopped = Number.isFinite(this.#world.alarms.terminationStopped) || this.hand.isHeld(launched.profile);
      const overdue = on && known && !stopped && now - startedAt > bootLimitSeconds;
      const holds = overdue && this.tasksOf(launched.slot).length === 0;
      this.limit("boots-end", instanceId, holds, seconds, 2, () => `${launched.slot} never served`);
    }
  }

  #checkTags(live: readonly LiveInstance[]): void {
    for (const each of live) {
      const { instanceId, state, tags } = each;
      const lost = this.launched.has(instanceId) && (tags[TAG.slot] === undefined || tags[TAG.fleet] === undefined);
      const holds = lost && state !== "shutting-down" && !this.#world.isHidden(each);
      this.limit("tags-return", instanceId, holds, TWO_PASSES_SECONDS, 2, () => "without its tags");
    }
  }
}
