// The parameters of a family as a policy works with them: what is not given is the owner's, what is not known is refused.

import { nearestOf } from "../../../shared/config/index.ts";
import type { Params } from "./policy.ts";

/** A parameter that its family does not have, or that is no number from 0 up. */
export class PolicyParameterError extends Error {
  override readonly name = "PolicyParameterError";
}

export function fillParams<Name extends string>(
  family: string,
  defaults: Readonly<Record<Name, number>>,
  params: Params,
): Readonly<Record<Name, number>> {
  const names = Object.keys(defaults);
  for (const [name, value] of Object.entries(params)) {
    if (!names.includes(name)) {
      const nearest = nearestOf(name, names);
      const hint = nearest === undefined ? `it has ${names.join(", ")}` : `did you mean "${nearest}"?`;
      throw new PolicyParameterError(`${family} has no parameter "${name}": ${hint}`);
    }
    if (!Number.isFinite(value) || value < 0) {
      throw new PolicyParameterError(`${family}: ${name} is ${value}; give a number from 0 up`);
    }
  }
  return { ...defaults, ...params };
}
