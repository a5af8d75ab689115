// Checks of what is asked first: was there a base, did it answer, by which certificate, and was it a repomd.xml.

import type { Evidence, MirrorRules } from "../types.ts";
import { countText, spanText } from "../words.ts";
import { type Finding, fine, isGone, isOfDocument, unfit, verdictOfRepomd } from "./finding.ts";

const DAY_SECONDS = 86_400;

export function checkResolve({ resolution, base }: Evidence): Finding {
  const { kind, bases, problem } = resolution;
  if (problem !== null) return unfit("resolve", "unreachable", `the ${kind} could not be had: ${problem.detail}`);
  if (bases.length === 0) return unfit("resolve", "unreachable", `the ${kind} names no base of a repository`);
  if (kind === "static") return fine("resolve", "the address is the repository's own");
  const looked = base === null ? "none of them answered" : `${base} was looked at`;
  return fine("resolve", `the ${kind} names ${countText(bases.length, "base")}, ${looked}`);
}

/** null where there was no base to ask. */
export function checkFetch({ repomd, resolution, latencyMilliseconds }: Evidence): Finding | null {
  if ("content" in repomd) {
    const wait = latencyMilliseconds === null ? "" : `, the first answer after ${Math.round(latencyMilliseconds)} ms`;
    return fine("fetch", `repomd.xml of ${countText(repomd.size, "byte")}${wait}`);
  }
  const { problem } = repomd;
  if (resolution.problem !== null || resolution.bases.length === 0) return null;
  if (isOfDocument(problem)) return fine("fetch", "something came in the place of repomd.xml");
  const why = isGone(problem)
    ? `${problem.detail}: the host answers, and nothing is there: upstream has moved it, perhaps to its archive`
    : `repomd.xml could not be had: ${problem.detail}`;
  return unfit("fetch", verdictOfRepomd(problem), why);
}

/** null for http, and where no connection was made. */
export function checkTls({ repomd, tls }: Evidence, rules: MirrorRules, now: number): Finding | null {
  const problem = "content" in repomd ? null : repomd.problem;
  if (problem?.kind === "tls" || problem?.kind === "certificate") return unfit("tls", "unreachable", problem.detail);
  if (tls === null) return null;
  const left = tls.validTo - now;
  if (left <= 0)
    return unfit("tls", "unreachable", `the server's certificate ended ${spanText(-left)} ago: dnf will refuse it`);
  const ends = `${tls.protocol}, the server's certificate ends in ${spanText(left)}`;
  return fine("tls", left < rules.certificateWarningDays * DAY_SECONDS ? `${ends}: tell whoever runs it` : ends);
}

/** null where nothing came that could be read, and where the list that was to lead to it could not. */
export function checkSchema({ repomd, resolution }: Evidence): Finding | null {
  if ("content" in repomd) {
    const { records, revision } = repomd.content;
    return fine("schema", `${countText(records.length, "record")}, revision ${revision === "" ? "none" : revision}`);
  }
  const { problem } = repomd;
  if (!isOfDocument(problem) || resolution.problem !== null) return null;
  return unfit("schema", verdictOfRepomd(problem), `what came is no repomd.xml: ${problem.detail}`);
}

/** null where there was no second look. */
export function checkStable({ repomd, second }: Evidence): Finding | null {
  if (!("content" in repomd) || second === null) return null;
  if ("problem" in second)
    return unfit("stable", "partial", `repomd.xml could not be had a second time: ${second.problem.detail}`);
  return second.sha256 === repomd.sha256
    ? fine("stable", "repomd.xml was the same before and after")
    : unfit("stable", "partial", "repomd.xml changed while the repository was read: it is being synced");
}
