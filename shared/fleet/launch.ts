// One launch: hub host, identity, template version, CreateFleet, enabled. In this order, each step safe to repeat or to be
// cut off at.

import { type LaunchAnswer, launchInstance } from "../aws/ec2.ts";
import { AwsCallFailed } from "../aws/errors.ts";
import type { Market, Profile } from "../config/index.ts";
import { enableSilentHost, prepareHost } from "./host.ts";
import type { FleetPorts } from "./ports.ts";
import { launchTags } from "./tags.ts";
import { forgetLaunch, prepareTemplate } from "./template.ts";
import type { FailedOffering, Launch, OfferingChoice } from "./types.ts";

export interface LaunchResult {
  /** null = EC2 has no instance for it now. */
  readonly instance: { readonly instanceId: string; readonly offering: OfferingChoice } | null;
  readonly sentence: string;
  /** Offerings that refused: not tried for a while. */
  readonly failed: readonly FailedOffering[];
  /** EC2 asked for fewer calls: nothing is wrong with the offerings, all launches wait for the next pass. */
  readonly throttled: boolean;
}

/** `shown`: what `shownLaunches` says of the instances of this pass. */
export async function launchBuilder(
  ports: FleetPorts,
  launch: Launch,
  profile: Profile,
  shown: ReadonlySet<string>,
): Promise<LaunchResult> {
  await prepareHost(await ports.hubWriter(), launch.slot, profile, launch.intoLost);
  const { version, repeats } = await prepareTemplate(ports, launch, profile, shown);
  const failed: FailedOffering[] = [];
  const codes: string[] = [];
  // By their turn and not by their market: with another first market the same launch meets its own token, not a new one.
  const markets = [...Map.groupBy(launch.offerings, (each) => each.market)];
  for (const [turn, [market, offerings]] of markets.entries()) {
    const answer = await tryMarket(ports, launch, version, market, offerings, `${launch.token}-${turn + 1}`).catch(
      // A launch with this token that were not over would have left its version: the next attempt has another token.
      (error) => (isMismatch(error) && !repeats ? REFUSED_TOKEN : Promise.reject(error)),
    );
    failed.push(...failedOfferings(answer, offerings, ports));
    const instance = given(answer, offerings);
    if (instance !== null) {
      const sentence = `launched ${instance.instanceId}${await enableAhead(ports, launch)}`;
      return { instance, sentence, failed, throttled: false };
    }
    codes.push(...answer.errors.map((error) => error.code));
    if (codes.some(isThrottle)) break;
  }
  await forgetLaunch(ports, launch.slot, launch.token, version);
  const what = codes.length === 0 ? "an empty answer" : [...new Set(codes)].join(", ");
  return { instance: null, sentence: `EC2 gave no instance (${what})`, failed, throttled: codes.some(isThrottle) };
}

/**
 * Last, and no part of the launch: a host that is not enabled here is enabled once its kojid has checked in, a pass and a
 * poll later. What is to be added to the launch's sentence.
 */
async function enableAhead(ports: FleetPorts, { slot, enablesHost, intoLost }: Launch): Promise<string> {
  if (!enablesHost || intoLost) return "";
  const { clock, hubReader, site } = ports;
  try {
    const { readyTimeout } = site.hub.options;
    const now = clock.now() + hubReader.clockAhead;
    const enabled = await enableSilentHost(await ports.hubWriter(), slot, { readyTimeout, now });
    return enabled
      ? "; its host is enabled"
      : "; something polls as its host, which is not enabled before its kojid is up";
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    ports.telemetry.warn(`${slot} is not enabled yet: ${text}`, { slot });
    return "; its host is enabled once its kojid has checked in";
  }
}

const MISMATCH = "IdempotentParameterMismatch";
const REFUSED_TOKEN: LaunchAnswer = {
  instances: [],
  errors: [{ code: MISMATCH, message: "the token was used before" }],
};

/** EC2 has met the token with other parameters: an earlier attempt, of whose answer nothing is known. */
export function isMismatch(error: unknown): boolean {
  return error instanceof AwsCallFailed && error.code === MISMATCH;
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
  token: string,
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
    token,
  });
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
    if (isThrottle(error.code) || error.code === MISMATCH) continue;
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
