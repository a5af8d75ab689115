// One launch: hub host, identity, template version, CreateFleet. In this order, each step safe to repeat or to be cut off at.

import type { RequestLaunchTemplateData } from "@aws-sdk/client-ec2";
import {
  createTemplateVersion,
  deleteTemplateVersions,
  type LaunchAnswer,
  launchInstance,
  listTemplateVersions,
  type TemplateVersion,
} from "../aws/ec2.ts";
import { AwsCallFailed } from "../aws/errors.ts";
import type { Market, Profile } from "../config/index.ts";
import { prepareHost } from "./host.ts";
import type { FleetPorts } from "./ports.ts";
import { identityKey, launchTags, readDescription, templateDescription } from "./tags.ts";
import type { Change, FailedOffering, OfferingChoice } from "./types.ts";
import { renderUserData } from "./user-data.ts";

type Launch = Extract<Change, { kind: "launch" }>;

export interface LaunchResult {
  /** null = EC2 has no instance for it now. */
  readonly instance: { readonly instanceId: string; readonly offering: OfferingChoice } | null;
  readonly sentence: string;
  /** Offerings that refused: not tried for a while. */
  readonly failed: readonly FailedOffering[];
  /** EC2 asked for fewer calls: nothing is wrong with the offerings, all launches wait for the next pass. */
  readonly throttled: boolean;
}

/** A template version is used again by the attempts of this many seconds, not later: its address would end in mid-boot. */
const REUSE_SECONDS = 300;

/** The presigned URL outlives the slowest boot, not much more. */
function urlSeconds(ports: FleetPorts): number {
  return ports.site.builders.bootLimitSeconds + REUSE_SECONDS;
}

export async function launchBuilder(ports: FleetPorts, launch: Launch, profile: Profile): Promise<LaunchResult> {
  await prepareHost(await ports.hubWriter(), launch.slot, profile, launch.intoLost);
  const version = await prepareTemplate(ports, launch, profile);
  const failed: FailedOffering[] = [];
  const codes: string[] = [];
  for (const [market, offerings] of Map.groupBy(launch.offerings, (each) => each.market)) {
    const answer = await tryMarket(ports, launch, version, market, offerings);
    failed.push(...failedOfferings(answer, offerings, ports));
    const instance = given(answer, offerings);
    if (instance !== null) return { instance, sentence: `launched ${instance.instanceId}`, failed, throttled: false };
    codes.push(...answer.errors.map((error) => error.code));
    if (codes.some(isThrottle)) break;
  }
  await forgetLaunch(ports, launch.slot, launch.token, version);
  const what = codes.length === 0 ? "an empty answer" : [...new Set(codes)].join(", ");
  return { instance: null, sentence: `EC2 gave no instance (${what})`, failed, throttled: codes.some(isThrottle) };
}

/** EC2 has met the token with other parameters: an earlier attempt, of whose answer nothing is known. */
export function isMismatch(error: unknown): boolean {
  return error instanceof AwsCallFailed && error.code === "IdempotentParameterMismatch";
}

/** Whether EC2 launched is not known: the same token brings the same instance, if there is one. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof AwsCallFailed && error.operation === "CreateFleet" && !isThrottled(error) && error.retryable;
}

/** The instance and the offering it is, by its type; EC2 does not say in which zone. */
function given(answer: LaunchAnswer, offerings: readonly OfferingChoice[]): LaunchResult["instance"] {
  const [first] = answer.instances;
  const offering = offerings.find((each) => each.instanceType === first?.instanceType) ?? offerings[0];
  return first === undefined || offering === undefined ? null : { instanceId: first.instanceId, offering };
}

async function tryMarket(
  ports: FleetPorts,
  launch: Launch,
  templateVersion: string,
  market: Market,
  offerings: readonly OfferingChoice[],
): Promise<LaunchAnswer> {
  const { launchTemplateId: templateId, site } = ports;
  ports.telemetry.info(
    `launching ${launch.slot}: ${market}, ${offerings.map((each) => `${each.instanceType} in ${each.zone}`).join(", ")}`,
  );
  return await launchInstance(ports.ec2, {
    templateId,
    templateVersion,
    market,
    offerings,
    tags: launchTags(site.builders.fleet, launch, templateVersion),
    // EC2 refuses a token that comes back with other parameters, so a doubled launch cannot slip through either way.
    token: `${launch.token}-${market}`,
  });
}

/** The identity and the template version of this launch; those of an attempt that was cut off are used again. */
async function prepareTemplate(ports: FleetPorts, launch: Launch, profile: Profile): Promise<string> {
  const { ec2, launchTemplateId, store } = ports;
  const key = identityKey(launch.slot, launch.token);
  const description = templateDescription(launch.token, launch.slot);
  const versions = await listTemplateVersions(ec2, launchTemplateId);
  refuseRival(launch, versions, ports);
  const made = versions.find((each) => each.description === description && ageOf(each, ports) <= REUSE_SECONDS);
  // That attempt may have put its identity away already; the address in its version leads to the same key.
  if (made === undefined || (await store.get(key)) === null)
    await store.put(key, await newIdentity(ports, launch.slot));
  if (made !== undefined) return made.version;
  // Too old to be used again, and nobody else's; what other launches left behind is the sweep's (sweep.ts).
  const old = versions.filter((each) => each.description === description).map((each) => each.version);
  if (old.length > 0) await deleteTemplateVersions(ec2, launchTemplateId, old);
  const identityUrl = await store.presign(key, urlSeconds(ports));
  const data = templateData(ports, launch, profile, identityUrl, await ports.hubCa());
  return await createTemplateVersion(ec2, launchTemplateId, description, data);
}

