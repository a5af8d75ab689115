// The EC2 model's volumes by hand: made from snapshots, attached, detached, with what each call refuses.

import {
  AttachVolumeCommand,
  CreateVolumeCommand,
  type CreateVolumeCommandInput,
  DeleteVolumeCommand,
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
  type VolumeType,
} from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import { findHub } from "../../shared/aws/hub-instance.ts";
import { openBackupWorld } from "./backup-world.ts";
import { errorName } from "./ec2-world.ts";

const ZONE = "eu-west-1a";

function openVolumeWorld() {
  const world = openBackupWorld();
  const { home, hub } = world;
  const create = async (SnapshotId: string, input: Partial<CreateVolumeCommandInput> = {}) => {
    const VolumeType: VolumeType = "gp3";
    const words = { SnapshotId, AvailabilityZone: ZONE, VolumeType, ...input };
    return (await home.send(new CreateVolumeCommand(words))).VolumeId ?? "";
  };
  const attach = (VolumeId: string, Device = "/dev/sdh", InstanceId = hub.instanceId) =>
    home.send(new AttachVolumeCommand({ VolumeId, InstanceId, Device }));
  const detach = (VolumeId: string) => home.send(new DetachVolumeCommand({ VolumeId }));
  const one = async (id: string) => (await home.send(new DescribeVolumesCommand({ VolumeIds: [id] }))).Volumes?.[0];
  return { ...world, create, attach, detach, one };
}

describe("CreateVolume", () => {
  it("makes a volume of a complete snapshot: creating, then available, with the snapshot's content", async () => {
    const { takeComplete, create, one, run, hub, ec2 } = openVolumeWorld();
    const [, tree = ""] = await takeComplete();
    hub.importBuild();
    const id = await create(tree, { Iops: 6000, Throughput: 500, Size: 600 });
    expect(await one(id)).toMatchObject({ State: "creating", Size: 600, Iops: 6000, Throughput: 500 });
    await run(10);
    expect(await one(id)).toMatchObject({
      State: "available",
      SnapshotId: tree,
      AvailabilityZone: ZONE,
      Attachments: [],
    });
    const content = ec2.storage.snapshots.find(tree).content;
    expect(ec2.storage.contentOf(id)).toBe(content);
  });

  it("answers the same volume for the same token, and an error for other words with it", async () => {
    const { takeComplete, create } = openVolumeWorld();
    const [boot = "", tree = ""] = await takeComplete();
    const first = await create(tree, { ClientToken: "r-1" });
    expect(await create(tree, { ClientToken: "r-1" })).toBe(first);
    expect(await create(tree)).not.toBe(first);
    expect(await errorName(create(boot, { ClientToken: "r-1" }))).toBe("IdempotentParameterMismatch");
  });

  it("refuses what cannot be", async () => {
    const { take, takeComplete, create, run } = openVolumeWorld();
    const [young = ""] = await take();
    await run(20);
    expect(await errorName(create(young))).toBe("IncorrectState");
    const [, tree = ""] = await takeComplete();
    expect(await errorName(create(tree, { Size: 10 }))).toBe("InvalidParameterValue");
    expect(await errorName(create(tree, { AvailabilityZone: "us-east-1a" }))).toBe("InvalidZone.NotFound");
    expect(await errorName(create("snap-0ff"))).toBe("InvalidSnapshot.NotFound");
    expect(await errorName(create(tree, { VolumeType: "st1", Throughput: 200 }))).toBe("InvalidParameterCombination");
  });
});

describe("attaching and detaching", () => {
  it("take some seconds each, and show on the instance", async () => {
    const { takeComplete, create, attach, detach, one, run, home, hub } = openVolumeWorld();
    const [, tree = ""] = await takeComplete();
    const id = await create(tree);
    expect(await errorName(attach(id))).toBe("IncorrectState");
    await run(10);
    expect(await attach(id)).toMatchObject({ State: "attaching", Device: "/dev/sdh" });
    await run(10);
    expect((await one(id))?.Attachments).toMatchObject([
      { State: "attached", InstanceId: hub.instanceId, DeleteOnTermination: false },
    ]);
    const { Reservations } = await home.send(new DescribeInstancesCommand({}));
    expect(Reservations?.[0]?.Instances?.[0]?.BlockDeviceMappings?.map(({ DeviceName }) => DeviceName)).toEqual([
      "/dev/xvda",
      "/dev/sdf",
      "/dev/sdg",
      "/dev/sdh",
    ]);
    expect(await errorName(home.send(new DeleteVolumeCommand({ VolumeId: id })))).toBe("VolumeInUse");
    expect(await detach(id)).toMatchObject({ State: "detaching" });
    await run(10);
    expect(await one(id)).toMatchObject({ State: "available" });
    expect(await errorName(detach(id))).toBe("IncorrectState");
  });

  it("refuse a device that is taken, a volume that is attached, another zone, and the root of what runs", async () => {
    const { takeComplete, create, attach, detach, run, volumes } = openVolumeWorld();
    const [, tree = ""] = await takeComplete();
    const id = await create(tree);
    const far = await create(tree, { AvailabilityZone: "eu-west-1b" });
    await run(10);
    expect(await errorName(attach(id, "/dev/sdf"))).toBe("InvalidParameterValue");
    expect(await errorName(attach(far))).toBe("InvalidVolume.ZoneMismatch");
    const [root, data] = await volumes();
    expect(await errorName(attach(data?.VolumeId ?? ""))).toBe("VolumeInUse");
    expect(await errorName(detach(root?.VolumeId ?? ""))).toBe("OperationNotPermitted");
    expect(await errorName(attach(id, "/dev/sdh", "i-00000000000000fff"))).toBe("InvalidInstanceID.NotFound");
  });

  it("wait for a volume that the machine still has mounted", async () => {
    const { detach, one, run, volumes, ec2 } = openVolumeWorld();
    const id = (await volumes())[1]?.VolumeId ?? "";
    await detach(id);
    await run(600);
    expect((await one(id))?.Attachments).toMatchObject([{ State: "busy" }]);
    ec2.storage.setMounted(id, false);
    expect(await one(id)).toMatchObject({ State: "available" });
  });
});

describe("the hub's instance", () => {
  it("answers all that a manifest needs", async () => {
    const { home, hub } = openVolumeWorld();
    expect(await findHub(home, "koji")).toMatchObject({
      instanceId: hub.instanceId,
      imageId: "ami-0b",
      zone: ZONE,
      securityGroups: ["sg-0b"],
      publicIp: "203.0.113.5",
      allocationId: "eipalloc-0b",
      keyName: "koji",
      instanceProfile: "arn:aws:iam::111122223333:instance-profile/koji-hub",
      terminationProtected: true,
      volumes: [
        { device: "/dev/xvda", isBoot: true, sizeGiB: 30, deleteOnTermination: true },
        { device: "/dev/sdf", isBoot: false, sizeGiB: 500, type: "gp3", iops: 3000, deleteOnTermination: false },
        { device: "/dev/sdg", isBoot: false, sizeGiB: 50 },
      ],
    });
    const { Addresses } = await home.send(new DescribeAddressesCommand({ PublicIps: ["203.0.113.9"] }));
    expect(Addresses).toEqual([]);
  });
});
