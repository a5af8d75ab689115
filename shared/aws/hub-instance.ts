// The hub's instance as EC2 knows it: found by its tag, with all that is needed to build it again.

import {
  DescribeAddressesCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  type Instance,
  type Volume,
} from "@aws-sdk/client-ec2";
import type { AwsClients } from "./clients.ts";
import { attempt } from "./errors.ts";
import { byTag } from "./tag-set.ts";

type Ec2 = AwsClients["ec2"];

/** On the hub's instance, value = the fleet's name. */
export const HUB_TAG = "toji:hub";

/** A volume of the hub. */
export interface HubVolume {
  readonly volume: string;
  /** EC2's device name, /dev/sdf. */
  readonly device: string;
  readonly sizeGiB: number;
  readonly type: string;
  readonly iops: number | null;
  readonly throughput: number | null;
  readonly encrypted: boolean;
  readonly kmsKeyId: string | null;
  readonly deleteOnTermination: boolean;
  readonly isBoot: boolean;
}

/** The hub's instance: what one must know to build it again. */
export interface HubInstance {
  readonly instanceId: string;
  readonly instanceType: string;
  readonly imageId: string;
  readonly zone: string;
  readonly subnetId: string;
  readonly securityGroups: readonly string[];
  readonly privateIp: string | null;
  readonly publicIp: string | null;
  /** Of the Elastic IP, if it has one. */
  readonly allocationId: string | null;
  readonly instanceProfile: string | null;
  readonly keyName: string | null;
  readonly terminationProtected: boolean;
  readonly volumes: readonly HubVolume[];
}

/** The tag of the hub is on no running instance, or on several. */
export class HubNotFound extends Error {
  override readonly name = "HubNotFound";
  readonly retryable = false;
}

/** EC2's words for an instance that still exists. */
const ALIVE = ["pending", "running", "stopping", "stopped"];

/** The one running instance whose tag toji:hub names the fleet. Throws HubNotFound when there is none, or more than one. */
export async function findHub(ec2: Ec2, fleet: string): Promise<HubInstance> {
  const tag = { key: HUB_TAG, value: fleet };
  const command = new DescribeInstancesCommand({
    Filters: [byTag(tag), { Name: "instance-state-name", Values: ALIVE }],
  });
  const page = await attempt("DescribeInstances", () => ec2.send(command));
  const found = (page.Reservations ?? []).flatMap(({ Instances }) => Instances ?? []);
  const running = found.filter(({ State }) => State?.Name === "running");
  const [instance] = running;
  if (instance === undefined || running.length > 1) throw notOneHub(tag, found, running);
  return await describeHub(ec2, instance);
}

function notOneHub(tag: { key: string; value: string }, found: readonly Instance[], running: readonly Instance[]) {
  const named = `the tag ${tag.key}=${tag.value}`;
  if (running.length > 1) {
    const ids = running.map(({ InstanceId }) => InstanceId).join(" and ");
    return new HubNotFound(`${ids} both carry ${named}: take it off those that are not the hub`);
  }
  const [other] = found;
  return new HubNotFound(
    other === undefined
      ? `no instance carries ${named}: put it on the hub's instance`
      : `${other.InstanceId} carries ${named} and is ${other.State?.Name}: start it, or tag the hub's instance`,
  );
}

async function describeHub(ec2: Ec2, instance: Instance): Promise<HubInstance> {
  const instanceId = instance.InstanceId ?? "";
  const attribute = new DescribeInstanceAttributeCommand({
    InstanceId: instanceId,
    Attribute: "disableApiTermination",
  });
  const addresses = new DescribeAddressesCommand({ Filters: [{ Name: "instance-id", Values: [instanceId] }] });
  const [protection, { Addresses = [] }, volumes] = await Promise.all([
    attempt("DescribeInstanceAttribute", () => ec2.send(attribute)),
    attempt("DescribeAddresses", () => ec2.send(addresses)),
    readVolumes(ec2, instance),
  ]);
  return {
    instanceId,
    instanceType: instance.InstanceType ?? "",
    imageId: instance.ImageId ?? "",
    zone: instance.Placement?.AvailabilityZone ?? "",
    subnetId: instance.SubnetId ?? "",
    securityGroups: (instance.SecurityGroups ?? []).map(({ GroupId = "" }) => GroupId),
    privateIp: instance.PrivateIpAddress ?? null,
    publicIp: instance.PublicIpAddress ?? null,
    allocationId: Addresses[0]?.AllocationId ?? null,
    instanceProfile: instance.IamInstanceProfile?.Arn ?? null,
    keyName: instance.KeyName ?? null,
    terminationProtected: protection.DisableApiTermination?.Value ?? false,
    volumes,
  };
}

async function readVolumes(ec2: Ec2, instance: Instance): Promise<HubVolume[]> {
  const devices = (instance.BlockDeviceMappings ?? []).filter(({ Ebs }) => Ebs?.VolumeId !== undefined);
  const VolumeIds = devices.map(({ Ebs }) => Ebs?.VolumeId ?? "");
  if (VolumeIds.length === 0) return [];
  const page = await attempt("DescribeVolumes", () => ec2.send(new DescribeVolumesCommand({ VolumeIds })));
  const described = new Map((page.Volumes ?? []).map((volume) => [volume.VolumeId ?? "", volume]));
  return devices.map(({ DeviceName = "", Ebs }) =>
    readVolume(described.get(Ebs?.VolumeId ?? ""), {
      volume: Ebs?.VolumeId ?? "",
      device: DeviceName,
      deleteOnTermination: Ebs?.DeleteOnTermination ?? false,
      isBoot: DeviceName === instance.RootDeviceName,
    }),
  );
}

function readVolume(
  volume: Volume | undefined,
  attached: Pick<HubVolume, "volume" | "device" | "deleteOnTermination" | "isBoot">,
): HubVolume {
  return {
    ...attached,
    sizeGiB: volume?.Size ?? 0,
    type: volume?.VolumeType ?? "",
    iops: volume?.Iops ?? null,
    throughput: volume?.Throughput ?? null,
    encrypted: volume?.Encrypted ?? false,
    kmsKeyId: volume?.KmsKeyId ?? null,
  };
}
