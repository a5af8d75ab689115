// Page tokens: opaque to callers, and stable while what they page over changes.

import { ec2Error } from "./errors.ts";

const PREFIX = "after:";
const LARGEST_PAGE = 1000;

export function writePageToken(lastNumber: number): string {
  return Buffer.from(`${PREFIX}${lastNumber}`).toString("base64url");
}

/** The number of the last item of the page before. */
export function readPageToken(token: string): number {
  const text = Buffer.from(token, "base64url").toString();
  const number = Number(text.slice(PREFIX.length));
  if (!text.startsWith(PREFIX) || !Number.isInteger(number)) {
    throw ec2Error("InvalidParameterValue", "NextToken is not one that this operation returned");
  }
  return number;
}

export interface PageRequest {
  readonly MaxResults?: number | undefined;
  readonly NextToken?: string | undefined;
}

/**
 * One page of what was asked for by filters, oldest first; a call that names its things (`byId`) has a single page and
 * takes no MaxResults. `idsName`: what EC2 calls the list of names in its error.
 */
export function onePage<T extends { readonly number: number }>(
  found: readonly T[],
  { MaxResults, NextToken }: PageRequest,
  byId: boolean,
  idsName: string,
): { readonly items: readonly T[]; readonly next: { readonly NextToken?: string } } {
  if (byId && MaxResults !== undefined) {
    const message = `The parameter ${idsName} cannot be used with the parameter maxResults`;
    throw ec2Error("InvalidParameterCombination", message);
  }
  const size = MaxResults ?? LARGEST_PAGE;
  if (size < 5 || size > LARGEST_PAGE) {
    throw ec2Error("InvalidParameterValue", `MaxResults must be between 5 and ${LARGEST_PAGE}, it is ${size}`);
  }
  const above = NextToken === undefined ? 0 : readPageToken(NextToken);
  const rest = found.filter(({ number }) => number > above).sort((a, b) => a.number - b.number);
  const items = byId ? rest : rest.slice(0, size);
  const last = items.at(-1);
  return {
    items,
    next: items.length < rest.length && last !== undefined ? { NextToken: writePageToken(last.number) } : {},
  };
}
