// One simulated site: hub, EC2, S3, SSM and builders as models on one virtual clock, around the production handler.

import type { CreateFleetResult } from "@aws-sdk/client-ec2";
import { createCa } from "../../sandbox/server/certificates.ts";
import { partTags } from "../../sandbox/site.ts";
import { createAws, type SandboxAws } from "../../sandbox/world/aws.ts";
import { VirtualClock } from "../../sandbox/world/clock.ts";
import type { BootedInstance, LiveInstance } from "../../sandbox/world/ec2/index.ts";
import { createHub, type Hub } from "../../sandbox/world/hub/index.ts";
import { openModelWire } from "../../sandbox/world/hub/wire.ts";
import { type Kojid, startKojid } from "../../sandbox/world/kojid.ts";
import { Machines } from "../../sandbox/world/machines.ts";
import { Random } from "../../sandbox/world/random.ts";
import type { Work } from "../../sandbox/world/work.ts";
import { onDemandPrice, type Site } from "../../shared/config/index.ts";
import { TAG } from "../../shared/fleet/index.ts";
import type { OpenHubWire } from "../../shared/hub/index.ts";
import { BUCKET, LAUNCH_TEMPLATE, START } from "./constants.ts";
import type { Container } from "./container.ts";
import { Invariants } from "./invariants.ts";
import { Lambda } from "./lambda.ts";
import { LOGIN_CERTIFICATE, PARAMETER, TOJI_USER } from "./site.ts";
import { Trace } from "./trace.ts";
import { type AwsCall, type BootFate, Weather } from "./weather.ts";

export interface WorldInput {
  readonly seed: string;
  readonly site: Site;
  readonly work: Work;
  readonly wire: "values" | "xml";
  /** Seconds of each call to AWS and to the hub: so that two invocations can come between each other's calls. */
  readonly awsLatencySeconds: number;
  readonly hubLatencySeconds: number;
}

/** The same for every site of a process: its key decides nothing that can be seen. */
let identityCa: ReturnType<typeof createCa> | undefined;

export class World {
  readonly input: WorldInput;
  /** The config of the day: what is deployed may change. */
  site: Site;
  readonly random: Random;
  readonly clock = new VirtualClock(START);
  readonly trace = new Trace(this.clock);
  readonly weather = new Weather();
  readonly hub: Hub;
  readonly aws: SandboxAws;
  readonly machines: Machines;
  readonly lambda: Lambda;
  readonly invariants: Invariants;
  readonly openWire: OpenHubWire;
  /** How often each kind of fault took effect. */
  readonly faults = new Map<string, number>();
  /** Spot instances whose end EC2 does not announce. */
  readonly unannounced = new Set<string>();
  /** Since when each alarm stands; Infinity = it does not. */
  readonly alarms = {
    terminationStopped: Number.POSITIVE_INFINITY,
    oldestFree: Number.POSITIVE_INFINITY,
    stuckTasks: Number.POSITIVE_INFINITY,
  };
  /** Faults that hide an instance for so many seconds after its launch. */
  readonly hiding = new Set<{ readonly seconds: number }>();
  launches = 0;
  tasks = 0;
  standingFaults = 0;
  /** Standing faults that may show Toji the world as it is not. */
  blinders = 0;
  /** When the last fault's consequences are over. */
  calmFrom = START;
  #lastNotes = "";
  readonly #fates = new Map<string, BootFate>();

  private constructor(input: WorldInput, ca: Awaited<ReturnType<typeof createCa>>) {
    this.input = input;
    this.site = input.site;
    this.random = new Random(input.seed);
    const { clock, weather, site } = this;
    const hubClock = { now: () => clock.now() + weather.hubAheadSeconds };
    this.hub = createHub({ clock: hubClock, options: site.hub.options });
    this.hub.addUser(TOJI_USER, site.hub.admin ? ["host", "admin"] : ["host"]);
    this.aws = this.#openAws(ca.pem);
    this.machines = new Machines({
      clock,
      hub: this.hub,
      work: input.work,
      s3: this.aws.s3,
      identityCa: ca.certificate,
      faultOf: ({ instanceId }) => {
        const fate = this.#fates.get(instanceId);
        return fate === "never-checks-in" || fate === "disk-full" ? fate : null;
      },
    });
    this.openWire = openModelWire({
      hub: this.hub,
      clock,
      encoding: input.wire,
      latencySeconds: input.hubLatencySeconds,
      commonNameOf: (certificate) => (certificate === LOGIN_CERTIFICATE ? TOJI_USER : null),
      mishap: (request) => weather.hubMishap(request),
    });
    this.lambda = new Lambda(this);
    this.invariants = new Invariants(this);
    this.hub.onEvent(({ taskId, method, from, to, hostId, why }) => {
      if (from === null) this.tasks += 1;
      const names = ["FREE", "OPEN", "CLOSED", "CANCELED", "ASSIGNED", "FAILED"];
      const host = hostId === null ? "" : ` on host ${hostId}`;
      this.trace.add(`task ${taskId} ${method} ${names[to]}${host}${why === "" ? "" : ` (${why})`}`);
    });
  }

