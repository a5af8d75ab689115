// Lambda entry point: checks a switch and the address that it goes to.

import { mirrorsStep } from "../../shared/mirrors/steps.ts";
import { beginSwitch } from "../../shared/mirrors/switch/index.ts";

export const handler = mirrorsStep(beginSwitch);
