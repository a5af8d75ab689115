// Volumes made from snapshots, and their way onto an instance and off it.

import {
  AttachVolumeCommand,
  CreateVolumeCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
  type Volume,
  type VolumeType,
} from "@aws-sdk/client-ec2";
import type { AwsClients } from "./clients.ts";
import { AwsCallFailed, attempt } from "./errors.ts";
import { byTag, readTags, type TagFilter, type Tags, writeTags } from "./tag-set.ts";

export { deleteVolume } from "./leftovers.ts";

type Ec2 = AwsClients["ec2"];

export interface VolumeOrder {
  readonly snapshot: string;
  readonly zone: string;
  /** EC2's word: gp3, io2, ... */
  readonly type: string;
  readonly iops: number | null;
  readonly throughput: number | null;
  /** null = the snapshot's own key. */
  readonly kmsKeyId: string | null;
  readonly sizeGiB: number;
  /** The same token makes the same volume. */
  readonly token: string;
  readonly tags: Tags;
}

export interface Attachment {
  readonly instanceId: string;
  readonly device: string;
  /** attaching, attached, detaching, busy. */
  readonly state: string;
  readonly deleteOnTermination: boolean;
}

export interface BlockVolume {
  readonly volume: string;
  /** creating, available, in-use, deleting, error. */
  readonly state: string;
  readonly sizeGiB: number;
  readonly snapshot: string | null;
  readonly zone: string;
  readonly attachments: readonly Attachment[];
  readonly tags: Tags;
}

/** Types whose speed is an option of its own; others refuse the parameter (EC2 API: CreateVolume). */
const WITH_IOPS: ReadonlySet<string> = new Set(["gp3", "io1", "io2"]);

/** Id of the volume, which is being created. */
export async function createVolume(ec2: Ec2, order: VolumeOrder): Promise<string> {
  const command = new CreateVolumeCommand({
    SnapshotId: order.snapshot,
    AvailabilityZone: order.zone,
    VolumeType: order.type as VolumeType,
    Size: order.sizeGiB,
    ClientToken: order.token,
    ...(order.iops !== null && WITH_IOPS.has(order.type) ? { Iops: order.iops } : {}),
    ...(order.throughput !== null && order.type === "gp3" ? { Throughput: order.throughput } : {}),
    ...(order.kmsKeyId === null ? {} : { Encrypted: true, KmsKeyId: order.kmsKeyId }),
    TagSpecifications: [{ ResourceType: "volume", Tags: writeTags(order.tags) }],
  });
  const { VolumeId } = await attempt("CreateVolume", () => ec2.send(command));
  if (VolumeId === undefined) throw new AwsCallFailed("CreateVolume", new Error("the answer has no volume"));
  return VolumeId;
}

/** Every volume that carries the tag, page by page. */
export async function listVolumesByTag(ec2: Ec2, tag: TagFilter): Promise<BlockVolume[]> {
  const found: BlockVolume[] = [];
  let NextToken: string | undefined;
  do {
    const command = new DescribeVolumesCommand({ Filters: [byTag(tag)], MaxResults: 500, NextToken });
    const page = await attempt("DescribeVolumes", () => ec2.send(command));
    found.push(...(page.Volumes ?? []).map(readVolume));
    NextToken = page.NextToken;
  } while (NextToken !== undefined && NextToken !== "");
  return found;
}

/** In EC2's order. Throws AwsCallFailed (InvalidVolume.NotFound) when one is gone. */
export async function describeVolumes(ec2: Ec2, ids: readonly string[]): Promise<BlockVolume[]> {
  if (ids.length === 0) return [];
  const command = new DescribeVolumesCommand({ VolumeIds: [...ids] });
  const page = await attempt("DescribeVolumes", () => ec2.send(command));
  return (page.Volumes ?? []).map(readVolume);
}

/** Both must be in one zone. Throws AwsCallFailed: VolumeInUse, IncorrectState, InvalidParameterValue (the device is taken). */
export async function attachVolume(ec2: Ec2, volume: string, instanceId: string, device: string): Promise<void> {
  const command = new AttachVolumeCommand({ VolumeId: volume, InstanceId: instanceId, Device: device });
  await attempt("AttachVolume", () => ec2.send(command));
}

/** Never forced: a mounted file system would be torn. Throws AwsCallFailed (IncorrectState) when it is attached to nothing. */
export async function detachVolume(ec2: Ec2, volume: string, instanceId: string): Promise<void> {
  const command = new DetachVolumeCommand({ VolumeId: volume, InstanceId: instanceId });
  await attempt("DetachVolume", () => ec2.send(command));
}

function readVolume(volume: Volume): BlockVolume {
  return {
    volume: volume.VolumeId ?? "",
    state: volume.State ?? "unknown",
    sizeGiB: volume.Size ?? 0,
    snapshot: volume.SnapshotId === undefined || volume.SnapshotId === "" ? null : volume.SnapshotId,
    zone: volume.AvailabilityZone ?? "",
    attachments: (volume.Attachments ?? []).map((each) => ({
      instanceId: each.InstanceId ?? "",
      device: each.Device ?? "",
      state: each.State ?? "",
      deleteOnTermination: each.DeleteOnTermination ?? false,
    })),
    tags: readTags(volume.Tags),
  };
}
