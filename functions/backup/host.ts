// Lambda entry point of a backup's steps on the hub: survey, pause, snapshot, resume, thaw.

import { type BackupPorts, host } from "../../shared/backup/index.ts";
import { backupStep } from "../../shared/backup/steps.ts";

/** `open`: default, from the function's environment and bundle. */
export function hostHandler(open?: () => BackupPorts) {
  return backupStep(host, open);
}

export const handler = hostHandler();
