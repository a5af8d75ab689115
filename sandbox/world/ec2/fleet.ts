// CreateFleet of type instant: tries the pools in order and answers what started and what each failed pool said.

import type {
  CreateFleetCommandInput,
  CreateFleetError,
  CreateFleetInstance,
  CreateFleetResult,
  FleetLaunchTemplateConfigRequest,
  FleetLaunchTemplateOverridesRequest,
  LaunchTemplateAndOverridesResponse,
} from "@aws-sdk/client-ec2";
import { type Market, vcpusOf } from "../../../shared/config/index.ts";
import type { Capacity, Refusal } from "./capacity.ts";
import { ec2Error, NotModelled, refuseFields, requireField } from "./errors.ts";
import type { Instances } from "./instances.ts";
import { planParts } from "./parts.ts";
import type { Ec2Options } from "./state.ts";
import { checkTags, type TagInput } from "./tags.ts";
import { checkUserData, type LaunchTemplates, type ResolvedTemplate } from "./templates.ts";

/** What a fleet request works on. */
export interface FleetWorld {
  readonly options: Ec2Options;
  readonly templates: LaunchTemplates;
  readonly instances: Instances;
  readonly capacity: Capacity;
}

/** One override of one template, for one market; its place in the request breaks ties. */
interface Candidate {
  readonly template: ResolvedTemplate;
  readonly userData: string;
  readonly override: FleetLaunchTemplateOverridesRequest;
  readonly instanceType: string;
  readonly vcpus: number;
  readonly imageId: string | undefined;
  readonly subnetId: string;
  /** Undefined = there is no such subnet. */
  readonly zone: string | undefined;
}

type Started = Required<Pick<CreateFleetInstance, "LaunchTemplateAndOverrides" | "Lifecycle" | "InstanceIds">>;

export function createFleet(world: FleetWorld, fleetId: string, input: CreateFleetCommandInput): CreateFleetResult {
  refuseFields("CreateFleet", input, "DryRun", "ReservedCapacityOptions", "ValidFrom", "ValidUntil", "Context");
  if (input.Type !== "instant") throw new NotModelled(`a fleet of type ${input.Type ?? "maintain (the default)"}`);
  const configs = requireField(input.LaunchTemplateConfigs, "LaunchTemplateConfigs");
  const candidates = configs.flatMap((config) => listCandidates(world, config));
  const tags = launchTags(input);
  const started: CreateFleetInstance[] = [];
  const errors: CreateFleetError[] = [];
  const wanted = targets(input);
  for (const market of ["on-demand", "spot"] as const) {
    let left = wanted[market];
    for (const candidate of inOrder(world.options, candidates, market, strategy(input, market))) {
      if (left === 0) break;
      const ids: string[] = [];
      let refusal: Refusal | null = null;
      while (left > 0 && refusal === null) {
        const outcome = tryLaunch(world, candidate, market, fleetId, tags);
        if (typeof outcome === "string") {
          ids.push(outcome);
          left--;
        } else refusal = outcome;
      }
      const where = { LaunchTemplateAndOverrides: answeredPlace(candidate), Lifecycle: market };
      if (ids.length > 0) started.push(answerStarted(candidate, { ...where, InstanceIds: ids }));
      if (refusal !== null) errors.push({ ...where, ErrorCode: refusal.code, ErrorMessage: refusal.message });
    }
  }
  return { FleetId: fleetId, Instances: started, Errors: errors };
}

function targets(input: CreateFleetCommandInput): Record<Market, number> {
  const target = requireField(input.TargetCapacitySpecification, "TargetCapacitySpecification");
  refuseFields("TargetCapacitySpecification", target, "TargetCapacityUnitType");
  const total = requireField(target.TotalTargetCapacity, "TotalTargetCapacity");
  const rest = target.DefaultTargetCapacityType ?? "on-demand";
  if (rest !== "spot" && rest !== "on-demand") throw new NotModelled(`the target capacity type ${rest}`);
  const onDemand =
    target.OnDemandTargetCapacity ?? (rest === "on-demand" ? total - (target.SpotTargetCapacity ?? 0) : 0);
  const spot = target.SpotTargetCapacity ?? (rest === "spot" ? total - onDemand : 0);
  if (total < 1 || onDemand < 0 || spot < 0 || onDemand + spot > total) {
    throw ec2Error("InvalidParameterValue", "The target capacities do not add up to the total target capacity");
  }
  return { "on-demand": onDemand, spot };
}

