// Reading what a caller of Step Functions asked for: names, texts, pages.

import { sfnError } from "./errors.ts";

export type Request = Readonly<Record<string, unknown>>;

export function requireRecord(value: unknown): Request {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw sfnError("SerializationException", "a request is one JSON object");
}

export function requireText(request: Request, field: string): string {
  const value = request[field];
  if (typeof value === "string") return value;
  throw sfnError("ValidationException", `Value at '${field}' failed to satisfy constraint: Member must not be null`);
}

/** Source: SDK typings, StartExecution: up to 80 characters, none of them white space, a bracket, a wildcard or special. */
export function requireName(name: unknown): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the rule names them.
  if (typeof name === "string" && /^[^\s<>{}[\]?*"#%\\^|~`$&,;:/\u0000-\u001f\u007f-\u009f]{1,80}$/.test(name))
    return name;
  throw sfnError("InvalidName", `Invalid Name: '${String(name)}'`);
}

/** `nextToken` is the place in the list. */
export function pageOf<Item>(
  items: readonly Item[],
  { maxResults, nextToken }: Request,
  most: number,
): { readonly page: Item[]; readonly nextToken?: string } {
  const asked = typeof maxResults === "number" && maxResults > 0 ? maxResults : most;
  const from = nextToken === undefined ? 0 : Number(nextToken);
  if (!Number.isInteger(from)) throw sfnError("InvalidToken", `Invalid Token: '${String(nextToken)}'`);
  const to = from + Math.min(asked, most);
  const page = items.slice(from, to);
  return to < items.length ? { page, nextToken: String(to) } : { page };
}
