// RunInstances: on-demand instances with volumes made from snapshots.

import type { BlockDeviceMapping, Reservation, RunInstancesCommandInput } from "@aws-sdk/client-ec2";
import { vcpusOf } from "../../../shared/config/index.ts";
import type { Capacity } from "./capacity.ts";
import { viewInstance } from "./describe.ts";
import { ec2Error, NotModelled, refuseFields, requireField } from "./errors.ts";
import type { Instances, LaunchPlan } from "./instances.ts";
import { DEFAULT_VOLUME, isRootDevice, type PlannedVolume } from "./parts.ts";
import type { Snapshots } from "./snapshots.ts";
import type { Ec2Options } from "./state.ts";
import { tagsOfType } from "./tags.ts";
import { checkUserData } from "./templates.ts";
import { planVolume } from "./volume-calls.ts";

/** What a launch works on. */
export interface LaunchWorld {
  readonly options: Ec2Options;
  readonly instances: Instances;
  readonly snapshots: Snapshots;
  readonly capacity: Capacity;
}

export function runInstances(world: LaunchWorld, input: RunInstancesCommandInput): Reservation {
  refuseFields("RunInstances", input, "DryRun", "LaunchTemplate", "InstanceMarketOptions", "SecurityGroups");
  refuseFields("RunInstances", input, "Placement", "PrivateIpAddress", "HibernationOptions", "AdditionalInfo");
  const count = requireField(input.MaxCount, "MaxCount");
  if (requireField(input.MinCount, "MinCount") !== count)
    throw new NotModelled("RunInstances of from MinCount to MaxCount");
  const plan = planLaunch(world, input);
  const made = Array.from({ length: count }, () => {
    const refusal = world.capacity.refusal(plan, plan.vcpus, world.instances.counted());
    if (refusal !== null) throw ec2Error(refusal.code, refusal.message);
    return world.instances.launch(plan);
  });
  const first = made[0]?.instanceId ?? "";
  return {
    ReservationId: first.replace("i-", "r-"),
    Instances: made.map((instance) => viewInstance(instance, world.instances.parts)),
  };
}

function planLaunch({ options, snapshots }: LaunchWorld, input: RunInstancesCommandInput): LaunchPlan {
  checkUserData(input.UserData);
  const instanceType = requireField(input.InstanceType, "InstanceType");
  const { subnetId, securityGroupIds, isPublic } = placeOf(input);
  const zone = options.subnets.find(({ id }) => id === subnetId)?.zone;
  if (zone === undefined) {
    throw ec2Error("InvalidSubnetID.NotFound", `The subnet ID '${subnetId}' does not exist`);
  }
  const vcpus = options.vcpus === undefined ? vcpusOf(instanceType) : options.vcpus(instanceType);
  if (vcpus === undefined) throw new NotModelled(`how many vCPUs ${instanceType} has (pass vcpus)`);
  return {
    instanceType,
    zone,
    market: "on-demand",
    imageId: requireField(input.ImageId, "ImageId"),
    subnetId,
    securityGroupIds,
    userData: input.UserData ?? "",
    shutdownBehavior: input.InstanceInitiatedShutdownBehavior ?? "stop",
    vcpus,
    tags: tagsOfType(input.TagSpecifications, "instance"),
    keyName: input.KeyName ?? null,
    instanceProfileArn: input.IamInstanceProfile?.Arn ?? input.IamInstanceProfile?.Name ?? null,
    publicIp: isPublic ? "203.0.113.7" : null,
    terminationProtected: input.DisableApiTermination === true,
    parts: {
      volumes: withRoot((input.BlockDeviceMappings ?? []).map((each) => planDevice(snapshots, each))),
      volumeTags: tagsOfType(input.TagSpecifications, "volume"),
      interfaceTags: tagsOfType(input.TagSpecifications, "network-interface"),
    },
  };
}

/** Given at the top, or with the first network interface, never both. */
function placeOf(input: RunInstancesCommandInput) {
  const first = input.NetworkInterfaces?.[0];
  if (first === undefined) {
    const subnetId = requireField(input.SubnetId, "SubnetId");
    return { subnetId, securityGroupIds: input.SecurityGroupIds ?? [], isPublic: false };
  }
  if (input.SubnetId !== undefined || input.SecurityGroupIds !== undefined) {
    const message = "Network interfaces and an instance-level subnet ID may not be specified on the same request";
    throw ec2Error("InvalidParameterCombination", message);
  }
  return {
    subnetId: requireField(first.SubnetId, "NetworkInterface.SubnetId"),
    securityGroupIds: first.Groups ?? [],
    isPublic: first.AssociatePublicIpAddress === true,
  };
}

function planDevice(snapshots: Snapshots, { DeviceName, Ebs, ...rest }: BlockDeviceMapping): PlannedVolume {
  if (Ebs === undefined) throw new NotModelled(`a block device without Ebs (${Object.keys(rest).join(", ")})`);
  const device = requireField(DeviceName, "DeviceName");
  const size = Ebs.VolumeSize ?? (isRootDevice(device) ? DEFAULT_VOLUME.sizeGiB : undefined);
  const plan = planVolume(snapshots, { ...Ebs, ...(size === undefined ? {} : { Size: size }) });
  return { ...plan, device, deleteOnTermination: Ebs.DeleteOnTermination ?? true };
}

/** The image's own volume is there unless a mapping is in its place. */
function withRoot(volumes: readonly PlannedVolume[]): readonly PlannedVolume[] {
  return volumes.some(({ device }) => isRootDevice(device)) ? volumes : [DEFAULT_VOLUME, ...volumes];
}
