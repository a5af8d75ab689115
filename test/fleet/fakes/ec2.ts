// EC2 with a state: client tokens, Errors[] with HTTP 200, instances that are listed late, pending and shutting-down times.

import {
  CreateFleetCommand,
  type CreateFleetCommandInput,
  CreateLaunchTemplateVersionCommand,
  CreateTagsCommand,
  DeleteLaunchTemplateVersionsCommand,
  DeleteTagsCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  DescribeLaunchTemplateVersionsCommand,
  DescribeNetworkInterfacesCommand,
  DescribeVolumesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import type { AwsClients } from "../../../shared/aws/clients.ts";
import type { Clock } from "../../../shared/clock.ts";
import type { Market } from "../../../shared/config/index.ts";
import type { InstanceState } from "../../../shared/fleet/types.ts";
import { Scalpel } from "./scalpel.ts";

export interface FakeInstance {
  readonly id: string;
  state: InstanceState;
  /** Since when it is in this state. */
  since: number;
  readonly type: string;
  readonly subnet: string;
  readonly market: Market;
  readonly launchedAt: number;
  readonly version: string;
  image: string;
  userData: string;
  readonly tags: Map<string, string>;
}

interface Version {
  readonly number: number;
  readonly description: string;
  readonly madeAt: number;
  readonly userData: string;
  readonly image: string;
}

export function awsError(name: string, message = name): Error {
  return Object.assign(new Error(message), { name });
}

/** The template's own first version, which is never listed here: launches do not use it. */
const BASE_VERSION = { LaunchTemplateVersions: [{ VersionNumber: 0, DefaultVersion: true }] };

export class FakeEc2 {
  readonly instances: FakeInstance[] = [];
  readonly versions = new Map<number, Version>();
  /** "type subnet market" -> the code with which EC2 refuses it. */
  readonly refused = new Map<string, string>();
  /** Called before an instance is terminated by a call; what it throws, the call throws. */
  onTerminate: (instance: FakeInstance) => void = () => {};
  listedAfterSeconds = 0;
  /** Until then every call is one too many. */
  throttledUntil = 0;
  /** Until then no instance can be terminated by a call. */
  protectedUntil = 0;
  #lastVersion = 0;
  readonly #clock: Clock;
  readonly #scalpel: Scalpel;
  readonly #tokens = new Map<string, { readonly parameters: string; readonly answer: object }>();

  constructor(clock: Clock, scalpel = new Scalpel()) {
    this.#clock = clock;
    this.#scalpel = scalpel;
  }

  get client(): AwsClients["ec2"] {
    return { send: (command: object) => this.#send(command) } as unknown as AwsClients["ec2"];
  }

  live(slot?: string): FakeInstance[] {
    const alive = this.instances.filter((each) => each.state !== "terminated");
    return slot === undefined ? alive : alive.filter((each) => each.tags.get("toji:slot") === slot);
  }

  become(instance: FakeInstance, state: InstanceState): void {
    instance.state = state;
    instance.since = this.#clock.now();
  }

  /** Numbers are not used again when versions go. */
  addVersion(description: string, userData = "", image = "ami-0a"): number {
    this.#lastVersion += 1;
    const number = this.#lastVersion;
    this.versions.set(number, { number, description, madeAt: this.#clock.now(), userData, image });
    return number;
  }

  /** Time passes: 20 s from pending to running, 30 s from shutting-down to terminated. */
  step(): void {
    for (const each of this.instances) {
      const age = this.#clock.now() - each.since;
      if (each.state === "pending" && age >= 20) this.become(each, "running");
      if (each.state === "shutting-down" && age >= 30) this.become(each, "terminated");
    }
  }

  async #send(command: object): Promise<object> {
    this.#scalpel.check();
    if (this.#clock.now() < this.throttledUntil) throw awsError("RequestLimitExceeded", "slow down");
    if (command instanceof DescribeInstancesCommand) return this.#describe(command.input.Filters?.[0]?.Name ?? "");
    if (command instanceof DescribeInstanceAttributeCommand)
      return { UserData: { Value: this.#find(command.input.InstanceId).userData } };
    if (command instanceof DescribeLaunchTemplateVersionsCommand)
      return command.input.Versions === undefined ? this.#describeVersions() : BASE_VERSION;
    if (command instanceof DescribeVolumesCommand || command instanceof DescribeNetworkInterfacesCommand) return {};
    if (command instanceof CreateFleetCommand) return this.#createFleet(command.input);
    if (command instanceof CreateLaunchTemplateVersionCommand) {
      const { VersionDescription, LaunchTemplateData } = command.input;
      const number = this.addVersion(
        VersionDescription ?? "",
        LaunchTemplateData?.UserData,
        LaunchTemplateData?.ImageId,
      );
      this.#scalpel.did(`create template version ${number}`);
      return { LaunchTemplateVersion: { VersionNumber: number } };
    }
    if (command instanceof DeleteLaunchTemplateVersionsCommand) {
      for (const version of command.input.Versions ?? []) this.versions.delete(Number(version));
      this.#scalpel.did(`delete template version ${command.input.Versions}`);
      return {};
    }
    if (command instanceof CreateTagsCommand) {
      const instance = this.#find(command.input.Resources?.[0]);
      for (const { Key, Value } of command.input.Tags ?? []) instance.tags.set(Key ?? "", Value ?? "");
      this.#scalpel.did(`tag ${instance.id} ${command.input.Tags?.[0]?.Key}`);
      return {};
    }
    if (command instanceof DeleteTagsCommand) {
      const instance = this.#find(command.input.Resources?.[0]);
      for (const { Key } of command.input.Tags ?? []) instance.tags.delete(Key ?? "");
      this.#scalpel.did(`untag ${instance.id} ${command.input.Tags?.[0]?.Key}`);
      return {};
    }
    if (command instanceof TerminateInstancesCommand) {
      const instance = this.#find(command.input.InstanceIds?.[0]);
      if (this.#clock.now() < this.protectedUntil) throw awsError("OperationNotPermitted", "termination protection");
      this.onTerminate(instance);
      if (instance.state !== "terminated") this.become(instance, "shutting-down");
      this.#scalpel.did(`terminate ${instance.id}`);
      return {};
    }
    throw new Error(`this EC2 has no ${command.constructor.name}`);
  }

  #find(id: string | undefined): FakeInstance {
    const instance = this.instances.find((each) => each.id === id && this.#isListed(each));
    if (instance === undefined) throw awsError("InvalidInstanceID.NotFound");
    return instance;
  }

  #isListed(instance: FakeInstance): boolean {
    return this.#clock.now() - instance.launchedAt >= this.listedAfterSeconds;
  }

  /** By the fleet's tag, or by the template's, which nobody can take away. */
  #describe(filter: string): object {
    const all = filter === "tag:aws:ec2launchtemplate:id";
    const listed = this.instances.filter((each) => this.#isListed(each) && (all || each.tags.has("toji:fleet")));
    const Instances = listed.map((each) => ({
      InstanceId: each.id,
      State: { Name: each.state },
      InstanceType: each.type,
      ImageId: each.image,
      Placement: { AvailabilityZone: each.subnet === "subnet-0a" ? "us-east-1a" : "us-east-1b" },
      LaunchTime: new Date(each.launchedAt * 1000),
      ...(each.market === "spot" ? { InstanceLifecycle: "spot" } : {}),
      Tags: [...each.tags, ["aws:ec2launchtemplate:version", each.version]].map(([Key, Value]) => ({ Key, Value })),
    }));
    return { Reservations: [{ Instances }] };
  }

  #describeVersions(): object {
    const LaunchTemplateVersions = [...this.versions.values()].map((version) => ({
      VersionNumber: version.number,
      VersionDescription: version.description,
      CreateTime: new Date(version.madeAt * 1000),
    }));
    return { LaunchTemplateVersions };
  }

  #createFleet(input: CreateFleetCommandInput): object {
    const parameters = JSON.stringify(input);
    const token = input.ClientToken ?? "";
    const known = this.#tokens.get(token);
    if (known !== undefined) {
      if (known.parameters !== parameters) throw awsError("IdempotentParameterMismatch");
      return known.answer;
    }
    const answer = this.#launch(input);
    this.#tokens.set(token, { parameters, answer });
    this.#scalpel.did(`create fleet ${token}`);
    return answer;
  }

  #launch(input: CreateFleetCommandInput): object {
    const market = input.TargetCapacitySpecification?.DefaultTargetCapacityType === "spot" ? "spot" : "on-demand";
    const config = input.LaunchTemplateConfigs?.[0];
    const version = config?.LaunchTemplateSpecification?.Version ?? "";
    const made = this.versions.get(Number(version));
    if (made === undefined) throw awsError("InvalidLaunchTemplateId.VersionNotFound");
    const Errors: object[] = [];
    for (const { InstanceType, SubnetId, Priority: _, ...rest } of config?.Overrides ?? []) {
      const refused = this.refused.get(`${InstanceType} ${SubnetId} ${market}`);
      if (refused !== undefined) {
        const Overrides = { InstanceType, SubnetId, ...rest };
        Errors.push({ ErrorCode: refused, ErrorMessage: refused, LaunchTemplateAndOverrides: { Overrides } });
        continue;
      }
      const tags = input.TagSpecifications?.find((each) => each.ResourceType === "instance")?.Tags ?? [];
      const instance: FakeInstance = {
        id: `i-${this.instances.length + 1}`,
        state: "pending",
        since: this.#clock.now(),
        type: InstanceType ?? "",
        subnet: SubnetId ?? "",
        market,
        launchedAt: this.#clock.now(),
        version,
        image: made.image,
        userData: made.userData,
        tags: new Map(tags.map(({ Key, Value }) => [Key ?? "", Value ?? ""])),
      };
      this.instances.push(instance);
      return { Instances: [{ InstanceIds: [instance.id], InstanceType, Lifecycle: market }], Errors };
    }
    return { Instances: [], Errors };
  }
}
