// The EC2 model's volumes and network interfaces: they come with an instance, and go with it or stay behind.

import {
  CreateTagsCommand,
  DeleteNetworkInterfaceCommand,
  DeleteTagsCommand,
  DeleteVolumeCommand,
  DescribeInstanceAttributeCommand,
  DescribeNetworkInterfacesCommand,
  type DescribeNetworkInterfacesCommandInput,
  DescribeVolumesCommand,
  type DescribeVolumesCommandInput,
} from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import { errorName, openWorld, START, USER_DATA } from "./ec2-world.ts";

const OURS = [{ Key: "toji:fleet", Value: "koji" }];

function openPartsWorld() {
  const world = openWorld({
    launchTemplates: [
      {
        id: "lt-0aa",
        name: "toji-builder",
        data: {
          ImageId: "ami-0aa",
          UserData: USER_DATA,
          BlockDeviceMappings: [{ DeviceName: "/dev/sda1", Ebs: { VolumeSize: 60, Encrypted: true } }],
          TagSpecifications: [
            { ResourceType: "volume", Tags: OURS },
            { ResourceType: "network-interface", Tags: OURS },
          ],
        },
      },
    ],
  });
  const { ec2 } = world;
  const volumes = async (input: DescribeVolumesCommandInput = {}) =>
    (await ec2.send(new DescribeVolumesCommand(input))).Volumes ?? [];
  const interfaces = async (input: DescribeNetworkInterfacesCommandInput = {}) =>
    (await ec2.send(new DescribeNetworkInterfacesCommand(input))).NetworkInterfaces ?? [];
  const deleteVolume = (VolumeId = "") => ec2.send(new DeleteVolumeCommand({ VolumeId }));
  const deleteInterface = (NetworkInterfaceId = "") =>
    ec2.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId }));
  return { ...world, volumes, interfaces, deleteVolume, deleteInterface };
}

describe("an instance", () => {
  it("brings the volume and the interface of its template, attached and tagged, and takes them with it", async () => {
    const { launchOne, volumes, interfaces, terminate, run } = openPartsWorld();
    const id = await launchOne();
    expect(await volumes()).toMatchObject([
      {
        State: "in-use",
        Size: 60,
        Encrypted: true,
        AvailabilityZone: "eu-west-1a",
        Tags: OURS,
        CreateTime: new Date(START * 1000),
        Attachments: [{ InstanceId: id, Device: "/dev/sda1", DeleteOnTermination: true }],
      },
    ]);
    expect(await interfaces()).toMatchObject([{ Status: "in-use", TagSet: OURS, Attachment: { InstanceId: id } }]);
    await terminate(id);
    expect(await volumes()).toHaveLength(1);
    await run(30);
    expect(await volumes()).toEqual([]);
    expect(await interfaces()).toEqual([]);
  });

  it("has the image's small volume when the template names none", async () => {
    const { launchOne, ec2 } = openWorld();
    await launchOne();
    const { Volumes } = await ec2.send(new DescribeVolumesCommand({}));
    expect(Volumes).toMatchObject([{ Size: 8, Tags: [], Attachments: [{ DeleteOnTermination: true }] }]);
  });

  it("may leave them behind, available", async () => {
    const { launchOne, model, volumes, interfaces, terminate, run } = openPartsWorld();
    const id = await launchOne();
    model.leavePartsBehind(id);
    await terminate(id);
    await run(30);
    expect(await volumes()).toMatchObject([{ State: "available", Attachments: [] }]);
    expect(await interfaces()).toMatchObject([{ Status: "available" }]);
  });

  it("that is stopped keeps them; started again it is the same machine, and its user data does not run twice", async () => {
    const seen: string[] = [];
    const hooks = {
      onBoot: ({ instanceId }: { instanceId: string }) => void seen.push(`boot ${instanceId}`),
      onStart: (instanceId: string) => void seen.push(`start ${instanceId}`),
      onGone: (instanceId: string) => void seen.push(`gone ${instanceId}`),
    };
    const { clock, launchOne, list, model, run, ec2 } = openWorld({ hooks });
    const id = await launchOne();
    expect(() => model.startInstance(id)).toThrow("is pending");
    await run(60);
    model.stopInstance(id);
    await run(60);
    const volumes = async () => (await ec2.send(new DescribeVolumesCommand({}))).Volumes;
    expect(await volumes()).toMatchObject([{ State: "in-use" }]);
    const startedAt = clock.now();
    model.startInstance(id);
    expect((await list())[0]?.State?.Name).toBe("pending");
    await run(60);
    const [again] = await list();
    expect(again).toMatchObject({ InstanceId: id, State: { Name: "running" }, LaunchTime: new Date(startedAt * 1000) });
    expect(again?.StateReason).toBeUndefined();
    model.stopInstance(id);
    await run(60);
    expect(seen).toEqual([`boot ${id}`, `gone ${id}`, `start ${id}`, `gone ${id}`]);
  });

  it("answers its user data, and is found by the template that it was launched from", async () => {
    const { launchOne, list, ec2, model } = openWorld();
    const id = await launchOne({ tags: { "toji:fleet": "koji" } });
    model.deleteAllTags(id);
    const ofTemplate = { Name: "tag:aws:ec2launchtemplate:id", Values: ["lt-0aa"] };
    expect((await list({ Filters: [ofTemplate] })).map(({ InstanceId }) => InstanceId)).toEqual([id]);
    expect(await list({ Filters: [{ ...ofTemplate, Values: ["lt-0bb"] }] })).toEqual([]);
    const ask = (InstanceId: string, Attribute: "userData" | "kernel") =>
      ec2.send(new DescribeInstanceAttributeCommand({ InstanceId, Attribute }));
    expect(await ask(id, "userData")).toMatchObject({ InstanceId: id, UserData: { Value: USER_DATA } });
    expect(await errorName(ask("i-00000000000000fff", "userData"))).toBe("InvalidInstanceID.NotFound");
    await expect(ask(id, "kernel")).rejects.toThrow("DescribeInstanceAttribute of kernel");
  });
});

