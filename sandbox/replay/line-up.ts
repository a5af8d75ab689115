// Which policies a replay plays and with which parameters: Toji's, the baselines' defaults, and their tuned winners.

import type { CrewStage } from "./crew.ts";
import { identifyTrace } from "./load.ts";
import type { PolicyChoice, Stage } from "./play.ts";
import type { Family, Params } from "./policies/policy.ts";
import { policyKey } from "./report/input.ts";
import { tune } from "./tuning.ts";
import { findWinners, hashOfGrids, identifySite, readWinners, type TunedTrace } from "./winners.ts";

export interface ReplayOrder {
  readonly stage: CrewStage;
  readonly waitValues: readonly number[];
  readonly toji: boolean;
  readonly tojiWithoutForecast: boolean;
  readonly families: readonly Family[];
  /** Tuned parameters: those that are kept, searched now, or none. */
  readonly tuning: "kept" | "search" | "none";
  readonly winnersFile?: string;
}

export interface Row {
  readonly name: string;
  readonly params: Params;
  readonly tuned: boolean;
  readonly choice: PolicyChoice;
}

export type Tell = (line: string) => void;

export interface LineUp {
  readonly tojis: readonly Row[];
  readonly defaults: readonly Row[];
  readonly winners: readonly Row[];
  /** The winners were searched for this very trace, site and wait value. */
  readonly exact: boolean;
  readonly notes: readonly string[];
  /** Found by a search just now. */
  readonly searched: TunedTrace | null;
}

export async function lineUp(order: ReplayOrder, stage: Stage, tell: Tell): Promise<LineUp> {
  const { winners, ...found } = await findTuned(order, stage, tell);
  return {
    ...found,
    tojis: tojiRows(order),
    defaults: order.families.map(({ name, defaults }) => baselineRow(name, defaults, false)),
    winners: tunedRows(winners, order.families),
  };
}

interface TunedFamilies {
  readonly winners: readonly { readonly families: Readonly<Record<string, Params>> }[];
  readonly exact: boolean;
  readonly notes: readonly string[];
  readonly searched: TunedTrace | null;
}

async function findTuned(order: ReplayOrder, stage: Stage, tell: Tell): Promise<TunedFamilies> {
  const { families, tuning, waitValues } = order;
  if (families.length === 0) return { winners: [], exact: true, notes: [], searched: null };
  const { trace } = stage;
  const about = {
    trace: identifyTrace(order.stage.trace),
    site: identifySite(stage.site, order.stage.site === null),
    tasks: trace.tasks.length,
    spanHours: Math.round(trace.spanSeconds / 360) / 10,
    isFlat: trace.tasks.every(({ parent }) => parent === null),
  };
  if (tuning === "search") {
    const { winners, replays, cut } = await tune(order.stage, families, waitValues, slowly(tell, "tuning"));
    tell(`tuning: ${replays} replays, ${cut} of them given up as worse than the best of their family`);
    const kept = winners.map((each) => ({ ...each, families: { ...each.families } }));
    const searched = { ...about, name: trace.name, grids: hashOfGrids(), seed: order.stage.seed, winners: kept };
    return { winners, exact: true, notes: [], searched };
  }
  const found = tuning === "none" ? null : findWinners(readWinners(order.winnersFile), about, waitValues);
  const advice = "--tune searches the parameters that are best for it";
  if (found === null) {
    const why =
      tuning === "none"
        ? "baselines were played at their owners' defaults only"
        : "no winners are kept for a trace like this: baselines were played at their owners' defaults only";
    return { winners: [], exact: false, notes: [`${why}; ${advice}`], searched: null };
  }
  const notes = found.but === null ? [] : [`${found.but}; ${advice}`];
  return { winners: found.winners, exact: found.but === null, notes, searched: null };
}

function tojiRows({ toji, tojiWithoutForecast, waitValues }: ReplayOrder): Row[] {
  const rows = (name: string, forecast: boolean) =>
    waitValues.map((waitValuePerHour): Row => {
      return { name, params: { waitValuePerHour }, tuned: false, choice: { kind: "toji", forecast, waitValuePerHour } };
    });
  return [...(toji ? rows("toji", true) : []), ...(tojiWithoutForecast ? rows("toji-no-forecast", false) : [])];
}

/** A winner that serves several wait values stands once. */
function tunedRows(winners: TunedFamilies["winners"], families: readonly Family[]): Row[] {
  const rows = families.flatMap(({ name }) =>
    winners.flatMap((each) => {
      const params = each.families[name];
      return params === undefined ? [] : [baselineRow(name, params, true)];
    }),
  );
  return [...new Map(rows.map((row) => [policyKey(row), row])).values()];
}

function baselineRow(family: string, params: Params, tuned: boolean): Row {
  return { name: family, params, tuned, choice: { kind: "baseline", family, params } };
}

/** Not more than a line in five seconds. */
export function slowly(tell: Tell, what: string): (done: number, all: number) => void {
  let last = performance.now();
  return (done, all) => {
    if (performance.now() - last < 5000) return;
    last = performance.now();
    tell(`${what}: ${done} of ${all}`);
  };
}
