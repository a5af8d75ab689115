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
} from "@aws-sdk/client-ec2";
import { ec2Error, refuseFields, requireField } from "./errors.ts";
import { readFilters } from "./filters.ts";
import { onePage } from "./pages.ts";
import type { ModelInterface, ModelVolume, Parts } from "./parts.ts";

export function describeVolumes(parts: Parts, input: DescribeVolumesCommandInput): DescribeVolumesResult {
  refuseFields("DescribeVolumes", input, "DryRun", "IncludeManagedResources");
  const byId = input.VolumeIds !== undefined && input.VolumeIds.length > 0;
  const named = byId ? [...new Set(input.VolumeIds)].map((id) => parts.volume(id)) : parts.volumes();
  const passes = readFilters("DescribeVolumes", input.Filters);
  const found = named.filter((each) =>
    passes(each.tags, {
      status: [volumeState(each)],
      "volume-id": [each.volumeId],
      "attachment.instance-id": each.attachment === null ? [] : [each.attachment.instanceId],
    }),
  );
  const { items, next } = onePage(found, input, byId, "volumesSet");
  return { Volumes: items.map(viewVolume), ...next };
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

const volumeState = ({ attachment }: ModelVolume) => (attachment === null ? "available" : "in-use");
const interfaceStatus = ({ attachment }: ModelInterface) => (attachment === null ? "available" : "in-use");
const shownTags = (tags: ReadonlyMap<string, string>) => [...tags].map(([Key, Value]) => ({ Key, Value }));

function viewVolume(volume: ModelVolume): Volume {
  const { volumeId, attachment, device } = volume;
  const attached = { VolumeId: volumeId, Device: device, State: "attached" as const };
  return {
    VolumeId: volumeId,
    State: volumeState(volume),
    Size: volume.sizeGiB,
    // The SDK lists the types it knew when it was built.
    VolumeType: volume.volumeType as NonNullable<Volume["VolumeType"]>,
    Encrypted: volume.encrypted,
    AvailabilityZone: volume.zone,
    CreateTime: new Date(volume.createdAt * 1000),
    Tags: shownTags(volume.tags),
    Attachments:
      attachment === null
        ? []
        : [
            {
              ...attached,
              InstanceId: attachment.instanceId,
              DeleteOnTermination: attachment.deleteOnTermination,
            },
          ],
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
