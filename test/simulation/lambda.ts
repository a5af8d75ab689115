// Lambda around the handler: the minute's tick, events on their way, containers that are used again, and its time limit.

import { Container, Killed } from "./container.ts";
import { chance } from "./draw.ts";
import type { CloudEvent } from "./weather.ts";
import type { World } from "./world.ts";

const TICK_SECONDS = 60;
/** serverless.yml. */
const LONGEST_INVOCATION_SECONDS = 90;
/** Lambda gives a container up now and then. */
const RETIRED_SHARE = 0.02;

export class Lambda {
  readonly #world: World;
  #idle: Container[] = [];
  #containers = 0;
  #requests = 0;
  #killAfter: number | null = null;
  running = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** An event of EC2's, on EventBridge's way. */
  publish(detailType: string, detail: object): void {
    this.#send({ source: "aws.ec2", "detail-type": detailType, detail }, 0.5);
  }

  /** Ticks each minute from now on; returns how to end it. */
  startSchedule(): () => void {
    const { clock } = this.#world;
    let cancel = () => {};
    const tick = () => {
      cancel = clock.after(TICK_SECONDS, tick);
      this.#send({ source: "toji.tick" }, 0);
    };
    cancel = clock.after(0, tick);
    return () => cancel();
  }

  /** The next invocation ends with its n-th side effect. */
  killNextAfter(effects: number): void {
    this.#killAfter = effects;
  }

  #send(event: CloudEvent, usualSeconds: number): void {
    const { clock, weather } = this.#world;
    for (const seconds of weather.deliveries(event, usualSeconds)) clock.after(seconds, () => this.invoke(event));
  }

  async invoke(event: CloudEvent): Promise<void> {
    const { clock, trace, random, invariants } = this.#world;
    this.#requests += 1;
    const draw = random.fork(`invocation ${this.#requests}`);
    if (chance(draw, RETIRED_SHARE)) this.#idle = [];
    const container = this.#idle.pop() ?? this.#newContainer();
    if (this.#killAfter !== null) container.killAfter(this.#killAfter);
    this.#killAfter = null;
    const endLimit = clock.after(LONGEST_INVOCATION_SECONDS, () => {
      container.kill();
      trace.add(`  ${container.name}: KILLED after ${LONGEST_INVOCATION_SECONDS} s`);
      this.#world.count("invocation killed by its time limit");
    });
    this.running += 1;
    try {
      await clock.actor(() => container.run(event, `request-${this.#requests}`), "fleet");
    } catch (error) {
      if (!container.isDead && !(error instanceof Killed)) trace.add(`  ${container.name}: failed: ${sentence(error)}`);
    } finally {
      this.running -= 1;
      endLimit();
      container.spare();
      if (!container.isDead) this.#idle.push(container);
    }
    invariants.noteServing();
  }

  #newContainer(): Container {
    this.#containers += 1;
    return new Container(this.#world, `c${this.#containers}`);
  }
}

const sentence = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);
