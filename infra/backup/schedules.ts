// The schedules of backups and drills that the site document names.

import { ConfigError } from "../../shared/config/index.ts";
import { type Start, scheduleOf, starterRole, starterRoleId } from "../steps/schedule.ts";
import { type Json, pascalCase } from "../steps/step.ts";
import type { BackupSite } from "./rights.ts";

/** A backup that is late is better than none; after an hour the next one is as good. */
const RETRY = { attempts: 20, seconds: 3600 };

/** CloudFormation resources. Throws ConfigError when two schedules would be one. */
export function schedulesOf({ backup }: BackupSite): Json {
  const starts: (Start & { readonly id: string })[] = backup.schedules.map(({ name, expression, timezone }) => ({
    id: `BackupSchedule${pascalCase(name)}`,
    name: `backup-${name}`,
    machine: "backup",
    expression,
    timezone,
    input: { kind: "scheduled", by: name, reason: "" },
    retry: RETRY,
  }));
  const { schedule } = backup.drill ?? {};
  if (schedule !== undefined)
    starts.push({
      id: "DrillSchedule",
      name: "drill",
      machine: "drill",
      expression: schedule,
      timezone: backup.retention.timezone,
      input: { set: null, by: "schedule" },
      retry: RETRY,
    });
  const taken = new Map<string, string>();
  for (const { id, name } of starts) {
    const other = taken.get(id);
    if (other !== undefined)
      throw new ConfigError("toji.yml", [
        `backup.schedules: ${other} and ${name} are too much alike for CloudFormation: rename one of them`,
      ]);
    taken.set(id, name);
  }
  const machines = [...new Set(starts.map(({ machine }) => machine))];
  return Object.fromEntries([
    ...starts.map((start) => [start.id, scheduleOf(start)]),
    ...machines.map((machine) => [starterRoleId(machine), starterRole(machine)]),
  ]);
}
