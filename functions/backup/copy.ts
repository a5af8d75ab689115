// Lambda entry point of a backup's copy to one other region or account.

import { type BackupPorts, copy } from "../../shared/backup/index.ts";
import { backupStep } from "../../shared/backup/steps.ts";

/** `open`: default, from the function's environment and bundle. */
export function copyHandler(open?: () => BackupPorts) {
  return backupStep(copy, open);
}

export const handler = copyHandler();
