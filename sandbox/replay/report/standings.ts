// Which policies are compared, in which order, under which label, and which two of them the report is about.

import type { Objective, PolicyDetail, PolicyResult } from "../result.ts";
import { policyKey, type ReportInput } from "./input.ts";
import { formatWorth } from "./words.ts";

/** What a reader sees of a policy at once; Toji's are never tuned for a trace. */
export type Kind = "toji" | "tuned" | "defaults";

export interface Standing {
  readonly policy: PolicyResult;
  readonly kind: Kind;
  /** Place in the order, from 1; plots and tables know a policy by it. */
  readonly number: number;
  readonly label: string;
  readonly meanWaitSeconds: number;
  /** J at each of the objectives, in their order. */
  readonly costs: readonly number[];
  readonly detail: PolicyDetail | null;
}

/** Toji against the best of the others at one wait value. Null = was not replayed. */
export interface Duel {
  readonly objective: Objective;
  readonly toji: Standing | null;
  readonly rival: Standing | null;
  readonly rivalAtDefaults: Standing | null;
  /** J of toji : J of the other; NaN if there is none. */
  readonly ratio: number;
  readonly ratioAtDefaults: number;
}

export interface Standings {
  readonly shown: readonly Standing[];
  /** What tables fold away and plots only dot. */
  readonly folded: readonly Standing[];
  readonly duels: readonly Duel[];
}

const MOST_SHOWN = 15;

/** The wait value that a Toji was told; null for policies that know none. */
export function toldValue({ policy }: Pick<Standing, "policy">): number | null {
  return policy.params.waitValuePerHour ?? null;
}

/** Best first: by how close a policy comes to the lowest J at the wait value that suits it best. */
export function rankPolicies(input: ReportInput): Standings {
  const { policies, objective, trace } = input.answer;
  const costs = policies.map((policy) => objective.map(({ waitValuePerHour }) => costOf(policy, waitValuePerHour)));
  const lowest = objective.map((_, index) => Math.min(...costs.map((row) => row[index] ?? Number.POSITIVE_INFINITY)));
  const all = policies
    .map((policy, row) => ({
      policy,
      costs: costs[row] ?? [],
      score: scoreOf(costs[row] ?? [], lowest, policy.dollars),
    }))
    .toSorted(
      (a, b) => a.score.best - b.score.best || a.score.mean - b.score.mean || a.policy.dollars - b.policy.dollars,
    )
    .map(
      ({ policy, costs }, index): Standing => ({
        policy,
        kind: kindOf(policy),
        number: index + 1,
        label: labelOf(policy, policies, objective),
        meanWaitSeconds: trace.tasks > 0 ? (policy.noBuilderWaitHours * 3600) / trace.tasks : 0,
        costs,
        detail: findDetail(input, policy),
      }),
    );
  const duels = objective.map((each) => findDuel(each, all));
  const fought = new Set(duels.flatMap(({ toji, rival, rivalAtDefaults }) => [toji, rival, rivalAtDefaults]));
  const shown = new Set(all.filter((each) => fought.has(each)).slice(0, MOST_SHOWN));
  for (const each of all) if (each.kind === "toji" && shown.size < MOST_SHOWN) shown.add(each);
  for (const each of all) if (shown.size < MOST_SHOWN) shown.add(each);
  return { shown: all.filter((each) => shown.has(each)), folded: all.filter((each) => !shown.has(each)), duels };
}

/** The two policies that timelines and decisions are shown of: at the middle one of the wait values. */
export function chooseSpotlight({ duels, shown }: Standings): readonly Standing[] {
  const duel = duels[Math.floor(duels.length / 2)];
  const pair = [duel?.toji ?? null, duel?.rival ?? null].filter((each) => each !== null);
  return pair.length > 0 ? pair : shown.slice(0, 2);
}

function costOf(policy: PolicyResult, waitValuePerHour: number): number {
  return policy.dollars + waitValuePerHour * policy.noBuilderWaitHours;
}

function scoreOf(costs: readonly number[], lowest: readonly number[], dollars: number): { best: number; mean: number } {
  const ratios = costs.map((cost, index) => cost / Math.max(lowest[index] ?? cost, Number.MIN_VALUE));
  if (ratios.length === 0) return { best: dollars, mean: dollars };
  return { best: Math.min(...ratios), mean: ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length };
}

function kindOf({ name, tuned }: PolicyResult): Kind {
  if (name === "toji" || name === "toji-no-forecast") return "toji";
  return tuned ? "tuned" : "defaults";
}

/** The name; and where it was replayed several times, the wait values at which it is the best of its name. */
function labelOf(policy: PolicyResult, policies: readonly PolicyResult[], objective: readonly Objective[]): string {
  const told = toldValue({ policy });
  if (told !== null) return `${policy.name} (${formatWorth(told)})`;
  const same = policies.filter(({ name, tuned }) => name === policy.name && tuned === policy.tuned);
  if (same.length < 2) return policy.name;
  const values = objective.map(({ waitValuePerHour }) => waitValuePerHour);
  const suits = values.filter((value) => same.every((other) => costOf(policy, value) <= costOf(other, value)));
  return suits.length === 0 ? policy.name : `${policy.name} (${suits.map(formatWorth).join(", ")})`;
}

function findDetail({ details, answer }: ReportInput, policy: PolicyResult): PolicyDetail | null {
  const once = answer.policies.filter(({ name }) => name === policy.name).length === 1;
  const key = [policyKey(policy), ...(once ? [policy.name] : [])].find((key) => Object.hasOwn(details, key));
  return key === undefined ? null : (details[key] ?? null);
}

function findDuel(objective: Objective, all: readonly Standing[]): Duel {
  const value = objective.waitValuePerHour;
  const named = (name: string) => all.filter(({ policy }) => policy.name === name);
  const nearest = (some: readonly Standing[], cost: number): Standing | null =>
    some.toSorted((a, b) => Math.abs(costOf(a.policy, value) - cost) - Math.abs(costOf(b.policy, value) - cost))[0] ??
    null;
  const { bestBaseline, bestBaselineAtDefaults } = objective;
  const told = named("toji").filter((each) => toldValue(each) === value);
  const toji = nearest(told.length > 0 ? told : named("toji"), objective.toji);
  const exact = named(bestBaseline.name).filter(({ policy }) => policyKey(policy) === policyKey(bestBaseline));
  const others = (exact.length > 0 ? exact : named(bestBaseline.name)).filter(({ kind }) => kind !== "toji");
  const rival = nearest(others, bestBaseline.J);
  const defaults = named(bestBaselineAtDefaults.name).filter(({ kind }) => kind === "defaults");
  const rivalAtDefaults = nearest(defaults, bestBaselineAtDefaults.J);
  return {
    objective,
    toji,
    rival,
    rivalAtDefaults,
    ratio: toji === null || rival === null ? Number.NaN : objective.toji / bestBaseline.J,
    ratioAtDefaults: toji === null || rivalAtDefaults === null ? Number.NaN : objective.toji / bestBaselineAtDefaults.J,
  };
}
