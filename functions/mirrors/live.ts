// Lambda entry point of the checks of mirrors: what one READY repo takes from elsewhere.

import { liveStep } from "../../shared/mirrors/live-step.ts";
import { mirrorsStep } from "../../shared/mirrors/steps.ts";

export const handler = mirrorsStep(liveStep);
