// Which build tags need a new repo, because rpms that their newest one refers to are gone from a mirror. Pure.

import { type ActionFacts, isFresh, type SeenLook } from "./action-facts.ts";
import type { Regenerations } from "./states.ts";
import { commandText, regenerationCommands } from "./switch/commands.ts";
import { isUnderWay } from "./switch/plan.ts";
import { countText, someOf, spanText } from "./words.ts";

export interface PlannedRegeneration {
  readonly tag: string;
  readonly why: string;
  /** The tag's newest READY repo: the one that misses rpms. */
  readonly repo: number;
}

/** Each makes the hub read all metadata of a tag anew: a handful at a time is load enough. */
export const MOST_REGENERATIONS = 10;
/** A repo that was made for this and misses rpms too: the mirror lists what it does not have, and more repos do not help. */
export const PAUSE_SECONDS = 6 * 3600;
/** Unless the mirror has got new metadata since that repo was made. */
export const CHANGED_PAUSE_SECONDS = 3600;
/** The server is there and has no such file, or gives it to nobody; anything else may pass. */
const GONE: readonly (number | null)[] = [403, 404, 410];

interface Miss {
  readonly look: SeenLook;
  readonly urls: readonly string[];
}

export function planRegenerations(facts: ActionFacts): {
  readonly regenerate: readonly PlannedRegeneration[];
  readonly sentences: readonly string[];
} {
  const fresh = facts.looks.filter((look) => isFresh(look, facts.survey));
  const regenerate: PlannedRegeneration[] = [];
  const sentences: string[] = [];
  const left: string[] = [];
  for (const [tag, misses] of [...missesByTag(fresh)].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const repo = facts.survey.ready.find((each) => each.tag === tag && each.newest);
    // The look went by an earlier survey.
    if (repo === undefined) continue;
    const why = whyText(misses);
    const hindrance = hindranceOf(facts, { tag, repo: repo.id, misses, fresh });
    if (hindrance !== null) {
      sentences.push(`No new repo is asked for of ${tag}, although repo ${repo.id} misses ${why}: ${hindrance}.`);
    } else if (regenerate.length === MOST_REGENERATIONS) {
      left.push(tag);
    } else {
      regenerate.push({ tag, why, repo: repo.id });
      sentences.push(`A new repo of ${tag} is asked for, before a build fails: repo ${repo.id} misses ${why}.`);
    }
  }
  if (left.length > 0)
    sentences.push(`New repos of ${someOf(left)} follow: at most ${MOST_REGENERATIONS} are asked for in one run.`);
  return {
    regenerate,
    sentences: [...sentences, ...fresh.flatMap(weakMisses), ...fresh.flatMap((look) => rolledBack(facts, look))],
  };
}

/** By the tags whose newest READY repo refers to rpms that are gone. */
function missesByTag(looks: readonly SeenLook[]): ReadonlyMap<string, readonly Miss[]> {
  const byTag = new Map<string, Miss[]>();
  for (const look of looks) {
    const gone = (look.live?.missing ?? []).filter(({ status }) => GONE.includes(status));
    for (const tag of new Set(gone.flatMap(({ tags }) => tags))) {
      const misses = byTag.get(tag) ?? [];
      byTag.set(tag, misses);
      misses.push({ look, urls: gone.filter(({ tags }) => tags.includes(tag)).map(({ url }) => url) });
    }
  }
  return byTag;
}

function whyText(misses: readonly Miss[]): string {
  return misses
    .map(({ look: { repo, arch }, urls }) => {
      const names = urls.map((url) => url.slice(url.lastIndexOf("/") + 1));
      return `${countText(urls.length, "rpm")} of ${repo} (${arch}): ${someOf(names)}`;
    })
    .join("; ");
}

interface Question {
  readonly tag: string;
  readonly repo: number;
  readonly misses: readonly Miss[];
  readonly fresh: readonly SeenLook[];
}

