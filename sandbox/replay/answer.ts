// The answer of a replay: which policies are played over a trace, with which parameters, and how they compare.

import { boundsFor, type TraceBounds } from "./bounds-for.ts";
import { openStage, playAll, playEach } from "./crew.ts";
import { type LineUp, lineUp, type ReplayOrder, type Row, slowly, type Tell } from "./line-up.ts";
import { objective, type Played, type Stage } from "./play.ts";
import { policyKey } from "./report/input.ts";
import type { Objective, PolicyDetail, PolicyResult, ReplayAnswer } from "./result.ts";
import type { TunedTrace } from "./winners.ts";

/** A replay that would say nothing. */
export class ReplayError extends Error {
  override readonly name = "ReplayError";
}

const TOJI_NAMES: ReadonlySet<string> = new Set(["toji", "toji-no-forecast"]);

/** Null = that side was not replayed. */
export interface Compared {
  readonly waitValuePerHour: number;
  readonly toji: number | null;
  readonly bestBaseline: Objective["bestBaseline"] | null;
  readonly bestBaselineAtDefaults: Objective["bestBaselineAtDefaults"] | null;
  readonly bound: number;
}

/** As `--json` prints it. */
export interface FullAnswer extends Omit<ReplayAnswer, "objective"> {
  readonly objective: readonly Compared[];
  /** Whether the rows marked as tuned were searched for this very trace, site and wait value. */
  readonly tuned: boolean;
  readonly notes: readonly string[];
}

export interface Replayed {
  readonly answer: FullAnswer;
  readonly stage: Stage;
  readonly details: Readonly<Record<string, PolicyDetail>>;
  readonly bounds: TraceBounds;
  /** Found by a search just now: to be kept, if somebody wants to. */
  readonly searched: TunedTrace | null;
}

/**
 * Two builders on a trace for two thousand take longer to replay than everything else together. So on long traces a
 * baseline at its owner's defaults is given up, and told of, once it has cost so many times what the best one costs.
 */
const ABSURD = { times: 1000, tasks: 20_000 };

/** Throws TraceError, ReplayError and the errors of a bad site. */
export async function answerReplay(order: ReplayOrder, tell: Tell): Promise<Replayed> {
  const stage = await openStage(order.stage);
  const outside = checkPlaces(stage);
  const bounds = boundsFor(stage, order.waitValues);
  const line = await lineUp(order, stage, tell);
  const { policies, details, notes } = await playLine(line, order, stage, tell);
  const { trace } = stage;
  return {
    answer: {
      trace: {
        name: trace.name,
        tasks: trace.tasks.length,
        spanHours: trace.spanSeconds / 3600,
        synthetic: trace.synthetic,
      },
      bounds: { work: bounds.work.dollars, zeroWait: bounds.zeroWait.dollars },
      policies,
      objective: order.waitValues.map((value, index) => ({
        ...compare(policies, value),
        bound: bounds.objective[index]?.bound.dollars ?? 0,
      })),
      tuned: line.exact,
      notes: [...outside, ...line.notes, ...notes],
    },
    stage,
    details,
    bounds,
    searched: line.searched,
  };
}

export interface PlayedLine {
  readonly policies: readonly PolicyResult[];
  /** By `policyKey`. */
  readonly details: Readonly<Record<string, PolicyDetail>>;
  readonly notes: readonly string[];
}

export async function playLine(line: LineUp, order: ReplayOrder, stage: Stage, tell: Tell): Promise<PlayedLine> {
  const known = await playRows([...line.tojis, ...line.winners], order, stage, tell);
  const more = await playDefaults(line.defaults, known, order, stage, tell);
  const all = new Map([...known, ...more]);
  const policies = [...line.tojis, ...line.defaults, ...line.winners].flatMap(
    ({ name, params, tuned }): PolicyResult[] => {
      const played = all.get(policyKey({ name, params }));
      return played === undefined ? [] : [{ name, params, tuned, ...played.measured }];
    },
  );
  const details = Object.fromEntries([...all].map(([key, { detail }]) => [key, detail]));
  return { policies, details, notes: leftOut(line.defaults, all) };
}

