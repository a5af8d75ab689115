// The launch template's versions: each launch makes one, whose user data says which slot its instance is.

import type { RequestLaunchTemplateData } from "@aws-sdk/client-ec2";
import {
  createTemplateVersion,
  deleteTemplateVersions,
  listTemplateVersions,
  type TemplateVersion,
} from "../aws/ec2.ts";
import type { Profile } from "../config/index.ts";
import { UNLISTED_SECONDS } from "./memory.ts";
import type { FleetPorts } from "./ports.ts";
import { identityKey, readDescription, templateDescription } from "./tags.ts";
import type { Instance, Launch } from "./types.ts";
import { renderUserData } from "./user-data.ts";

/** A template version is used again by the attempts of this many seconds, not later: its address would end in mid-boot. */
const REUSE_SECONDS = 300;

/** The presigned URL outlives the slowest boot, not much more. */
function urlSeconds(ports: FleetPorts): number {
  return ports.site.builders.bootLimitSeconds + REUSE_SECONDS;
}

/**
 * The identity and the template version of this launch; those of an attempt that was cut off are used again. `repeats`:
 * an earlier attempt has left a version, so what became of it is not known.
 */
export async function prepareTemplate(
  ports: FleetPorts,
  launch: Launch,
  profile: Profile,
  shown: ReadonlySet<string>,
): Promise<{ readonly version: string; readonly repeats: boolean }> {
  const { ec2, launchTemplateId, store } = ports;
  const key = identityKey(launch.slot, launch.token);
  const description = templateDescription(launch.token, launch.slot);
  const versions = await listTemplateVersions(ec2, launchTemplateId);
  refuseRival(launch, versions, shown, ports);
  const earlier = versions.filter((each) => each.description === description);
  const made = earlier.find((each) => ageOf(each, ports) <= REUSE_SECONDS);
  // That attempt may have put its identity away already; the address in its version leads to the same key.
  if (made === undefined || (await store.get(key)) === null)
    await store.put(key, await newIdentity(ports, launch.slot));
  if (made !== undefined) return { version: made.version, repeats: true };
  const identityUrl = await store.presign(key, urlSeconds(ports));
  const data = templateData(ports, launch, profile, identityUrl, await ports.hubCa());
  const version = await createTemplateVersion(ec2, launchTemplateId, description, data);
  // Too old to be used again, and nobody else's; what other launches left behind is the sweep's (sweep.ts).
  const old = earlier.map((each) => each.version);
  if (old.length > 0) await deleteTemplateVersions(ec2, launchTemplateId, old);
  return { version, repeats: old.length > 0 };
}

/** Another launch of the slot is under way, of which the memory knows nothing: EC2 may be slow to list its instance. */
class LaunchUnderWay extends Error {
  override readonly name = "LaunchUnderWay";
  readonly retryable = true;
}

function refuseRival(
  { slot, token }: Launch,
  versions: readonly TemplateVersion[],
  shown: ReadonlySet<string>,
  ports: FleetPorts,
): void {
  const rival = underWay(versions, shown, ports).find((each) => each.slot === slot && each.token !== token);
  if (rival === undefined) return;
  const seconds = Math.round(ports.clock.now() - rival.madeAt);
  throw new LaunchUnderWay(`a launch of ${slot} was begun ${seconds} s ago, and it may yet show: not launched again`);
}

/**
 * Slots whose launch may be under way, and since when, by the template itself: what is known of them when the memory is
 * lost. A version goes when its launch came to nothing or its builder has checked in, so a young one means either to come.
 */
export async function readUnderWay(ports: FleetPorts, shown: ReadonlySet<string>): Promise<Record<string, number>> {
  const versions = await listTemplateVersions(ports.ec2, ports.launchTemplateId);
  return Object.fromEntries(underWay(versions, shown, ports).map(({ slot, madeAt }) => [slot, madeAt]));
}

/** Young enough that EC2 may list their instances yet, and not among the `shown`. */
function underWay(versions: readonly TemplateVersion[], shown: ReadonlySet<string>, ports: FleetPorts) {
  return versions.flatMap((each) => {
    const launch = readDescription(each.description);
    if (launch === null || shown.has(launch.token) || ageOf(each, ports) > UNLISTED_SECONDS) return [];
    return [{ ...launch, madeAt: each.madeAt }];
  });
}

/** The tokens of the launches whose instances EC2 has listed, ended ones included. */
export function shownLaunches(instances: Iterable<Instance>): ReadonlySet<string> {
  return new Set([...instances].flatMap((each) => each.launch ?? []));
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
