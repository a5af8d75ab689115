// Snapshots, tags, locks and images as EC2's calls show and change them.

import {
  CopySnapshotCommand,
  CreateTagsCommand,
  DeleteSnapshotCommand,
  DeleteTagsCommand,
  DescribeImagesCommand,
  DescribeLockedSnapshotsCommand,
  DescribeSnapshotsCommand,
  EC2Client,
  LockSnapshotCommand,
  ModifySnapshotAttributeCommand,
} from "@aws-sdk/client-ec2";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, it } from "vitest";
import {
  copySnapshot,
  deleteSnapshot,
  imagesUsing,
  listLocked,
  listOwnSnapshots,
  listSnapshots,
  lockSnapshot,
  SnapshotKept,
  shareSnapshot,
  tagResources,
  untagResources,
} from "../../shared/aws/snapshots.ts";
import { awsError } from "./bucket.ts";

const client = new EC2Client({ region: "us-east-1" });
const ec2 = mockClient(client);
beforeEach(() => void ec2.reset());

const inputsOf = (command: Parameters<typeof ec2.commandCalls>[0]) =>
  ec2.commandCalls(command).map((call) => call.args[0].input);

const tag = { key: "toji:set", value: "bs-1" };
const ids = (count: number) => Array.from({ length: count }, (_, index) => `snap-${index}`);

describe("snapshots", () => {
  it("are listed by tag over all pages, this account's only", async () => {
    const StartTime = new Date("2026-11-23T02:00:00Z");
    const Tags = [{ Key: "toji:set", Value: "bs-1" }];
    const told = {
      SnapshotId: "snap-1",
      VolumeId: "vol-1",
      State: "completed",
      VolumeSize: 8,
      Progress: "100%",
    } as const;
    ec2
      .on(DescribeSnapshotsCommand)
      .resolvesOnce({ Snapshots: [{ ...told, StartTime, Encrypted: true, KmsKeyId: "key", Tags }], NextToken: "more" })
      .resolvesOnce({ Snapshots: [{ SnapshotId: "snap-2" }], NextToken: "" });
    const [first, second] = await listSnapshots(client, tag);
    expect(first).toEqual({
      snapshot: "snap-1",
      volume: "vol-1",
      state: "completed",
      sizeGiB: 8,
      progress: "100%",
      startedAt: StartTime.getTime() / 1000,
      encrypted: true,
      kmsKeyId: "key",
      description: "",
      stateMessage: null,
      tags: { "toji:set": "bs-1" },
    });
    // What EC2 does not say is the least that can be hoped for.
    expect(second).toMatchObject({ state: "pending", progress: "", encrypted: false, tags: {} });
    const asked = { Filters: [{ Name: "tag:toji:set", Values: ["bs-1"] }], OwnerIds: ["self"], MaxResults: 1000 };
    expect(inputsOf(DescribeSnapshotsCommand)).toEqual([asked, { ...asked, NextToken: "more" }]);
  });

  it("are all listed, whatever tags they have, but never another account's", async () => {
    ec2.on(DescribeSnapshotsCommand).resolves({ Snapshots: [{ SnapshotId: "snap-1" }] });
    expect(await listOwnSnapshots(client)).toHaveLength(1);
    expect(inputsOf(DescribeSnapshotsCommand)).toEqual([{ OwnerIds: ["self"], MaxResults: 1000 }]);
  });

  it("are copied encrypted, with the key and tags of the place they go to", async () => {
    ec2.on(CopySnapshotCommand).resolvesOnce({ SnapshotId: "snap-9" }).resolvesOnce({});
    const order = {
      from: "eu-west-1",
      snapshot: "snap-1",
      kmsKeyId: "key",
      tags: { "toji:set": "bs-1" },
      description: "d",
    };
    expect(await copySnapshot(client, order)).toBe("snap-9");
    expect(inputsOf(CopySnapshotCommand)[0]).toEqual({
      SourceRegion: "eu-west-1",
      SourceSnapshotId: "snap-1",
      Description: "d",
      Encrypted: true,
      KmsKeyId: "key",
      TagSpecifications: [{ ResourceType: "snapshot", Tags: [{ Key: "toji:set", Value: "bs-1" }] }],
    });
    await expect(copySnapshot(client, order)).rejects.toThrow("the answer has no snapshot");
  });

  it("are deleted; one that is gone is fine, one that must stay says why", async () => {
    ec2
      .on(DeleteSnapshotCommand)
      .resolvesOnce({})
      .rejectsOnce(awsError("InvalidSnapshot.NotFound"))
      .rejectsOnce(awsError("InvalidSnapshot.InUse"))
      .rejectsOnce(awsError("SnapshotLocked"))
      .rejectsOnce(awsError("RequestLimitExceeded"));
    await deleteSnapshot(client, "snap-1");
    await deleteSnapshot(client, "snap-1");
    await expect(deleteSnapshot(client, "snap-1")).rejects.toThrow("snap-1 stays: an image (AMI) uses it");
    await expect(deleteSnapshot(client, "snap-1")).rejects.toBeInstanceOf(SnapshotKept);
    await expect(deleteSnapshot(client, "snap-1")).rejects.toMatchObject({ name: "AwsCallFailed", retryable: true });
  });

  it("are locked for days and shared with an account", async () => {
    ec2.on(LockSnapshotCommand).resolves({}).on(ModifySnapshotAttributeCommand).resolves({});
    await lockSnapshot(client, "snap-1", "governance", 3);
    await shareSnapshot(client, "snap-1", "123456789012");
    expect(inputsOf(LockSnapshotCommand)).toEqual([{ SnapshotId: "snap-1", LockMode: "governance", LockDuration: 3 }]);
    expect(inputsOf(ModifySnapshotAttributeCommand)).toEqual([
      {
        SnapshotId: "snap-1",
        Attribute: "createVolumePermission",
        OperationType: "add",
        UserIds: ["123456789012"],
      },
    ]);
  });
});

