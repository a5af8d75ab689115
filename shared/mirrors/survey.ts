// The survey: what the hub's external repos are, who uses them, what is to be looked at, and what a person should know.

import { canonicalArch, type HubCaller, HubFault } from "../hub/index.ts";
import { askHub, type HubAnswers, type TagAnswers } from "./hub-repos.ts";
import { configSentences, localKind, repoSentences, tagSentences } from "./survey-sentences.ts";
import type { LocalRepo, ReadyRepo, RepoUse, Survey, SurveyedLook, SurveyedRepo, SurveySite } from "./survey-types.ts";

/** `now` in epoch seconds. At most a few requests. Throws what `HubCaller.multiCall` throws. */
export async function surveyHub(hub: HubCaller, site: SurveySite, now: number): Promise<Survey> {
  return readSurvey(await askHub(hub), site, now);
}

/** Pure. The same answers give the same survey, whatever the order the hub gave them in. */
export function readSurvey(answers: HubAnswers, site: SurveySite, now: number): Survey {
  const tags = knownTags(answers);
  const repos = answers.repos
    .map((repo): SurveyedRepo => ({ ...repo, uses: usesOf(repo.id, tags) }))
    .sort((a, b) => order(a.name, b.name));
  const ignored = new Set(site.mirrors.repos.filter(({ ignore }) => ignore).map(({ name }) => name));
  const watched = repos.filter(({ name }) => !ignored.has(name));
  return {
    at: now,
    repos,
    ready: readyOf(answers, tags),
    looks: watched.flatMap(looksOf),
    local: watched.flatMap(({ name, url }): LocalRepo[] => {
      const kind = localKind(url, site);
      return kind === null ? [] : [{ repo: name, kind }];
    }),
    sentences: [
      ...watched.flatMap((repo) => repoSentences(repo, site)),
      ...tagSentences(repos),
      ...configSentences(repos, site),
      ...refusedTags(answers),
    ],
  };
}

function knownTags({ tags }: HubAnswers): ReadonlyMap<string, TagAnswers> {
  const known = new Map<string, TagAnswers>();
  for (const [name, answer] of tags) if (!(answer instanceof HubFault)) known.set(name, answer);
  return known;
}

function usesOf(repoId: number, tags: ReadonlyMap<string, TagAnswers>): RepoUse[] {
  return [...tags]
    .flatMap(([tag, answer]) =>
      answer.externals
        .filter(({ external_repo_id }) => external_repo_id === repoId)
        .map(({ arches, merge_mode: mergeMode, priority }): RepoUse => {
          const wanted = arches === null ? null : canonical(arches);
          const own = canonical(answer.arches);
          return { tag, arches: own.filter((arch) => wanted?.includes(arch) ?? true), mergeMode, priority };
        }),
    )
    .sort((a, b) => order(a.tag, b.tag));
}

/** newRepo makes one repo for each canonical arch (builder/kojid NewRepoTask). */
const canonical = (arches: readonly string[]): string[] => [...new Set(arches.map(canonicalArch))].sort();

/** A repo of a tag that the hub no longer knows serves no build. */
function readyOf({ ready }: HubAnswers, tags: ReadonlyMap<string, TagAnswers>): ReadyRepo[] {
  const newest = new Map<string, { readonly id: number; readonly create_event: number }>();
  for (const repo of ready) {
    const best = newest.get(repo.tag_name);
    const isNewer = (repo.create_event - (best?.create_event ?? -1) || repo.id - (best?.id ?? -1)) > 0;
    if (best === undefined || isNewer) newest.set(repo.tag_name, repo);
  }
  return ready
    .flatMap(({ id, tag_name: tag, create_ts: createdAt }): ReadyRepo[] => {
      const answer = tags.get(tag);
      if (answer === undefined) return [];
      return [{ id, tag, arches: canonical(answer.arches), createdAt, newest: newest.get(tag)?.id === id }];
    })
    .sort((a, b) => a.id - b.id);
}

/** A repo on the hub's own disk has nothing to ask over HTTP. */
function looksOf({ name, url, uses }: SurveyedRepo): SurveyedLook[] {
  if (!/^https?:/i.test(url)) return [];
  const arches = [...new Set(uses.flatMap((use) => use.arches))].sort();
  return arches.map((arch) => ({ repo: name, arch, url: url.replaceAll("$arch", arch), role: "current" }));
}

function refusedTags({ tags }: HubAnswers): string[] {
  return [...tags].flatMap(([name, answer]) =>
    answer instanceof HubFault
      ? [`The hub did not tell of tag ${name} ("${answer.faultString}"): its external repos are not looked at.`]
      : [],
  );
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
