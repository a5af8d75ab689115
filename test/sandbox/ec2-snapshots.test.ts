// The EC2 model's snapshots: sets of one instant, their way to completion, copies, locks, deletion.

import {
  CopySnapshotCommand,
  CreateSnapshotsCommand,
  CreateTagsCommand,
  DeleteSnapshotCommand,
  DeleteTagsCommand,
  DescribeImagesCommand,
  DescribeLockedSnapshotsCommand,
  DescribeSnapshotsCommand,
  LockSnapshotCommand,
  ModifySnapshotAttributeCommand,
} from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import { HubDisk } from "../../sandbox/world/hub-machine.ts";
import { AWAY, HOME, openBackupWorld } from "./backup-world.ts";
import { errorName, START } from "./ec2-world.ts";

const KMS = "arn:aws:kms:eu-central-1:111122223333:key/0c";
const ROLE = "arn:aws:iam::444455556666:role/toji-copy";

describe("CreateSnapshots", () => {
  it("takes all volumes at one instant, each with the call's tags, and is shown some time later", async () => {
    const { take, list, run, volumes } = openBackupWorld();
    const ids = await take({ "toji:set": "a" });
    expect(ids).toHaveLength(3);
    expect(await list()).toEqual([]);
    await run(20);
    const found = await list();
    expect(found.map(({ SnapshotId }) => SnapshotId)).toEqual(ids);
    expect(found.map(({ VolumeId }) => VolumeId)).toEqual((await volumes()).map(({ VolumeId }) => VolumeId));
    for (const each of found) {
      expect(each).toMatchObject({
        State: "pending",
        StartTime: new Date(START * 1000),
        Tags: [{ Key: "toji:set", Value: "a" }],
        OwnerId: "111122223333",
      });
      expect(each.Progress).toMatch(/^\d\d?%$/);
    }
    await run(600);
    expect((await list()).map(({ State, Progress }) => `${State} ${Progress}`)).toEqual(
      Array(3).fill("completed 100%"),
    );
  });

  it("keeps the content of its instant, whatever is written later", async () => {
    const { take, hub, ec2 } = openBackupWorld();
    const before = hub.files();
    await take();
    hub.importBuild();
    hub.loseFile(before[0] ?? "");
    const [, tree] = ec2.storage.snapshots.inWorld();
    expect(tree?.content instanceof HubDisk ? [...(tree.content.tree?.keys() ?? [])] : []).toEqual(before);
  });

  it("leaves volumes out when told, and knows no instance that is not there", async () => {
    const { home, hub, address, aws } = openBackupWorld();
    const ask = (InstanceSpecification: {
      InstanceId: string;
      ExcludeBootVolume?: boolean;
      ExcludeDataVolumeIds?: string[];
    }) => home.send(new CreateSnapshotsCommand({ InstanceSpecification }));
    const data = await ask({ InstanceId: hub.instanceId, ExcludeBootVolume: true });
    expect(data.Snapshots?.map(({ VolumeSize }) => VolumeSize)).toEqual([500, 50]);
    const [first] = data.Snapshots ?? [];
    const rest = await ask({ InstanceId: hub.instanceId, ExcludeDataVolumeIds: [first?.VolumeId ?? ""] });
    expect(rest.Snapshots?.map(({ VolumeSize }) => VolumeSize)).toEqual([30, 50]);
    expect(await errorName(ask({ InstanceId: "i-00000000000000fff" }))).toBe("InvalidInstanceID.NotFound");
    expect(await address()).toContain("Action=CreateSnapshots");
    expect(aws.ec2.callCounts().CreateSnapshots).toBe(3);
  });

  it("allows five at work for a volume, and all of a call fail if one does", async () => {
    const { take, list, run, ec2 } = openBackupWorld();
    for (let count = 0; count < 5; count++) await take();
    expect(await errorName(take())).toBe("ConcurrentSnapshotLimitExceeded");
    await run(600);
    ec2.storage.snapshots.failNextSet(30);
    const failed = await take({ "toji:set": "f" });
    await run(20);
    expect((await list({ SnapshotIds: failed })).map(({ State }) => State)).toEqual(Array(3).fill("pending"));
    await run(20);
    expect((await list({ SnapshotIds: failed })).map(({ State }) => State)).toEqual(Array(3).fill("error"));
    await take();
    await run(600);
    const Filters = [{ Name: "status", Values: ["error"] }];
    expect(await list({ OwnerIds: ["self"], Filters })).toHaveLength(3);
  });

  it("is done although its answer was lost", async () => {
    const { take, list, run, ec2 } = openBackupWorld();
    ec2.failNext("CreateSnapshots", "InternalError", { applied: true });
    expect(await errorName(take())).toBe("InternalError");
    await run(60);
    expect(await list()).toHaveLength(3);
  });
});

