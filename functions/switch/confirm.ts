// Lambda entry point: sees what the new repos of a switch take from where.

import { mirrorsStep } from "../../shared/mirrors/steps.ts";
import { confirmRepos } from "../../shared/mirrors/switch/index.ts";

export const handler = mirrorsStep(confirmRepos);
