// The door of the machines: Step Functions as the sandbox runs them.

import { readFileSync } from "node:fs";
import type { MachineSpec } from "./step-functions.ts";

export { allStates, type Definition, nextStates, readDefinition } from "./definition.ts";
export { type StepFunction, StepFunctionsModel } from "./step-functions.ts";

const FILES = { BackupMachine: "backup", DrillMachine: "drill", RestoreMachine: "restore" } as const;

/** The machines of backups, by the names that their files have for each other. */
export function backupMachines(): Readonly<Record<keyof typeof FILES, MachineSpec>> {
  const read = (name: string): MachineSpec => ({
    name: `toji-${name}`,
    text: readFileSync(new URL(`../../statemachines/${name}.asl.yaml`, import.meta.url), "utf8"),
  });
  return {
    BackupMachine: read(FILES.BackupMachine),
    DrillMachine: read(FILES.DrillMachine),
    RestoreMachine: read(FILES.RestoreMachine),
  };
}