describe("DescribeSnapshots", () => {
  it("filters by tag and volume, pages, and asks for an owner", async () => {
    const { takeComplete, list, home, volumes } = openBackupWorld();
    await takeComplete({ "toji:set": "a" });
    await takeComplete({ "toji:set": "b" });
    const by = (Name: string, ...Values: string[]) => list({ OwnerIds: ["self"], Filters: [{ Name, Values }] });
    expect(await by("tag:toji:set", "a")).toHaveLength(3);
    expect(await by("tag-key", "toji:set")).toHaveLength(6);
    const [, tree] = await volumes();
    expect(await by("volume-id", tree?.VolumeId ?? "")).toHaveLength(2);
    const page = await home.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"], MaxResults: 5 }));
    expect(page.Snapshots).toHaveLength(5);
    expect(await list({ OwnerIds: ["self"], MaxResults: 5, NextToken: page.NextToken })).toHaveLength(1);
    expect(await errorName(list({ SnapshotIds: ["snap-0ff"] }))).toBe("InvalidSnapshot.NotFound");
    await expect(list({})).rejects.toThrow('OwnerIds ["self"]');
  });

  it("shows tags that were written and taken off later", async () => {
    const { takeComplete, list, home } = openBackupWorld();
    const Resources = await takeComplete({ "toji:set": "a" });
    await home.send(new CreateTagsCommand({ Resources, Tags: [{ Key: "toji:set-state", Value: "verified" }] }));
    await home.send(new DeleteTagsCommand({ Resources, Tags: [{ Key: "toji:set" }] }));
    for (const { Tags } of await list()) expect(Tags).toEqual([{ Key: "toji:set-state", Value: "verified" }]);
  });
});

