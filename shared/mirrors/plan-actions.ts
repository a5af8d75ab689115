// What is done about what the looks found: new repos for build tags, and switches to other addresses. Pure.

import { type ActionFacts, unseenLooks } from "./action-facts.ts";
import { type FailoverPlan, planFailovers } from "./plan-failovers.ts";
import { type PlannedRegeneration, planRegenerations } from "./plan-regenerations.ts";

export interface ActionPlan {
  readonly regenerate: readonly PlannedRegeneration[];
  readonly switches: readonly FailoverPlan[];
  /** One for everything that is done, and for everything that might be expected and is not. */
  readonly sentences: readonly string[];
}

export function planActions(facts: ActionFacts): ActionPlan {
  const regenerations = planRegenerations(facts);
  const failovers = planFailovers(facts);
  return {
    regenerate: regenerations.regenerate,
    switches: failovers.switches,
    sentences: [...failedLooks(facts), ...regenerations.sentences, ...failovers.sentences],
  };
}

function failedLooks(facts: ActionFacts): string[] {
  return unseenLooks(facts).map(
    ({ repo, arch, url }) =>
      `The look at ${repo} (${arch}) at ${url} failed, so nothing is decided by it: the log of mirrors-check says why.`,
  );
}
