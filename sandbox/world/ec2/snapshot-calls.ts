// CreateSnapshots, DescribeSnapshots, CopySnapshot, DeleteSnapshot, ModifySnapshotAttribute.

import type {
  CopySnapshotCommandInput,
  CopySnapshotResult,
  CreateSnapshotsCommandInput,
  CreateSnapshotsResult,
  DeleteSnapshotCommandInput,
  DescribeSnapshotsCommandInput,
  DescribeSnapshotsResult,
  ModifySnapshotAttributeCommandInput,
  Snapshot,
} from "@aws-sdk/client-ec2";
import { ec2Error, NotModelled, refuseFields, requireField } from "./errors.ts";
import { readFilters } from "./filters.ts";
import type { Instances } from "./instances.ts";
import { onePage } from "./pages.ts";
import { isRootDevice } from "./parts.ts";
import type { Registry } from "./registry.ts";
import { lockStateOf } from "./snapshot-locks.ts";
import type { ModelSnapshot, Snapshots } from "./snapshots.ts";
import type { FindForeign } from "./state.ts";
import { tagsOfType } from "./tags.ts";

/** What these calls work on. */
export interface SnapshotWorld {
  readonly snapshots: Snapshots;
  readonly instances: Instances;
  readonly registry: Registry;
  readonly findForeign: FindForeign;
  readonly account: string;
  now(): number;
}

export function createSnapshots(world: SnapshotWorld, input: CreateSnapshotsCommandInput): CreateSnapshotsResult {
  refuseFields("CreateSnapshots", input, "DryRun", "OutpostArn", "Location", "CopyTagsFromSource");
  const { InstanceId, ExcludeBootVolume, ExcludeDataVolumeIds } = requireField(
    input.InstanceSpecification,
    "InstanceSpecification",
  );
  const { instanceId, state } = world.instances.find(requireField(InstanceId, "InstanceSpecification.InstanceId"));
  if (state !== "running" && state !== "stopped") {
    throw ec2Error("IncorrectInstanceState", `The instance '${instanceId}' is ${state}.`);
  }
  const volumes = world.instances.parts
    .volumesOf(instanceId)
    .filter(({ device }) => !(ExcludeBootVolume === true && isRootDevice(device)))
    .filter(({ volumeId }) => ExcludeDataVolumeIds?.includes(volumeId) !== true);
  if (volumes.length === 0) {
    throw ec2Error("InvalidParameterValue", "There are no volumes to snapshot after the exclusions");
  }
  const tags = tagsOfType(input.TagSpecifications, "snapshot");
  const made = world.snapshots.take(volumes, { description: input.Description ?? "", tags });
  return {
    Snapshots: made.map((each) => {
      const { Tags, Description, Encrypted, VolumeId, State, VolumeSize, StartTime, OwnerId, SnapshotId } = view(
        world,
        each,
      );
      // At the instant of the answer none of the data has arrived.
      return {
        Tags,
        Description,
        Encrypted,
        VolumeId,
        State,
        VolumeSize,
        StartTime,
        OwnerId,
        SnapshotId,
        Progress: "",
      };
    }),
  };
}

export function describeSnapshots(world: SnapshotWorld, input: DescribeSnapshotsCommandInput): DescribeSnapshotsResult {
  refuseFields("DescribeSnapshots", input, "DryRun", "RestorableByUserIds");
  const { snapshots, account } = world;
  const byId = input.SnapshotIds !== undefined && input.SnapshotIds.length > 0;
  const isOwn = input.OwnerIds?.every((owner) => owner === "self" || owner === account) === true;
  if (!byId && !isOwn)
    throw new NotModelled('DescribeSnapshots of all the world\'s snapshots: ask with OwnerIds ["self"]');
  const named = byId ? [...new Set(input.SnapshotIds)].map((id) => snapshots.find(id)) : snapshots.visible();
  const passes = readFilters("DescribeSnapshots", input.Filters);
  const found = named.filter((each) =>
    passes(each.tags, {
      "snapshot-id": [each.snapshotId],
      "volume-id": [each.volumeId],
      status: [snapshots.stateOf(each)],
      description: [each.description],
      "owner-id": [account],
    }),
  );
  const { items, next } = onePage(found, input, byId, "snapshotSet");
  return { Snapshots: items.map((each) => view(world, each)), ...next };
}

