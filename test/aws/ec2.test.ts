// EC2's calls as Toji makes them, and its answers as Toji reads them. Whole behaviour is tested against models elsewhere.

import {
  CreateFleetCommand,
  CreateLaunchTemplateVersionCommand,
  CreateTagsCommand,
  DeleteLaunchTemplateVersionsCommand,
  DeleteTagsCommand,
  DescribeInstancesCommand,
  DescribeLaunchTemplateVersionsCommand,
  EC2Client,
  type Instance,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, it } from "vitest";
import {
  createTemplateVersion,
  deleteTemplateVersions,
  launchInstance,
  listInstances,
  listTemplateVersions,
  tagInstance,
  terminateInstance,
  untagInstance,
} from "../../shared/aws/ec2.ts";
import { AwsCallFailed } from "../../shared/aws/errors.ts";
import { awsError } from "./bucket.ts";

const client = new EC2Client({ region: "us-east-1" });
const ec2 = mockClient(client);
beforeEach(() => void ec2.reset());

const inputsOf = (command: Parameters<typeof ec2.commandCalls>[0]) =>
  ec2.commandCalls(command).map((call) => call.args[0].input);

describe("listing instances", () => {
  const tag = { key: "toji:fleet", value: "toji" };
  const instance: Instance = {
    InstanceId: "i-1",
    State: { Name: "running" },
    InstanceType: "m7a.large",
    Placement: { AvailabilityZone: "us-east-1a" },
    InstanceLifecycle: "spot",
    LaunchTime: new Date(1_795_000_000_000),
    Tags: [{ Key: "toji:slot", Value: "b-01" }],
  };

  it("asks by tag and follows every page", async () => {
    ec2
      .on(DescribeInstancesCommand)
      .resolvesOnce({ Reservations: [{ Instances: [instance] }], NextToken: "more" })
      .resolvesOnce({ Reservations: [{ Instances: [{ ...instance, InstanceId: "i-2" }] }, {}], NextToken: "" });
    const found = await listInstances(client, tag);
    expect(found.map((each) => each.instanceId)).toEqual(["i-1", "i-2"]);
    const asked = { Filters: [{ Name: "tag:toji:fleet", Values: ["toji"] }], MaxResults: 1000 };
    expect(inputsOf(DescribeInstancesCommand)).toEqual([asked, { ...asked, NextToken: "more" }]);
  });

  it("reads what Toji needs", async () => {
    ec2.on(DescribeInstancesCommand).resolves({ Reservations: [{ Instances: [instance] }] });
    expect(await listInstances(client, tag)).toEqual([
      {
        instanceId: "i-1",
        state: "running",
        instanceType: "m7a.large",
        zone: "us-east-1a",
        market: "spot",
        launchedAt: 1_795_000_000,
        imageId: null,
        takenBySpot: false,
        tags: { "toji:slot": "b-01" },
      },
    ]);
  });

  it("takes an instance without lifecycle for one on demand, and one without a state for one that begins", async () => {
    ec2.on(DescribeInstancesCommand).resolves({ Reservations: [{ Instances: [{ InstanceId: "i-1" }] }] });
    expect(await listInstances(client, tag)).toMatchObject([{ market: "on-demand", state: "pending", tags: {} }]);
  });

  it("that fails is an error: half a list would be worse than none", async () => {
    ec2
      .on(DescribeInstancesCommand)
      .resolvesOnce({ Reservations: [{ Instances: [instance] }], NextToken: "more" })
      .rejectsOnce(awsError("RequestLimitExceeded", "slow down"));
    await expect(listInstances(client, tag)).rejects.toMatchObject({
      message: "DescribeInstances failed (RequestLimitExceeded): slow down",
      retryable: true,
    });
  });
});