  static async open(input: WorldInput): Promise<World> {
    identityCa ??= createCa("simulated builders");
    return new World(input, await identityCa);
  }

  /** A new config is deployed: from the next invocation on it is in force. */
  deploy(site: Site): void {
    this.site = site;
    this.lambda.deploy();
  }

  get isCalm(): boolean {
    return this.standingFaults === 0 && this.clock.now() >= this.calmFrom;
  }

  /** A fault took effect. */
  count(kind: string): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
  }

  live(): LiveInstance[] {
    return this.aws.ec2.live();
  }

  /** EC2 does not list it yet. */
  isHidden({ launchedAt }: LiveInstance): boolean {
    return [...this.hiding].some(({ seconds }) => this.clock.now() - launchedAt < seconds);
  }

  kojidOf(instanceId: string): Kojid | undefined {
    return this.machines.kojidOf(instanceId);
  }

  /** A builder beside the pool, with a kojid that works. */
  addStaticBuilder(hostName: string, arches: string, channels: readonly string[], capacity: number): Kojid {
    this.hub.addHost(hostName, { arches, channels, capacity });
    return startKojid({ hub: this.hub, clock: this.clock, work: this.input.work, hostName, maxjobs: 90 });
  }

  onEffect(call: AwsCall, answer: object, container: Container): void {
    if (call.operation === "TerminateInstances") this.invariants.onTerminate(call.input);
    if (call.operation !== "CreateFleet") return;
    const { Instances = [] }: CreateFleetResult = answer;
    const ids = Instances.flatMap(({ InstanceIds = [] }) => InstanceIds);
    this.launches += ids.length;
    this.invariants.onLaunch(ids, container);
  }

  onAlarm(name: keyof World["alarms"], raised: boolean): void {
    this.alarms[name] = raised ? Math.min(this.alarms[name], this.clock.now()) : Number.POSITIVE_INFINITY;
  }

  onKilled(container: string, effect: string): void {
    this.count("invocation killed after a side effect");
    this.trace.add(`  ${container}: KILLED after ${effect}`);
  }

  /** Notes as long as they say something new. */
  onDecision({ name }: Container, { notes }: Readonly<Record<string, unknown>>): void {
    const text = Array.isArray(notes) ? notes.join("; ") : "";
    if (text !== "" && text !== this.#lastNotes) this.trace.add(`  ${name}: note: ${text}`);
    this.#lastNotes = text;
  }

  /** A pass is over: it saw hub and EC2 (as they are), and every change that it wanted was made. */
  onGoodPass(): void {
    if (this.blinders === 0) this.invariants.onPass();
  }

  #openAws(caPem: string): SandboxAws {
    const { site, clock, random } = this;
    return createAws({
      clock,
      random: random.fork("aws"),
      buckets: [BUCKET],
      latencySeconds: this.input.awsLatencySeconds,
      parameters: { [PARAMETER.client]: LOGIN_CERTIFICATE, [PARAMETER.builderCa]: caPem },
      ec2: {
        subnets: site.builders.subnets,
        slotTag: TAG.slot,
        launchTemplates: [
          { id: LAUNCH_TEMPLATE, name: "toji-builder", data: { TagSpecifications: partTags(site.builders.fleet) } },
        ],
        pricePerHour: ({ instanceType, market }) =>
          (onDemandPrice(instanceType) ?? 0) * (market === "spot" ? site.builders.spotPriceRatio : 1),
        hooks: {
          onBoot: (instance) => this.#boot(instance),
          onStart: (instanceId) => this.machines.start(instanceId),
          onGone: (instanceId) => this.machines.lose(instanceId),
          onSpotWarning: (instanceId) => this.#warn(instanceId),
          onStateChange: (instanceId, state) => {
            this.trace.add(`${instanceId} is ${state}`);
            this.invariants.onState(instanceId, state);
            if (state !== "pending")
              this.lambda.publish("EC2 Instance State-change Notification", { "instance-id": instanceId, state });
          },
        },
      },
    });
  }

  #boot(instance: BootedInstance): void {
    const { instanceId } = instance;
    const fate = this.weather.bootFate(instance);
    if (fate !== null) {
      this.#fates.set(instanceId, fate);
      this.trace.add(`${instanceId} is going to boot badly: ${JSON.stringify(fate)}`);
    }
    if (fate === "never-boots") return;
    this.invariants.onBoot(instanceId);
    this.machines.boot(instance);
    const problem = this.machines.failures.at(-1);
    if (problem?.startsWith(instanceId) === true) this.trace.add(`boot failed: ${problem}`);
    if (fate !== null && typeof fate === "object") {
      this.clock.after(fate.diesAfterSeconds, () => this.kojidOf(instanceId)?.kill());
    }
  }

  #warn(instanceId: string): void {
    if (this.unannounced.has(instanceId)) return;
    this.trace.add(`${instanceId}: EC2 announces that it takes it back`);
    this.machines.warn(instanceId);
    this.lambda.publish("EC2 Spot Instance Interruption Warning", { "instance-id": instanceId });
  }
}
