// Lambda entry point: writes down how a switch ended.

import { mirrorsStep } from "../../shared/mirrors/steps.ts";
import { endSwitch } from "../../shared/mirrors/switch/index.ts";

export const handler = mirrorsStep(endSwitch);
