// When an address that was left may be forgotten: once no READY repo refers to it. Pure.

import { sameBase } from "./live-set.ts";
import { expandArch } from "./rules.ts";
import type { KnownDigest, ReadyArch, SurveyFile } from "./survey-file.ts";
import { countText } from "./words.ts";

export interface ReadyFacts {
  /** Arches of READY repos that may take rpms from elsewhere. */
  readonly ready: readonly ReadyArch[];
  /** As far as they could be read. */
  readonly digests: readonly KnownDigest[];
}

export interface Retirement {
  readonly isOver: boolean;
  readonly sentence: string;
}

/** `from`: the address that the repo left, with $arch. */
export function retirementOf(
  repo: string,
  from: string,
  { ready, digests }: ReadyFacts,
  { looks }: Pick<SurveyFile, "looks">,
): Retirement {
  const isThere = looks.some((look) => look.role === "current" && isBase(look.url, from, look.arch));
  if (isThere)
    return {
      isOver: true,
      sentence: `${from}, which ${repo} left, is an external repo's address: it is looked at as that.`,
    };
  const known = ready.map((each) => digests.find((digest) => digest.id === each.id && digest.arch === each.arch));
  const unread = known.filter((digest) => digest === undefined).length;
  const users = known.filter((digest) => digest?.bases.some((base) => isBase(base, from, digest.arch)) === true);
  const ids = [...new Set(users.flatMap((digest) => (digest === undefined ? [] : [digest.id])))];
  const about = `${repo} has left ${from}`;
  if (ids.length > 0) {
    return {
      isOver: false,
      sentence: `${about}, and ${countText(ids.length, "READY repo")} still ${ids.length === 1 ? "takes" : "take"} rpms from there: it must go on serving them.`,
    };
  }
  if (unread > 0) {
    return {
      isOver: false,
      sentence: `${about}, and ${countText(unread, "READY repo")} could not be read, so it may still be needed.`,
    };
  }
  return {
    isOver: true,
    sentence: `${about}, and no READY repo takes rpms from there any more: nobody needs it for new builds.`,
  };
}

function isBase(base: string, template: string, arch: string): boolean {
  const wanted = sameBase(expandArch(template, arch));
  return wanted !== null && sameBase(base) === wanted;
}
