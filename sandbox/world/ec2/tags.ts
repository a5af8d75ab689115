// CreateTags and DeleteTags on instances, volumes and network interfaces, with EC2's limits.

import type { CreateTagsCommandInput, DeleteTagsCommandInput, Tag } from "@aws-sdk/client-ec2";
import { ec2Error, NotModelled, refuseFields, requireField } from "./errors.ts";
import type { Instances } from "./instances.ts";

/** Whatever can be tagged. */
interface Tagged {
  readonly tags: Map<string, string>;
}

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
export function createTags(instances: Instances, input: CreateTagsCommandInput): object {
  refuseFields("CreateTags", input, "DryRun");
  const tags = requireField(input.Tags, "Tag");
  checkTags(tags);
  const resources = findResources(instances, input.Resources);
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
export function deleteTags(instances: Instances, input: DeleteTagsCommandInput): object {
  refuseFields("DeleteTags", input, "DryRun");
  for (const resource of findResources(instances, input.Resources)) {
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

function findResources(instances: Instances, ids: readonly string[] | undefined): Tagged[] {
  return requireField(ids, "ResourceId").map((id) => {
    if (id.startsWith("i-")) return instances.find(id);
    if (id.startsWith("vol-")) return instances.parts.volume(id);
    if (id.startsWith("eni-")) return instances.parts.networkInterface(id);
    throw new NotModelled(`tags of ${id}`);
  });
}
