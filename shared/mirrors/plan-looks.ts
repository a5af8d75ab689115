// Which addresses a run looks at: those that the hub has, those it had and READY repos still refer to, and candidates. Pure.

import type { MirrorsConfig } from "../config/index.ts";
import { sameBase } from "./live-set.ts";
import { withSlash } from "./resolve.ts";
import { expandArch } from "./rules.ts";
import type { LookRole, SwitchRecord } from "./states.ts";
import type { PlannedLook } from "./survey-file.ts";
import type { Survey, SurveyedRepo } from "./survey-types.ts";

/** Every address once for each arch, whatever else it is: current before retiring before candidate. */
export function planLooks(
  { repos, looks }: Pick<Survey, "repos" | "looks">,
  mirrors: Pick<MirrorsConfig, "repos">,
  switches: readonly SwitchRecord[],
): PlannedLook[] {
  const watched = repos.filter(({ name }) => mirrors.repos.find((each) => each.name === name)?.ignore !== true);
  const retiring = watched.flatMap((repo) =>
    switches
      .filter((each) => each.repo === repo.name)
      .flatMap(({ retiring: left }) => left.flatMap((url) => looksAt(repo, url, "retiring"))),
  );
  const candidates = watched.flatMap((repo) =>
    candidatesOf(mirrors, repo).flatMap((url) => looksAt(repo, url, "candidate")),
  );
  const seen = new Set<string>();
  return [...looks, ...retiring, ...candidates].filter(({ repo, arch, url }) => {
    const key = JSON.stringify([repo, arch, sameBase(url)]);
    return !seen.has(key) && seen.add(key);
  });
}

/** As the hub would write them; what it has is none. */
export function candidatesOf({ repos }: Pick<MirrorsConfig, "repos">, { name, url }: SurveyedRepo): string[] {
  const named = repos.find((each) => each.name === name)?.candidates ?? [];
  return named.map(withSlash).filter((candidate) => sameBase(candidate) !== sameBase(url));
}

export function archesInUse({ uses }: SurveyedRepo): string[] {
  return [...new Set(uses.flatMap(({ arches }) => arches))].sort();
}

function looksAt(repo: SurveyedRepo, url: string, role: LookRole): PlannedLook[] {
  if (!/^https?:/i.test(url)) return [];
  return archesInUse(repo).map((arch) => ({ repo: repo.name, arch, url: expandArch(url, arch), role }));
}
