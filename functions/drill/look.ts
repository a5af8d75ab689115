// Lambda entry point: reads the console of a drill's instance.

import { lookAtDrill } from "../../shared/backup/drill/index.ts";
import { backupStep } from "../../shared/backup/steps.ts";

export const handler = backupStep(lookAtDrill);
