// The life of an instance: pending, running, and one way or another off, stopped or terminated.

import type { InstanceStateName } from "@aws-sdk/client-ec2";
import type { VirtualClock } from "../clock.ts";
import type { Random } from "../random.ts";
import { ec2Error } from "./errors.ts";
import { Parts, type PartsPlan } from "./parts.ts";
import {
  DEFAULT_TIMES,
  type Ec2Hooks,
  type Ec2Options,
  type Ec2Times,
  type EndReason,
  type ModelInstance,
  type Pool,
  type SpotAction,
  type Spread,
} from "./state.ts";

/** EC2 bills every start for at least this long. */
const MINIMUM_BILLED_SECONDS = 60;

export interface LaunchPlan extends Pool {
  readonly imageId: string;
  readonly subnetId: string;
  readonly securityGroupIds: readonly string[];
  readonly userData: string;
  readonly shutdownBehavior: "stop" | "terminate";
  readonly vcpus: number;
  readonly tags: ReadonlyMap<string, string>;
  readonly parts: PartsPlan;
  readonly keyName?: string | null;
  readonly instanceProfileArn?: string | null;
  readonly publicIp?: string | null;
  readonly terminationProtected?: boolean;
}

export class Instances {
  /** The volumes and network interfaces that come with instances, and those that outlived theirs. */
  readonly parts: Parts;
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #times: Ec2Times;
  readonly #hooks: Ec2Hooks;
  readonly #options: Ec2Options;
  readonly #all: ModelInstance[] = [];
  /** What EC2 still knows; the others are history. */
  readonly #known = new Map<string, ModelInstance>();