export function copySnapshot(world: SnapshotWorld, input: CopySnapshotCommandInput): CopySnapshotResult {
  refuseFields("CopySnapshot", input, "DryRun", "DestinationOutpostArn", "DestinationAvailabilityZone");
  refuseFields("CopySnapshot", input, "CompletionDurationMinutes", "PresignedUrl");
  const region = requireField(input.SourceRegion, "SourceRegion");
  const sourceId = requireField(input.SourceSnapshotId, "SourceSnapshotId");
  const source = world.findForeign(region, sourceId, world.account);
  if (source === null) throw ec2Error("InvalidSnapshot.NotFound", `The snapshot '${sourceId}' does not exist.`);
  if (!source.isComplete) throw ec2Error("IncorrectState", `The snapshot '${sourceId}' is not in the completed state`);
  const kmsKeyId = input.KmsKeyId ?? null;
  if (kmsKeyId !== null && input.Encrypted !== true) {
    throw ec2Error("InvalidParameterDependency", "The parameter KmsKeyId requires the parameter Encrypted to be set.");
  }
  const key = { encrypted: source.encrypted || input.Encrypted === true, kmsKeyId };
  const tags = tagsOfType(input.TagSpecifications, "snapshot");
  const made = world.snapshots.copy(source, key, { description: input.Description ?? "", tags });
  return { SnapshotId: made.snapshotId, Tags: shownTags(made) };
}

export function deleteSnapshot(world: SnapshotWorld, input: DeleteSnapshotCommandInput): object {
  refuseFields("DeleteSnapshot", input, "DryRun");
  const found = world.snapshots.find(requireField(input.SnapshotId, "SnapshotId"));
  const { snapshotId, lock } = found;
  const image = world.registry.imageOf(snapshotId);
  if (image !== null) {
    throw ec2Error("InvalidSnapshot.InUse", `The snapshot ${snapshotId} is currently in use by ${image}`);
  }
  if (lock !== null && lockStateOf(lock, world.now()) !== "expired") {
    throw ec2Error("SnapshotLocked", `The snapshot ${snapshotId} is locked and cannot be deleted.`);
  }
  world.snapshots.remove(snapshotId);
  return {};
}

/** Who else may copy it and make volumes of it. */
export function modifySnapshotAttribute(world: SnapshotWorld, input: ModifySnapshotAttributeCommandInput): object {
  refuseFields("ModifySnapshotAttribute", input, "DryRun", "GroupNames");
  const { sharedWith, encrypted, kmsKeyId } = world.snapshots.find(requireField(input.SnapshotId, "SnapshotId"));
  if (input.Attribute !== undefined && input.Attribute !== "createVolumePermission") {
    throw new NotModelled(`ModifySnapshotAttribute of ${input.Attribute}`);
  }
  const { Add = [], Remove = [] } = input.CreateVolumePermission ?? {};
  const named = input.UserIds ?? [];
  const added = [...Add.map(({ UserId = "" }) => UserId), ...(input.OperationType === "add" ? named : [])];
  const removed = [...Remove.map(({ UserId = "" }) => UserId), ...(input.OperationType === "remove" ? named : [])];
  if (added.length > 0 && encrypted && (kmsKeyId === null || kmsKeyId.includes("alias/aws/ebs"))) {
    const message = "Encrypted snapshots with EBS default key cannot be shared";
    throw ec2Error("InvalidParameter", message);
  }
  for (const account of added) sharedWith.add(account);
  for (const account of removed) sharedWith.delete(account);
  return {};
}

function shownTags({ tags }: ModelSnapshot) {
  return [...tags].map(([Key, Value]) => ({ Key, Value }));
}

function view({ snapshots, account, now }: SnapshotWorld, snapshot: ModelSnapshot): Snapshot {
  const { startedAt, completesAt, kmsKeyId } = snapshot;
  const state = snapshots.stateOf(snapshot);
  const share = Number.isFinite(completesAt) ? (now() - startedAt) / (completesAt - startedAt) : 0;
  const percent = state === "completed" ? 100 : Math.min(99, Math.floor(share * 100));
  return {
    SnapshotId: snapshot.snapshotId,
    VolumeId: snapshot.volumeId,
    State: state,
    ...(state === "error" ? { StateMessage: "An internal error occurred." } : {}),
    Progress: `${percent}%`,
    StartTime: new Date(startedAt * 1000),
    ...(state === "completed" ? { CompletionTime: new Date(completesAt * 1000) } : {}),
    OwnerId: account,
    Description: snapshot.description,
    VolumeSize: snapshot.sizeGiB,
    Encrypted: snapshot.encrypted,
    ...(kmsKeyId === null ? {} : { KmsKeyId: kmsKeyId }),
    StorageTier: "standard",
    Tags: shownTags(snapshot),
  };
}
