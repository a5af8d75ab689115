// Lambda entry point of the checks of mirrors: what is done about what the looks found.

import { actStep } from "../../shared/mirrors/act-step.ts";
import { mirrorsStep } from "../../shared/mirrors/steps.ts";

export const handler = mirrorsStep(actStep);
