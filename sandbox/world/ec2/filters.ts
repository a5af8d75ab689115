// EC2's filters: joined by "and", the values of one joined by "or", with wildcards.

import type { Filter } from "@aws-sdk/client-ec2";
import { NotModelled } from "./errors.ts";

/** The values a thing has for each filter that its Describe call knows, besides those on tags. */
export type FilteredValues = Readonly<Record<string, readonly string[]>>;

/** Whether a thing passes them all. */
export type Passes = (tags: ReadonlyMap<string, string>, values: FilteredValues) => boolean;

export function readFilters(operation: string, filters: readonly Filter[] | undefined): Passes {
  const tests = (filters ?? []).map(({ Name = "", Values = [] }) => ({ name: Name, patterns: Values.map(wildcard) }));
  return (tags, values) =>
    tests.every(({ name, patterns }) =>
      actualValues(operation, name, tags, values).some((actual) => patterns.some((matches) => matches(actual))),
    );
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
function wildcard(pattern: string): (actual: string) => boolean {
  if (!/[*?]/.test(pattern)) return (actual) => actual === pattern;
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  const expression = new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s");
  return (actual) => expression.test(actual);
}
