// Lambda entry point: checks a restore's set and fixes its plan.

import { beginRestore } from "../../shared/backup/restore/index.ts";
import { backupStep } from "../../shared/backup/steps.ts";

export const handler = backupStep(beginRestore);