/** null = it may be asked for. */
function hindranceOf(facts: ActionFacts, question: Question): string | null {
  const { survey, switches, queued, config, now } = facts;
  const { tag, misses, fresh } = question;
  const external = survey.repos.filter(({ uses }) => uses.some((use) => use.tag === tag));
  const switching = switches.find(
    (each) => external.some(({ name }) => name === each.repo) && isUnderWay(each, config.failover.readyMinutes, now),
  );
  if (switching !== undefined)
    return `the switch ${switching.id} of ${switching.repo} is under way and asks for one itself`;
  if (queued.includes(tag)) return "one is in the hub's queue";
  const missing = misses.map(({ look }) => look.repo);
  for (const { name, uses } of external) {
    const arches = uses.flatMap((use) => (use.tag === tag ? use.arches : []));
    const unfit = fresh.find(
      (look) =>
        look.role === "current" &&
        look.repo === name &&
        arches.includes(look.arch) &&
        // A mirror that is only late brings nothing bad: it matters where it is to bring what is missing.
        !(look.trusted || (look.verdict === "lagging" && !missing.includes(name))),
    );
    if (unfit !== undefined)
      return `it would bring in the metadata of ${name} (${unfit.arch}) at ${unfit.url}, which is ${unfit.verdict}`;
  }
  return askedBefore(facts, question);
}

function askedBefore({ regenerations, survey, now }: ActionFacts, { tag, repo, misses }: Question): string | null {
  const last = lastOf(regenerations, tag);
  if (last === null) return null;
  const since = now - last.requestedAt;
  const madeAt = survey.ready.find(({ id }) => id === repo)?.createdAt ?? 0;
  const hasChanged = misses.some(({ look }) => (look.metadata?.timestamp ?? 0) > madeAt);
  const pause = last.repo !== repo && hasChanged ? CHANGED_PAUSE_SECONDS : PAUSE_SECONDS;
  if (since >= pause) return null;
  const again = `it is asked for again ${spanText(pause)} after that at the earliest`;
  if (last.repo === repo) return `one was asked for ${spanText(since)} ago and is not READY yet; ${again}`;
  return hasChanged
    ? `it was made for such a reason ${spanText(since)} ago, and the mirror has changed once more; ${again}`
    : `it was made for such a reason ${spanText(since)} ago, so the mirror lists what it does not have; ${again}`;
}

function lastOf({ tags }: Regenerations, tag: string): Regenerations["tags"][number] | null {
  return tags.filter((each) => each.tag === tag).sort((a, b) => b.requestedAt - a.requestedAt)[0] ?? null;
}

/** What is missing and no reason for a new repo. */
function weakMisses({ repo, arch, url, live }: SeenLook): string[] {
  const missing = live?.missing ?? [];
  const older = missing.filter(({ tags, status }) => tags.length === 0 && GONE.includes(status)).length;
  const unclear = missing.filter(({ status }) => !GONE.includes(status)).length;
  const about = `of ${repo} (${arch}) at ${url}`;
  return [
    ...(older === 0
      ? []
      : [
          `${countText(older, "rpm")} ${about} that only older READY repos refer to ${older === 1 ? "is" : "are"} gone: builds that began with those may fail, the next ones do not.`,
        ]),
    ...(unclear === 0
      ? []
      : [
          `${countText(unclear, "rpm")} ${about} did not answer, which may pass: no new repo is asked for because of ${unclear === 1 ? "it" : "them"}.`,
        ]),
  ];
}

/** Kojira takes no notice of metadata that went back, and what did may be an attack: a person decides. */
function rolledBack({ survey }: ActionFacts, { repo, arch, url, role, verdict }: SeenLook): string[] {
  if (verdict !== "rolled_back" || role !== "current") return [];
  const uses = survey.repos.find(({ name }) => name === repo)?.uses ?? [];
  const tags = uses.filter(({ arches }) => arches.includes(arch)).map(({ tag }) => tag);
  const commands = commandText(regenerationCommands(tags));
  return [
    `${repo} (${arch}) at ${url} went back to older metadata, and READY repos may refer to what is gone with it: if that is upstream's will, name its sha256 in mirrors.repos.accepted, then type: ${commands}`,
  ];
}
