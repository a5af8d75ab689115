// EC2 in memory: answers the SDK's commands, and does what people, spot markets and machines do to instances.

import {
  CreateFleetCommand,
  type CreateFleetResult,
  CreateLaunchTemplateVersionCommand,
  CreateTagsCommand,
  DeleteLaunchTemplateVersionsCommand,
  DeleteNetworkInterfaceCommand,
  DeleteTagsCommand,
  DeleteVolumeCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  DescribeLaunchTemplateVersionsCommand,
  DescribeNetworkInterfacesCommand,
  DescribeVolumesCommand,
  TerminateInstancesCommand,
  type TerminateInstancesCommandInput,
  type TerminateInstancesResult,
} from "@aws-sdk/client-ec2";
import type { Market } from "../../../shared/config/index.ts";
import { ApiGate, type FaultOptions } from "../api-gate.ts";
import { Capacity, type PoolFilter } from "./capacity.ts";
import { describeInstanceAttribute, describeInstances, stateOf } from "./describe.ts";
import { deleteNetworkInterface, deleteVolume, describeNetworkInterfaces, describeVolumes } from "./describe-parts.ts";
import { ec2Error, NotModelled, refuseFields, requireField } from "./errors.ts";
import { createFleet } from "./fleet.ts";
import { Instances } from "./instances.ts";
import type { Ec2Options, HistoryEntry, InstanceUsage, LiveInstance, SpotAction } from "./state.ts";
import { Storage } from "./storage.ts";
import { createTags, deleteAllTags, deleteTags, type Tagged } from "./tags.ts";
import { LaunchTemplates } from "./templates.ts";
import { ClientTokens } from "./tokens.ts";

/** EC2 gives two minutes' notice. */
const SPOT_WARNING_SECONDS = 120;

export class Ec2Model {
  /** Snapshots, volumes made by hand, images, addresses and consoles, and what happens to them beside the API. */
  readonly storage: Storage;
  readonly #options: Ec2Options;
  readonly #gate: ApiGate;
  readonly #templates: LaunchTemplates;
  readonly #instances: Instances;
  readonly #capacity: Capacity;
  readonly #fleetTokens = new ClientTokens<CreateFleetResult>();
  #fleets = 0;

  constructor(options: Ec2Options) {
    this.#options = options;
    this.#gate = new ApiGate(options.clock, options.latencySeconds ?? 0);
    this.#templates = new LaunchTemplates(options.clock, options.launchTemplates ?? []);
    this.#instances = new Instances(options);
    this.#capacity = new Capacity(options.quotas ?? {});
    this.storage = new Storage({
      options,
      instances: this.#instances,
      capacity: this.#capacity,
      visibleAfter: () => this.#instances.drawVisible(),
    });
  }

  get subnets(): Ec2Options["subnets"] {
    return this.#options.subnets;
  }

