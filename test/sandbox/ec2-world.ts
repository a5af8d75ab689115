// An EC2 model with two subnets and one launch template, and short ways to use it. Times are fixed unless told.

import {
  CreateFleetCommand,
  type CreateFleetCommandInput,
  DescribeInstancesCommand,
  type DescribeInstancesCommandInput,
  EC2ServiceException,
  type FleetLaunchTemplateOverridesRequest,
  type Instance,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { createAws } from "../../sandbox/world/aws.ts";
import { VirtualClock } from "../../sandbox/world/clock.ts";
import type { Ec2Options } from "../../sandbox/world/ec2/index.ts";
import { Random } from "../../sandbox/world/random.ts";

export const START = 1_790_000_000;
export const USER_DATA = Buffer.from("#!/bin/sh\nkojid").toString("base64");
const TEMPLATE = { LaunchTemplateId: "lt-0aa", Version: "1" };
export const ZONE_A = "subnet-0a";
export const ZONE_B = "subnet-0b";
export const fixed = (seconds: number) => ({ median: seconds, p95: seconds });

export function openWorld(options: Partial<Ec2Options> = {}) {
  const clock = new VirtualClock(START);
  const aws = createAws({
    clock,
    random: new Random(1),
    buckets: [],
    latencySeconds: options.latencySeconds ?? 0,
    ec2: {
      subnets: [
        { id: ZONE_A, zone: "eu-west-1a" },
        { id: ZONE_B, zone: "eu-west-1b" },
      ],
      launchTemplates: [
        {
          id: "lt-0aa",
          name: "toji-builder",
          data: { ImageId: "ami-0aa", UserData: USER_DATA, SecurityGroupIds: ["sg-1"] },
        },
      ],
      pricePerHour: ({ instanceType, market }) =>
        (instanceType === "m7a.large" ? 1 : 2) * (market === "spot" ? 0.4 : 1),
      times: { visible: fixed(3), running: fixed(30), userData: fixed(10), shutdown: fixed(20) },
      ...options,
    },
  });
  const { ec2 } = aws.clients;
  const run = (seconds: number) => clock.runUntil(clock.now() + seconds);
  const list = async (input: DescribeInstancesCommandInput = {}): Promise<Instance[]> => {
    const answer = await ec2.send(new DescribeInstancesCommand(input));
    return (answer.Reservations ?? []).flatMap((reservation) => reservation.Instances ?? []);
  };
  const launch = async (options: LaunchOptions = {}) => ec2.send(new CreateFleetCommand(fleet(options)));
  /** Launches one instance, lets it become visible, and returns its id. */
  const launchOne = async (options: LaunchOptions = {}) => {
    const answer = await launch(options);
    await run(5);
    return answer.Instances?.[0]?.InstanceIds?.[0] ?? "none";
  };
  const terminate = (...InstanceIds: string[]) => ec2.send(new TerminateInstancesCommand({ InstanceIds }));
  return { clock, model: aws.ec2, ec2, run, list, launch, launchOne, terminate };
}

interface LaunchOptions {
  readonly count?: number;
  readonly market?: "spot" | "on-demand";
  readonly token?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly overrides?: FleetLaunchTemplateOverridesRequest[];
  readonly template?: { readonly LaunchTemplateId: string; readonly Version: string };
}

export function fleet({ count = 1, market = "on-demand", token, tags = {}, overrides, template }: LaunchOptions) {
  const input: CreateFleetCommandInput = {
    Type: "instant",
    LaunchTemplateConfigs: [
      {
        LaunchTemplateSpecification: template ?? TEMPLATE,
        Overrides: overrides ?? [{ InstanceType: "m7a.large", SubnetId: ZONE_A }],
      },
    ],
    TargetCapacitySpecification: { TotalTargetCapacity: count, DefaultTargetCapacityType: market },
    SpotOptions: { AllocationStrategy: "capacity-optimized-prioritized" },
    OnDemandOptions: { AllocationStrategy: "prioritized" },
    TagSpecifications: [
      { ResourceType: "instance", Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) },
    ],
    ...(token === undefined ? {} : { ClientToken: token }),
  };
  return input;
}

export const errorName = (promise: Promise<unknown>) =>
  promise.then(
    () => "no error",
    (error: unknown) => (error instanceof EC2ServiceException ? error.name : String(error)),
  );
