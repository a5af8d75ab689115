// Lambda entry point of retention: sets that the plan lets go are deleted whole.

import { type BackupPorts, expire } from "../../shared/backup/index.ts";
import { backupStep } from "../../shared/backup/steps.ts";

/** Whatever the event says, it plans anew. */
export function expireHandler(open?: () => BackupPorts) {
  return backupStep((ports) => expire(ports), open);
}

export const handler = expireHandler();
