// An account with leftovers of every kind, and sweeps over it on a clock that tests move.

import {
  CreateFleetCommand,
  CreateLaunchTemplateVersionCommand,
  DescribeLaunchTemplateVersionsCommand,
  DescribeNetworkInterfacesCommand,
  DescribeVolumesCommand,
} from "@aws-sdk/client-ec2";
import { type AwsOptions, createAws } from "../../sandbox/world/aws.ts";
import { VirtualClock } from "../../sandbox/world/clock.ts";
import { Random } from "../../sandbox/world/random.ts";
import type { AwsClients } from "../../shared/aws/clients.ts";
import { openStore } from "../../shared/aws/store.ts";
import { openSweepPorts, type SweepPorts, TAG } from "../../shared/fleet/index.ts";
import { identityKey, templateDescription } from "../../shared/fleet/tags.ts";
import type { Telemetry } from "../../shared/telemetry.ts";
import { makeSite } from "./world.ts";

const BUCKET = "toji-test";
const TEMPLATE = "lt-0aa";
const START = 1_795_000_000;

interface Metric {
  readonly name: string;
  readonly value: number;
  readonly kind: string | undefined;
}

interface Launched {
  readonly slot: string;
  readonly token: string;
  readonly tagged?: boolean;
}

export function openSweepWorld(latencySeconds = 0) {
  const clock = new VirtualClock(START);
  const metrics: Metric[] = [];
  const warnings: string[] = [];
  const telemetry: Telemetry = {
    info() {},
    warn: (sentence) => void warnings.push(sentence),
    metric: (name, _, value, dimensions = {}) => void metrics.push({ name, value, kind: dimensions.kind }),
  };
  const aws = createAws({ clock, random: new Random(1), buckets: [BUCKET], latencySeconds, ec2: EC2 });
  const portsOf = (clients: AwsClients): SweepPorts =>
    openSweepPorts({ site: makeSite(), clients, clock, telemetry, bucket: BUCKET, launchTemplateId: TEMPLATE });
  const store = openStore(aws.clients, BUCKET);
  const { ec2 } = aws.clients;

  const makeVersion = async (description: string) => {
    const LaunchTemplateData = { ImageId: "ami-0aa" };
    const input = { LaunchTemplateId: TEMPLATE, SourceVersion: "$Default", VersionDescription: description };
    const made = await ec2.send(new CreateLaunchTemplateVersionCommand({ ...input, LaunchTemplateData }));
    return String(made.LaunchTemplateVersion?.VersionNumber);
  };

  /** What a launch makes before its instance: an identity and a version. */
  const prepare = async (slot: string, token: string) => {
    await store.put(identityKey(slot, token), "a key and a certificate");
    return await makeVersion(templateDescription(token, "b-01"));
  };

  /** A whole launch; its instance is listed when it returns. */
  const launch = async ({ slot, token, tagged = true }: Launched) => {
    const version = await prepare(slot, token);
    const tags = { [TAG.fleet]: "toji", [TAG.slot]: slot, [TAG.launch]: token, [TAG.templateVersion]: version };
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    const answer = await ec2.send(
      new CreateFleetCommand({
        Type: "instant",
        LaunchTemplateConfigs: [
          {
            LaunchTemplateSpecification: { LaunchTemplateId: TEMPLATE, Version: version },
            Overrides: [{ InstanceType: "m7a.large", SubnetId: "subnet-0a" }],
          },
        ],
        TargetCapacitySpecification: { TotalTargetCapacity: 1, DefaultTargetCapacityType: "on-demand" },
        TagSpecifications: [{ ResourceType: "instance", Tags }],
      }),
    );
    const id = answer.Instances?.[0]?.InstanceIds?.[0] ?? "none";
    await clock.runUntil(clock.now() + 10);
    if (!tagged) aws.ec2.deleteAllTags(id);
    return id;
  };

  /** Ends an instance whose volume and interface stay behind. */
  const loseParts = async (instanceId: string) => {
    aws.ec2.leavePartsBehind(instanceId);
    aws.ec2.terminateByPerson(instanceId);
    await clock.runUntil(clock.now() + 100);
  };

  const volumes = async () => (await ec2.send(new DescribeVolumesCommand({}))).Volumes ?? [];
  const interfaces = async () => (await ec2.send(new DescribeNetworkInterfacesCommand({}))).NetworkInterfaces ?? [];
  const versions = async () => {
    const listed = await ec2.send(new DescribeLaunchTemplateVersionsCommand({ LaunchTemplateId: TEMPLATE }));
    return (listed.LaunchTemplateVersions ?? []).map((each) => each.VersionDescription ?? "base");
  };
  /** Everything that a sweep may find. */
  const left = async () => ({
    volumes: (await volumes()).map((each) => `${each.VolumeId} ${each.State}`),
    interfaces: (await interfaces()).map((each) => `${each.NetworkInterfaceId} ${each.Status}`),
    versions: await versions(),
    identities: aws.s3.keys(BUCKET, "identities/"),
  });
  const wait = (seconds: number) => clock.runUntil(clock.now() + seconds);
  const stored = (key: string) => JSON.parse(aws.s3.text(BUCKET, key) ?? "null");
  return {
    ...{ clock, aws, store, metrics, warnings, portsOf, ports: portsOf(aws.clients) },
    ...{ makeVersion, prepare, launch, loseParts, volumes, interfaces, left, wait, stored },
  };
}

const OURS = [{ Key: TAG.fleet, Value: "toji" }];
const EC2: AwsOptions["ec2"] = {
  subnets: [{ id: "subnet-0a", zone: "us-east-1a" }],
  pricePerHour: () => 1,
  launchTemplates: [
    {
      id: TEMPLATE,
      name: "toji-builder",
      data: {
        BlockDeviceMappings: [{ DeviceName: "/dev/sda1", Ebs: { VolumeSize: 60 } }],
        TagSpecifications: [
          { ResourceType: "volume", Tags: OURS },
          { ResourceType: "network-interface", Tags: OURS },
        ],
      },
    },
  ],
};
