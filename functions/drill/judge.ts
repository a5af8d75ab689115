// Lambda entry point: writes what a drill proved.

import { judgeDrill } from "../../shared/backup/drill/index.ts";
import { backupStep } from "../../shared/backup/steps.ts";

export const handler = backupStep(judgeDrill);
