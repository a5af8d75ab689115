// Lambda entry point: launches the isolated instance of a drill, once.

import { launchDrill } from "../../shared/backup/drill/index.ts";
import { backupStep } from "../../shared/backup/steps.ts";

export const handler = backupStep(launchDrill);