describe("a launch", () => {
  const request = {
    templateId: "lt-0a",
    templateVersion: "7",
    market: "spot",
    offerings: [
      { instanceType: "m6a.large", subnetId: "subnet-0a" },
      { instanceType: "m7a.large", subnetId: "subnet-0b" },
    ],
    tags: { Name: "b-01", "toji:slot": "b-01" },
    token: "token-spot",
  } as const;

  it("is one CreateFleet of type instant: one instance, tagged as it is made, and a token", async () => {
    ec2.on(CreateFleetCommand).resolves({ Instances: [] });
    await launchInstance(client, request);
    const Tags = [
      { Key: "Name", Value: "b-01" },
      { Key: "toji:slot", Value: "b-01" },
    ];
    expect(inputsOf(CreateFleetCommand)).toEqual([
      {
        Type: "instant",
        ClientToken: "token-spot",
        LaunchTemplateConfigs: [
          {
            LaunchTemplateSpecification: { LaunchTemplateId: "lt-0a", Version: "7" },
            Overrides: [
              { InstanceType: "m6a.large", SubnetId: "subnet-0a", Priority: 0 },
              { InstanceType: "m7a.large", SubnetId: "subnet-0b", Priority: 1 },
            ],
          },
        ],
        TargetCapacitySpecification: { TotalTargetCapacity: 1, DefaultTargetCapacityType: "spot" },
        SpotOptions: { AllocationStrategy: "capacity-optimized-prioritized" },
        OnDemandOptions: { AllocationStrategy: "prioritized" },
        TagSpecifications: [
          { ResourceType: "instance", Tags },
          { ResourceType: "fleet", Tags },
        ],
      },
    ]);
  });

  it("has an instance only if the answer lists one, whatever the status", async () => {
    ec2.on(CreateFleetCommand).resolves({ FleetId: "fleet-1" });
    expect(await launchInstance(client, request)).toEqual({ instances: [], errors: [] });
    ec2.on(CreateFleetCommand).resolves({ Instances: [{ InstanceIds: ["i-1"], InstanceType: "m7a.large" }] });
    expect((await launchInstance(client, request)).instances).toEqual([
      { instanceId: "i-1", instanceType: "m7a.large" },
    ]);
  });

  it("brings the errors of the offerings, also beside an instance", async () => {
    const about = (InstanceType: "m6a.large", SubnetId: string) => ({
      ErrorCode: "InsufficientInstanceCapacity",
      ErrorMessage: "not now",
      LaunchTemplateAndOverrides: { Overrides: { InstanceType, SubnetId } },
    });
    ec2.on(CreateFleetCommand).resolves({
      Instances: [{ InstanceIds: ["i-1"] }],
      Errors: [about("m6a.large", "subnet-0a"), { ErrorCode: "MaxSpotInstanceCountExceeded" }, {}],
    });
    expect((await launchInstance(client, request)).errors).toEqual([
      {
        code: "InsufficientInstanceCapacity",
        message: "not now",
        instanceType: "m6a.large",
        subnetId: "subnet-0a",
      },
      { code: "MaxSpotInstanceCountExceeded", message: "", instanceType: undefined, subnetId: undefined },
      { code: "Unknown", message: "", instanceType: undefined, subnetId: undefined },
    ]);
  });

  it("whose token stands for other parameters is told by EC2's own name", async () => {
    ec2.on(CreateFleetCommand).rejects(awsError("IdempotentParameterMismatch"));
    await expect(launchInstance(client, request)).rejects.toMatchObject({
      code: "IdempotentParameterMismatch",
      retryable: false,
    });
  });
});