/** Another launch of the slot is under way, of which the memory knows nothing: EC2 may be slow to list its instance. */
export class LaunchUnderWay extends Error {
  override readonly name = "LaunchUnderWay";
  readonly retryable = true;
}

/** Twice what EC2 may take to list an instance, as in memory.ts. */
const RIVAL_SECONDS = 600;

/** A version goes when its launch came to nothing or its builder has checked in, so a young one means either to come. */
function refuseRival({ slot, token }: Launch, versions: readonly TemplateVersion[], ports: FleetPorts): void {
  for (const each of versions) {
    const made = readDescription(each.description);
    if (made === null || made.slot !== slot || made.token === token || ageOf(each, ports) > RIVAL_SECONDS) continue;
    const seconds = Math.round(ageOf(each, ports));
    throw new LaunchUnderWay(`a launch of ${slot} was begun ${seconds} s ago, and it may yet show: not launched again`);
  }
}

const ageOf = ({ madeAt }: TemplateVersion, { clock }: FleetPorts) => clock.now() - madeAt;

async function newIdentity({ site, clock, identityCa }: FleetPorts, slot: string): Promise<string> {
  // Loaded with the first launch: most invocations launch nothing, and the certificate code is a sixth of the bundle.
  const { issueIdentity } = await import("./identity.ts");
  return await issueIdentity(await identityCa(), slot, site.builders.identityHours, clock.now());
}

function templateData(
  ports: FleetPorts,
  launch: Launch,
  profile: Profile,
  identityUrl: string,
  hubCaPem: string | undefined,
): RequestLaunchTemplateData {
  const { builders, hub } = ports.site;
  const userData = renderUserData(
    {
      slot: launch.slot,
      hubUrl: hub.url,
      topUrl: hub.topUrl,
      identityUrl,
      maxJobs: profile.maxJobs,
      minSpaceMb: profile.minSpaceMb,
      sleepSeconds: builders.pollSeconds,
      ...(hubCaPem === undefined ? {} : { hubCaPem }),
      ...(builders.allowedScms === undefined ? {} : { allowedScms: builders.allowedScms }),
    },
    ports.scripts,
  );
  return {
    ImageId: profile.imageId,
    UserData: userData,
    BlockDeviceMappings: [
      {
        DeviceName: profile.rootDevice,
        Ebs: { VolumeSize: profile.volumeGiB, VolumeType: "gp3", Encrypted: true, DeleteOnTermination: true },
      },
    ],
    ...(builders.securityGroups.length === 0 ? {} : { SecurityGroupIds: builders.securityGroups }),
  };
}

/** Puts away what a launch needed: its identity and its template version. Both may be gone already. */
export async function forgetLaunch(
  ports: FleetPorts,
  slot: string,
  token: string,
  templateVersion: string,
): Promise<void> {
  // The identity first, for it is a secret. What is left over by a cut is found by the sweep.
  await ports.store.remove(identityKey(slot, token));
  await deleteTemplateVersions(ports.ec2, ports.launchTemplateId, [templateVersion]);
}

const QUOTA: ReadonlySet<string> = new Set([
  "VcpuLimitExceeded",
  "MaxSpotInstanceCountExceeded",
  "InstanceLimitExceeded",
]);

function isThrottle(code: string): boolean {
  return code === "RequestLimitExceeded" || code === "Throttling";
}

/** Thrown by the SDK after its own retries. */
export function isThrottled(error: unknown): boolean {
  return error instanceof AwsCallFailed && isThrottle(error.code);
}

/** Capacity: that offering. Quota: the whole market, since another zone cannot help. Both for `failedOfferingSeconds`. */
function failedOfferings(
  answer: LaunchAnswer,
  offerings: readonly OfferingChoice[],
  ports: FleetPorts,
): FailedOffering[] {
  const until = ports.clock.now() + ports.site.builders.failedOfferingSeconds;
  const found = new Map<OfferingChoice, string>();
  for (const error of answer.errors) {
    if (isThrottle(error.code)) continue;
    const meant = offerings.filter(
      (each) =>
        QUOTA.has(error.code) ||
        ((error.instanceType === undefined || error.instanceType === each.instanceType) &&
          (error.subnetId === undefined || error.subnetId === each.subnetId)),
    );
    for (const each of meant) found.set(each, error.code);
  }
  return [...found].map(([{ instanceType, zone, market }, code]) => ({ instanceType, zone, market, code, until }));
}
