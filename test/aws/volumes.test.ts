// Volumes from snapshots, an isolated instance, its console, and counts of changed blocks.

import { EBSClient, ListChangedBlocksCommand, ListSnapshotBlocksCommand } from "@aws-sdk/client-ebs";
import {
  AttachVolumeCommand,
  CreateVolumeCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
  EC2Client,
  GetConsoleOutputCommand,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, it } from "vitest";
import { countChangedBytes } from "../../shared/aws/changed-blocks.ts";
import { listInstances, readConsole, runIsolatedInstance } from "../../shared/aws/run-instance.ts";
import {
  attachVolume,
  createVolume,
  describeVolumes,
  detachVolume,
  listVolumesByTag,
} from "../../shared/aws/volumes.ts";
import { awsError } from "./bucket.ts";

const client = new EC2Client({ region: "us-east-1" });
const ec2 = mockClient(client);
const ebsClient = new EBSClient({ region: "us-east-1" });
const ebs = mockClient(ebsClient);
beforeEach(() => {
  ec2.reset();
  ebs.reset();
});

const inputsOf = (command: Parameters<typeof ec2.commandCalls>[0]) =>
  ec2.commandCalls(command).map((call) => call.args[0].input);

const order = {
  snapshot: "snap-1",
  zone: "us-east-1a",
  type: "gp3",
  iops: 6000,
  throughput: 500,
  kmsKeyId: "key",
  sizeGiB: 100,
  token: "restore-1-sdf",
  tags: { "toji:restore": "restore-1" },
};

describe("a volume", () => {
  it("is made like the one it replaces; the token makes it once", async () => {
    ec2.on(CreateVolumeCommand).resolves({ VolumeId: "vol-9" });
    expect(await createVolume(client, order)).toBe("vol-9");
    await createVolume(client, { ...order, type: "gp2", kmsKeyId: null });
    const made = { SnapshotId: "snap-1", AvailabilityZone: "us-east-1a", Size: 100, ClientToken: "restore-1-sdf" };
    const TagSpecifications = [{ ResourceType: "volume", Tags: [{ Key: "toji:restore", Value: "restore-1" }] }];
    expect(inputsOf(CreateVolumeCommand)).toEqual([
      { ...made, VolumeType: "gp3", Iops: 6000, Throughput: 500, Encrypted: true, KmsKeyId: "key", TagSpecifications },
      { ...made, VolumeType: "gp2", TagSpecifications },
    ]);
    ec2.on(CreateVolumeCommand).resolves({});
    await expect(createVolume(client, order)).rejects.toThrow("the answer has no volume");
  });

  it("is found by tag with what it is attached to, and by its id", async () => {
    const Attachments = [
      { InstanceId: "i-1", Device: "/dev/sdf", State: "attached", DeleteOnTermination: true },
    ] as const;
    ec2
      .on(DescribeVolumesCommand)
      .resolvesOnce({
        Volumes: [{ VolumeId: "vol-1", State: "in-use", Attachments: [...Attachments] }],
        NextToken: "x",
      })
      .resolvesOnce({ Volumes: [{ VolumeId: "vol-2", State: "available", SnapshotId: "" }] })
      .resolvesOnce({ Volumes: [{ VolumeId: "vol-2" }] });
    expect(await listVolumesByTag(client, { key: "toji:restore", value: "restore-1" })).toMatchObject([
      {
        volume: "vol-1",
        state: "in-use",
        attachments: [{ instanceId: "i-1", device: "/dev/sdf", state: "attached", deleteOnTermination: true }],
      },
      { volume: "vol-2", state: "available", snapshot: null, attachments: [] },
    ]);
    expect(await describeVolumes(client, [])).toEqual([]);
    expect(await describeVolumes(client, ["vol-2"])).toMatchObject([{ volume: "vol-2", state: "unknown" }]);
  });

  it("goes onto an instance and off it, never by force", async () => {
    ec2.on(AttachVolumeCommand).resolves({}).on(DetachVolumeCommand).resolves({});
    await attachVolume(client, "vol-1", "i-1", "/dev/sdf");
    await detachVolume(client, "vol-1", "i-1");
    expect(inputsOf(AttachVolumeCommand)).toEqual([{ VolumeId: "vol-1", InstanceId: "i-1", Device: "/dev/sdf" }]);
    expect(inputsOf(DetachVolumeCommand)).toEqual([{ VolumeId: "vol-1", InstanceId: "i-1" }]);
  });
});