  constructor(options: Ec2Options) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#times = { ...DEFAULT_TIMES, ...options.times };
    this.#hooks = options.hooks ?? {};
    this.#options = options;
    this.parts = new Parts(options.clock);
  }

  /** Every instance there ever was, in the order of launch. */
  get all(): readonly ModelInstance[] {
    return this.#all;
  }

  /** As EC2's API shows them now: not yet those just launched, no longer those long gone. In the order of launch. */
  visible(): ModelInstance[] {
    const now = this.#clock.now();
    return [...this.#known.values()].filter(({ visibleAt }) => visibleAt <= now);
  }

  /** As the API finds it; throws InvalidInstanceID.NotFound (which, for a new one, does not mean that it is not there). */
  find(instanceId: string): ModelInstance {
    const instance = this.#known.get(instanceId);
    if (instance !== undefined && instance.visibleAt <= this.#clock.now()) return instance;
    if (!/^i-[0-9a-f]{17}$/.test(instanceId)) {
      throw ec2Error("InvalidInstanceID.Malformed", `Invalid id: "${instanceId}"`);
    }
    throw ec2Error("InvalidInstanceID.NotFound", `The instance ID '${instanceId}' does not exist`);
  }

  /** For what happens in the world, not through the API: visible or not. */
  inWorld(instanceId: string): ModelInstance {
    const instance = this.#known.get(instanceId);
    if (instance === undefined) throw new Error(`the EC2 model has no instance ${instanceId}`);
    return instance;
  }

  /** Those that take up capacity and quota. Source: shutting-down instances still count. */
  counted(): ModelInstance[] {
    return [...this.#known.values()].filter(({ state }) => state !== "terminated" && state !== "stopped");
  }

  /** Seconds until Describe shows what was made just now. */
  drawVisible(): number {
    return this.#draw(this.#times.visible);
  }

  launch(plan: LaunchPlan): ModelInstance {
    const now = this.#clock.now();
    const number = this.#all.length + 1;
    const { tags, parts, ...rest } = plan;
    const instance: ModelInstance = {
      keyName: null,
      instanceProfileArn: null,
      publicIp: null,
      terminationProtected: false,
      ...rest,
      number,
      instanceId: `i-${number.toString(16).padStart(17, "0")}`,
      privateIp: `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`,
      pricePerHour: this.#options.pricePerHour(plan),
      slot: tags.get(this.#options.slotTag ?? "toji:slot") ?? null,
      launchedAt: now,
      visibleAt: now + this.#draw(this.#times.visible),
      startedAt: now,
      tags: new Map(tags),
      state: "pending",
      reason: null,
      runningSince: null,
      bootedAt: null,
      goneAt: null,
      endedAt: null,
      billedSeconds: 0,
      cancelNext: () => {},
    };
    this.#all.push(instance);
    this.#known.set(instance.instanceId, instance);
    this.parts.attach(instance, parts);
    this.#enter(instance, "pending");
    instance.cancelNext = this.#clock.after(this.#draw(this.#times.running), () => this.#run(instance));
    return instance;
  }

  /** One that has been running for long, with nothing left to boot. */
  adopt(plan: LaunchPlan): ModelInstance {
    const instance = this.launch(plan);
    instance.cancelNext();
    instance.visibleAt = this.#clock.now();
    instance.runningSince = this.#clock.now();
    instance.bootedAt = this.#clock.now();
    this.parts.show(instance.instanceId);
    this.#enter(instance, "running");
    return instance;
  }

  /** Nothing to do when it is off or on its way. A stopped one is terminated at once. */
  terminate(instance: ModelInstance, reason: EndReason): void {
    if (instance.state === "shutting-down" || instance.state === "terminated") return;
    this.#turnOff(instance, reason, "shutting-down");
    instance.cancelNext = this.#clock.after(this.#draw(this.#times.shutdown), () => {
      instance.endedAt = this.#clock.now();
      this.parts.release(instance.instanceId);
      this.#enter(instance, "terminated");
      this.#clock.after(this.#times.forgetSeconds, () => this.#known.delete(instance.instanceId));
    });
  }

  stop(instance: ModelInstance, reason: EndReason): void {
    if (instance.market === "spot" && reason !== "spot-interruption") {
      const why = "because it is associated with a one-time Spot Instance request";
      throw ec2Error("UnsupportedOperation", `You can't stop the Spot Instance '${instance.instanceId}' ${why}.`);
    }
    if (instance.state === "stopping" || instance.state === "stopped") return;
    if (instance.state !== "running") {
      throw ec2Error("IncorrectInstanceState", `The instance '${instance.instanceId}' is ${instance.state}.`);
    }
    this.#turnOff(instance, reason, "stopping");
    instance.cancelNext = this.#clock.after(this.#draw(this.#times.shutdown), () => this.#enter(instance, "stopped"));
  }

  /** Only what is stopped can be started. */
  start(instance: ModelInstance): void {
    if (instance.state !== "stopped") {
      throw ec2Error("IncorrectInstanceState", `The instance '${instance.instanceId}' is ${instance.state}.`);
    }
    instance.startedAt = this.#clock.now();
    instance.goneAt = null;
    instance.reason = null;
    this.#enter(instance, "pending");
    instance.cancelNext = this.#clock.after(this.#draw(this.#times.running), () => this.#run(instance));
  }

  /** Warns now, acts later. */
  interrupt(instance: ModelInstance, action: SpotAction, warningSeconds: number): void {
    if (instance.market !== "spot") throw new Error(`${instance.instanceId} is not a spot instance`);
    const { instanceId } = instance;
    const time = this.#clock.now() + warningSeconds;
    this.#announce(() => this.#hooks.onSpotWarning?.(instanceId, action, time));
    this.#clock.at(time, () => {
      if (action === "terminate") this.terminate(instance, "spot-interruption");
      else if (instance.state === "running") this.stop(instance, "spot-interruption");
    });
  }

  /** Seconds of running that are paid for so far. */
  billedSeconds(instance: ModelInstance): number {
    return instance.billedSeconds + this.#currentPeriod(instance);
  }

  #run(instance: ModelInstance): void {
    instance.runningSince = this.#clock.now();
    this.#enter(instance, "running");
    instance.cancelNext = this.#clock.after(this.#draw(this.#times.userData), () => {
      // cloud-init runs user data once for each instance.
      if (instance.bootedAt !== null) return this.#hooks.onStart?.(instance.instanceId);
      instance.bootedAt = this.#clock.now();
      const { instanceId, instanceType, zone, market, userData } = instance;
      const tags = Object.fromEntries(instance.tags);
      return this.#hooks.onBoot?.({ instanceId, instanceType, zone, market, userData, tags });
    });
  }

  #turnOff(instance: ModelInstance, reason: EndReason, state: "shutting-down" | "stopping"): void {
    instance.cancelNext();
    instance.reason = reason;
    instance.billedSeconds += this.#currentPeriod(instance);
    instance.runningSince = null;
    if (instance.goneAt === null) {
      instance.goneAt = this.#clock.now();
      this.#announce(() => this.#hooks.onGone?.(instance.instanceId));
    }
    this.#enter(instance, state);
  }

  #currentPeriod(instance: ModelInstance): number {
    if (instance.runningSince === null) return 0;
    return Math.max(MINIMUM_BILLED_SECONDS, this.#clock.now() - instance.runningSince);
  }

  #enter(instance: ModelInstance, state: InstanceStateName): void {
    instance.state = state;
    this.#announce(() => this.#hooks.onStateChange?.(instance.instanceId, state));
  }

  /** As an event of this instant: a hook's error ends the run and is never some caller's API error. */
  #announce(hook: () => unknown): void {
    this.#clock.after(0, hook);
  }

  #draw({ median, p95 }: Spread): number {
    return p95 === 0 ? 0 : this.#random.lognormal(median, p95);
  }
}
