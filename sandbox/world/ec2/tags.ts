// CreateTags and DeleteTags on instances, volumes, network interfaces and snapshots, with EC2's limits.

import type { CreateTagsCommandInput, DeleteTagsCommandInput, Tag, TagSpecification } from "@aws-sdk/client-ec2";
import { ec2Error, refuseFields, requireField } from "./errors.ts";

/** Whatever can be tagged. */
export interface Tagged {
  readonly tags: Map<string, string>;
}

/** By id; throws EC2's error for its kind. */
export type FindTagged = (id: string) => Tagged;

export type TagInput = readonly Tag[];

/** Source: EC2 user guide, tag restrictions. */
const MOST_TAGS = 50;
const KEY_CHARACTERS = 128;
const VALUE_CHARACTERS = 256;

export function checkTags(tags: TagInput): void {
  for (const { Key = "", Value = "" } of tags) {
    if (Key.startsWith("aws:")) {
      throw ec2Error("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use");
    }
    if (Key === "" || Key.length > KEY_CHARACTERS || Value.length > VALUE_CHARACTERS) {
      throw ec2Error(
        "InvalidParameterValue",
        `Tag "${Key}" is not within ${KEY_CHARACTERS}/${VALUE_CHARACTERS} characters`,
      );
    }
  }
  if (new Set(tags.map(({ Key }) => Key)).size !== tags.length) {
    throw ec2Error("InvalidParameterValue", "Duplicate tag keys in one request");
  }
  if (tags.length > MOST_TAGS) throw ec2Error("TagLimitExceeded", "More than 50 tags specified");
}

/** All resources or none: an unknown id fails the whole call. */
export function createTags(find: FindTagged, input: CreateTagsCommandInput): object {
  refuseFields("CreateTags", input, "DryRun");
  const tags = requireField(input.Tags, "Tag");
  checkTags(tags);
  const resources = requireField(input.Resources, "ResourceId").map(find);
  for (const { tags: present } of resources) {
    const own = [...present.keys()].filter((key) => !key.startsWith("aws:"));
    const after = new Set([...own, ...tags.map(({ Key }) => Key ?? "")]);
    if (after.size > MOST_TAGS) throw ec2Error("TagLimitExceeded", "The maximum number of tags has been reached");
  }
  for (const resource of resources) {
    for (const { Key = "", Value = "" } of tags) resource.tags.set(Key, Value);
  }
  return {};
}

/** A key without a value goes whatever its value; no keys at all = every tag but AWS's own. */
export function deleteTags(find: FindTagged, input: DeleteTagsCommandInput): object {
  refuseFields("DeleteTags", input, "DryRun");
  for (const resource of requireField(input.Resources, "ResourceId").map(find)) {
    if (input.Tags === undefined || input.Tags.length === 0) {
      deleteAllTags(resource);
      continue;
    }
    for (const { Key = "", Value } of input.Tags) {
      if (Value === undefined || resource.tags.get(Key) === Value) resource.tags.delete(Key);
    }
  }
  return {};
}

export function deleteAllTags({ tags }: Tagged): void {
  for (const key of [...tags.keys()]) {
    if (!key.startsWith("aws:")) tags.delete(key);
  }
}

/** The tags that a call gives to one type of thing; checked. */
export function tagsOfType(
  specifications: readonly TagSpecification[] | undefined,
  type: string,
): ReadonlyMap<string, string> {
  const own = (specifications ?? []).filter(({ ResourceType }) => ResourceType === type);
  const tags = own.flatMap(({ Tags }) => Tags ?? []);
  checkTags(tags);
  return new Map(tags.map(({ Key = "", Value = "" }) => [Key, Value]));
}
