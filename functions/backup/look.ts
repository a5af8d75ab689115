// Lambda entry point of a backup's look: is the set whole and complete?

import { type BackupPorts, look } from "../../shared/backup/index.ts";
import { backupStep } from "../../shared/backup/steps.ts";

/** `open`: default, from the function's environment and bundle. */
export function lookHandler(open?: () => BackupPorts) {
  return backupStep(look, open);
}

export const handler = lookHandler();
