// EC2 as Toji uses it: instances by tag, launches by CreateFleet, one launch-template version per launch.

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
  type Instance as Ec2Instance,
  type InstanceStateName,
  type RequestLaunchTemplateData,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import type { AwsClients } from "./clients.ts";
import { AwsCallFailed, attempt } from "./errors.ts";
import { byTag, readTags, type TagFilter, writeTags } from "./tag-set.ts";

type Market = "spot" | "on-demand";

export interface TaggedInstance {
  readonly instanceId: string;
  readonly state: InstanceStateName;
  readonly instanceType: string;
  readonly zone: string;
  readonly market: Market;
  readonly launchedAt: number;
  readonly imageId: string | null;
  /** Its end was EC2's doing: it took the spot instance back. */
  readonly takenBySpot: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

export interface LaunchRequest {
  readonly templateId: string;
  readonly templateVersion: string;
  readonly market: Market;
  readonly offerings: readonly { readonly instanceType: string; readonly subnetId: string }[];
  readonly tags: Readonly<Record<string, string>>;
  readonly token: string;
}

export interface LaunchError {
  readonly code: string;
  readonly message: string;
  /** Absent when the error is not about one of the offerings. */
  readonly instanceType?: string | undefined;
  readonly subnetId?: string | undefined;
}

export interface LaunchAnswer {
  readonly instances: readonly { readonly instanceId: string; readonly instanceType: string | undefined }[];
  readonly errors: readonly LaunchError[];
}

/**
 * Every instance that carries the tag, in any state EC2 still lists, page by page. EC2's own tags may be asked for as
 * well: `aws:ec2launchtemplate:id` stands on what a launch template launched, whatever persons do to the other tags.
 */
export async function listInstances(ec2: AwsClients["ec2"], tag: TagFilter): Promise<TaggedInstance[]> {
  const found: TaggedInstance[] = [];
  let NextToken: string | undefined;
  do {
    const input = { Filters: [byTag(tag)], MaxResults: 1000, NextToken };
    const page = await attempt("DescribeInstances", () => ec2.send(new DescribeInstancesCommand(input)));
    for (const reservation of page.Reservations ?? []) found.push(...(reservation.Instances ?? []).map(readInstance));
    NextToken = page.NextToken;
  } while (NextToken !== undefined && NextToken !== "");
  return found;
}

function readInstance(instance: Ec2Instance): TaggedInstance {
  return {
    instanceId: instance.InstanceId ?? "",
    state: instance.State?.Name ?? "pending",
    instanceType: instance.InstanceType ?? "",
    zone: instance.Placement?.AvailabilityZone ?? "",
    market: instance.InstanceLifecycle === "spot" ? "spot" : "on-demand",
    launchedAt: (instance.LaunchTime?.getTime() ?? 0) / 1000,
    imageId: instance.ImageId ?? null,
    // Server.SpotInstanceTermination and Server.SpotInstanceShutdown (SDK typings, StateReason).
    takenBySpot: instance.StateReason?.Code?.startsWith("Server.SpotInstance") ?? false,
    tags: readTags(instance.Tags),
  };
}

/** The user data of an instance in base64, as it was given at its launch; "" = none. */
export async function readUserData(ec2: AwsClients["ec2"], instanceId: string): Promise<string> {
  const command = new DescribeInstanceAttributeCommand({ InstanceId: instanceId, Attribute: "userData" });
  const reply = await attempt("DescribeInstanceAttribute", () => ec2.send(command));
  return reply.UserData?.Value ?? "";
}

export interface TemplateVersion {
  readonly version: string;
  readonly description: string;
  /** Epoch seconds. */
  readonly madeAt: number;
}

/** Every version of a template, page by page. */
export async function listTemplateVersions(ec2: AwsClients["ec2"], templateId: string): Promise<TemplateVersion[]> {
  const found: TemplateVersion[] = [];
  let NextToken: string | undefined;
  do {
    const input = { LaunchTemplateId: templateId, MaxResults: 200, NextToken };
    const page = await attempt("DescribeLaunchTemplateVersions", () =>
      ec2.send(new DescribeLaunchTemplateVersionsCommand(input)),
    );
    for (const { VersionNumber, VersionDescription, CreateTime } of page.LaunchTemplateVersions ?? []) {
      if (VersionNumber === undefined) continue;
      const madeAt = (CreateTime?.getTime() ?? 0) / 1000;
      found.push({ version: String(VersionNumber), description: VersionDescription ?? "", madeAt });
    }
    NextToken = page.NextToken;
  } while (NextToken !== undefined && NextToken !== "");
  return found;
}

/** A version on top of the template's default; what `changes` does not name is inherited. */
export async function createTemplateVersion(
  ec2: AwsClients["ec2"],
  templateId: string,
  description: string,
  changes: RequestLaunchTemplateData,
): Promise<string> {
  const reply = await attempt("CreateLaunchTemplateVersion", () =>
    ec2.send(
      new CreateLaunchTemplateVersionCommand({
        LaunchTemplateId: templateId,
        SourceVersion: "$Default",
        VersionDescription: description,
        LaunchTemplateData: changes,
      }),
    ),
  );
  const number = reply.LaunchTemplateVersion?.VersionNumber;
  if (number === undefined)
    throw new AwsCallFailed("CreateLaunchTemplateVersion", new Error("the answer has no version"));
  return String(number);
}

/** At most 200 in one call. One that is gone already is fine: EC2 answers those in its list of failures. */
export async function deleteTemplateVersions(
  ec2: AwsClients["ec2"],
  templateId: string,
  versions: readonly string[],
): Promise<void> {
  const command = new DeleteLaunchTemplateVersionsCommand({ LaunchTemplateId: templateId, Versions: [...versions] });
  await attempt("DeleteLaunchTemplateVersions", () => ec2.send(command));
}

/** One instance, whichever offering EC2 has. HTTP 200 says nothing: look at the ids and the errors. */
export async function launchInstance(ec2: AwsClients["ec2"], request: LaunchRequest): Promise<LaunchAnswer> {
  const reply = await attempt("CreateFleet", () => ec2.send(new CreateFleetCommand(fleetInput(request))));
  return {
    instances: (reply.Instances ?? []).flatMap(({ InstanceIds, InstanceType: instanceType }) =>
      (InstanceIds ?? []).map((instanceId) => ({ instanceId, instanceType })),
    ),
    errors: (reply.Errors ?? []).map((each) => ({
      code: each.ErrorCode ?? "Unknown",
      message: each.ErrorMessage ?? "",
      instanceType: each.LaunchTemplateAndOverrides?.Overrides?.InstanceType,
      subnetId: each.LaunchTemplateAndOverrides?.Overrides?.SubnetId,
    })),
  };
}

function fleetInput(request: LaunchRequest): CreateFleetCommandInput {
  const Tags = writeTags(request.tags);
  return {
    Type: "instant",
    ClientToken: request.token,
    LaunchTemplateConfigs: [
      {
        LaunchTemplateSpecification: { LaunchTemplateId: request.templateId, Version: request.templateVersion },
        Overrides: request.offerings.map((each, index) => ({
          InstanceType: each.instanceType as NonNullable<Ec2Instance["InstanceType"]>,
          SubnetId: each.subnetId,
          Priority: index,
        })),
      },
    ],
    TargetCapacitySpecification: { TotalTargetCapacity: 1, DefaultTargetCapacityType: request.market },
    SpotOptions: { AllocationStrategy: "capacity-optimized-prioritized" },
    OnDemandOptions: { AllocationStrategy: "prioritized" },
    TagSpecifications: [
      { ResourceType: "instance", Tags },
      { ResourceType: "fleet", Tags },
    ],
  };
}

/** All of them or none. */
export async function tagInstance(
  ec2: AwsClients["ec2"],
  instanceId: string,
  tags: Readonly<Record<string, string>>,
): Promise<void> {
  const Tags = writeTags(tags);
  const command = new CreateTagsCommand({ Resources: [instanceId], Tags });
  await attempt("CreateTags", () => ec2.send(command));
}

export async function untagInstance(ec2: AwsClients["ec2"], instanceId: string, ...keys: string[]): Promise<void> {
  const command = new DeleteTagsCommand({ Resources: [instanceId], Tags: keys.map((Key) => ({ Key })) });
  await attempt("DeleteTags", () => ec2.send(command));
}

/**
 * Throws AwsCallFailed, also when EC2 does not know the instance: that is what it says of one that is gone, and now
 * and then of one that is not. Which it was, the next list of instances tells.
 */
export async function terminateInstance(ec2: AwsClients["ec2"], instanceId: string): Promise<void> {
  const command = new TerminateInstancesCommand({ InstanceIds: [instanceId] });
  await attempt("TerminateInstances", () => ec2.send(command));
}
