// EC2's filters: joined by "and", the values of one joined by "or", with wildcards.

import type { Filter } from "@aws-sdk/client-ec2";
import { NotModelled } from "./errors.ts";

/** The values a thing has for each filter that its Describe call knows, besides those on tags. */
export type FilteredValues = Readonly<Record<string, readonly string[]>>;

export function passesAll(
  operation: string,
  filters: readonly Filter[] | undefined,
  tags: ReadonlyMap<string, string>,
  values: FilteredValues,
): boolean {
  return (filters ?? []).every(({ Name = "", Values = [] }) => {
    const patterns = Values.map(wildcard);
    return actualValues(operation, Name, tags, values).some((actual) => patterns.some((each) => each.test(actual)));
  });
}

function actualValues(
  operation: string,
  name: string,
  tags: ReadonlyMap<string, string>,
  values: FilteredValues,
): readonly string[] {
  if (name === "tag-key") return [...tags.keys()];
  if (name.startsWith("tag:")) {
    const value = tags.get(name.slice("tag:".length));
    return value === undefined ? [] : [value];
  }
  const found = values[name];
  if (found === undefined) throw new NotModelled(`the ${operation} filter "${name}"`);
  return found;
}

/** EC2's filters know `*` and `?`. */
function wildcard(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s");
}
