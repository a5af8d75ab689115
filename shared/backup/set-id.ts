// The name of a backup set, made of the execution that takes it: a repeat of any step finds the same set again.

import { runIdOf } from "./run-id.ts";

/** `startedAt`: ISO 8601, as Step Functions gives it. "bs-20261123T020000Z-1a2b3c4d". */
export function setIdOf(execution: string, startedAt: string): string {
  const milliseconds = Date.parse(startedAt);
  if (Number.isNaN(milliseconds))
    throw new RangeError(`"${startedAt}" is no ISO 8601 time: give the execution's start`);
  return runIdOf("bs", execution, milliseconds / 1000);
}
