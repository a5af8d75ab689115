// Tuning in hindsight: every baseline family's best parameters for a trace and a wait value, over its whole grid.

import type { Ceiling } from "./ceilings.ts";
import { type CrewStage, playEach } from "./crew.ts";
import { type BaselineChoice, objective, type Played } from "./play.ts";
import { gridOf } from "./policies/grid.ts";
import type { Family, Params } from "./policies/policy.ts";

/** What is more than this many times as costly as the best of any family is no use to anybody. */
const HOPELESS_TIMES = 20;

/** Families that pay for the whole time or pile up the queue take long: they come last, when a ceiling is known. */
const LAST = ["big-builder", "static"];

/** By family; one that was hopeless throughout is missing. */
export type FamilyWinners = Readonly<Record<string, Params>>;

export interface ValueWinners {
  readonly waitValuePerHour: number;
  readonly families: FamilyWinners;
}

export interface Tuned {
  readonly winners: readonly ValueWinners[];
  readonly replays: number;
  /** Of these, how many were given up. */
  readonly cut: number;
}

interface Best {
  readonly J: number;
  readonly index: number;
}

/**
 * One replay of each set of parameters serves all wait values. A replay is cut once it has cost more, at every wait
 * value, than the best set of its family so far (of a family without one: than 20 times the best of any). So no winner
 * within 20 times the best of all is ever missed, in whichever order the workers come to it; others are left out.
 */
export async function tune(
  stage: CrewStage,
  families: readonly Family[],
  waitValues: readonly number[],
  note: (done: number, all: number) => void = () => {},
): Promise<Tuned> {
  const inOrder = families.toSorted((a, b) => LAST.indexOf(a.name) - LAST.indexOf(b.name));
  const jobs = inOrder.flatMap((family) =>
    gridOf(family).map((params): BaselineChoice => ({ kind: "baseline", family: family.name, params })),
  );
  const standings = waitValues.map((waitValuePerHour) => ({ waitValuePerHour, best: new Map<string, Best>() }));
  let cut = 0;
  await playEach(stage, jobs, {
    ceilingsOf: (index) => ceilingsFor(standings, jobs[index]?.family ?? ""),
    note(done, played, index) {
      const family = jobs[index]?.family ?? "";
      if (played === null) cut += 1;
      else
        for (const { waitValuePerHour, best } of standings) keepBetter(best, family, played, waitValuePerHour, index);
      note(done, jobs.length);
    },
  });
  return {
    winners: standings.map(({ waitValuePerHour, best }) => ({ waitValuePerHour, families: winnersOf(best, jobs) })),
    replays: jobs.length,
    cut,
  };
}

type Standing = { readonly waitValuePerHour: number; readonly best: Map<string, Best> };

function keepBetter(best: Map<string, Best>, family: string, played: Played, waitValue: number, index: number): void {
  const J = objective(played.measured, waitValue);
  const known = best.get(family);
  // Of equals the first of the grid, whoever came first.
  if (known === undefined || J < known.J || (J === known.J && index < known.index)) best.set(family, { J, index });
}

function ceilingsFor(standings: readonly Standing[], family: string): readonly Ceiling[] {
  const ceilings = standings.flatMap(({ waitValuePerHour, best }): Ceiling[] => {
    const most = best.get(family)?.J ?? lowest(best) * HOPELESS_TIMES;
    return Number.isFinite(most) ? [{ waitValuePerHour, most }] : [];
  });
  return ceilings;
}

const lowest = (best: ReadonlyMap<string, Best>) => Math.min(...[...best.values()].map(({ J }) => J));

function winnersOf(best: ReadonlyMap<string, Best>, jobs: readonly BaselineChoice[]): FamilyWinners {
  const most = lowest(best) * HOPELESS_TIMES;
  const won = [...best].filter(([, { J }]) => J <= most).toSorted(([a], [b]) => a.localeCompare(b, "en"));
  return Object.fromEntries(won.map(([family, { index }]) => [family, jobs[index]?.params ?? {}]));
}
