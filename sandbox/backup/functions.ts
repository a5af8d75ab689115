// The functions of the backup machines, as Lambda would call them: the production steps in the production wrapper.

import * as drill from "../../shared/backup/drill/index.ts";
import * as backup from "../../shared/backup/index.ts";
import * as restore from "../../shared/backup/restore/index.ts";
import { backupStep } from "../../shared/backup/steps.ts";
import { lambdaContext } from "../lambda-context.ts";
import type { StepFunction } from "../machines/index.ts";

type Step = (ports: backup.BackupPorts, event: unknown) => Promise<unknown>;

/** By the names that the machines' files have for them. */
const STEPS: Readonly<Record<string, Step>> = {
  BackupBegin: backup.begin,
  BackupHost: backup.host,
  BackupLook: backup.look,
  BackupSeal: backup.seal,
  BackupCopy: backup.copy,
  BackupLock: backup.lock,
  BackupEnd: backup.end,
  DrillBegin: drill.beginDrill,
  DrillLaunch: drill.launchDrill,
  DrillLook: drill.lookAtDrill,
  DrillJudge: drill.judgeDrill,
  DrillTeardown: drill.tearDownDrill,
  RestoreBegin: restore.beginRestore,
  RestoreVolumes: restore.makeVolumes,
  RestoreHost: restore.restoreHost,
  RestoreSwap: restore.swapVolumes,
  RestoreEnd: restore.endRestore,
};

/** Stands around each call: what it throws, before or after `run`, is the call's failure. */
export type AroundCall = (name: string, event: unknown, run: () => Promise<unknown>) => Promise<unknown>;

export function stepFunctions(
  open: () => backup.BackupPorts,
  around: AroundCall = (_name, _event, run) => run(),
): Readonly<Record<string, StepFunction>> {
  let calls = 0;
  const call = (name: string, step: Step): StepFunction => {
    const handler = backupStep(step, open);
    return (event) =>
      around(name, event, async () => {
        calls += 1;
        // Lambda hands events and answers over as JSON.
        const context = lambdaContext(`step-${calls}`);
        return toJson(await handler(toJson(event), context, { signal: new AbortController().signal }));
      });
  };
  return Object.fromEntries(Object.entries(STEPS).map(([name, step]) => [name, call(name, step)]));
}

function toJson(value: unknown): unknown {
  return value === undefined ? null : JSON.parse(JSON.stringify(value));
}
