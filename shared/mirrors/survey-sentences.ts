// What a person should know of the hub's external repos, as sentences. Pure.

import { nearestOf } from "../config/index.ts";
import type { LocalRepo, SurveyedRepo, SurveySite } from "./survey-types.ts";

/** Tags that a sentence names; a repo that all tags inherit would else fill a page. */
const TAGS_NAMED = 8;

/** null = it comes from elsewhere. */
export function localKind(url: string, { hub }: SurveySite): LocalRepo["kind"] | null {
  const parsed = parse(url);
  if (parsed?.protocol === "file:") return "file";
  const own = [hub.url, hub.topUrl].map((address) => parse(address)?.hostname);
  return parsed !== null && parsed.hostname !== "" && own.includes(parsed.hostname) ? "self-hosted" : null;
}

/** What is wrong with one repo and its address. */
export function repoSentences(repo: SurveyedRepo, site: SurveySite): string[] {
  const { name, url, uses } = repo;
  const about = `External repo ${name} (${shown(url)})`;
  const users = usedBy(repo);
  const sentences: string[] = [];
  const kind = localKind(url, site);
  const protocol = parse(url)?.protocol ?? null;
  if (kind === "file") {
    sentences.push(
      `${about} lies on the hub's own disk, ${users}: nothing keeps that copy up to date or checks it, and builders cannot reach it over HTTP; ${giveUpstream(name)}.`,
    );
  } else if (kind === "self-hosted") {
    sentences.push(
      `${about} is served by the hub itself, ${users}: if it is a copy of an upstream repository, ${giveUpstream(name)}; if it is a repo of this Koji, set ignore for it.`,
    );
  } else if (protocol === null || !/^https?:$/.test(protocol)) {
    sentences.push(`${about} has no http or https address, ${users}: it cannot be checked; ${giveUpstream(name)}.`);
  }
  if (isList(url)) {
    sentences.push(
      `${about} is a mirrorlist or metalink, ${users}: Koji needs the address of one repository and cannot use it; write the base URL of one mirror (koji edit-external-repo --url URL ${name}), and name this address as its trust.metalink if it is a metalink.`,
    );
  }
  if (uses.every(({ arches }) => arches.length === 0)) {
    const why = uses.length === 0 ? "no build tag inherits it" : `none of its arches is built in ${tagList(repo)}`;
    sentences.push(`${about} is used by nobody (${why}), so it is not looked at; remove it if it is left over.`);
  }
  return sentences;
}

/** kojid refuses to merge repos of more than one mode (merge_repos, "Found multiple merge modes"). */
export function tagSentences(repos: readonly SurveyedRepo[]): string[] {
  const byTag = new Map<
    string,
    { readonly name: string; readonly mode: string; readonly arches: readonly string[] }[]
  >();
  for (const { name, url, uses } of repos) {
    for (const { tag, mergeMode, arches } of uses) {
      const there = byTag.get(tag) ?? [];
      byTag.set(tag, there);
      there.push({ name: `${name} (${shown(url)})`, mode: mergeMode, arches });
    }
  }
  return [...byTag].sort(byName).flatMap(([tag, external]) => {
    const arches = new Set(external.flatMap((each) => each.arches));
    const mixed = [...arches].filter((arch) => modesFor(arch, external) > 1);
    if (mixed.length === 0) return [];
    const list = external.map(({ name, mode }) => `${name}: ${mode}`).join(", ");
    return [
      `Tag ${tag} inherits external repos with different merge modes (${list}), so createrepo fails for it (${mixed.join(", ")}); give all of them one mode.`,
    ];
  });
}

const modesFor = (arch: string, external: readonly { readonly mode: string; readonly arches: readonly string[] }[]) =>
  new Set(external.filter(({ arches }) => arches.includes(arch)).map(({ mode }) => mode)).size;

/** Names in the site document that the hub does not know. */
export function configSentences(repos: readonly SurveyedRepo[], { mirrors }: SurveySite): string[] {
  const known = repos.map(({ name }) => name);
  return mirrors.repos
    .filter(({ name }) => !known.includes(name))
    .map(({ name }) => {
      const nearest = nearestOf(name, known);
      const advice = nearest === undefined ? "take it out of mirrors.repos." : `did you mean "${nearest}"?`;
      return `mirrors.repos describes "${name}", which is no external repo of the hub: ${advice}`;
    });
}

const giveUpstream = (name: string): string =>
  `give it upstream's address (koji edit-external-repo --url URL ${name}) and regenerate the tags' repos`;

const usedBy = (repo: SurveyedRepo): string =>
  repo.uses.length === 0 ? "used by no build tag" : `used by ${tagList(repo)}`;

function tagList({ uses }: SurveyedRepo): string {
  const tags = uses.map(({ tag }) => tag);
  const more = tags.length - TAGS_NAMED;
  return more > 0 ? `${tags.slice(0, TAGS_NAMED).join(", ")} and ${more} more` : tags.join(", ");
}

/** mirrors.fedoraproject.org/metalink?repo=..., mirrorlist.centos.org/?release=..., .../mirror.list */
function isList(url: string): boolean {
  const parsed = parse(url);
  if (parsed === null) return false;
  return /(?:^|[/.?&=_-])(?:mirror\.?list|metalink)(?:[/.?&=_-]|$)/i.test(
    `${parsed.host}${parsed.pathname}${parsed.search}`,
  );
}

/** Without the user and password that it may hold. */
function shown(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, "$1");
}

const parse = (url: string): URL | null => (URL.canParse(url) ? new URL(url) : null);

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;
