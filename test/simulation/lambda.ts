// Lambda around the handler: the minute's tick, events on their way, containers that are used again, and its time limit.

import { Container, Killed } from "./container.ts";
import { chance } from "./draw.ts";
import type { CloudEvent } from "./weather.ts";
import type { World } from "./world.ts";

const TICK_SECONDS = 60;
const SWEEP_SECONDS = 600;
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

  /** A pass each minute and a sweep every ten from now on. */
  startSchedule(): void {
    const { clock } = this.#world;
    const tick = () => {
      clock.after(TICK_SECONDS, tick);
      this.#send({ source: "toji.tick" }, 0);
    };
    const sweep = () => {
      clock.after(SWEEP_SECONDS, sweep);
      return this.sweep();
    };
    clock.after(0, tick);
    clock.after(SWEEP_SECONDS / 2, sweep);
  }

  /** What runs from now on has the new code and config. */
  deploy(): void {
    this.#idle = [];
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
    const { random } = this.#world;
    const draw = random.fork(`invocation ${this.#requests + 1}`);
    if (chance(draw, RETIRED_SHARE)) this.#idle = [];
    const container = this.#idle.pop() ?? this.#newContainer("c", "pass");
    await this.#run(container, event);
    if (!container.isDead && container.site === this.#world.site) this.#idle.push(container);
  }

  /** Rare enough for a container of its own each time. */
  async sweep(): Promise<void> {
    await this.#run(this.#newContainer("s", "sweep"), { source: "toji.sweep" });
  }

  async #run(container: Container, event: CloudEvent): Promise<void> {
    const { clock, trace, invariants } = this.#world;
    this.#requests += 1;
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
    }
    invariants.noteServing();
  }

  #newContainer(letter: string, kind: "pass" | "sweep"): Container {
    this.#containers += 1;
    return new Container(this.#world, `${letter}${this.#containers}`, kind);
  }
}

const sentence = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);
