// Lambda entry point of a backup's last step, good or bad: record, lease, alarm.

import { type BackupPorts, end } from "../../shared/backup/index.ts";
import { backupStep } from "../../shared/backup/steps.ts";

/** `open`: default, from the function's environment and bundle. */
export function endHandler(open?: () => BackupPorts) {
  return backupStep(end, open);
}

export const handler = endHandler();
