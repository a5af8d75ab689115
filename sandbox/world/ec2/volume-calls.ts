// CreateVolume, AttachVolume, DetachVolume, with the time they take and what they refuse.

import type {
  AttachVolumeCommandInput,
  CreateVolumeCommandInput,
  DetachVolumeCommandInput,
  Volume,
  VolumeAttachment,
} from "@aws-sdk/client-ec2";
import type { VirtualClock } from "../clock.ts";
import { viewAttachment, viewVolume, volumeState } from "./describe-parts.ts";
import { ec2Error, refuseFields, requireField } from "./errors.ts";
import type { Instances } from "./instances.ts";
import { isRootDevice, type ModelVolume, type VolumePlan } from "./parts.ts";
import type { Snapshots } from "./snapshots.ts";
import type { ModelInstance, StorageTimes } from "./state.ts";
import { tagsOfType } from "./tags.ts";

/** What these calls work on. */
export interface VolumeWorld {
  readonly clock: VirtualClock;
  readonly instances: Instances;
  readonly snapshots: Snapshots;
  readonly times: StorageTimes;
  /** Zones of the region. */
  readonly zones: readonly string[];
}

/** What a request says of a volume, in CreateVolume's words and RunInstances'. */
interface VolumeWords {
  readonly SnapshotId?: string | undefined;
  readonly Size?: number | undefined;
  readonly VolumeType?: string | undefined;
  readonly Iops?: number | undefined;
  readonly Throughput?: number | undefined;
  readonly Encrypted?: boolean | undefined;
  readonly KmsKeyId?: string | undefined;
}

/** Empty, or with what the snapshot holds. */
export function planVolume(snapshots: Snapshots, words: VolumeWords): VolumePlan {
  const source = words.SnapshotId === undefined ? null : snapshots.findComplete(words.SnapshotId);
  const sizeGiB = requireField(words.Size ?? source?.sizeGiB, "Size");
  if (source !== null && sizeGiB < source.sizeGiB) {
    const message = `The volume size of ${sizeGiB}GiB is smaller than snapshot '${source.snapshotId}', which needs ${source.sizeGiB}GiB`;
    throw ec2Error("InvalidParameterValue", message);
  }
  const volumeType = words.VolumeType ?? "gp2";
  const isGp3 = volumeType === "gp3";
  if (!isGp3 && words.Throughput !== undefined) {
    throw ec2Error(
      "InvalidParameterCombination",
      `The parameter throughput is not supported for ${volumeType} volumes`,
    );
  }
  return {
    sizeGiB,
    volumeType,
    iops: words.Iops ?? (isGp3 ? 3000 : null),
    throughput: words.Throughput ?? (isGp3 ? 125 : null),
    encrypted: source?.encrypted === true || words.Encrypted === true,
    kmsKeyId: words.KmsKeyId ?? source?.kmsKeyId ?? null,
    snapshotId: source?.snapshotId ?? null,
    content: source?.content ?? null,
  };
}

export function createVolume(world: VolumeWorld, input: CreateVolumeCommandInput): Volume {
  refuseFields("CreateVolume", input, "DryRun", "OutpostArn", "AvailabilityZoneId", "MultiAttachEnabled", "Operator");
  refuseFields("CreateVolume", input, "VolumeInitializationRate");
  const zone = requireField(input.AvailabilityZone, "AvailabilityZone");
  if (!world.zones.includes(zone)) {
    throw ec2Error("InvalidZone.NotFound", `The zone '${zone}' does not exist.`);
  }
  const plan = planVolume(world.snapshots, input);
  const tags = tagsOfType(input.TagSpecifications, "volume");
  const volume = world.instances.parts.create(plan, zone, tags, world.times.volume);
  return viewVolume(volume, world.clock.now());
}

/** The instance may be running or stopped. It is attached some seconds later. */
export function attachVolume(world: VolumeWorld, input: AttachVolumeCommandInput): VolumeAttachment {
  refuseFields("AttachVolume", input, "DryRun", "EbsCardIndex");
  const { clock, instances, times } = world;
  const volume = instances.parts.volume(requireField(input.VolumeId, "VolumeId"));
  const instance = instances.find(requireField(input.InstanceId, "InstanceId"));
  const device = requireField(input.Device, "Device");
  checkAttachable(volume, instance, device, world);
  const attachment = { instanceId: instance.instanceId, deleteOnTermination: false, state: "attaching" as const };
  const made: ModelVolume["attachment"] = attachment;
  volume.device = device;
  volume.attachment = made;
  clock.after(times.volume, () => {
    if (volume.attachment === made && made.state === "attaching") made.state = "attached";
  });
  return viewAttachment(volume);
}

function checkAttachable(
  volume: ModelVolume,
  { instanceId, state, zone }: ModelInstance,
  device: string,
  { clock, instances }: VolumeWorld,
): void {
  const { volumeId, attachment } = volume;
  if (attachment !== null) {
    throw ec2Error("VolumeInUse", `${volumeId} is already attached to an instance`);
  }
  if (volumeState(volume, clock.now()) !== "available") {
    throw ec2Error("IncorrectState", `Volume '${volumeId}' is not 'available'.`);
  }
  if (state !== "running" && state !== "stopped") {
    throw ec2Error("IncorrectState", `Instance '${instanceId}' is not 'running'.`);
  }
  if (zone !== volume.zone) {
    const message = `The volume '${volumeId}' is not in the same availability zone as instance '${instanceId}'`;
    throw ec2Error("InvalidVolume.ZoneMismatch", message);
  }
  if (instances.parts.volumesOf(instanceId).some((each) => each.device === device)) {
    const message = `Invalid value '${device}' for unixDevice. Attachment point ${device} is already in use`;
    throw ec2Error("InvalidParameterValue", message);
  }
}

/** It is gone from the instance some seconds later, or, if the machine has it mounted, once it has not. */
export function detachVolume(world: VolumeWorld, input: DetachVolumeCommandInput): VolumeAttachment {
  refuseFields("DetachVolume", input, "DryRun", "Force");
  const { clock, instances, times } = world;
  const volume = instances.parts.volume(requireField(input.VolumeId, "VolumeId"));
  const { attachment, volumeId, device } = volume;
  if (attachment === null) throw ec2Error("IncorrectState", `Volume '${volumeId}' is in the 'available' state.`);
  const { instanceId } = attachment;
  if (input.InstanceId !== undefined && input.InstanceId !== instanceId) {
    const message = `The volume '${volumeId}' is not attached to instance '${input.InstanceId}'`;
    throw ec2Error("InvalidAttachment.NotFound", message);
  }
  if (isRootDevice(device) && instances.find(instanceId).state === "running") {
    throw ec2Error("OperationNotPermitted", `Unable to detach root volume '${volumeId}' from instance '${instanceId}'`);
  }
  if (attachment.state === "detaching" || attachment.state === "busy") return viewAttachment(volume);
  attachment.state = "detaching";
  clock.after(times.volume, () => {
    if (volume.attachment !== attachment) return;
    if (volume.isMounted) attachment.state = "busy";
    else volume.attachment = null;
  });
  return viewAttachment(volume);
}

/** The machine mounted or unmounted a file system of the volume; what waits for that is detached now. */
export function setMounted(volume: ModelVolume, isMounted: boolean): void {
  volume.isMounted = isMounted;
  if (!isMounted && volume.attachment?.state === "busy") volume.attachment = null;
}
