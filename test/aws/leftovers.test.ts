// Volumes, network interfaces and template versions as EC2's calls find and delete them.

import {
  DeleteLaunchTemplateVersionsCommand,
  DeleteNetworkInterfaceCommand,
  DeleteVolumeCommand,
  DescribeLaunchTemplateVersionsCommand,
  DescribeNetworkInterfacesCommand,
  DescribeVolumesCommand,
  EC2Client,
} from "@aws-sdk/client-ec2";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, it } from "vitest";
import {
  deleteInterface,
  deleteTemplateVersion,
  deleteVolume,
  findInterface,
  findVolume,
  listInterfaces,
  listVolumes,
  readDefaultVersion,
} from "../../shared/aws/leftovers.ts";
import { awsError } from "./bucket.ts";

const client = new EC2Client({ region: "us-east-1" });
const ec2 = mockClient(client);
beforeEach(() => void ec2.reset());

const inputsOf = (command: Parameters<typeof ec2.commandCalls>[0]) =>
  ec2.commandCalls(command).map((call) => call.args[0].input);

const tag = { key: "toji:fleet", value: "toji" };
const Tags = [{ Key: "toji:fleet", Value: "toji" }];
const asked = { Filters: [{ Name: "tag:toji:fleet", Values: ["toji"] }], MaxResults: 500 };

describe("volumes", () => {
  const volume = { VolumeId: "vol-1", State: "available", Size: 60, Tags } as const;
  const read = { volumeId: "vol-1", state: "available", sizeGiB: 60, tags: { "toji:fleet": "toji" } };

  it("are listed by tag over all pages", async () => {
    ec2
      .on(DescribeVolumesCommand)
      .resolvesOnce({ Volumes: [volume], NextToken: "more" })
      .resolvesOnce({ Volumes: [{ VolumeId: "vol-2" }], NextToken: "" });
    const unknown = { volumeId: "vol-2", state: "unknown", sizeGiB: 0, tags: {} };
    expect(await listVolumes(client, tag)).toEqual([read, unknown]);
    expect(inputsOf(DescribeVolumesCommand)).toEqual([asked, { ...asked, NextToken: "more" }]);
  });

  it("are looked at one by one; one that is gone is none", async () => {
    ec2
      .on(DescribeVolumesCommand)
      .resolvesOnce({ Volumes: [volume] })
      .rejectsOnce(awsError("InvalidVolume.NotFound"))
      .rejectsOnce(awsError("RequestLimitExceeded"));
    expect(await findVolume(client, "vol-1")).toEqual(read);
    expect(await findVolume(client, "vol-1")).toBeNull();
    await expect(findVolume(client, "vol-1")).rejects.toMatchObject({ code: "RequestLimitExceeded", retryable: true });
    expect(inputsOf(DescribeVolumesCommand)[0]).toEqual({ VolumeIds: ["vol-1"] });
  });

  it("are deleted by id; gone is fine, in use is an error", async () => {
    ec2
      .on(DeleteVolumeCommand)
      .resolvesOnce({})
      .rejectsOnce(awsError("InvalidVolume.NotFound"))
      .rejectsOnce(awsError("VolumeInUse"));
    await deleteVolume(client, "vol-1");
    await deleteVolume(client, "vol-1");
    await expect(deleteVolume(client, "vol-1")).rejects.toMatchObject({
      operation: "DeleteVolume",
      code: "VolumeInUse",
    });
    expect(inputsOf(DeleteVolumeCommand)[0]).toEqual({ VolumeId: "vol-1" });
  });
});

describe("network interfaces", () => {
  const networkInterface = { NetworkInterfaceId: "eni-1", Status: "available", TagSet: Tags } as const;
  const read = { networkInterfaceId: "eni-1", state: "available", tags: { "toji:fleet": "toji" } };

  it("are listed by tag over all pages", async () => {
    ec2
      .on(DescribeNetworkInterfacesCommand)
      .resolvesOnce({ NetworkInterfaces: [networkInterface], NextToken: "more" })
      .resolvesOnce({ NetworkInterfaces: [{ NetworkInterfaceId: "eni-2" }] });
    const unknown = { networkInterfaceId: "eni-2", state: "unknown", tags: {} };
    expect(await listInterfaces(client, tag)).toEqual([read, unknown]);
    expect(inputsOf(DescribeNetworkInterfacesCommand)).toEqual([asked, { ...asked, NextToken: "more" }]);
  });

  it("are looked at one by one; one that is gone is none", async () => {
    ec2
      .on(DescribeNetworkInterfacesCommand)
      .resolvesOnce({ NetworkInterfaces: [networkInterface] })
      .rejectsOnce(awsError("InvalidNetworkInterfaceID.NotFound"));
    expect(await findInterface(client, "eni-1")).toEqual(read);
    expect(await findInterface(client, "eni-1")).toBeNull();
    expect(inputsOf(DescribeNetworkInterfacesCommand)[0]).toEqual({ NetworkInterfaceIds: ["eni-1"] });
  });

  it("are deleted by id; gone is fine, in use is an error", async () => {
    ec2
      .on(DeleteNetworkInterfaceCommand)
      .rejectsOnce(awsError("InvalidNetworkInterfaceID.NotFound"))
      .rejectsOnce(awsError("InvalidParameterValue", "is currently in use"));
    await deleteInterface(client, "eni-1");
    await expect(deleteInterface(client, "eni-1")).rejects.toThrow(
      "DeleteNetworkInterface failed (InvalidParameterValue): is currently in use",
    );
    expect(inputsOf(DeleteNetworkInterfaceCommand)[0]).toEqual({ NetworkInterfaceId: "eni-1" });
  });
});

describe("template versions", () => {
  it("have one that $Default stands for", async () => {
    ec2
      .on(DescribeLaunchTemplateVersionsCommand)
      .resolvesOnce({ LaunchTemplateVersions: [{ VersionNumber: 3 }] })
      .resolvesOnce({});
    expect(await readDefaultVersion(client, "lt-0a")).toBe("3");
    await expect(readDefaultVersion(client, "lt-0a")).rejects.toThrow("the answer has no $Default");
    const asked = { LaunchTemplateId: "lt-0a", Versions: ["$Default"] };
    expect(inputsOf(DescribeLaunchTemplateVersionsCommand)[0]).toEqual(asked);
  });

  it("are deleted one by one; gone is fine, a refusal inside a success is an error", async () => {
    const refusedWith = (Code: "launchTemplateVersionDoesNotExist" | "unexpectedError") => ({
      UnsuccessfullyDeletedLaunchTemplateVersions: [{ ResponseError: { Code, Message: "as EC2 says it" } }],
    });
    ec2
      .on(DeleteLaunchTemplateVersionsCommand)
      .resolvesOnce({})
      .resolvesOnce(refusedWith("launchTemplateVersionDoesNotExist"))
      .resolvesOnce(refusedWith("unexpectedError"));
    await deleteTemplateVersion(client, "lt-0a", "8");
    await deleteTemplateVersion(client, "lt-0a", "8");
    await expect(deleteTemplateVersion(client, "lt-0a", "8")).rejects.toThrow(
      "DeleteLaunchTemplateVersions failed (unexpectedError): as EC2 says it",
    );
    const input = { LaunchTemplateId: "lt-0a", Versions: ["8"] };
    expect(inputsOf(DeleteLaunchTemplateVersionsCommand)[0]).toEqual(input);
  });
});
