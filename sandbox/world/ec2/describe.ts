// DescribeInstances and DescribeInstanceAttribute: an instance as the API shows it.

import type {
  DescribeInstanceAttributeCommandInput,
  DescribeInstancesCommandInput,
  DescribeInstancesResult,
  Instance,
  InstanceAttribute,
  InstanceStateName,
  StateReason,
} from "@aws-sdk/client-ec2";
import { NotModelled, refuseFields, requireField } from "./errors.ts";
import { readFilters } from "./filters.ts";
import type { Instances } from "./instances.ts";
import { onePage } from "./pages.ts";
import { DEFAULT_VOLUME, isRootDevice, type Parts } from "./parts.ts";
import type { EndReason, ModelInstance } from "./state.ts";

/** Source: SDK typings, InstanceState. */
const STATE_CODE: Readonly<Record<InstanceStateName, number>> = {
  pending: 0,
  running: 16,
  "shutting-down": 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
};

/** Source: SDK typings, StateReason. */
const STATE_REASON: Readonly<Record<EndReason, StateReason>> = {
  "terminate-call": { Code: "Client.UserInitiatedShutdown", Message: "Client.UserInitiatedShutdown: User initiated" },
  person: { Code: "Client.UserInitiatedShutdown", Message: "Client.UserInitiatedShutdown: User initiated" },
  "guest-shutdown": {
    Code: "Client.InstanceInitiatedShutdown",
    Message: "Client.InstanceInitiatedShutdown: Instance initiated shutdown",
  },
  "spot-interruption": {
    Code: "Server.SpotInstanceTermination",
    Message: "Server.SpotInstanceTermination: Spot instance termination",
  },
};

export function describeInstances(instances: Instances, input: DescribeInstancesCommandInput): DescribeInstancesResult {
  refuseFields("DescribeInstances", input, "DryRun");
  const byId = input.InstanceIds !== undefined && input.InstanceIds.length > 0;
  const named = byId ? [...new Set(input.InstanceIds)].map((id) => instances.find(id)) : instances.visible();
  const passes = readFilters("DescribeInstances", input.Filters);
  const found = named.filter((each) =>
    passes(each.tags, {
      "instance-state-name": [each.state],
      "instance-id": [each.instanceId],
    }),
  );
  const { items, next } = onePage(found, input, byId, "instancesSet");
  const Reservations = items.map((instance) => ({
    ReservationId: instance.instanceId.replace("i-", "r-"),
    Instances: [viewInstance(instance, instances.parts)],
  }));
  return { Reservations, ...next };
}

/** The user data that the instance was launched with, base64 as it was given; and its protection. */
export function describeInstanceAttribute(
  instances: Instances,
  input: DescribeInstanceAttributeCommandInput,
): InstanceAttribute {
  refuseFields("DescribeInstanceAttribute", input, "DryRun");
  const attribute = requireField(input.Attribute, "Attribute");
  if (attribute !== "userData" && attribute !== "disableApiTermination") {
    throw new NotModelled(`DescribeInstanceAttribute of ${attribute}`);
  }
  const found = instances.find(requireField(input.InstanceId, "InstanceId"));
  const { instanceId, userData, terminationProtected } = found;
  if (attribute === "disableApiTermination") {
    return { InstanceId: instanceId, DisableApiTermination: { Value: terminationProtected } };
  }
  return { InstanceId: instanceId, UserData: userData === "" ? {} : { Value: userData } };
}

export function stateOf(name: InstanceStateName): { Code: number; Name: InstanceStateName } {
  return { Code: STATE_CODE[name], Name: name };
}

export function viewInstance(instance: ModelInstance, parts: Parts): Instance {
  const volumes = parts.volumesOf(instance.instanceId);
  const shownTags = [...instance.tags].map(([Key, Value]) => ({ Key, Value }));
  return {
    InstanceId: instance.instanceId,
    // The SDK lists the types it knew when it was built; EC2 accepts newer ones.
    InstanceType: instance.instanceType as NonNullable<Instance["InstanceType"]>,
    ImageId: instance.imageId,
    // EC2 gives whole seconds, and the last start of one that was stopped.
    LaunchTime: new Date(Math.floor(instance.startedAt) * 1000),
    Placement: { AvailabilityZone: instance.zone, Tenancy: "default" },
    SubnetId: instance.subnetId,
    State: stateOf(instance.state),
    Tags: shownTags,
    SecurityGroups: instance.securityGroupIds.map((GroupId) => ({ GroupId })),
    BlockDeviceMappings: volumes.map(({ device, volumeId, createdAt, attachment }) => ({
      DeviceName: device,
      Ebs: {
        VolumeId: volumeId,
        AttachTime: new Date(createdAt * 1000),
        DeleteOnTermination: attachment?.deleteOnTermination === true,
        // EC2's lists of instances know no "busy".
        Status: attachment?.state === "busy" ? "detaching" : (attachment?.state ?? "attached"),
      },
    })),
    RootDeviceName: volumes.find(({ device }) => isRootDevice(device))?.device ?? DEFAULT_VOLUME.device,
    RootDeviceType: "ebs",
    ...(instance.keyName === null ? {} : { KeyName: instance.keyName }),
    ...(instance.instanceProfileArn === null ? {} : { IamInstanceProfile: { Arn: instance.instanceProfileArn } }),
    ...(instance.goneAt !== null || instance.publicIp === null ? {} : { PublicIpAddress: instance.publicIp }),
    ...(instance.goneAt === null ? { PrivateIpAddress: instance.privateIp } : {}),
    ...(instance.market === "spot" ? { InstanceLifecycle: "spot" as const } : {}),
    ...(instance.reason === null ? {} : { StateReason: { ...STATE_REASON[instance.reason] } }),
  };
}
