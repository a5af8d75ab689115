// The rule "hand-obeyed": what persons have asked for, checked at the instant of each effect of Toji's.

import { HAND_KEY } from "../../shared/fleet/hand.ts";
import { TAG } from "../../shared/fleet/index.ts";
import type { Hand } from "../../shared/fleet/types.ts";
import { BUCKET } from "./constants.ts";
import type { Invariants } from "./invariants.ts";
import type { World } from "./world.ts";

/** A pass that read the hand before may be at work for as long as this. */
const HEARD_SECONDS = 150;

export class HandRules {
  readonly #world: World;
  readonly #invariants: Invariants;
  readonly #pinnedAt = new Map<string, number>();
  /** By slot: the instance whose host a person disabled. */
  readonly #disabled = new Map<string, string>();

  constructor(world: World, invariants: Invariants) {
    this.#world = world;
    this.#invariants = invariants;
  }

  onPin(instanceId: string): void {
    this.#pinnedAt.set(instanceId, this.#world.clock.now());
  }

  /** A drain that is marked already was Toji's own, and may end either way. */
  onDisable(slot: string, instanceId: string): void {
    const instance = this.#world.live().find((each) => each.instanceId === instanceId);
    if (instance?.tags[TAG.drainingAt] === undefined) this.#disabled.set(slot, instanceId);
  }

  onGivenBack(slot: string): void {
    this.#disabled.delete(slot);
  }

  /** A launch or a termination. */
  onEffect(what: "launched" | "terminated", instanceId: string): void {
    const profile = this.#invariants.launched.get(instanceId)?.profile ?? "";
    if (this.#isHeldLong(profile))
      this.#invariants.break("hand-obeyed", instanceId, `${what} though ${profile} is held`);
    if (what === "launched") return;
    const tags = this.#world.live().find((each) => each.instanceId === instanceId)?.tags ?? {};
    const pinnedAt = this.#pinnedAt.get(instanceId);
    if (tags[TAG.pin] !== undefined && pinnedAt !== undefined && this.#isOld(pinnedAt))
      this.#invariants.break("hand-obeyed", instanceId, "terminated though it is pinned");
  }

  /** Toji enables a host. */
  onEnable(slot: string): void {
    // A pass that sees EC2 as it was takes a drain for its own that is none any more.
    if (this.#world.blinders > 0) return;
    const instanceId = this.#disabled.get(slot);
    const instance = this.#world.live().find((each) => each.instanceId === instanceId);
    if (instance?.state !== "running" || instance.tags[TAG.enabledAt] === undefined) return;
    // Its own drain may have been under way when the person's hand came.
    if (instance.tags[TAG.drainingAt] !== undefined) return;
    this.#invariants.break("hand-obeyed", slot, "enabled though a person had disabled it");
  }

  /** A hold that every pass at work has read: whatever became of the bucket, it is what stands there now. */
  #isHeldLong(profile: string): boolean {
    return this.#holds(profile).some((hold) => this.#isOld(hold.since));
  }

  isHeld(profile: string): boolean {
    return this.#holds(profile).length > 0;
  }

  #holds(profile: string): Hand["holds"] {
    const text = this.#world.aws.s3.text(BUCKET, HAND_KEY);
    const hand: Hand = text === null ? { holds: [] } : JSON.parse(text);
    return hand.holds.filter((hold) => hold.profile === null || hold.profile === profile);
  }

  #isOld(since: number): boolean {
    return this.#world.clock.now() - since > HEARD_SECONDS;
  }
}
