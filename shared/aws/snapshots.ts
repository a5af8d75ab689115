// Snapshots as EC2's calls list, copy, share, lock and delete them.

import {
  CopySnapshotCommand,
  DeleteSnapshotCommand,
  DescribeImagesCommand,
  DescribeLockedSnapshotsCommand,
  DescribeSnapshotsCommand,
  type DescribeSnapshotsCommandInput,
  type Snapshot as Ec2Snapshot,
  LockSnapshotCommand,
  ModifySnapshotAttributeCommand,
  type SnapshotState,
} from "@aws-sdk/client-ec2";
import type { AwsClients } from "./clients.ts";
import { AwsCallFailed, attempt } from "./errors.ts";
import { byTag, inPieces, readTags, type TagFilter, type Tags, writeTags } from "./tag-set.ts";

export { tagResources, untagResources } from "./tag-set.ts";

type Ec2 = AwsClients["ec2"];

export interface Snapshot {
  readonly snapshot: string;
  /** Of a copy: EC2's filler vol-ffffffff, never the volume that the original was taken of. */
  readonly volume: string;
  readonly state: SnapshotState;
  readonly sizeGiB: number;
  /** "42%"; "" while EC2 does not know. */
  readonly progress: string;
  /** Epoch seconds: the instant that EC2 gives it. */
  readonly startedAt: number;
  readonly encrypted: boolean;
  readonly kmsKeyId: string | null;
  readonly description: string;
  /** Why it is in error. */
  readonly stateMessage: string | null;
  readonly tags: Tags;
}

/** It cannot be deleted now: locked, or an image needs it. */
export class SnapshotKept extends Error {
  override readonly name = "SnapshotKept";
  readonly snapshot: string;
  readonly retryable = false;
  constructor(snapshot: string, why: string, options?: ErrorOptions) {
    super(`${snapshot} stays: ${why}`, options);
    this.snapshot = snapshot;
  }
}

/** EC2's answers to DeleteSnapshot about one that must stay. Source: EC2 API error codes; snapshot lock, "considerations". */
const KEPT: Readonly<Record<string, string>> = {
  "InvalidSnapshot.InUse": "an image (AMI) uses it",
  SnapshotLocked: "it is locked",
};

/** An account's image list may be filtered by so many snapshots at once (EC2: 200 values a filter). */
const MOST_VALUES = 200;

/** This account's snapshots with the tag, page by page. */
export function listSnapshots(ec2: Ec2, tag: TagFilter): Promise<Snapshot[]> {
  return describeSnapshots(ec2, { Filters: [byTag(tag)] });
}

/** Every snapshot of this account in the client's region, page by page. */
export function listOwnSnapshots(ec2: Ec2): Promise<Snapshot[]> {
  return describeSnapshots(ec2, {});
}

async function describeSnapshots(ec2: Ec2, filters: Pick<DescribeSnapshotsCommandInput, "Filters">) {
  const found: Snapshot[] = [];
  let NextToken: string | undefined;
  do {
    const command = new DescribeSnapshotsCommand({ ...filters, OwnerIds: ["self"], MaxResults: 1000, NextToken });
    const page = await attempt("DescribeSnapshots", () => ec2.send(command));
    found.push(...(page.Snapshots ?? []).map(readSnapshot));
    NextToken = page.NextToken;
  } while (NextToken !== undefined && NextToken !== "");
  return found;
}

function readSnapshot(snapshot: Ec2Snapshot): Snapshot {
  return {
    snapshot: snapshot.SnapshotId ?? "",
    volume: snapshot.VolumeId ?? "",
    state: snapshot.State ?? "pending",
    sizeGiB: snapshot.VolumeSize ?? 0,
    progress: snapshot.Progress ?? "",
    startedAt: (snapshot.StartTime?.getTime() ?? 0) / 1000,
    encrypted: snapshot.Encrypted ?? false,
    kmsKeyId: snapshot.KmsKeyId ?? null,
    description: snapshot.Description ?? "",
    stateMessage: snapshot.StateMessage ?? null,
    tags: readTags(snapshot.Tags),
  };
}

