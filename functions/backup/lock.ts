// Lambda entry point of a backup's lock: nobody deletes the set for some days.

import { type BackupPorts, lock } from "../../shared/backup/index.ts";
import { backupStep } from "../../shared/backup/steps.ts";

/** `open`: default, from the function's environment and bundle. */
export function lockHandler(open?: () => BackupPorts) {
  return backupStep(lock, open);
}

export const handler = lockHandler();
