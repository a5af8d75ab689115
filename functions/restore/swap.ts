// Lambda entry point: swaps the hub's volumes for a restore's, or back.

import { swapVolumes } from "../../shared/backup/restore/index.ts";
import { backupStep } from "../../shared/backup/steps.ts";

export const handler = backupStep(swapVolumes);
