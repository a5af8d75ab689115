// DescribeVolumes, DeleteVolume, DescribeNetworkInterfaces, DeleteNetworkInterface.

import type {
  DeleteNetworkInterfaceCommandInput,
  DeleteVolumeCommandInput,
  DescribeNetworkInterfacesCommandInput,
  DescribeNetworkInterfacesResult,
  DescribeVolumesCommandInput,
  DescribeVolumesResult,
  NetworkInterface,
  Volume,
  VolumeAttachment,
} from "@aws-sdk/client-ec2";
import { ec2Error, refuseFields, requireField } from "./errors.ts";
import { readFilters } from "./filters.ts";
import { onePage } from "./pages.ts";
import type { ModelInterface, ModelVolume, Parts } from "./parts.ts";

/** `now` in epoch seconds. */
export function describeVolumes(parts: Parts, now: number, input: DescribeVolumesCommandInput): DescribeVolumesResult {
  refuseFields("DescribeVolumes", input, "DryRun", "IncludeManagedResources");
  const byId = input.VolumeIds !== undefined && input.VolumeIds.length > 0;
  const named = byId ? [...new Set(input.VolumeIds)].map((id) => parts.volume(id)) : parts.volumes();
  const passes = readFilters("DescribeVolumes", input.Filters);
  const found = named.filter((each) =>
    passes(each.tags, {
      status: [volumeState(each, now)],
      "volume-id": [each.volumeId],
      "snapshot-id": each.snapshotId === null ? [] : [each.snapshotId],
      "availability-zone": [each.zone],
      "attachment.device": each.attachment === null ? [] : [each.device],
      "attachment.instance-id": each.attachment === null ? [] : [each.attachment.instanceId],
    }),
  );
  const { items, next } = onePage(found, input, byId, "volumesSet");
  return { Volumes: items.map((volume) => viewVolume(volume, now)), ...next };
}

export function deleteVolume(parts: Parts, input: DeleteVolumeCommandInput): object {
  refuseFields("DeleteVolume", input, "DryRun");
  const { volumeId, attachment } = parts.volume(requireField(input.VolumeId, "VolumeId"));
  if (attachment !== null) {
    throw ec2Error("VolumeInUse", `Volume ${volumeId} is currently attached to ${attachment.instanceId}`);
  }
  parts.removeVolume(volumeId);
  return {};
}

export function describeNetworkInterfaces(
  parts: Parts,
  input: DescribeNetworkInterfacesCommandInput,
): DescribeNetworkInterfacesResult {
  refuseFields("DescribeNetworkInterfaces", input, "DryRun", "IncludeManagedResources");
  const ids = input.NetworkInterfaceIds ?? [];
  const byId = ids.length > 0;
  const named = byId ? [...new Set(ids)].map((id) => parts.networkInterface(id)) : parts.interfaces();
  const passes = readFilters("DescribeNetworkInterfaces", input.Filters);
  const found = named.filter((each) =>
    passes(each.tags, {
      status: [interfaceStatus(each)],
      "network-interface-id": [each.networkInterfaceId],
      "attachment.instance-id": each.attachment === null ? [] : [each.attachment.instanceId],
    }),
  );
  const { items, next } = onePage(found, input, byId, "networkInterfaceIdSet");
  return { NetworkInterfaces: items.map(viewInterface), ...next };
}

export function deleteNetworkInterface(parts: Parts, input: DeleteNetworkInterfaceCommandInput): object {
  refuseFields("DeleteNetworkInterface", input, "DryRun");
  const found = parts.networkInterface(requireField(input.NetworkInterfaceId, "NetworkInterfaceId"));
  if (found.attachment !== null) {
    const message = `Network interface '${found.networkInterfaceId}' is currently in use.`;
    throw ec2Error("InvalidParameterValue", message);
  }
  parts.removeInterface(found.networkInterfaceId);
  return {};
}

/** EC2's word. */
export function volumeState({ attachment, availableAt }: ModelVolume, now: number) {
  if (availableAt > now) return "creating";
  return attachment === null ? "available" : "in-use";
}

const interfaceStatus = ({ attachment }: ModelInterface) => (attachment === null ? "available" : "in-use");
const shownTags = (tags: ReadonlyMap<string, string>) => [...tags].map(([Key, Value]) => ({ Key, Value }));

export function viewVolume(volume: ModelVolume, now: number): Volume {
  const { volumeId, attachment, iops, throughput, kmsKeyId, snapshotId } = volume;
  return {
    VolumeId: volumeId,
    State: volumeState(volume, now),
    Size: volume.sizeGiB,
    // The SDK lists the types it knew when it was built.
    VolumeType: volume.volumeType as NonNullable<Volume["VolumeType"]>,
    ...(iops === null ? {} : { Iops: iops }),
    ...(throughput === null ? {} : { Throughput: throughput }),
    Encrypted: volume.encrypted,
    ...(kmsKeyId === null ? {} : { KmsKeyId: kmsKeyId }),
    SnapshotId: snapshotId ?? "",
    AvailabilityZone: volume.zone,
    CreateTime: new Date(volume.createdAt * 1000),
    Tags: shownTags(volume.tags),
    Attachments: attachment === null ? [] : [viewAttachment(volume)],
  };
}

export function viewAttachment({ volumeId, device, attachment }: ModelVolume): VolumeAttachment {
  return {
    VolumeId: volumeId,
    Device: device,
    State: attachment?.state ?? "detached",
    InstanceId: attachment?.instanceId,
    DeleteOnTermination: attachment?.deleteOnTermination === true,
  };
}

function viewInterface(networkInterface: ModelInterface): NetworkInterface {
  const { attachment } = networkInterface;
  return {
    NetworkInterfaceId: networkInterface.networkInterfaceId,
    Status: interfaceStatus(networkInterface),
    InterfaceType: "interface",
    RequesterManaged: false,
    SubnetId: networkInterface.subnetId,
    AvailabilityZone: networkInterface.zone,
    PrivateIpAddress: networkInterface.privateIp,
    Groups: networkInterface.securityGroupIds.map((GroupId) => ({ GroupId })),
    TagSet: shownTags(networkInterface.tags),
    ...(attachment === null
      ? {}
      : {
          Attachment: {
            InstanceId: attachment.instanceId,
            DeviceIndex: 0,
            Status: "attached" as const,
            DeleteOnTermination: attachment.deleteOnTermination,
          },
        }),
  };
}