/** Tasks that no profile can run: a sentence, or an error if they are all. */
function checkPlaces({ trace, site }: Stage): string[] {
  const channels = new Set(site.builders.profiles.flatMap((profile) => profile.channels));
  const arches = new Set([...site.builders.profiles.flatMap((profile) => profile.arches), "noarch"]);
  const outside = trace.tasks.filter(({ channel, arch }) => !channels.has(channel) || !arches.has(arch)).length;
  if (outside === 0) return [];
  if (outside < trace.tasks.length) {
    return [
      `${outside} of ${trace.tasks.length} tasks are for channels or arches without a profile: they run outside of the fleet`,
    ];
  }
  const [first] = trace.tasks;
  throw new ReplayError(
    `no profile of the config serves any task of ${trace.name}: add one for channel ${first?.channel} and arch ${first?.arch}, or leave --config out`,
  );
}

async function playRows(
  rows: readonly Row[],
  order: ReplayOrder,
  open: Stage,
  tell: Tell,
): Promise<Map<string, Played>> {
  const note = slowly(tell, "replays");
  const jobs = rows.map(({ choice }) => choice);
  const played = await playAll(order.stage, jobs, (done) => note(done, rows.length), open);
  return new Map(played.map((each, index) => [policyKey(rows[index] ?? { name: "", params: {} }), each]));
}

async function playDefaults(
  defaults: readonly Row[],
  known: ReadonlyMap<string, Played>,
  { stage, waitValues }: ReplayOrder,
  open: Stage,
  tell: Tell,
): Promise<Map<string, Played>> {
  const rows = defaults.filter((row) => !known.has(policyKey(row)));
  const lowest = (value: number) => Math.min(...[...known.values()].map(({ measured }) => objective(measured, value)));
  const ceilings =
    known.size === 0 || open.trace.tasks.length < ABSURD.tasks
      ? []
      : waitValues.map((value) => ({ waitValuePerHour: value, most: lowest(value) * ABSURD.times }));
  const note = slowly(tell, "replays at the owners' defaults");
  const played = await playEach(
    stage,
    rows.map(({ choice }) => choice),
    { ceilingsOf: () => ceilings, note: (done) => note(done, rows.length), open },
  );
  return new Map(
    rows.flatMap((row, index) => {
      const each = played[index] ?? null;
      return each === null ? [] : [[policyKey(row), each] as const];
    }),
  );
}

function leftOut(defaults: readonly Row[], all: ReadonlyMap<string, Played>): string[] {
  return defaults
    .filter((row) => !all.has(policyKey(row)))
    .map(
      ({ name }) =>
        `${name} at its owner's defaults is left out: it had cost more than ${ABSURD.times} times the best when it was given up`,
    );
}

/** Toji against the best of the others at one wait value. */
export function compare(policies: readonly PolicyResult[], waitValuePerHour: number): Omit<Compared, "bound"> {
  const costs = policies.map((policy) => ({ policy, J: objective(policy, waitValuePerHour) }));
  const baselines = costs
    .filter(({ policy: { name } }) => !TOJI_NAMES.has(name))
    .toSorted((a, b) => a.J - b.J || Number(b.policy.tuned) - Number(a.policy.tuned));
  const best = baselines[0];
  const atDefaults = baselines.find(({ policy }) => !policy.tuned);
  const toji = costs.find(
    ({ policy: { name, params } }) => name === "toji" && params.waitValuePerHour === waitValuePerHour,
  );
  return {
    waitValuePerHour,
    toji: toji?.J ?? null,
    bestBaseline: best === undefined ? null : { name: best.policy.name, params: best.policy.params, J: best.J },
    bestBaselineAtDefaults: atDefaults === undefined ? null : { name: atDefaults.policy.name, J: atDefaults.J },
  };
}
