// What a site with a section `backup` adds to the deployment: functions, roles, logs and schedules, as serverless.yml takes them.

import type { Site } from "../../shared/config/index.ts";
import { functionsOf, resourcesOf, type Step } from "../steps/step.ts";
import { BACKUP_STEPS } from "./backup-steps.ts";
import { drillSteps } from "./drill-steps.ts";
import { RESTORE_STEPS } from "./restore-steps.ts";
import type { BackupSite } from "./rights.ts";
import { schedulesOf } from "./schedules.ts";

/** The functions of this site's backups: none without the section, and no drill's without `drill`. */
export function stepsOf({ backup }: Site): readonly Step<BackupSite>[] {
  if (backup === undefined) return [];
  return [...BACKUP_STEPS, ...(backup.drill === undefined ? [] : drillSteps(backup.drill)), ...RESTORE_STEPS];
}

/** Manifests, leases, the catalog. */
const MEMORY = { folder: "backup", sid: "KeepWhatIsKnownOfBackups" };

/** Written to .build/backup.json. */
export function backupFragments(site: Site) {
  const { backup, builders } = site;
  const steps = stepsOf(site);
  const resources =
    backup === undefined
      ? {}
      : {
          ...resourcesOf(steps, { fleet: builders.fleet, backup }, MEMORY),
          ...schedulesOf({ fleet: builders.fleet, backup }),
        };
  return { functions: functionsOf(steps), resources: { Resources: resources } };
}

/** Files of infra/resources that serverless.yml takes in, by their place there; `none` has nothing in it. */
export function backupFiles({ backup }: Site) {
  const ifBackup = (file: string) => (backup === undefined ? "none" : file);
  const ifDrill = (file: string) => (backup?.drill === undefined ? "none" : file);
  return {
    backupMachine: ifBackup("backup-machine"),
    backupTicks: ifBackup("backup-ticks"),
    backupAlarms: ifBackup("backup-alarms"),
    restore: ifBackup("restore"),
    drill: ifDrill("drill"),
  };
}
