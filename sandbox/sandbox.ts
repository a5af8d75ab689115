// The whole of Toji on one machine: hub, builders and AWS as models, around the handler that Lambda runs.

import { fileURLToPath } from "node:url";
import { DescribeLaunchTemplateVersionsCommand } from "@aws-sdk/client-ec2";
import { fleetHandler } from "../functions/fleet/pass.ts";
import { sweepHandler } from "../functions/fleet/sweep.ts";
import { onDemandPrice, type Site } from "../shared/config/index.ts";
import {
  type FleetPorts,
  openFleetPorts,
  openSweepPorts,
  readBuilderScripts,
  type SweepPorts,
  TAG,
} from "../shared/fleet/index.ts";
import type { HubOptions } from "../shared/hub/index.ts";
import type { Telemetry } from "../shared/telemetry.ts";
import { Invariants } from "./invariants.ts";
import { lambdaContext } from "./lambda-context.ts";
import { createCa } from "./server/certificates.ts";
import { type HubServer, startHubServer } from "./server/hub.ts";
import { PARAMETER, partTags, sandboxSite } from "./site.ts";
import { createAws, type SandboxAws } from "./world/aws.ts";
import { VirtualClock } from "./world/clock.ts";
import type { BootedInstance, LiveInstance } from "./world/ec2/index.ts";
import { createHub, type Hub } from "./world/hub/index.ts";
import { type MachineFault, Machines } from "./world/machines.ts";
import { Random } from "./world/random.ts";
import { createWork, type Work } from "./world/work.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
export const BUCKET = "toji-sandbox";
const LAUNCH_TEMPLATE = "lt-0123456789abcdef0";
const TICK_SECONDS = 60;
const SWEEP_SECONDS = 600;
/** The name Toji logs in with. */
const TOJI_USER = "toji";

export interface SandboxInput {
  readonly seed: number | string;
  /** Epoch seconds at which the sandbox's clock starts. */
  readonly start: number;
  /** Port of the hub over plain HTTP; 0 = any. */
  readonly hubPort?: number;
  readonly admin?: boolean;
  readonly hubOptions?: Partial<HubOptions>;
  readonly telemetry?: Telemetry;
  faultOf?(instance: BootedInstance): MachineFault | null;
}

export interface Sandbox {
  readonly site: Site;
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly hub: Hub;
  readonly work: Work;
  readonly aws: SandboxAws;
  readonly machines: Machines;
  readonly invariants: Invariants;
  /** Plain HTTP, for people and for `toji plan`. */
  readonly hubUrl: string;
  /** Runs the handler as EventBridge would. Its error is the caller's. */
  invoke(event: unknown): Promise<void>;
  /** Instances that are not terminated, seen past EC2's own delays. */
  live(): LiveInstance[];
  /** Starts the schedule: a pass each minute, a sweep each ten. Returns how to end it. */
  startSchedule(): () => void;
  leftovers(): Promise<string[]>;
  close(): Promise<void>;
}

