// One policy played over one trace: what came of it.

import type { Site } from "../../shared/config/index.ts";
import { EMPTY_MEMORY, type Memory } from "../../shared/fleet/index.ts";
import { type Ceiling, staysBelow } from "./ceilings.ts";
import { playBaseline } from "./engine/baseline.ts";
import { findCostly, type LaunchDecision } from "./engine/costly.ts";
import { type Measured, measure, measureDetail } from "./engine/measure.ts";
import { Promises } from "./engine/promises.ts";
import type { BootTimes, Mishaps } from "./engine/setting.ts";
import { Timeline } from "./engine/timeline.ts";
import { playToji } from "./engine/toji.ts";
import { World } from "./engine/world.ts";
import { familyNamed } from "./policies/index.ts";
import type { Params } from "./policies/policy.ts";
import type { PolicyDetail } from "./result.ts";
import type { Trace } from "./trace.ts";

export type PolicyChoice =
  | { readonly kind: "toji"; readonly forecast: boolean; readonly waitValuePerHour: number }
  | { readonly kind: "baseline"; readonly family: string; readonly params: Params };

export interface Stage {
  readonly site: Site;
  readonly trace: Trace;
  readonly seed: number | string;
  readonly boot: BootTimes;
  readonly mishaps: Mishaps;
}

export interface Played {
  readonly measured: Measured;
  readonly detail: PolicyDetail;
}

/** `memory`: what Toji knows at the start. */
export function play(stage: Stage, choice: PolicyChoice, memory: Memory = EMPTY_MEMORY): Played {
  if (choice.kind === "baseline") {
    const played = playWithin(stage, choice, []);
    if (played === null) throw new RangeError(`${choice.family} was given up without a ceiling`);
    return played;
  }
  const { site } = stage;
  const world = new World({ ...stage, launchFee: site.builders.launchFee, ideal: false });
  const timeline = new Timeline(world);
  const { forecast, waitValuePerHour } = choice;
  const own: Site = { ...site, builders: { ...site.builders, forecast, waitValuePerHour } };
  const promises = new Promises(world);
  const decisions: LaunchDecision[] = [];
  playToji(world, own, {
    memory,
    look: (snapshot, known) => promises.note(snapshot, known),
    note(decision, launched) {
      if (launched.length === 0) return;
      const sentences = decision.changes.filter(({ kind }) => kind === "launch").map((change) => change.reason);
      const instanceIds = launched.map((each) => each.instanceId);
      decisions.push({ at: world.now, sentence: [...new Set(sentences)].join("; "), instanceIds });
    },
  });
  const told = {
    calibration: forecast ? promises.bands() : null,
    costly: findCostly(decisions, world, waitValuePerHour),
  };
  return { measured: measure(world), detail: measureDetail(world, timeline.samples, told) };
}

export type BaselineChoice = Extract<PolicyChoice, { kind: "baseline" }>;

/** Null = given up above all of the ceilings; without any it is always played to the end. */
export function playWithin(
  stage: Stage,
  { family: name, params }: BaselineChoice,
  ceilings: readonly Ceiling[],
): Played | null {
  const world = new World({ ...stage, launchFee: stage.site.builders.launchFee, ideal: false });
  const timeline = new Timeline(world);
  const family = familyNamed(name);
  const mayGoOn = ceilings.length === 0 ? () => true : staysBelow(ceilings);
  if (!playBaseline(world, family.create(params), family.tickSeconds, mayGoOn)) return null;
  return { measured: measure(world), detail: measureDetail(world, timeline.samples) };
}

/** Dollars and the value of what tasks waited for a builder. */
export function objective({ dollars, noBuilderWaitHours }: Measured, waitValuePerHour: number): number {
  return dollars + waitValuePerHour * noBuilderWaitHours;
}