  /** Answers one command, as the SDK's client would after its own retries. */
  async send(command: object): Promise<object> {
    const templates = this.#templates;
    const instances = this.#instances;
    const answer = (operation: string, apply: () => object) =>
      this.#gate.pass(operation, () => ({ ...apply(), $metadata: { httpStatusCode: 200 } }));
    if (command instanceof DescribeInstancesCommand)
      return answer("DescribeInstances", () => describeInstances(instances, command.input));
    if (command instanceof CreateFleetCommand) return answer("CreateFleet", () => this.#createFleet(command));
    if (command instanceof TerminateInstancesCommand)
      return answer("TerminateInstances", () => this.#terminate(command.input));
    if (command instanceof CreateTagsCommand)
      return answer("CreateTags", () => createTags(this.#findTagged, command.input));
    if (command instanceof DeleteTagsCommand)
      return answer("DeleteTags", () => deleteTags(this.#findTagged, command.input));
    if (command instanceof CreateLaunchTemplateVersionCommand)
      return answer("CreateLaunchTemplateVersion", () => templates.createVersion(command.input));
    if (command instanceof DescribeLaunchTemplateVersionsCommand)
      return answer("DescribeLaunchTemplateVersions", () => templates.describe(command.input));
    if (command instanceof DeleteLaunchTemplateVersionsCommand)
      return answer("DeleteLaunchTemplateVersions", () => templates.deleteVersions(command.input));
    return this.#sendAboutParts(command, answer);
  }

  #sendAboutParts(command: object, answer: (operation: string, apply: () => object) => Promise<object>) {
    const { parts } = this.#instances;
    if (command instanceof DescribeInstanceAttributeCommand)
      return answer("DescribeInstanceAttribute", () => describeInstanceAttribute(this.#instances, command.input));
    if (command instanceof DescribeVolumesCommand)
      return answer("DescribeVolumes", () => describeVolumes(parts, this.#options.clock.now(), command.input));
    if (command instanceof DeleteVolumeCommand) return answer("DeleteVolume", () => deleteVolume(parts, command.input));
    if (command instanceof DescribeNetworkInterfacesCommand)
      return answer("DescribeNetworkInterfaces", () => describeNetworkInterfaces(parts, command.input));
    if (command instanceof DeleteNetworkInterfaceCommand)
      return answer("DeleteNetworkInterface", () => deleteNetworkInterface(parts, command.input));
    const storage = this.storage.answerFor(command);
    if (storage !== null) return answer(storage.operation, storage.apply);
    throw new NotModelled(command.constructor.name);
  }

  readonly #findTagged = (id: string): Tagged => {
    const instances = this.#instances;
    if (id.startsWith("i-")) return instances.find(id);
    if (id.startsWith("vol-")) return instances.parts.volume(id);
    if (id.startsWith("eni-")) return instances.parts.networkInterface(id);
    if (id.startsWith("snap-")) return this.storage.snapshots.find(id);
    throw new NotModelled(`tags of ${id}`);
  };

  /** A person stops it in the console. Spot instances of a fleet cannot be stopped: throws UnsupportedOperation. */
  stopInstance(instanceId: string): void {
    this.#instances.stop(this.#instances.inWorld(instanceId), "person");
  }

  /** A person starts a stopped one again: the same machine, whose user data does not run twice (hook onStart). */
  startInstance(instanceId: string): void {
    this.#instances.start(this.#instances.inWorld(instanceId));
  }

  /** What comes with the instance will outlive it: its volumes and its network interface stay, available. */
  leavePartsBehind(instanceId: string, outlive = true): void {
    this.#instances.parts.keepAfter(instanceId, outlive);
  }

  /** A person detaches a volume or a network interface. */
  detach(id: string): void {
    this.#instances.parts.detach(id);
  }

  /** A person attaches a volume or a network interface to an instance. */
  attach(id: string, instanceId: string): void {
    this.#instances.parts.attachTo(id, this.#instances.inWorld(instanceId).instanceId);
  }

  terminateByPerson(instanceId: string): void {
    this.#instances.terminate(this.#instances.inWorld(instanceId), "person");
  }

  /** The machine shuts itself down; its launch template says whether that stops or terminates it. */
  shutdownFromInside(instanceId: string): void {
    const instance = this.#instances.inWorld(instanceId);
    if (instance.shutdownBehavior === "terminate") this.#instances.terminate(instance, "guest-shutdown");
    else this.#instances.stop(instance, "guest-shutdown");
  }

  /** A person removes every tag; AWS's own (`aws:`) stay. */
  deleteAllTags(instanceId: string): void {
    deleteAllTags(this.#instances.inWorld(instanceId));
  }

  /** EC2 takes a spot instance back: warns now, acts two minutes later. */
  spotInterrupt(
    instanceId: string,
    {
      action = "terminate",
      warningSeconds = SPOT_WARNING_SECONDS,
    }: { action?: SpotAction; warningSeconds?: number } = {},
  ): void {
    this.#instances.interrupt(this.#instances.inWorld(instanceId), action, warningSeconds);
  }

  /**
   * At most so many instances at once in the pools that match ("none" = 0, "unlimited" takes the limit away); those
   * that run stay. `code`: what CreateFleet answers instead of EC2's capacity code, e.g. "Unsupported".
   */
  setCapacity(filter: PoolFilter, instances: number | "none" | "unlimited", code?: string): void {
    const most = instances === "none" ? 0 : instances === "unlimited" ? Number.POSITIVE_INFINITY : instances;
    this.#capacity.limit(filter, most, code);
  }

  /** vCPUs of all instances of a market that are not stopped or terminated; Infinity = no limit. */
  setQuota(market: Market, vcpus: number): void {
    this.#capacity.setQuota(market, vcpus);
  }

  /** The next `times` calls (of one operation) end in RequestLimitExceeded. */
  throttleNext(times: number, operation?: string): void {
    this.failNext(operation ?? null, "RequestLimitExceeded", { times });
  }

  /** `error`: an EC2 code or an error of your own. `applied`: it takes effect all the same, only the answer is lost. */
  failNext(operation: string | null, error: string | Error, options: FaultOptions = {}): void {
    const makeError = () => (typeof error === "string" ? ec2Error(error, `${error} (injected)`) : error);
    this.#gate.failNext(operation, makeError, options);
  }

  /** Calls so far by operation, failed ones included. */
  callCounts(): Readonly<Record<string, number>> {
    return this.#gate.callCounts();
  }

  /** What every instance so far costs up to now. */
  usage(): InstanceUsage[] {
    return this.#instances.all.map((instance) => {
      const { instanceId, instanceType, market, pricePerHour } = instance;
      const seconds = this.#instances.billedSeconds(instance);
      return { instanceId, instanceType, market, seconds, dollars: (seconds / 3600) * pricePerHour };
    });
  }

  /** Every instance that ever was, in the order of launch. */
  history(): HistoryEntry[] {
    return this.#instances.all.map(
      ({ instanceId, instanceType, zone, market, slot, launchedAt, bootedAt, goneAt, endedAt, reason }) => {
        return { instanceId, instanceType, zone, market, slot, launchedAt, bootedAt, goneAt, endedAt, reason };
      },
    );
  }

  /** What is there now and not terminated, seen past EC2's own delays; tags as they are. */
  live(): LiveInstance[] {
    return this.#instances.all
      .filter(({ state }) => state !== "terminated")
      .map(({ tags, startedAt, ...instance }) => {
        const { instanceId, imageId, instanceType, zone, market, launchedAt, state } = instance;
        const own = { instanceId, imageId, instanceType, zone, market, launchedAt, startedAt, state };
        return { ...own, tags: Object.fromEntries(tags) };
      });
  }

  #createFleet({ input }: CreateFleetCommand): CreateFleetResult {
    return this.#fleetTokens.once(input.ClientToken, input, () => {
      const world = {
        options: this.#options,
        templates: this.#templates,
        instances: this.#instances,
        capacity: this.#capacity,
      };
      const fleetId = `fleet-${String(this.#fleets + 1).padStart(12, "0")}`;
      const result = createFleet(world, fleetId, input);
      this.#fleets++;
      return result;
    });
  }

  /** All or none: an unknown id fails the whole call. Terminating what is terminated is fine. */
  #terminate(input: TerminateInstancesCommandInput): TerminateInstancesResult {
    refuseFields("TerminateInstances", input, "DryRun", "Force", "SkipOsShutdown");
    const named = requireField(input.InstanceIds, "InstanceId").map((id) => this.#instances.find(id));
    const guarded = named.find(({ terminationProtected }) => terminationProtected);
    if (guarded !== undefined) {
      const message = `The instance '${guarded.instanceId}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`;
      throw ec2Error("OperationNotPermitted", message);
    }
    const TerminatingInstances = named.map((instance) => {
      const PreviousState = stateOf(instance.state);
      this.#instances.terminate(instance, "terminate-call");
      return { InstanceId: instance.instanceId, PreviousState, CurrentState: stateOf(instance.state) };
    });
    return { TerminatingInstances };
  }
}
