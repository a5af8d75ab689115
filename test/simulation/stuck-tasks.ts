// The rule "tasks-come-back": how long the hub holds tasks for a builder that has vanished.

import type { LiveInstance } from "../../sandbox/world/ec2/index.ts";
import { TAG } from "../../shared/fleet/index.ts";
import type { Invariants } from "./invariants.ts";
import type { World } from "./world.ts";

const MINUTE = 60;
const SLACK_SECONDS = 240;

export class StuckTasks {
  readonly #world: World;
  readonly #invariants: Invariants;
  /** By host and task: seconds and passes during which it could have come back. */
  #stuck = new Map<string, { seconds: number; readonly passes: number }>();

  constructor(world: World, invariants: Invariants) {
    this.#world = world;
    this.#invariants = invariants;
  }

  /** Each minute. */
  check(live: readonly LiveInstance[]): void {
    const { hub, site } = this.#world;
    const taken = new Set(
      live.flatMap((each) => [each.tags[TAG.slot], this.#invariants.launched.get(each.instanceId)?.slot]),
    );
    const before = this.#stuck;
    this.#stuck = new Map();
    const fair = this.#isFair();
    for (const host of hub.hosts()) {
      if (!this.#invariants.slots.has(host.name) || taken.has(host.name)) continue;
      for (const task of hub.tasksHeldBy(host.id)) {
        const key = `${host.name} task ${task.id}`;
        const known = before.get(key) ?? { seconds: 0, passes: this.#invariants.passes };
        const stuck = { ...known, seconds: known.seconds + (fair ? MINUTE : 0) };
        this.#stuck.set(key, stuck);
        const limit = site.hub.admin ? 3 * MINUTE + SLACK_SECONDS : this.#hubSeconds();
        if (stuck.seconds > limit && this.#invariants.passes - stuck.passes > 2) {
          this.#invariants.break(
            "tasks-come-back",
            key,
            `its instance is gone, and it could have come back for ${stuck.seconds} s`,
          );
        }
      }
    }
  }

  /** The host's silence, or the assignment that nobody took, whichever is later; then a run, and passes to enable it. */
  #hubSeconds(): number {
    const { hostTimeout, assignTimeout, readyTimeout, runInterval } = this.#world.site.hub.options;
    return Math.max(hostTimeout, assignTimeout) + readyTimeout + 2 * runInterval + SLACK_SECONDS;
  }

  /** The hub answers, Toji passes, and somebody polls: only then can the hub's timeouts fire. */
  #isFair(): boolean {
    const { hub, clock, site } = this.#world;
    if (hub.settings.offline !== null || hub.settings.lockOut) return false;
    if (clock.now() - this.#invariants.lastPassAt > 2 * MINUTE) return false;
    const now = hub.now();
    return (
      site.hub.admin ||
      hub
        .hosts()
        .some(({ enabled, ready, update_ts }) => enabled && ready && update_ts !== null && now - update_ts < MINUTE)
    );
  }
}
