// Lambda entry point of the checks of mirrors: what the hub's external repos are, and what is to be looked at.

import { mirrorsStep } from "../../shared/mirrors/steps.ts";
import { surveyStep } from "../../shared/mirrors/survey-step.ts";

export const handler = mirrorsStep(surveyStep);
