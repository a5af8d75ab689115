// The functions of the machines mirror-check and mirror-switch, as Lambda would call them: the production steps in the production wrapper.

import { actStep, checkStep, liveStep, type MirrorsPorts, surveyStep } from "../../shared/mirrors/index.ts";
import { mirrorsStep } from "../../shared/mirrors/steps.ts";
import * as change from "../../shared/mirrors/switch/index.ts";
import type { AroundCall } from "../backup/functions.ts";
import { lambdaContext } from "../lambda-context.ts";
import type { StepFunction } from "../machines/index.ts";

type Step = (ports: MirrorsPorts, event: unknown) => Promise<unknown>;

/** By the names that the machines' files have for them. */
const STEPS: Readonly<Record<string, Step>> = {
  MirrorsSurvey: surveyStep,
  MirrorsLive: liveStep,
  MirrorsCheck: checkStep,
  MirrorsAct: actStep,
  SwitchBegin: change.beginSwitch,
  SwitchEdit: change.editRepo,
  SwitchRegenerate: change.regenerate,
  SwitchLook: change.lookForRepos,
  SwitchConfirm: change.confirmRepos,
  SwitchEnd: change.endSwitch,
};

export function mirrorFunctions(
  open: () => Promise<MirrorsPorts>,
  around: AroundCall = (_name, _event, run) => run(),
): Readonly<Record<string, StepFunction>> {
  let calls = 0;
  const call = (name: string, step: Step): StepFunction => {
    const handler = mirrorsStep(step, open);
    return (event) =>
      around(name, event, async () => {
        calls += 1;
        // Lambda hands events and answers over as JSON.
        const context = lambdaContext(`mirrors-${calls}`);
        return toJson(await handler(toJson(event), context, { signal: new AbortController().signal }));
      });
  };
  return Object.fromEntries(Object.entries(STEPS).map(([name, step]) => [name, call(name, step)]));
}

const toJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));
