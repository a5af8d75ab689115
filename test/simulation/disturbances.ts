// Which faults a scenario has, when each begins and ends, and when nothing disturbs.

import type { Random } from "../../sandbox/world/random.ts";
import { chance, whole } from "./draw.ts";
import { DRAWN } from "./faults/index.ts";
import type { FaultKind } from "./faults/kind.ts";
import type { World } from "./world.ts";

/** What a fault leaves behind (the hub's own timeouts, holds, boots under way) is over by then. */
const CALM_AFTER_SECONDS = 1800;
/** After so long a person answers an alarm. */
const PATIENCE_SECONDS = 1200;
const LONG_PATIENCE_SECONDS = 3600;
/** How often a fault looks for a victim. */
const TRIES = 60;

export class Disturbances {
  readonly #world: World;
  readonly #random: Random;
  #over = false;
  readonly #standing = new Map<number, () => void>();

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  /** Faults come in one stretch of the load; before and after it nothing disturbs. */
  schedule(loadSeconds: number, bursts: readonly number[]): void {
    const random = this.#random;
    if (chance(random, 0.05)) return;
    const from = random.between(0, 0.3) * loadSeconds;
    const until = random.between(0.5, 0.95) * loadSeconds;
    const busy = bursts.filter((at) => at >= from && at <= until);
    const count = whole(random, 3, 4 + Math.round(loadSeconds / 450));
    for (let index = 0; index < count; index++) {
      const draw = random.fork(`fault ${index}`);
      const kind = draw.pick(DRAWN);
      // Most meet a fleet that is at work: rising, working, falling.
      const near = busy.length > 0 && chance(draw, 0.8);
      const at = near ? draw.pick(busy) + draw.between(-30, 1500) : draw.between(from, until);
      this.#world.clock.after(Math.max(0, at), () => this.#begin(index, kind, draw));
    }
  }

  /**
   * A person looks what it is when nothing is terminated any more, or when tasks wait for very long or do not come back,
   * and ends the builders whose kojid is dead: what runs on them nobody else may end.
   */
  answerAlarms(): void {
    const { clock, trace, alarms } = this.#world;
    clock.after(60, () => this.answerAlarms());
    const standing = clock.now() - Math.min(alarms.terminationStopped, alarms.stuckTasks) >= PATIENCE_SECONDS;
    if (!standing && clock.now() - alarms.oldestFree < LONG_PATIENCE_SECONDS) return;
    for (const { instanceId, state } of this.#world.live()) {
      if (state !== "running" || this.#world.kojidOf(instanceId)?.state === "running") continue;
      trace.add(`a person answers the alarm and terminates ${instanceId}`);
      this.#world.aws.ec2.terminateByPerson(instanceId);
    }
  }

  /** Persons undo what they did, and what is broken is mended. */
  endAll(): void {
    this.#over = true;
    for (const end of [...this.#standing.values()]) end();
    for (const { instanceId } of this.#world.live()) this.#world.aws.ec2.leavePartsBehind(instanceId, false);
  }

  #begin(index: number, kind: FaultKind, draw: Random, triesLeft = TRIES): void {
    const world = this.#world;
    let counted = false;
    const took = () => {
      if (!counted) world.count(kind.name);
      counted = true;
    };
    const seconds = kind.seconds === undefined ? 0 : draw.between(...kind.seconds);
    const undo = kind.begin(world, draw, took);
    if (undo === "later") {
      if (triesLeft > 0 && !this.#over) world.clock.after(30, () => this.#begin(index, kind, draw, triesLeft - 1));
      return;
    }
    world.trace.add(`FAULT ${kind.name}${seconds === 0 ? "" : ` for ${Math.round(seconds)} s`}`);
    if (undo === undefined) {
      world.calmFrom = Math.max(world.calmFrom, world.clock.now() + CALM_AFTER_SECONDS);
      return;
    }
    if (kind.blinds === true) world.blinders += 1;
    world.standingFaults += 1;
    const end = () => {
      if (!this.#standing.delete(index)) return;
      undo();
      if (kind.blinds === true) world.blinders -= 1;
      world.standingFaults -= 1;
      world.calmFrom = Math.max(world.calmFrom, world.clock.now() + CALM_AFTER_SECONDS);
      world.trace.add(`FAULT ${kind.name} ends`);
    };
    this.#standing.set(index, end);
    world.clock.after(seconds, end);
  }
}
