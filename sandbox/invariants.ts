// What must always hold, checked against EC2 and the hub themselves, not against what Toji says it did.

import type { Site } from "../shared/config/index.ts";
import { slotNames } from "../shared/config/index.ts";
import { instanceCost } from "../shared/fleet/offerings.ts";
import { TAG } from "../shared/fleet/tags.ts";
import { TASK_STATE } from "../shared/hub/index.ts";
import type { VirtualClock } from "./world/clock.ts";
import type { LiveInstance } from "./world/ec2/index.ts";
import type { Hub } from "./world/hub/index.ts";

export interface Violation {
  readonly at: number;
  readonly rule: Rule;
  readonly detail: string;
}

export const RULES = {
  "busy-kept": "no builder that holds an ASSIGNED or OPEN task was terminated by Toji",
  "one-instance-a-slot": "no slot ever had two instances",
  "within-max": "no profile ever had more instances than its max",
  "within-budget": "instances, vCPUs and dollars per hour stayed within the budget",
  "no-ghost-hosts": "no slot's host stayed enabled without an instance for more than two passes, unless it held tasks",
  "no-dead-boots": "no instance outlived the boot limit without having checked in",
  "queue-served": "every task came to an end",
  "fleet-empties": "after the queue emptied the fleet fell to its floor",
  "nothing-left-behind": "no identity and no template version was left behind",
} as const;
export type Rule = keyof typeof RULES;

/** These can only be judged once the day is over. */
export const END_RULES: ReadonlySet<Rule> = new Set(["queue-served", "fleet-empties", "nothing-left-behind"]);

const CHECK_SECONDS = 60;

/** A pass every minute at least; a step more for the pass to end. */
const TWO_PASSES_SECONDS = 150;

export class Invariants {
  readonly violations: Violation[] = [];
  readonly #site: Site;
  readonly #hub: Hub;
  readonly #slots: ReadonlySet<string>;
  readonly #ghostSince = new Map<string, number>();
  readonly #told = new Set<string>();

  constructor(site: Site, hub: Hub) {
    this.#site = site;
    this.#hub = hub;
    this.#slots = new Set(site.builders.profiles.flatMap((profile) => slotNames(profile.slots)));
  }

  /** Once for each rule and subject: a standing violation is one, not one a minute. */
  break(at: number, rule: Rule, subject: string, detail: string): void {
    if (this.#told.has(`${rule} ${subject}`)) return;
    this.#told.add(`${rule} ${subject}`);
    this.violations.push({ at, rule, detail: `${subject}: ${detail}` });
  }

  /** At the instant EC2 takes Toji's order to terminate. */
  onTerminate(at: number, slot: string, launchedAt: number): void {
    // What was opened before its launch was a lost builder's: this one has never had it.
    const held = this.#tasksOf(slot, launchedAt);
    if (held.length > 0) this.break(at, "busy-kept", `${slot} at ${at}`, `it held task(s) ${held.join(", ")}`);
  }

  /** Checks once a minute from now on; returns how to end it. */
  watch(clock: VirtualClock, live: () => readonly LiveInstance[]): () => void {
    let cancel = () => {};
    const look = () => {
      this.check(clock.now(), live());
      cancel = clock.after(CHECK_SECONDS, look);
    };
    cancel = clock.after(CHECK_SECONDS, look);
    return () => cancel();
  }

  check(at: number, live: readonly LiveInstance[]): void {
    this.#checkSlots(at, live);
    this.#checkBounds(at, live);
    this.#checkGhosts(at, live);
    this.#checkBoots(at, live);
  }

  #tasksOf(slot: string, since = Number.NEGATIVE_INFINITY): number[] {
    const { hosts, tasks } = this.#hub.state();
    const host = hosts.find((each) => each.name === slot);
    return tasks
      .filter(
        ({ host_id, state, start_ts }) =>
          host_id === host?.id &&
          (state === TASK_STATE.ASSIGNED || (state === TASK_STATE.OPEN && (start_ts ?? since) >= since)),
      )
      .map((task) => task.id);
  }

  #checkSlots(at: number, live: readonly LiveInstance[]): void {
    const bySlot = Map.groupBy(live, (each) => each.tags[TAG.slot] ?? each.instanceId);
    for (const [slot, instances] of bySlot) {
      if (instances.length < 2) continue;
      this.break(at, "one-instance-a-slot", slot, instances.map((each) => each.instanceId).join(" and "));
    }
  }

  #checkBounds(at: number, live: readonly LiveInstance[]): void {
    const { budget, profiles } = this.#site.builders;
    const costs = live.map((each) => instanceCost({ ...each, profile: each.tags[TAG.profile] ?? null }, this.#site));
    const vcpus = costs.reduce((sum, cost) => sum + cost.vcpus, 0);
    const dollars = costs.reduce((sum, cost) => sum + cost.pricePerHour, 0);
    if (live.length > budget.maxInstances) this.break(at, "within-budget", "instances", `${live.length}`);
    if (vcpus > budget.maxVcpus) this.break(at, "within-budget", "vCPUs", `${vcpus}`);
    if (dollars > budget.dollarsPerHour + 1e-6) this.break(at, "within-budget", "dollars per hour", dollars.toFixed(4));
    for (const profile of profiles) {
      const count = live.filter((each) => each.tags[TAG.profile] === profile.name).length;
      if (count > (profile.max ?? profile.slots.count))
        this.break(at, "within-max", profile.name, `${count} instances`);
    }
  }

  #checkGhosts(at: number, live: readonly LiveInstance[]): void {
    const held = new Set(live.map((each) => each.tags[TAG.slot]));
    for (const host of this.#hub.hosts()) {
      const ghost = this.#slots.has(host.name) && host.enabled && !held.has(host.name);
      if (!ghost || this.#tasksOf(host.name).length > 0) this.#ghostSince.delete(host.name);
      else {
        const since = this.#ghostSince.get(host.name) ?? at;
        this.#ghostSince.set(host.name, since);
        if (at - since > TWO_PASSES_SECONDS)
          this.break(at, "no-ghost-hosts", host.name, `for ${Math.round(at - since)} s`);
      }
    }
  }

  #checkBoots(at: number, live: readonly LiveInstance[]): void {
    const limit = this.#site.builders.bootLimitSeconds + TWO_PASSES_SECONDS;
    for (const each of live) {
      if (each.tags[TAG.enabledAt] !== undefined || at - each.launchedAt <= limit) continue;
      this.break(at, "no-dead-boots", each.instanceId, `${Math.round(at - each.launchedAt)} s after its launch`);
    }
  }
}
