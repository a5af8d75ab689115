// Lambda entry point: takes the hub down for a restore, and brings it back.

import { restoreHost } from "../../shared/backup/restore/index.ts";
import { backupStep } from "../../shared/backup/steps.ts";

export const handler = backupStep(restoreHost);