describe("an isolated instance", () => {
  const launch = {
    imageId: "ami-1",
    instanceType: "m7a.large",
    subnetId: "subnet-1",
    securityGroup: "sg-1",
    userData: "Zm9v",
    devices: [{ device: "/dev/sdf", snapshot: "snap-1", type: "gp3" }],
    tags: { "toji:drill": "drill-1" },
    token: "drill-1",
  };

  it("has no public address, no role and no volume that outlives it", async () => {
    ec2
      .on(RunInstancesCommand)
      .resolvesOnce({ Instances: [{ InstanceId: "i-9" }] })
      .resolvesOnce({});
    expect(await runIsolatedInstance(client, launch)).toBe("i-9");
    const [input] = inputsOf(RunInstancesCommand);
    expect(input).toMatchObject({
      ClientToken: "drill-1",
      InstanceInitiatedShutdownBehavior: "terminate",
      MetadataOptions: { HttpTokens: "required" },
      NetworkInterfaces: [{ SubnetId: "subnet-1", Groups: ["sg-1"], AssociatePublicIpAddress: false }],
      BlockDeviceMappings: [
        { DeviceName: "/dev/sdf", Ebs: { SnapshotId: "snap-1", VolumeType: "gp3", DeleteOnTermination: true } },
      ],
      TagSpecifications: [{ ResourceType: "instance" }, { ResourceType: "volume" }],
    });
    expect(input).not.toHaveProperty("IamInstanceProfile");
    await expect(runIsolatedInstance(client, launch)).rejects.toThrow("the answer has no instance");
  });

  it("is found by its tag over all pages", async () => {
    ec2
      .on(DescribeInstancesCommand)
      .resolvesOnce({
        Reservations: [{ Instances: [{ InstanceId: "i-1", State: { Name: "running" } }] }],
        NextToken: "x",
      })
      .resolvesOnce({ Reservations: [{ Instances: [{ InstanceId: "i-2" }] }] });
    const found = await listInstances(client, { key: "toji:drill", value: "drill-1" });
    expect(found.map(({ instanceId, state }) => [instanceId, state])).toEqual([
      ["i-1", "running"],
      ["i-2", "pending"],
    ]);
  });

  it("speaks by its console, as it is now where EC2 can show that", async () => {
    const Output = Buffer.from("toji-drill {}\n").toString("base64");
    ec2
      .on(GetConsoleOutputCommand)
      .resolvesOnce({ Output })
      .rejectsOnce(awsError("UnsupportedOperation"))
      .resolvesOnce({})
      .rejectsOnce(awsError("InvalidInstanceID.NotFound"));
    expect(await readConsole(client, "i-1")).toBe("toji-drill {}\n");
    expect(await readConsole(client, "i-1")).toBe("");
    await expect(readConsole(client, "i-1")).rejects.toMatchObject({ code: "InvalidInstanceID.NotFound" });
    const latest = inputsOf(GetConsoleOutputCommand).map((input) => ("Latest" in input ? input.Latest : undefined));
    expect(latest).toEqual([true, true, false, true]);
  });
});

describe("changed blocks", () => {
  it("are counted over all pages against the snapshot before", async () => {
    ebs
      .on(ListChangedBlocksCommand)
      .resolvesOnce({ ChangedBlocks: [{}, {}], BlockSize: 524_288, NextToken: "more" })
      .resolvesOnce({ ChangedBlocks: [{}], BlockSize: 524_288 });
    expect(await countChangedBytes(ebsClient, "snap-1", "snap-2")).toBe(3 * 524_288);
    expect(ebs.commandCalls(ListChangedBlocksCommand).map((call) => call.args[0].input)).toMatchObject([
      { FirstSnapshotId: "snap-1", SecondSnapshotId: "snap-2" },
      { FirstSnapshotId: "snap-1", SecondSnapshotId: "snap-2", NextToken: "more" },
    ]);
  });

  it("are all that hold anything when there is no snapshot before", async () => {
    ebs
      .on(ListSnapshotBlocksCommand)
      .resolvesOnce({ Blocks: [{}, {}, {}, {}] })
      .rejectsOnce(awsError("ThrottlingException"));
    expect(await countChangedBytes(ebsClient, null, "snap-2")).toBe(4 * 524_288);
    await expect(countChangedBytes(ebsClient, null, "snap-2")).rejects.toMatchObject({ retryable: true });
  });
});
