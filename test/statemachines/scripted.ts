// Machines of backups whose functions answer what a test says: what was called, and what fails.

import { backupMachines, type StepFunction, StepFunctionsModel } from "../../sandbox/machines/index.ts";
import { VirtualClock } from "../../sandbox/world/clock.ts";

/** 2026-11-18 12:53:20 UTC. */
export const START = 1_795_006_400;

/** What a function answers when nothing goes wrong, by its name; a function is asked with the event. */
export type Answers = Readonly<Record<string, unknown>>;

export const GOOD: Answers = {
  BackupBegin: { setId: "bs-20261118T125320Z-00000000", copies: [] },
  BackupHost: {},
  BackupLook: { status: "complete" },
  BackupSeal: { state: "unverified", grade: "application" },
  BackupCopy: { state: "complete" },
  BackupLock: { locked: [] },
  BackupEnd: { outcome: "good", drill: false },
  DrillBegin: { set: "bs-20261118T125320Z-00000000" },
  DrillLaunch: {},
  DrillLook: { status: "verdict" },
  DrillJudge: { outcome: "verified" },
  DrillTeardown: { status: "gone", outcome: "verified" },
  RestoreBegin: { set: "bs-20261118T125320Z-00000000", to: "replace", by: "ann" },
  RestoreVolumes: { status: "ready" },
  RestoreHost: {},
  RestoreSwap: { status: "done" },
  RestoreEnd: {},
};

/** One call of a function: its name, and the action or the direction if it has one. */
export interface Call {
  readonly step: string;
  readonly at: number;
  readonly event: Readonly<Record<string, unknown>>;
}

export function openScript(answers: Answers = {}) {
  const clock = new VirtualClock(START);
  const calls: Call[] = [];
  /** Steps ("BackupHost freeze") that throw so many times. */
  const failing = new Map<string, number>();
  const functions: Record<string, StepFunction> = {};
  for (const [name, good] of Object.entries({ ...GOOD, ...answers })) {
    functions[name] = async (event) => {
      const given = typeof event === "object" && event !== null ? { ...event } : {};
      const step = stepOf(name, given);
      calls.push({ step, at: clock.now() - START, event: given });
      const left = failing.get(step) ?? 0;
      if (left > 0) {
        failing.set(step, left - 1);
        throw Object.assign(new Error(`${step} does not work`), { name: "Planted" });
      }
      return typeof good === "function" ? await good(given, clock) : good;
    };
  }
  const model = new StepFunctionsModel({ clock, machines: backupMachines(), functions });
  return {
    clock,
    model,
    calls,
    steps: () => calls.map(({ step }) => step),
    fail: (step: string, times = Number.POSITIVE_INFINITY) => void failing.set(step, times),
    start: (machine: "backup" | "drill" | "restore", name: string, input: object = {}) =>
      model.call("StartExecution", {
        stateMachineArn: model.arnOf(`toji-${machine}`),
        name,
        input: JSON.stringify(input),
      }),
    run: (seconds = 90 * 3600) => clock.runUntil(clock.now() + seconds),
    states: (name: string) =>
      model.execution(name).log.flatMap((entry) => (entry.kind === "entered" ? [entry.state] : [])),
  };
}

function stepOf(name: string, { action, direction }: Readonly<Record<string, unknown>>): string {
  const detail = action ?? direction;
  return typeof detail === "string" ? `${name} ${detail}` : name;
}
