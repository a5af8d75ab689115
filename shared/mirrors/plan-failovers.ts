// Which repos leave their address for a candidate: unfit for long, and a candidate that was fit for as long. Pure.

import { type ActionFacts, isFresh, type SeenLook } from "./action-facts.ts";
import { sameBase } from "./live-set.ts";
import { archesInUse, candidatesOf } from "./plan-looks.ts";
import { expandArch } from "./rules.ts";
import type { SurveyedRepo } from "./survey-types.ts";
import { administratorCommands, commandText, shellQuoted } from "./switch/commands.ts";
import { isUnderWay } from "./switch/plan.ts";
import { countText, spanText } from "./words.ts";

export interface FailoverPlan {
  readonly repo: string;
  /** With $arch, as the hub writes it. */
  readonly to: string;
  readonly by: "toji";
  readonly reason: string;
  readonly automatic: true;
}

interface Failovers {
  readonly switches: readonly FailoverPlan[];
  readonly sentences: readonly string[];
}

export function planFailovers(facts: ActionFacts): Failovers {
  const { survey, config } = facts;
  const plans = survey.repos
    .filter(({ name }) => config.repos.find((each) => each.name === name)?.ignore !== true)
    .map((repo) => planFailover(facts, repo));
  return { switches: plans.flatMap((plan) => plan.switches), sentences: plans.flatMap((plan) => plan.sentences) };
}

function planFailover(facts: ActionFacts, repo: SurveyedRepo): Failovers {
  const { config, hubAdmin } = facts;
  const { name, url } = repo;
  const unfit = currentLooks(facts, repo).filter(({ bad }) => bad > 0);
  const [worst] = unfit.toSorted((a, b) => b.bad - a.bad);
  if (worst === undefined) return { switches: [], sentences: [] };
  const { badInARow } = config.failover;
  const reason = `${name} (${worst.arch}) at ${worst.url} was not fit in ${countText(worst.bad, "look")} in a row, now ${worst.verdict}`;
  const stay = (why: string): Failovers => ({ switches: [], sentences: [`${reason}: ${why}.`] });
  if (worst.bad < badInARow) return stay(`it is left after ${badInARow} at the earliest`);
  const candidates = candidatesOf(config, repo);
  if (candidates.length === 0) return stay("mirrors.repos names no candidate to switch to");
  const judged = candidates.map((candidate) => ({ candidate, unfit: unfitness(facts, repo, candidate) }));
  const to = judged.find((each) => each.unfit === null)?.candidate;
  if (to === undefined) {
    const reasons = judged.map((each) => `${each.candidate} ${each.unfit}`);
    return stay(`no candidate may be taken: ${reasons.join("; ")}`);
  }
  const pause = pauseOf(facts, name);
  if (pause !== null) return stay(pause);
  const tags = repo.uses.filter(({ arches }) => arches.length > 0).map(({ tag }) => tag);
  if (!hubAdmin) {
    const commands = commandText(administratorCommands(name, to, tags));
    return stay(
      `${to} is fit, and Toji's login is no administrator of the hub (hub.admin in toji.yml); one types: ${commands}`,
    );
  }
  if (config.repos.find((each) => each.name === name)?.failover !== true)
    return stay(`${to} is fit; switch to it by npx toji mirrors switch ${shellQuoted(name)} ${shellQuoted(to)}`);
  return {
    switches: [{ repo: name, to, by: "toji", reason, automatic: true }],
    sentences: [`${reason}: the repo is switched from ${url} to ${to}.`],
  };
}

/** Of this run only: what an older look said may have passed. */
function currentLooks({ survey, looks }: ActionFacts, { name }: SurveyedRepo): readonly SeenLook[] {
  return looks.filter((look) => look.repo === name && look.role === "current" && isFresh(look, survey));
}

/** Why a candidate may not be taken; null = it may. */
function unfitness(facts: ActionFacts, repo: SurveyedRepo, candidate: string): string | null {
  const { survey, looks, config } = facts;
  const { goodInARow } = config.failover;
  const current = looks.filter((look) => look.repo === repo.name && look.role === "current");
  for (const arch of archesInUse(repo)) {
    const base = sameBase(expandArch(candidate, arch));
    const look = looks.find((each) => each.repo === repo.name && each.arch === arch && sameBase(each.url) === base);
    if (look === undefined || !isFresh(look, survey)) return `was not looked at for ${arch} in this run`;
    if (!look.trusted) return `is ${look.verdict} for ${arch}`;
    if (look.good < goodInARow)
      return `was fit for ${arch} in ${countText(look.good, "look")} in a row, of ${goodInARow} that are needed`;
    if (look.accepted === null) return `has no accepted metadata for ${arch}`;
    const now = current.find((each) => each.arch === arch)?.accepted?.timestamp;
    const behind = now === undefined ? 0 : now - look.accepted.timestamp;
    // Builds would lose what they had.
    if (behind > 0) return `is ${spanText(behind)} older for ${arch} than what was accepted at the present address`;
  }
  return null;
}

function pauseOf({ switches, config, now }: ActionFacts, repo: string): string | null {
  const last = switches.find((each) => each.repo === repo);
  if (last === undefined) return null;
  const { readyMinutes, periodHours } = config.failover;
  if (isUnderWay(last, readyMinutes, now)) return `the switch ${last.id} to ${last.to} is under way`;
  const since = now - last.startedAt;
  if (since >= periodHours * 3600) return null;
  return `it was switched ${spanText(since)} ago (${last.id}, ${last.state}), and Toji does so by itself once in ${periodHours} h`;
}
