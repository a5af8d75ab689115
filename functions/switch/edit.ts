// Lambda entry point: edits an external repo's address on the hub, forward or back.

import { mirrorsStep } from "../../shared/mirrors/steps.ts";
import { editRepo } from "../../shared/mirrors/switch/index.ts";

export const handler = mirrorsStep(editRepo);
