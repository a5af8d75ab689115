// Lambda entry point: removes what a drill made.

import { tearDownDrill } from "../../shared/backup/drill/index.ts";
import { backupStep } from "../../shared/backup/steps.ts";

export const handler = backupStep(tearDownDrill);