function listCandidates(world: FleetWorld, config: FleetLaunchTemplateConfigRequest): Candidate[] {
  const specification = requireField(config.LaunchTemplateSpecification, "LaunchTemplateSpecification");
  const version = requireField(specification.Version, "LaunchTemplateSpecification.Version");
  const template = world.templates.resolve(specification, version);
  checkUserData(specification.LaunchTemplateSpecificationUserData);
  const userData = specification.LaunchTemplateSpecificationUserData ?? template.data.UserData ?? "";
  const overrides = config.Overrides === undefined || config.Overrides.length === 0 ? [{}] : config.Overrides;
  return overrides.map((override: FleetLaunchTemplateOverridesRequest) => {
    refuseFields("Overrides", override, "MaxPrice", "WeightedCapacity", "InstanceRequirements", "Placement");
    refuseFields("Overrides", override, "AvailabilityZone", "AvailabilityZoneId", "BlockDeviceMappings");
    const subnetId = override.SubnetId;
    if (subnetId === undefined) throw new NotModelled("an override without SubnetId");
    const instanceType = requireField(override.InstanceType ?? template.data.InstanceType, "InstanceType");
    return {
      template,
      userData,
      override,
      instanceType,
      vcpus: vcpusFor(world.options, instanceType),
      imageId: override.ImageId ?? template.data.ImageId,
      subnetId,
      zone: world.options.subnets.find(({ id }) => id === subnetId)?.zone,
    };
  });
}

function strategy(input: CreateFleetCommandInput, market: Market): "priority" | "price" {
  const { OnDemandOptions = {}, SpotOptions = {} } = input;
  refuseFields("OnDemandOptions", OnDemandOptions, "MinTargetCapacity", "MaxTotalPrice", "SingleInstanceType");
  refuseFields("SpotOptions", SpotOptions, "MinTargetCapacity", "MaxTotalPrice", "SingleInstanceType");
  const name = market === "spot" ? SpotOptions.AllocationStrategy : OnDemandOptions.AllocationStrategy;
  return name === "prioritized" || name === "capacity-optimized-prioritized" ? "priority" : "price";
}

/** By priority (lowest number first, none = last) or by price; then as requested. */
function inOrder(
  options: Ec2Options,
  candidates: readonly Candidate[],
  market: Market,
  by: "priority" | "price",
): Candidate[] {
  const rank = ({ override, instanceType, zone }: Candidate) => {
    if (by === "priority") return override.Priority ?? Number.MAX_VALUE;
    return zone === undefined ? 0 : options.pricePerHour({ instanceType, zone, market });
  };
  return candidates
    .map((candidate) => ({ candidate, rank: rank(candidate) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ candidate }) => candidate);
}

function vcpusFor(options: Ec2Options, instanceType: string): number {
  const vcpus = options.vcpus === undefined ? vcpusOf(instanceType) : options.vcpus(instanceType);
  if (vcpus === undefined) throw new NotModelled(`how many vCPUs ${instanceType} has (pass vcpus)`);
  return vcpus;
}

/** The new instance's id, or why there is none. */
function tryLaunch(
  world: FleetWorld,
  candidate: Candidate,
  market: Market,
  fleetId: string,
  requested: TagInput,
): string | Refusal {
  const { template, instanceType, subnetId, zone, imageId, userData, vcpus } = candidate;
  if (zone === undefined) {
    return { code: "InvalidSubnetID.NotFound", message: `The subnet ID '${subnetId}' does not exist` };
  }
  if (imageId === undefined) {
    return { code: "MissingParameter", message: "The request must contain the parameter ImageId" };
  }
  const refusal = world.capacity.refusal({ instanceType, zone, market }, vcpus, world.instances.counted());
  if (refusal !== null) return refusal;
  const instance = world.instances.launch({
    instanceType,
    zone,
    market,
    imageId,
    subnetId,
    userData,
    vcpus,
    securityGroupIds: template.data.SecurityGroupIds ?? [],
    shutdownBehavior: template.data.InstanceInitiatedShutdownBehavior ?? "stop",
    tags: instanceTags(template, fleetId, requested),
    parts: planParts(template.data),
  });
  return instance.instanceId;
}

/** The template's tags, over them the request's, and those EC2 adds itself. */
function instanceTags(template: ResolvedTemplate, fleetId: string, requested: TagInput): Map<string, string> {
  const own = (template.data.TagSpecifications ?? []).filter(({ ResourceType }) => ResourceType === "instance");
  const tags = new Map<string, string>();
  for (const { Key, Value } of [...own.flatMap(({ Tags }) => Tags ?? []), ...requested]) {
    tags.set(Key ?? "", Value ?? "");
  }
  tags.set("aws:ec2:fleet-id", fleetId);
  tags.set("aws:ec2launchtemplate:id", template.id);
  tags.set("aws:ec2launchtemplate:version", String(template.version));
  return tags;
}

function launchTags(input: CreateFleetCommandInput): TagInput {
  const forInstances = (input.TagSpecifications ?? []).filter(({ ResourceType }) => ResourceType === "instance");
  const tags = forInstances.flatMap(({ Tags }) => Tags ?? []);
  checkTags(tags);
  return tags;
}

function answeredPlace({ template, override }: Candidate): LaunchTemplateAndOverridesResponse {
  const { InstanceType, SubnetId, Priority, ImageId } = override;
  return {
    LaunchTemplateSpecification: { LaunchTemplateId: template.id, Version: String(template.version) },
    Overrides: structuredClone({ InstanceType, SubnetId, Priority, ImageId }),
  };
}

function answerStarted(candidate: Candidate, started: Started): CreateFleetInstance {
  const { override, subnetId, zone } = candidate;
  const InstanceType = override.InstanceType ?? candidate.template.data.InstanceType;
  return { ...started, InstanceType, SubnetId: subnetId, AvailabilityZone: zone };
}
