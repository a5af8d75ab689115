// Lambda entry point of a backup's first step: one at a time, the hub's instance, a manifest.

import { type BackupPorts, begin } from "../../shared/backup/index.ts";
import { backupStep } from "../../shared/backup/steps.ts";

/** `open`: default, from the function's environment and bundle. */
export function beginHandler(open?: () => BackupPorts) {
  return backupStep(begin, open);
}

export const handler = beginHandler();
