// The baselines: how other systems scale, each a family with its owner's defaults and a fixed grid for tuning.

import { nearestOf } from "../../../shared/config/index.ts";
import { bigBuilder } from "./big-builder.ts";
import { buildkiteAgentScaler } from "./buildkite-agent-scaler.ts";
import { karpenter } from "./karpenter.ts";
import type { Family } from "./policy.ts";
import { resalloc } from "./resalloc.ts";
import { staticFleet } from "./static.ts";
import { targetTracking } from "./target-tracking.ts";
import { taskcluster } from "./taskcluster.ts";
import { terraformAwsGithubRunner } from "./terraform-aws-github-runner.ts";

/** A name that no family has. */
export class UnknownFamilyError extends Error {
  override readonly name = "UnknownFamilyError";
}

export const FAMILIES: readonly Family[] = [
  staticFleet,
  targetTracking,
  buildkiteAgentScaler,
  terraformAwsGithubRunner,
  taskcluster,
  resalloc,
  karpenter,
  bigBuilder,
];

export function familyNamed(name: string): Family {
  const family = FAMILIES.find((known) => known.name === name);
  if (family !== undefined) return family;
  const names = FAMILIES.map((known) => known.name);
  const word = name.toLowerCase();
  const nearest = (word === "" ? undefined : names.find((known) => known.includes(word))) ?? nearestOf(word, names);
  const hint = nearest === undefined ? `there are ${names.join(", ")}` : `did you mean "${nearest}"?`;
  throw new UnknownFamilyError(`there is no policy "${name}": ${hint}`);
}
