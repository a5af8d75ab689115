// How far the comparison holds if tasks or boots take longer, or shorter, than the replay assumed.

import { type CrewStage, openStage, playAll } from "./crew.ts";
import { objective, type PolicyChoice, type Stage } from "./play.ts";
import type { Sensitivity } from "./report/input.ts";
import type { Objective } from "./result.ts";

const FACTORS = [0.7, 1.3];

/** Toji and the best baseline of each wait value, with the same parameters and site, at other durations. */
export async function testDurations(
  stage: CrewStage,
  open: Stage,
  objectives: readonly Objective[],
  tell: (line: string) => void,
): Promise<Sensitivity[]> {
  const jobs = objectives.flatMap(({ waitValuePerHour, bestBaseline: { name, params } }): PolicyChoice[] => [
    { kind: "toji", forecast: true, waitValuePerHour },
    { kind: "baseline", family: name, params },
  ]);
  const rows: Sensitivity[] = [];
  for (const { what, changed } of variants({ ...stage, site: open.site })) {
    tell(`replays with ${what}`);
    const played = await playAll(changed, jobs, () => {}, await openStage(changed));
    const cost = (index: number, value: number) => {
      const each = played[index];
      return each === undefined ? Number.NaN : objective(each.measured, value);
    };
    const ratios = objectives.map(({ waitValuePerHour }, nth) => ({
      waitValuePerHour,
      ratio: cost(2 * nth, waitValuePerHour) / cost(2 * nth + 1, waitValuePerHour),
    }));
    rows.push({ what, ratios });
  }
  return rows;
}

function variants(stage: CrewStage): { readonly what: string; readonly changed: CrewStage }[] {
  const { trace, boot } = stage;
  return [
    ...FACTORS.map((factor) => ({
      what: `service time ${percent(factor)}`,
      changed: { ...stage, trace: { ...trace, serviceFactor: trace.serviceFactor * factor } },
    })),
    ...FACTORS.map((factor) => ({
      what: `boot time ${percent(factor)}`,
      changed: { ...stage, boot: { median: boot.median * factor, p95: boot.p95 * factor } },
    })),
  ];
}

const percent = (factor: number) => `${factor < 1 ? "-" : "+"}${Math.round(Math.abs(factor - 1) * 100)} %`;
