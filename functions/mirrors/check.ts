// Lambda entry point of the checks of mirrors: one look at one mirror for one arch.

import { checkStep } from "../../shared/mirrors/check-step.ts";
import { mirrorsStep } from "../../shared/mirrors/steps.ts";

export const handler = mirrorsStep(checkStep);
