// The rule "enabled-when-safe": the hub gives tasks to enabled hosts that it takes for ready, whether a builder is there or not.

import type { Invariants } from "./invariants.ts";
import type { World } from "./world.ts";

/** Toji reads the hub's clock in whole seconds, and a call takes its time. */
const CLOCK_NOISE_SECONDS = 10;

export class EnableRules {
  readonly #world: World;
  readonly #invariants: Invariants;

  constructor(world: World, invariants: Invariants) {
    this.#world = world;
    this.#invariants = invariants;
  }

  /** Toji enables a host. */
  onEnable(slot: string): void {
    // A pass that sees EC2 as it was may take an instance for serving that has ended meanwhile.
    if (this.#world.blinders > 0) return;
    const host = this.#invariants.hostOf(slot);
    if (host === undefined || host.update_ts === null || this.#invariants.tasksOf(slot).length > 0) return;
    const silentSeconds = this.#hubNow() - host.update_ts;
    if (silentSeconds > this.#world.site.hub.options.readyTimeout - CLOCK_NOISE_SECONDS || this.#isUp(slot)) return;
    const detail = `enabled though its builder is not up, ${Math.round(silentSeconds)} s after the host's last check-in`;
    this.#invariants.break("enabled-when-safe", slot, detail);
  }

  #hubNow(): number {
    return this.#world.clock.now() + this.#world.weather.hubAheadSeconds;
  }

  /** The newest builder of the slot: one that Toji has just failed to terminate was up before. */
  #isUp(slot: string): boolean {
    const newest = [...this.#invariants.launched.values()].findLast((each) => each.slot === slot);
    return newest !== undefined && (newest.served || this.#invariants.hasCheckedIn(newest));
  }
}
