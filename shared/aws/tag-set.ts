// Tags as EC2 lists them and as the code reads them, the filter by tag, and changes of tags on anything that has an id.

import { CreateTagsCommand, DeleteTagsCommand, type Tag } from "@aws-sdk/client-ec2";
import type { AwsClients } from "./clients.ts";
import { attempt } from "./errors.ts";

type Ec2 = AwsClients["ec2"];
export type Tags = Readonly<Record<string, string>>;

export interface TagFilter {
  readonly key: string;
  readonly value: string;
}

/** EC2 takes so many resources in one call. */
const MOST_RESOURCES = 1000;

export function readTags(tags: readonly Tag[] | undefined): Tags {
  return Object.fromEntries((tags ?? []).map(({ Key = "", Value = "" }) => [Key, Value]));
}

export function writeTags(tags: Tags): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

export function byTag({ key, value }: TagFilter) {
  return { Name: `tag:${key}`, Values: [value] };
}

/** Adds or overwrites; in one call all of its resources or none. Fine with no resource. */
export async function tagResources(ec2: Ec2, ids: readonly string[], tags: Tags): Promise<void> {
  for (const Resources of inPieces(ids, MOST_RESOURCES)) {
    const command = new CreateTagsCommand({ Resources, Tags: writeTags(tags) });
    await attempt("CreateTags", () => ec2.send(command));
  }
}

/** Removes the keys, whatever their values; fine when they are not there, and with no resource. */
export async function untagResources(ec2: Ec2, ids: readonly string[], keys: readonly string[]): Promise<void> {
  for (const Resources of inPieces(ids, MOST_RESOURCES)) {
    const command = new DeleteTagsCommand({ Resources, Tags: keys.map((Key) => ({ Key })) });
    await attempt("DeleteTags", () => ec2.send(command));
  }
}

export function* inPieces<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