describe("DescribeVolumes and DescribeNetworkInterfaces", () => {
  it("filter by tag, state, id and instance", async () => {
    const { launchOne, model, volumes, interfaces } = openPartsWorld();
    const a = await launchOne();
    const b = await launchOne();
    const [first, second] = await volumes();
    const [firstInterface, secondInterface] = await interfaces();
    model.detach(first?.VolumeId ?? "");
    model.detach(firstInterface?.NetworkInterfaceId ?? "");
    const by = (Name: string, ...Values: string[]) => ({ Filters: [{ Name, Values }] });
    expect(await volumes(by("status", "available"))).toMatchObject([{ VolumeId: first?.VolumeId }]);
    expect(await interfaces(by("status", "available"))).toMatchObject([
      { NetworkInterfaceId: firstInterface?.NetworkInterfaceId },
    ]);
    expect(await volumes(by("tag:toji:fleet", "koji"))).toHaveLength(2);
    expect(await interfaces(by("tag:toji:fleet", "other"))).toEqual([]);
    expect(await volumes(by("attachment.instance-id", a, b))).toMatchObject([{ VolumeId: second?.VolumeId }]);
    expect(await interfaces({ NetworkInterfaceIds: [secondInterface?.NetworkInterfaceId ?? ""] })).toHaveLength(1);
    await expect(volumes(by("size", "60"))).rejects.toThrow('the DescribeVolumes filter "size"');
    await expect(interfaces(by("vpc-id", "vpc-1"))).rejects.toThrow('the DescribeNetworkInterfaces filter "vpc-id"');
  });

  it("page, but not by id, and do not know what is gone", async () => {
    const { ec2, launch, run, volumes, interfaces } = openPartsWorld();
    await launch({ count: 7 });
    expect(await volumes()).toEqual([]);
    await run(5);
    const page = await ec2.send(new DescribeVolumesCommand({ MaxResults: 5 }));
    expect(page.Volumes).toHaveLength(5);
    expect(await volumes({ MaxResults: 5, NextToken: page.NextToken })).toHaveLength(2);
    const [known] = await volumes();
    const named = { VolumeIds: [known?.VolumeId ?? ""], MaxResults: 5 };
    expect(await errorName(volumes(named))).toBe("InvalidParameterCombination");
    expect(await errorName(volumes({ VolumeIds: ["vol-0ff"] }))).toBe("InvalidVolume.NotFound");
    const gone = interfaces({ NetworkInterfaceIds: ["eni-0ff"] });
    expect(await errorName(gone)).toBe("InvalidNetworkInterfaceID.NotFound");
  });
});

describe("deleting", () => {
  it("refuses what is attached, deletes what is available, and knows nothing of it afterwards", async () => {
    const { launchOne, model, volumes, interfaces, deleteVolume, deleteInterface } = openPartsWorld();
    const id = await launchOne();
    const volumeId = (await volumes())[0]?.VolumeId ?? "";
    const interfaceId = (await interfaces())[0]?.NetworkInterfaceId ?? "";
    expect(await errorName(deleteVolume(volumeId))).toBe("VolumeInUse");
    expect(await errorName(deleteInterface(interfaceId))).toBe("InvalidParameterValue");
    model.detach(volumeId);
    model.attach(volumeId, id);
    expect(await errorName(deleteVolume(volumeId))).toBe("VolumeInUse");
    for (const each of [volumeId, interfaceId]) model.detach(each);
    expect(await errorName(deleteVolume(volumeId))).toBe("no error");
    expect(await errorName(deleteInterface(interfaceId))).toBe("no error");
    expect(await errorName(deleteVolume(volumeId))).toBe("InvalidVolume.NotFound");
    expect(await errorName(deleteInterface(interfaceId))).toBe("InvalidNetworkInterfaceID.NotFound");
  });
});

describe("tags", () => {
  it("of volumes and interfaces are set and deleted like those of instances", async () => {
    const { ec2, launchOne, volumes, interfaces } = openPartsWorld();
    await launchOne();
    const Resources = [(await volumes())[0]?.VolumeId ?? "", (await interfaces())[0]?.NetworkInterfaceId ?? ""];
    await ec2.send(new CreateTagsCommand({ Resources, Tags: [{ Key: "toji:pin", Value: "" }] }));
    await ec2.send(new DeleteTagsCommand({ Resources, Tags: [{ Key: "toji:fleet" }] }));
    expect((await volumes())[0]?.Tags).toEqual([{ Key: "toji:pin", Value: "" }]);
    expect((await interfaces())[0]?.TagSet).toEqual([{ Key: "toji:pin", Value: "" }]);
    const unknown = ec2.send(new CreateTagsCommand({ Resources: ["vol-0ff"], Tags: [{ Key: "a", Value: "" }] }));
    expect(await errorName(unknown)).toBe("InvalidVolume.NotFound");
  });
});