describe("CopySnapshot", () => {
  const copyFrom = (id: string) =>
    new CopySnapshotCommand({
      SourceRegion: HOME,
      SourceSnapshotId: id,
      Encrypted: true,
      KmsKeyId: KMS,
      TagSpecifications: [{ ResourceType: "snapshot", Tags: [{ Key: "toji:copy-of", Value: id }] }],
    });

  it("takes hours into another region, under the key of that region", async () => {
    const { takeComplete, clients, run } = openBackupWorld();
    const [, source = ""] = await takeComplete();
    const away = clients.ec2({ region: AWAY });
    const list = async () => (await away.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"] }))).Snapshots;
    const made = await away.send(copyFrom(source));
    await run(3600);
    expect(await list()).toMatchObject([
      { SnapshotId: made.SnapshotId, State: "pending", VolumeId: "vol-ffffffff", Encrypted: true, KmsKeyId: KMS },
    ]);
    await run(3600);
    expect(await list()).toMatchObject([{ State: "completed", VolumeSize: 500 }]);
    expect(made.SnapshotId).not.toBe(source);
  });

  it("refuses what is not complete, and what is not there; can be made to stand still", async () => {
    const { take, takeComplete, clients, run, aws } = openBackupWorld();
    const away = clients.ec2({ region: AWAY });
    const [young = ""] = await take();
    await run(20);
    expect(await errorName(away.send(copyFrom(young)))).toBe("IncorrectState");
    expect(await errorName(away.send(copyFrom("snap-0ff")))).toBe("InvalidSnapshot.NotFound");
    const [source = ""] = await takeComplete();
    aws.ec2In({ region: AWAY }).storage.snapshots.stall(true);
    await away.send(copyFrom(source));
    await run(200_000);
    expect(aws.ec2In({ region: AWAY }).storage.snapshots.visible()).toHaveLength(1);
    const page = await away.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"] }));
    expect(page.Snapshots).toMatchObject([{ State: "pending", Progress: "0%" }]);
  });

  it("into another account needs the source to be shared with it", async () => {
    const { takeComplete, clients, home } = openBackupWorld();
    const [source = ""] = await takeComplete();
    const other = clients.ec2({ region: AWAY, roleArn: ROLE });
    expect(await errorName(other.send(copyFrom(source)))).toBe("InvalidSnapshot.NotFound");
    const share = { SnapshotId: source, Attribute: "createVolumePermission" as const };
    await home.send(new ModifySnapshotAttributeCommand({ ...share, OperationType: "add", UserIds: ["444455556666"] }));
    expect(await errorName(other.send(copyFrom(source)))).toBe("no error");
    expect((await other.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"] }))).Snapshots).toEqual([]);
  });
});

describe("locks", () => {
  it("keep a snapshot from being deleted until they expire", async () => {
    const { takeComplete, home, run } = openBackupWorld();
    const [SnapshotId = "", other = ""] = await takeComplete();
    const remove = (id: string) => errorName(home.send(new DeleteSnapshotCommand({ SnapshotId: id })));
    const locked = async () => (await home.send(new DescribeLockedSnapshotsCommand({}))).Snapshots ?? [];
    const made = await home.send(new LockSnapshotCommand({ SnapshotId, LockMode: "governance", LockDuration: 3 }));
    expect(made).toMatchObject({ SnapshotId, LockState: "governance", LockDuration: 3 });
    expect(await remove(SnapshotId)).toBe("SnapshotLocked");
    expect(await remove(other)).toBe("no error");
    expect(await remove(other)).toBe("InvalidSnapshot.NotFound");
    expect(await locked()).toMatchObject([{ SnapshotId, LockState: "governance" }]);
    await run(3 * 86_400);
    expect(await locked()).toMatchObject([{ LockState: "expired" }]);
    expect(await remove(SnapshotId)).toBe("no error");
  });

  it("in compliance mode can only be made longer", async () => {
    const { takeComplete, home } = openBackupWorld();
    const [SnapshotId = ""] = await takeComplete();
    const lock = (LockMode: "governance" | "compliance", LockDuration: number) =>
      errorName(home.send(new LockSnapshotCommand({ SnapshotId, LockMode, LockDuration })));
    expect(await lock("governance", 9)).toBe("no error");
    expect(await lock("compliance", 5)).toBe("no error");
    expect(await lock("compliance", 4)).toBe("InvalidRequest");
    expect(await lock("governance", 9)).toBe("InvalidRequest");
    expect(await lock("compliance", 6)).toBe("no error");
  });
});

describe("an image", () => {
  it("keeps the snapshots it is made of", async () => {
    const { takeComplete, home, ec2 } = openBackupWorld();
    const [SnapshotId = ""] = await takeComplete();
    ec2.storage.addImage({ imageId: "ami-0cc", snapshots: [SnapshotId] });
    const using = (id: string) =>
      home.send(new DescribeImagesCommand({ Filters: [{ Name: "block-device-mapping.snapshot-id", Values: [id] }] }));
    expect((await using(SnapshotId)).Images).toMatchObject([{ ImageId: "ami-0cc" }]);
    expect((await using("snap-0ff")).Images).toEqual([]);
    expect(await errorName(home.send(new DeleteSnapshotCommand({ SnapshotId })))).toBe("InvalidSnapshot.InUse");
    ec2.storage.removeImage("ami-0cc");
    expect(await errorName(home.send(new DeleteSnapshotCommand({ SnapshotId })))).toBe("no error");
  });
});
