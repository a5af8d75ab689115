// Lambda entry point: asks for new repos of the build tags that take rpms from a switched repo.

import { mirrorsStep } from "../../shared/mirrors/steps.ts";
import { regenerate } from "../../shared/mirrors/switch/index.ts";

export const handler = mirrorsStep(regenerate);