describe("what keeps a snapshot", () => {
  it("is a lock that has not run out; another's lock is none of ours", async () => {
    ec2
      .on(DescribeLockedSnapshotsCommand)
      .resolvesOnce({
        Snapshots: [
          { SnapshotId: "snap-1", LockState: "governance" },
          { SnapshotId: "snap-2", LockState: "expired" },
        ],
        NextToken: "more",
      })
      .resolvesOnce({
        Snapshots: [
          { SnapshotId: "snap-3", LockState: "compliance-cooloff" },
          { SnapshotId: "snap-other", LockState: "compliance" },
        ],
      });
    expect([...(await listLocked(client, ids(5)))]).toEqual(["snap-1", "snap-3"]);
  });

  it("is an image, asked for 200 snapshots at a time", async () => {
    ec2
      .on(DescribeImagesCommand)
      .resolvesOnce({
        Images: [{ BlockDeviceMappings: [{ Ebs: { SnapshotId: "snap-7" } }, { DeviceName: "/dev/sdb" }] }],
      })
      .resolvesOnce({ Images: [] });
    expect([...(await imagesUsing(client, ids(201)))]).toEqual(["snap-7"]);
    const asked = inputsOf(DescribeImagesCommand).map((input) => ("Filters" in input ? input.Filters : undefined));
    expect(asked.map((filters) => filters?.[0]?.Values?.length)).toEqual([200, 1]);
    expect(await imagesUsing(client, [])).toEqual(new Set());
  });
});

describe("tags", () => {
  it("go on and off at most a thousand resources a call, and on none without a call", async () => {
    ec2.on(CreateTagsCommand).resolves({}).on(DeleteTagsCommand).resolves({});
    await tagResources(client, ids(1001), { a: "1" });
    await untagResources(client, ["snap-1"], ["a", "b"]);
    await tagResources(client, [], { a: "1" });
    const tagged = inputsOf(CreateTagsCommand).map((input) => ("Resources" in input ? input.Resources?.length : 0));
    expect(tagged).toEqual([1000, 1]);
    expect(inputsOf(DeleteTagsCommand)).toEqual([{ Resources: ["snap-1"], Tags: [{ Key: "a" }, { Key: "b" }] }]);
  });
});
