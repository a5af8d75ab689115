// What launches can leave behind: volumes, network interfaces, versions of the launch template. Found, looked at again, deleted.

import {
  DeleteLaunchTemplateVersionsCommand,
  DeleteNetworkInterfaceCommand,
  DeleteVolumeCommand,
  DescribeLaunchTemplateVersionsCommand,
  DescribeNetworkInterfacesCommand,
  DescribeVolumesCommand,
  type NetworkInterface,
  type Volume,
} from "@aws-sdk/client-ec2";
import type { AwsClients } from "./clients.ts";
import { AwsCallFailed, attempt } from "./errors.ts";
import { byTag, readTags, type TagFilter, type Tags } from "./tag-set.ts";

type Ec2 = AwsClients["ec2"];
export interface TaggedVolume {
  readonly volumeId: string;
  /** EC2's word; `available` = attached to nothing. */
  readonly state: string;
  readonly sizeGiB: number;
  readonly tags: Tags;
}

export interface TaggedInterface {
  readonly networkInterfaceId: string;
  /** EC2's word; `available` = attached to nothing. */
  readonly state: string;
  readonly tags: Tags;
}

/** EC2's answers about a thing that is gone, and now and then about one that is new. */
const GONE: ReadonlySet<string> = new Set(["InvalidVolume.NotFound", "InvalidNetworkInterfaceID.NotFound"]);

/** Every volume that carries the tag, page by page. */
export async function listVolumes(ec2: Ec2, tag: TagFilter): Promise<TaggedVolume[]> {
  const found: TaggedVolume[] = [];
  let NextToken: string | undefined;
  do {
    const input = { Filters: [byTag(tag)], MaxResults: 500, NextToken };
    const page = await attempt("DescribeVolumes", () => ec2.send(new DescribeVolumesCommand(input)));
    found.push(...(page.Volumes ?? []).map(readVolume));
    NextToken = page.NextToken;
  } while (NextToken !== undefined && NextToken !== "");
  return found;
}

/** null = it is gone. */
export async function findVolume(ec2: Ec2, volumeId: string): Promise<TaggedVolume | null> {
  const command = new DescribeVolumesCommand({ VolumeIds: [volumeId] });
  const page = await unlessGone(() => attempt("DescribeVolumes", () => ec2.send(command)));
  const [volume] = page?.Volumes ?? [];
  return volume === undefined ? null : readVolume(volume);
}

/** Fine when it is gone already; throws AwsCallFailed (VolumeInUse) when somebody attached it meanwhile. */
export async function deleteVolume(ec2: Ec2, volumeId: string): Promise<void> {
  const command = new DeleteVolumeCommand({ VolumeId: volumeId });
  await unlessGone(() => attempt("DeleteVolume", () => ec2.send(command)));
}

/** Every network interface that carries the tag, page by page. */
export async function listInterfaces(ec2: Ec2, tag: TagFilter): Promise<TaggedInterface[]> {
  const found: TaggedInterface[] = [];
  let NextToken: string | undefined;
  do {
    const input = { Filters: [byTag(tag)], MaxResults: 500, NextToken };
    const page = await attempt("DescribeNetworkInterfaces", () =>
      ec2.send(new DescribeNetworkInterfacesCommand(input)),
    );
    found.push(...(page.NetworkInterfaces ?? []).map(readInterface));
    NextToken = page.NextToken;
  } while (NextToken !== undefined && NextToken !== "");
  return found;
}

/** null = it is gone. */
export async function findInterface(ec2: Ec2, networkInterfaceId: string): Promise<TaggedInterface | null> {
  const command = new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [networkInterfaceId] });
  const page = await unlessGone(() => attempt("DescribeNetworkInterfaces", () => ec2.send(command)));
  const [found] = page?.NetworkInterfaces ?? [];
  return found === undefined ? null : readInterface(found);
}

/** Fine when it is gone already; throws AwsCallFailed (InvalidParameterValue) when somebody attached it meanwhile. */
export async function deleteInterface(ec2: Ec2, networkInterfaceId: string): Promise<void> {
  const command = new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: networkInterfaceId });
  await unlessGone(() => attempt("DeleteNetworkInterface", () => ec2.send(command)));
}

/** Number of the version that `$Default` stands for. */
export async function readDefaultVersion(ec2: Ec2, templateId: string): Promise<string> {
  const operation = "DescribeLaunchTemplateVersions";
  const command = new DescribeLaunchTemplateVersionsCommand({ LaunchTemplateId: templateId, Versions: ["$Default"] });
  const [found] = (await attempt(operation, () => ec2.send(command))).LaunchTemplateVersions ?? [];
  if (found?.VersionNumber === undefined) throw new AwsCallFailed(operation, new Error("the answer has no $Default"));
  return String(found.VersionNumber);
}

/** Fine when it is gone already. EC2 answers a refusal with HTTP 200: it is thrown here as AwsCallFailed. */
export async function deleteTemplateVersion(ec2: Ec2, templateId: string, version: string): Promise<void> {
  const operation = "DeleteLaunchTemplateVersions";
  const command = new DeleteLaunchTemplateVersionsCommand({ LaunchTemplateId: templateId, Versions: [version] });
  const reply = await attempt(operation, () => ec2.send(command));
  const refusals = (reply.UnsuccessfullyDeletedLaunchTemplateVersions ?? []).map((each) => each.ResponseError);
  const refusal = refusals.find((each) => each?.Code !== "launchTemplateVersionDoesNotExist");
  if (refusal === undefined) return;
  const cause = new Error(refusal.Message ?? "EC2 gave no reason");
  cause.name = refusal.Code ?? "Unknown";
  throw new AwsCallFailed(operation, cause);
}

async function unlessGone<T>(call: () => Promise<T>): Promise<T | null> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof AwsCallFailed && GONE.has(error.code)) return null;
    throw error;
  }
}

function readVolume({ VolumeId = "", State, Size = 0, Tags }: Volume): TaggedVolume {
  return { volumeId: VolumeId, state: State ?? "unknown", sizeGiB: Size, tags: readTags(Tags) };
}

function readInterface({ NetworkInterfaceId = "", Status, TagSet }: NetworkInterface): TaggedInterface {
  return { networkInterfaceId: NetworkInterfaceId, state: Status ?? "unknown", tags: readTags(TagSet) };
}
