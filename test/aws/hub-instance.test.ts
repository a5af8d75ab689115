// The hub's instance: exactly one running one carries the tag, and all that rebuilds it is read.

import {
  DescribeAddressesCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  EC2Client,
  type Instance,
} from "@aws-sdk/client-ec2";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, it } from "vitest";
import { findHub, HubNotFound } from "../../shared/aws/hub-instance.ts";

const client = new EC2Client({ region: "eu-west-1" });
const ec2 = mockClient(client);
beforeEach(() => void ec2.reset());

const instance: Instance = {
  InstanceId: "i-1",
  State: { Name: "running" },
  InstanceType: "m7i.2xlarge",
  ImageId: "ami-1",
  Placement: { AvailabilityZone: "eu-west-1b" },
  SubnetId: "subnet-1",
  SecurityGroups: [{ GroupId: "sg-1" }],
  PrivateIpAddress: "10.0.0.5",
  PublicIpAddress: "198.51.100.7",
  IamInstanceProfile: { Arn: "arn:aws:iam::123456789012:instance-profile/hub" },
  RootDeviceName: "/dev/xvda",
  BlockDeviceMappings: [
    { DeviceName: "/dev/xvda", Ebs: { VolumeId: "vol-1", DeleteOnTermination: true } },
    { DeviceName: "/dev/sdf", Ebs: { VolumeId: "vol-2", DeleteOnTermination: false } },
    { DeviceName: "/dev/sdb" },
  ],
};
const found = (...Instances: Instance[]) =>
  ec2.on(DescribeInstancesCommand).resolves({ Reservations: Instances.map((each) => ({ Instances: [each] })) });

describe("the hub", () => {
  it("is read with its volumes, its addresses and its protection", async () => {
    found({ ...instance, InstanceId: "i-0", State: { Name: "stopped" } }, instance);
    ec2
      .on(DescribeInstanceAttributeCommand)
      .resolves({ DisableApiTermination: { Value: true } })
      .on(DescribeAddressesCommand)
      .resolves({ Addresses: [{ AllocationId: "eipalloc-1" }] })
      .on(DescribeVolumesCommand)
      .resolves({
        Volumes: [{ VolumeId: "vol-2", Size: 1000, VolumeType: "gp3", Iops: 6000, Throughput: 500, Encrypted: true }],
      });
    const hub = await findHub(client, "toji");
    expect(hub).toMatchObject({
      instanceId: "i-1",
      zone: "eu-west-1b",
      securityGroups: ["sg-1"],
      publicIp: "198.51.100.7",
      allocationId: "eipalloc-1",
      instanceProfile: "arn:aws:iam::123456789012:instance-profile/hub",
      keyName: null,
      terminationProtected: true,
    });
    expect(
      hub.volumes.map(({ volume, device, isBoot, deleteOnTermination, sizeGiB, iops }) => ({
        volume,
        device,
        isBoot,
        deleteOnTermination,
        sizeGiB,
        iops,
      })),
    ).toEqual([
      { volume: "vol-1", device: "/dev/xvda", isBoot: true, deleteOnTermination: true, sizeGiB: 0, iops: null },
      { volume: "vol-2", device: "/dev/sdf", isBoot: false, deleteOnTermination: false, sizeGiB: 1000, iops: 6000 },
    ]);
    expect(ec2.commandCalls(DescribeInstancesCommand)[0]?.args[0].input.Filters?.[0]).toEqual({
      Name: "tag:toji:hub",
      Values: ["toji"],
    });
  });

  it("must be one instance that runs", async () => {
    found();
    await expect(findHub(client, "toji")).rejects.toThrow(
      "no instance carries the tag toji:hub=toji: put it on the hub's",
    );
    found({ ...instance, State: { Name: "stopped" } });
    await expect(findHub(client, "toji")).rejects.toThrow("i-1 carries the tag toji:hub=toji and is stopped");
    found(instance, { ...instance, InstanceId: "i-2" });
    await expect(findHub(client, "toji")).rejects.toThrow("i-1 and i-2 both carry the tag toji:hub=toji: take it off");
    await expect(findHub(client, "toji")).rejects.toBeInstanceOf(HubNotFound);
  });
});
