// Lambda entry point: sees whether the new repos of a switch are READY.

import { mirrorsStep } from "../../shared/mirrors/steps.ts";
import { lookForRepos } from "../../shared/mirrors/switch/index.ts";

export const handler = mirrorsStep(lookForRepos);
