// The door of the machines: Step Functions as the sandbox runs them.

import { readFileSync } from "node:fs";
import type { MachineSpec } from "./step-functions.ts";

export { allStates, type Definition, nextStates, readDefinition } from "./definition.ts";
export { type StepFunction, StepFunctionsModel, type StepFunctionsOptions } from "./step-functions.ts";
export { statesUnderWay } from "./under-way.ts";

/** A machine by its file: `backup` is statemachines/backup.asl.yaml, deployed as toji-backup. */
export function machineFile(name: string): MachineSpec {
  return {
    name: `toji-${name}`,
    text: readFileSync(new URL(`../../statemachines/${name}.asl.yaml`, import.meta.url), "utf8"),
  };
}

/** The machines of backups, by the names that their files have for each other. */
export function backupMachines() {
  return {
    BackupMachine: machineFile("backup"),
    DrillMachine: machineFile("drill"),
    RestoreMachine: machineFile("restore"),
  };
}

/** The machines of mirrors, in the same way. */
export function mirrorMachines() {
  return { CheckMachine: machineFile("mirror-check"), SwitchMachine: machineFile("mirror-switch") };
}
