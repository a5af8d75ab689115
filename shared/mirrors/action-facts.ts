// What decisions are made by: the survey, what the looks remember, and what is under way. Pure.

import type { MirrorsConfig } from "../config/index.ts";
import type { LookState, Regenerations, SwitchRecord } from "./states.ts";
import type { SurveyFile } from "./survey-file.ts";
import type { Accepted } from "./types.ts";

/** A look as far as decisions go: without the list of packages, which is large. */
export interface SeenLook extends Omit<LookState, "accepted"> {
  readonly accepted: Pick<Accepted, "timestamp"> | null;
}

export interface ActionFacts {
  readonly survey: Pick<SurveyFile, "at" | "repos" | "ready" | "looks">;
  /** The newest look at each of the survey's addresses, as far as there ever was one. */
  readonly looks: readonly SeenLook[];
  /** The newest switch of each repo. */
  readonly switches: readonly SwitchRecord[];
  readonly regenerations: Regenerations;
  /** Tags for which the hub is about to make a repo already. */
  readonly queued: readonly string[];
  readonly config: Pick<MirrorsConfig, "repos" | "failover">;
  /** The site says that Toji's login may edit external repos. */
  readonly hubAdmin: boolean;
  /** Epoch seconds. */
  readonly now: number;
}

/** Made in this run: an older one says nothing of what is there now. */
export function isFresh({ at }: Pick<LookState, "at">, survey: Pick<SurveyFile, "at">): boolean {
  return at >= survey.at;
}

/** Addresses that this run should have looked at and did not. */
export function unseenLooks({ survey, looks }: Pick<ActionFacts, "survey" | "looks">): SurveyFile["looks"] {
  return survey.looks.filter(
    ({ repo, arch, url }) =>
      !looks.some((look) => look.repo === repo && look.arch === arch && look.url === url && isFresh(look, survey)),
  );
}
