// Lambda entry point: writes down what a restore made and kept.

import { endRestore } from "../../shared/backup/restore/index.ts";
import { backupStep } from "../../shared/backup/steps.ts";

export const handler = backupStep(endRestore);
