// Lambda entry point of the hourly look at all sets: catalog, numbers, protection of the hub.

import { type BackupPorts, type Machines, watch } from "../../shared/backup/index.ts";
import { backupStep } from "../../shared/backup/steps.ts";

/** Whatever the event says, it looks at everything. `machines` are written into the catalog for the command line. */
export function watchHandler(open?: () => BackupPorts, machines: () => Machines = machinesOfStack) {
  return backupStep((ports) => watch(ports, machines()), open);
}

/** A site without a drill has no machine for it. */
function machinesOfStack(): Machines {
  const arnOf = (variable: string) => process.env[variable] || null;
  return {
    backup: arnOf("TOJI_BACKUP_MACHINE"),
    drill: arnOf("TOJI_DRILL_MACHINE"),
    restore: arnOf("TOJI_RESTORE_MACHINE"),
  };
}

export const handler = watchHandler();
