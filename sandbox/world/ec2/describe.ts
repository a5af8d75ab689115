// DescribeInstances: filters, pages, and an instance as the API shows it.

import type {
  DescribeInstancesCommandInput,
  DescribeInstancesResult,
  Filter,
  Instance,
  InstanceStateName,
  StateReason,
} from "@aws-sdk/client-ec2";
import { ec2Error, NotModelled, refuseFields } from "./errors.ts";
import type { Instances } from "./instances.ts";
import { readPageToken, writePageToken } from "./pages.ts";
import type { EndReason, ModelInstance } from "./state.ts";

const LARGEST_PAGE = 1000;

/** Source: SDK typings, InstanceState. */
const STATE_CODE: Readonly<Record<InstanceStateName, number>> = {
  pending: 0,
  running: 16,
  "shutting-down": 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
};

/** Source: SDK typings, StateReason. */
const STATE_REASON: Readonly<Record<EndReason, StateReason>> = {
  "terminate-call": { Code: "Client.UserInitiatedShutdown", Message: "Client.UserInitiatedShutdown: User initiated" },
  person: { Code: "Client.UserInitiatedShutdown", Message: "Client.UserInitiatedShutdown: User initiated" },
  "guest-shutdown": {
    Code: "Client.InstanceInitiatedShutdown",
    Message: "Client.InstanceInitiatedShutdown: Instance initiated shutdown",
  },
  "spot-interruption": {
    Code: "Server.SpotInstanceTermination",
    Message: "Server.SpotInstanceTermination: Spot instance termination",
  },
};

export function describeInstances(instances: Instances, input: DescribeInstancesCommandInput): DescribeInstancesResult {
  refuseFields("DescribeInstances", input, "DryRun");
  const byId = input.InstanceIds !== undefined && input.InstanceIds.length > 0;
  if (byId && input.MaxResults !== undefined) {
    throw ec2Error(
      "InvalidParameterCombination",
      "The parameter instancesSet cannot be used with the parameter maxResults",
    );
  }
  const size = input.MaxResults ?? LARGEST_PAGE;
  if (size < 5 || size > LARGEST_PAGE) {
    throw ec2Error("InvalidParameterValue", `MaxResults must be between 5 and ${LARGEST_PAGE}, it is ${size}`);
  }
  const named = byId ? [...new Set(input.InstanceIds)].map((id) => instances.find(id)) : instances.visible();
  const above = input.NextToken === undefined ? 0 : readPageToken(input.NextToken);
  const found = named
    .filter(({ number }) => number > above)
    .filter((instance) => (input.Filters ?? []).every((filter) => passes(instance, filter)))
    .sort((a, b) => a.number - b.number);
  const page = byId ? found : found.slice(0, size);
  const last = page.at(-1);
  return {
    Reservations: page.map((instance) => ({
      ReservationId: instance.instanceId.replace("i-", "r-"),
      Instances: [view(instance)],
    })),
    ...(page.length < found.length && last !== undefined ? { NextToken: writePageToken(last.number) } : {}),
  };
}

export function stateOf(name: InstanceStateName): { Code: number; Name: InstanceStateName } {
  return { Code: STATE_CODE[name], Name: name };
}

/** Filters are joined by "and", the values of one by "or". */
function passes(instance: ModelInstance, { Name, Values }: Filter): boolean {
  const values = (Values ?? []).map(wildcard);
  return filteredValues(instance, Name ?? "").some((actual) => values.some((value) => value.test(actual)));
}

function filteredValues(instance: ModelInstance, name: string): string[] {
  if (name.startsWith("tag:")) {
    const value = instance.tags.get(name.slice("tag:".length));
    return value === undefined ? [] : [value];
  }
  switch (name) {
    case "tag-key":
      return [...instance.tags.keys()];
    case "instance-state-name":
      return [instance.state];
    case "instance-id":
      return [instance.instanceId];
    default:
      throw new NotModelled(`the DescribeInstances filter "${name}"`);
  }
}

/** EC2's filters know `*` and `?`. */
function wildcard(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s");
}

function view(instance: ModelInstance): Instance {
  const shownTags = [...instance.tags].map(([Key, Value]) => ({ Key, Value }));
  return {
    InstanceId: instance.instanceId,
    // The SDK lists the types it knew when it was built; EC2 accepts newer ones.
    InstanceType: instance.instanceType as NonNullable<Instance["InstanceType"]>,
    ImageId: instance.imageId,
    // EC2 gives whole seconds.
    LaunchTime: new Date(Math.floor(instance.launchedAt) * 1000),
    Placement: { AvailabilityZone: instance.zone, Tenancy: "default" },
    SubnetId: instance.subnetId,
    State: stateOf(instance.state),
    Tags: shownTags,
    SecurityGroups: instance.securityGroupIds.map((GroupId) => ({ GroupId })),
    ...(instance.goneAt === null ? { PrivateIpAddress: instance.privateIp } : {}),
    ...(instance.market === "spot" ? { InstanceLifecycle: "spot" as const } : {}),
    ...(instance.reason === null ? {} : { StateReason: { ...STATE_REASON[instance.reason] } }),
  };
}