export async function openSandbox(input: SandboxInput): Promise<Sandbox> {
  const random = new Random(input.seed);
  const clock = new VirtualClock(input.start);
  const hub = createHub({ clock, ...(input.hubOptions === undefined ? {} : { options: input.hubOptions }) });
  hub.addUser(TOJI_USER, input.admin === true ? ["host", "admin"] : ["host"]);
  const [hubCa, builderCa] = await Promise.all([createCa("sandbox hub"), createCa("sandbox builders")]);
  const tls = { ...(await hubCa.issueServer()), clientCa: hubCa.certificate };
  const server = await startHubServer({ hub, clock, port: input.hubPort ?? 0, tls });
  const site = sandboxSite(server.httpsUrl ?? server.url, { admin: input.admin ?? false });
  const work = createWork({ random: random.fork("work") });

  let sandbox: Sandbox | undefined;
  const event = (detailType: string, detail: object) => ({ source: "aws.ec2", "detail-type": detailType, detail });
  const aws = createAws({
    clock,
    random,
    buckets: [BUCKET],
    parameters: {
      [PARAMETER.client]: await hubCa.issueClient(TOJI_USER),
      [PARAMETER.builderCa]: builderCa.pem,
      [PARAMETER.serverCa]: hubCa.certificate,
    },
    ec2: {
      subnets: site.builders.subnets,
      slotTag: TAG.slot,
      launchTemplates: [
        { id: LAUNCH_TEMPLATE, name: "toji-builder", data: { TagSpecifications: partTags(site.builders.fleet) } },
      ],
      pricePerHour: ({ instanceType, market }) =>
        (onDemandPrice(instanceType) ?? 0) * (market === "spot" ? site.builders.spotPriceRatio : 1),
      hooks: {
        onBoot: (instance) => machines.boot(instance),
        onStart: (instanceId) => machines.start(instanceId),
        onGone: (instanceId) => machines.lose(instanceId),
        onSpotWarning(instanceId) {
          machines.warn(instanceId);
          return sandbox?.invoke(event("EC2 Spot Instance Interruption Warning", { "instance-id": instanceId }));
        },
        onStateChange(instanceId, state) {
          if (state === "shutting-down") noteTermination(instanceId);
          return sandbox?.invoke(event("EC2 Instance State-change Notification", { "instance-id": instanceId, state }));
        },
      },
    },
  });
  const machines = new Machines({
    clock,
    hub,
    work,
    s3: aws.s3,
    identityCa: builderCa.certificate,
    ...(input.faultOf === undefined ? {} : { faultOf: input.faultOf }),
  });
  const invariants = new Invariants(site, hub);
  const noteTermination = (instanceId: string) => {
    const ended = aws.ec2.history().find((each) => each.instanceId === instanceId);
    if (ended?.reason === "terminate-call" && ended.slot !== null)
      invariants.onTerminate(clock.now(), ended.slot, ended.launchedAt);
  };

  const setting = {
    site,
    clients: aws.clients,
    clock,
    telemetry: input.telemetry ?? SILENT,
    bucket: BUCKET,
    launchTemplateId: LAUNCH_TEMPLATE,
  };
  const open = (): Promise<FleetPorts & { close(): Promise<void> }> =>
    openFleetPorts({ ...setting, scripts: readBuilderScripts(ROOT) });
  const openSweep = (): SweepPorts => openSweepPorts(setting);
  sandbox = assemble({ site, clock, random, hub, work, aws, machines, invariants, server, open, openSweep });
  return sandbox;
}

const SILENT: Telemetry = { info() {}, warn() {}, metric() {} };

interface Parts
  extends Pick<Sandbox, "site" | "clock" | "random" | "hub" | "work" | "aws" | "machines" | "invariants"> {
  readonly server: HubServer;
  open(): Promise<FleetPorts & { close(): Promise<void> }>;
  openSweep(): SweepPorts;
}

function assemble({ server, open, openSweep, ...parts }: Parts): Sandbox {
  const { clock, aws, invariants } = parts;
  let ports: (FleetPorts & { close(): Promise<void> }) | undefined;
  const handler = fleetHandler(async () => {
    ports = await open();
    return ports;
  });
  const sweepNow = sweepHandler(openSweep);
  let invocations = 0;
  const invoke = async (event: unknown) => {
    invocations += 1;
    const context = lambdaContext(`invocation-${invocations}`);
    await clock.actor(async () => await handler(event, context, { signal: new AbortController().signal }), "fleet");
    invariants.check(clock.now(), live());
  };
  const sweep = async () => {
    invocations += 1;
    const context = lambdaContext(`invocation-${invocations}`);
    const event = { source: "aws.scheduler" };
    await clock.actor(async () => await sweepNow(event, context, { signal: new AbortController().signal }), "sweep");
  };
  const live = () => aws.ec2.live();
  return {
    ...parts,
    hubUrl: server.url,
    invoke,
    live,
    startSchedule() {
      const ends = [
        every(clock, 0, TICK_SECONDS, () => invoke({ source: "aws.scheduler" })),
        every(clock, SWEEP_SECONDS / 2, SWEEP_SECONDS, sweep),
      ];
      return () => {
        for (const end of ends) end();
      };
    },
    async leftovers() {
      const versions = await aws.clients.ec2.send(
        new DescribeLaunchTemplateVersionsCommand({ LaunchTemplateId: LAUNCH_TEMPLATE }),
      );
      const made = (versions.LaunchTemplateVersions ?? []).filter((each) => each.DefaultVersion !== true);
      return [...aws.s3.keys(BUCKET, "identities/"), ...made.map((each) => `template version ${each.VersionNumber}`)];
    },
    async close() {
      await ports?.close();
      await server.close();
    },
  };
}

/** Returns how to end it. */
function every(clock: VirtualClock, first: number, seconds: number, run: () => Promise<void>): () => void {
  let cancel = () => {};
  const tick = () => {
    cancel = clock.after(seconds, tick);
    return run();
  };
  cancel = clock.after(first, tick);
  return () => cancel();
}
