// Asks the hub for what a survey is made of: external repos, build tags, READY repos; few requests, however many tags.

import {
  askAll,
  type ExternalRepo,
  getBuildConfig,
  getBuildTargets,
  getExternalRepoList,
  getRepo,
  type HubCaller,
  HubFault,
  type HubQuery,
  lacksMethod,
  listExternalRepos,
  listReadyRepos,
  type Repo,
  type TagExternalRepo,
} from "../hub/index.ts";

/** Two answers for each tag; a multiCall of more would keep the hub's database busy for long. */
const TAGS_AT_ONCE = 200;

export interface TagAnswers {
  /** As the tag has them, inherited ones included. */
  readonly arches: readonly string[];
  readonly externals: readonly TagExternalRepo[];
}

export interface HubAnswers {
  readonly repos: readonly ExternalRepo[];
  /** READY ones, no dist repos. */
  readonly ready: readonly Repo[];
  /** Build tags of all targets, and those that have a READY repo; a fault where the hub would not tell. */
  readonly tags: ReadonlyMap<string, TagAnswers | HubFault>;
}

/** Throws what `HubCaller.multiCall` throws, and a fault that is not about one tag. */
export async function askHub(hub: HubCaller): Promise<HubAnswers> {
  const questions = { repos: listExternalRepos(), targets: getBuildTargets(), ready: listReadyRepos() };
  const first = await askAll(hub, questions);
  const repos = unlessFault(first.repos);
  const buildTags = unlessFault(first.targets).map((target) => target.build_tag_name);
  const hasNoQuery = lacksMethod(first.ready, "repo.query");
  const listed = hasNoQuery ? [] : unlessFault(first.ready);
  const names = [...new Set([...buildTags, ...listed.map((repo) => repo.tag_name)])].sort();
  const ready = hasNoQuery ? await newestOfEach(hub, names) : listed;
  return { repos, ready, tags: await askTags(hub, names) };
}

/** Hubs before 1.35 list no repos: the newest READY one of each tag is what the next build takes. */
async function newestOfEach(hub: HubCaller, tags: readonly string[]): Promise<Repo[]> {
  const found = await askEach(hub, tags, getRepo);
  return [...found.values()].flatMap((repo) => (repo === null || repo instanceof HubFault ? [] : [repo]));
}

async function askTags(hub: HubCaller, names: readonly string[]): Promise<Map<string, TagAnswers | HubFault>> {
  const configs = await askEach(hub, names, getBuildConfig);
  const externals = await askEach(hub, names, getExternalRepoList);
  const tags = new Map<string, TagAnswers | HubFault>();
  for (const name of names) {
    const [config, listed] = [configs.get(name), externals.get(name)];
    if (config === undefined || listed === undefined) continue;
    if (config instanceof HubFault) tags.set(name, config);
    else if (listed instanceof HubFault) tags.set(name, listed);
    else tags.set(name, { arches: config.arches, externals: listed });
  }
  return tags;
}

async function askEach<T>(
  hub: HubCaller,
  names: readonly string[],
  question: (name: string) => HubQuery<T>,
): Promise<Map<string, T | HubFault>> {
  const answers = new Map<string, T | HubFault>();
  for (let from = 0; from < names.length; from += TAGS_AT_ONCE) {
    const some = names.slice(from, from + TAGS_AT_ONCE);
    const questions = Object.fromEntries(some.map((name) => [name, question(name)]));
    const answered = await askAll<{ [name: string]: T }>(hub, questions);
    for (const [name, answer] of Object.entries(answered)) answers.set(name, answer);
  }
  return answers;
}

function unlessFault<T>(answer: T | HubFault): T {
  if (answer instanceof HubFault) throw answer;
  return answer;
}