describe("template versions", () => {
  it("are made on top of the default one, with the launch in their description", async () => {
    ec2.on(CreateLaunchTemplateVersionCommand).resolves({ LaunchTemplateVersion: { VersionNumber: 8 } });
    expect(await createTemplateVersion(client, "lt-0a", "toji launch t", { ImageId: "ami-0a" })).toBe("8");
    expect(inputsOf(CreateLaunchTemplateVersionCommand)).toEqual([
      {
        LaunchTemplateId: "lt-0a",
        SourceVersion: "$Default",
        VersionDescription: "toji launch t",
        LaunchTemplateData: { ImageId: "ami-0a" },
      },
    ]);
  });

  it("are listed over all pages, with their description and the time they were made", async () => {
    const CreateTime = new Date(1_795_000_000_000);
    ec2
      .on(DescribeLaunchTemplateVersionsCommand)
      .resolvesOnce({
        LaunchTemplateVersions: [{ VersionNumber: 9, VersionDescription: "toji launch u" }],
        NextToken: "more",
      })
      .resolvesOnce({ LaunchTemplateVersions: [{ VersionNumber: 1, CreateTime }, {}] });
    expect(await listTemplateVersions(client, "lt-0a")).toEqual([
      { version: "9", description: "toji launch u", madeAt: 0 },
      { version: "1", description: "", madeAt: 1_795_000_000 },
    ]);
    const asked = { LaunchTemplateId: "lt-0a", MaxResults: 200 };
    expect(inputsOf(DescribeLaunchTemplateVersionsCommand)).toEqual([asked, { ...asked, NextToken: "more" }]);
  });

  it("that are gone already are fine: EC2 answers those in its list of failures", async () => {
    ec2.on(DeleteLaunchTemplateVersionsCommand).resolves({
      UnsuccessfullyDeletedLaunchTemplateVersions: [{ ResponseError: { Code: "launchTemplateVersionDoesNotExist" } }],
    });
    await deleteTemplateVersions(client, "lt-0a", ["8"]);
    expect(inputsOf(DeleteLaunchTemplateVersionsCommand)).toEqual([{ LaunchTemplateId: "lt-0a", Versions: ["8"] }]);
  });

  it("without a number in the answer are an error", async () => {
    ec2.on(CreateLaunchTemplateVersionCommand).resolves({});
    await expect(createTemplateVersion(client, "lt-0a", "d", {})).rejects.toThrow("the answer has no version");
  });
});

describe("tags", () => {
  it("are set one by one and taken off together", async () => {
    ec2.on(CreateTagsCommand).resolves({}).on(DeleteTagsCommand).resolves({});
    await tagInstance(client, "i-1", { "toji:enabled-at": "5" });
    await untagInstance(client, "i-1", "toji:enabled-at", "toji:draining-at");
    expect(inputsOf(CreateTagsCommand)).toEqual([
      { Resources: ["i-1"], Tags: [{ Key: "toji:enabled-at", Value: "5" }] },
    ]);
    expect(inputsOf(DeleteTagsCommand)).toEqual([
      { Resources: ["i-1"], Tags: [{ Key: "toji:enabled-at" }, { Key: "toji:draining-at" }] },
    ]);
  });

  it("of an instance that is gone are an error with EC2's name", async () => {
    ec2.on(CreateTagsCommand).rejects(awsError("InvalidInstanceID.NotFound"));
    await expect(tagInstance(client, "i-1", { k: "v" })).rejects.toMatchObject({ code: "InvalidInstanceID.NotFound" });
  });
});

describe("terminating", () => {
  it("names the one instance", async () => {
    ec2.on(TerminateInstancesCommand).resolves({});
    await terminateInstance(client, "i-1");
    expect(inputsOf(TerminateInstancesCommand)).toEqual([{ InstanceIds: ["i-1"] }]);
  });

  it.each([
    ["UnauthorizedOperation", false],
    // Of an instance that is gone, and now and then of one that is not: its caller looks again.
    ["InvalidInstanceID.NotFound", false],
    ["RequestLimitExceeded", true],
  ])("that ends in %s is an error; later may help: %s", async (name, retryable) => {
    ec2.on(TerminateInstancesCommand).rejects(awsError(name));
    const failed = await terminateInstance(client, "i-1").catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(AwsCallFailed);
    expect(failed).toMatchObject({ operation: "TerminateInstances", code: name, retryable });
  });
});
