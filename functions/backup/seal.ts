// Lambda entry point of a backup's verdict: grade, size and cost of the set, in its manifest and tags.

import { type BackupPorts, seal } from "../../shared/backup/index.ts";
import { backupStep } from "../../shared/backup/steps.ts";

/** `open`: default, from the function's environment and bundle. */
export function sealHandler(open?: () => BackupPorts) {
  return backupStep(seal, open);
}

export const handler = sealHandler();