export interface CopyOrder {
  /** Region of the snapshot to copy. */
  readonly from: string;
  readonly snapshot: string;
  /** A key of the region and account that the client stands for. */
  readonly kmsKeyId: string;
  readonly tags: Tags;
  readonly description: string;
}

/** Id of the copy, which is pending. `ec2`: of the place it goes to. The call has no token: look by tag before it. */
export async function copySnapshot(ec2: Ec2, order: CopyOrder): Promise<string> {
  const command = new CopySnapshotCommand({
    SourceRegion: order.from,
    SourceSnapshotId: order.snapshot,
    Description: order.description,
    Encrypted: true,
    KmsKeyId: order.kmsKeyId,
    TagSpecifications: [{ ResourceType: "snapshot", Tags: writeTags(order.tags) }],
  });
  const { SnapshotId } = await attempt("CopySnapshot", () => ec2.send(command));
  if (SnapshotId === undefined) throw new AwsCallFailed("CopySnapshot", new Error("the answer has no snapshot"));
  return SnapshotId;
}

/** Fine when it is gone already. Throws SnapshotKept for one that is locked or that an image uses. */
export async function deleteSnapshot(ec2: Ec2, snapshot: string): Promise<void> {
  try {
    await attempt("DeleteSnapshot", () => ec2.send(new DeleteSnapshotCommand({ SnapshotId: snapshot })));
  } catch (error) {
    if (!(error instanceof AwsCallFailed)) throw error;
    if (error.code === "InvalidSnapshot.NotFound") return;
    const why = KEPT[error.code];
    throw why === undefined ? error : new SnapshotKept(snapshot, why, { cause: error });
  }
}

/** A lock that is there already is set anew for so many days; EC2 refuses to shorten one in compliance mode. */
export async function lockSnapshot(
  ec2: Ec2,
  snapshot: string,
  mode: "governance" | "compliance",
  days: number,
): Promise<void> {
  const command = new LockSnapshotCommand({ SnapshotId: snapshot, LockMode: mode, LockDuration: days });
  await attempt("LockSnapshot", () => ec2.send(command));
}

/** Those of `ids` that a lock keeps now. All locks are listed, since one id that is gone would fail a call by ids. */
export async function listLocked(ec2: Ec2, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const asked = new Set(ids);
  const locked = new Set<string>();
  let NextToken: string | undefined;
  do {
    const command = new DescribeLockedSnapshotsCommand({ MaxResults: 1000, NextToken });
    const page = await attempt("DescribeLockedSnapshots", () => ec2.send(command));
    for (const { SnapshotId = "", LockState } of page.Snapshots ?? [])
      if (asked.has(SnapshotId) && LockState !== "expired") locked.add(SnapshotId);
    NextToken = page.NextToken;
  } while (NextToken !== undefined && NextToken !== "");
  return locked;
}

/** Lets another account copy it and make volumes of it. Saying so twice is fine. */
export async function shareSnapshot(ec2: Ec2, snapshot: string, accountId: string): Promise<void> {
  const command = new ModifySnapshotAttributeCommand({
    SnapshotId: snapshot,
    Attribute: "createVolumePermission",
    OperationType: "add",
    UserIds: [accountId],
  });
  await attempt("ModifySnapshotAttribute", () => ec2.send(command));
}

/** Those of `ids` that an image of this account uses: EC2 refuses to delete them. Without MaxResults EC2 answers in one page. */
export async function imagesUsing(ec2: Ec2, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const used = new Set<string>();
  for (const Values of inPieces(ids, MOST_VALUES)) {
    const Filters = [{ Name: "block-device-mapping.snapshot-id", Values }];
    const command = new DescribeImagesCommand({ Owners: ["self"], Filters });
    const { Images = [] } = await attempt("DescribeImages", () => ec2.send(command));
    for (const { Ebs } of Images.flatMap((image) => image.BlockDeviceMappings ?? []))
      if (Values.includes(Ebs?.SnapshotId ?? "")) used.add(Ebs?.SnapshotId ?? "");
  }
  return used;
}
