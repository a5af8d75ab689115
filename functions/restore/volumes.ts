// Lambda entry point: makes the volumes of a restore.

import { makeVolumes } from "../../shared/backup/restore/index.ts";
import { backupStep } from "../../shared/backup/steps.ts";

export const handler = backupStep(makeVolumes);
