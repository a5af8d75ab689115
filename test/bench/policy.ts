// `npm run bench:policy [-- --traces LIST --seeds LIST --waits LIST --no-timing]`: Toji's J against the best baselines
// tuned in hindsight (kept winners, the best of them chosen anew for each seed), with the bars that it has to meet.

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compare, playLine } from "../../sandbox/replay/answer.ts";
import { openStage } from "../../sandbox/replay/crew.ts";
import { lineUp, type ReplayOrder } from "../../sandbox/replay/line-up.ts";
import { objective } from "../../sandbox/replay/play.ts";
import { FAMILIES } from "../../sandbox/replay/policies/index.ts";
import { policyKey } from "../../sandbox/replay/report/input.ts";
import type { PolicyResult } from "../../sandbox/replay/result.ts";
import {
  BARS,
  BARS_AT_DEFAULTS,
  type Line,
  printCalibration,
  printLines,
  printSummary,
  summarise,
  TRACES,
} from "./policy/bars.ts";
import { stageOf, timeInChild, timeMassRebuild } from "./policy/timing.ts";

/** Builders that are always there react to nothing. */
const NOT_REACTIVE = new Set(["static", "big-builder", "toji", "toji-no-forecast"]);

const { values: options } = parseArgs({
  options: {
    traces: { type: "string" },
    seeds: { type: "string" },
    waits: { type: "string" },
    "no-timing": { type: "boolean" },
    "time-mass-rebuild": { type: "boolean" },
  },
});

async function bench(): Promise<void> {
  const names = options.traces?.split(",") ?? Object.keys(TRACES);
  const seeds = (options.seeds ?? "1,2,3").split(",").map(Number);
  const waits = (options.waits ?? "1,5,25").split(",").map(Number);
  const unknown = names.find((name) => TRACES[name] === undefined);
  if (unknown !== undefined || [...seeds, ...waits].some(Number.isNaN)) {
    console.error(`--traces: of ${Object.keys(TRACES).join(",")}; --seeds and --waits: numbers with commas between`);
    process.exitCode = 2;
    return;
  }
  const lines: Line[] = [];
  for (const name of names) for (const seed of seeds) lines.push(...(await benchTrace(name, seed, waits)));
  printLines(lines);
  const summary = summarise(lines);
  printSummary(summary);
  printCalibration(lines);
  const timing =
    names.includes("mass-rebuild") && options["no-timing"] !== true
      ? await timeInChild(fileURLToPath(import.meta.url))
      : null;
  if (timing !== null) console.log(timing.text);
  console.log(JSON.stringify({ lines, summary, massRebuild: timing?.json ?? null }));
}

async function benchTrace(name: string, seed: number, waitValues: readonly number[]): Promise<Line[]> {
  const { kind, name: file } = TRACES[name] ?? { kind: "flat" as const, name };
  const began = performance.now();
  const order: ReplayOrder = {
    stage: stageOf(file, seed),
    waitValues,
    toji: true,
    tojiWithoutForecast: false,
    families: FAMILIES,
    tuning: "kept",
  };
  const tell = (line: string) => console.error(`${name}, seed ${seed}: ${line}`);
  const stage = await openStage(order.stage);
  const line = await lineUp(order, stage, tell);
  const { policies, details, notes } = await playLine(line, order, stage, tell);
  tell(`${policies.length} policies in ${Math.round((performance.now() - began) / 1000)} s`);
  return waitValues.map((value) => {
    const toji = policies.find((policy) => policy.name === "toji" && policy.params.waitValuePerHour === value);
    const { bestBaseline: best, bestBaselineAtDefaults: atDefaults } = compare(policies, value);
    if (toji === undefined || best === null) throw new Error(`${name} was not played`);
    const J = objective(toji, value);
    const reactive = bestReactive(policies, value);
    const detail = details[policyKey(toji)];
    return {
      trace: name,
      seed,
      waitValuePerHour: value,
      ratio: J / best.J,
      bar: BARS[kind][value] ?? null,
      best: policyKey(best),
      ratioAtDefaults: J / (atDefaults?.J ?? Number.NaN),
      barAtDefaults: BARS_AT_DEFAULTS[value] ?? null,
      p95Ratio:
        reactive === null ? Number.NaN : divide(toji.noBuilderWaitSeconds.p95, reactive.noBuilderWaitSeconds.p95),
      dollarRatio: reactive === null ? Number.NaN : toji.dollars / reactive.dollars,
      launchesPerTask: toji.launches / stage.trace.tasks.length,
      calibration: detail?.calibration ?? null,
      notes: [...line.notes, ...notes],
    };
  });
}

function bestReactive(policies: readonly PolicyResult[], value: number): PolicyResult | null {
  const reactive = policies.filter(({ name }) => !NOT_REACTIVE.has(name));
  return reactive.toSorted((a, b) => objective(a, value) - objective(b, value))[0] ?? null;
}

/** Under a second nobody waits: NaN. */
function divide(seconds: number, by: number): number {
  return by < 1 ? Number.NaN : seconds / by;
}

if (options["time-mass-rebuild"] === true) await timeMassRebuild();
else await bench();
