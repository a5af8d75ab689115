// Page tokens: opaque to callers, and stable while what they page over changes.

import { ec2Error } from "./errors.ts";

const PREFIX = "after:";

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
