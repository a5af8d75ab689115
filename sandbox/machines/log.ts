// What an execution did, one entry an event: for tests, for the console, and as the history that Step Functions answers.

import type { HistoryEvent, HistoryEventType } from "@aws-sdk/client-sfn";

export type MachineEvent =
  | { readonly kind: "started"; readonly input: unknown }
  | { readonly kind: "entered"; readonly state: string; readonly type: string; readonly input: unknown }
  | { readonly kind: "left"; readonly state: string; readonly type: string; readonly output: unknown }
  /** A task failed for good, or a Fail state was reached. */
  | { readonly kind: "failed"; readonly state: string; readonly error: string; readonly cause: string }
  /** A task failed, and is tried again in so many seconds. */
  | {
      readonly kind: "repeated";
      readonly state: string;
      readonly error: string;
      readonly cause: string;
      readonly attempt: number;
      readonly seconds: number;
    }
  | { readonly kind: "succeeded"; readonly output: unknown }
  | {
      readonly kind: "ended";
      readonly status: "FAILED" | "TIMED_OUT" | "ABORTED";
      readonly error: string;
      readonly cause: string;
    };

export type LogEntry = MachineEvent & {
  /** Epoch seconds. */
  readonly at: number;
  readonly machine: string;
  readonly execution: string;
};

const ENDS = { FAILED: "ExecutionFailed", TIMED_OUT: "ExecutionTimedOut", ABORTED: "ExecutionAborted" } as const;

/** In Step Functions' form, oldest first. Tasks are told as TaskStateEntered, TaskFailed and TaskStateExited only. */
export function historyOf(entries: readonly LogEntry[]): HistoryEvent[] {
  return entries.map((entry, index) => ({
    id: index + 1,
    previousEventId: index,
    timestamp: new Date(entry.at * 1000),
    ...historyEvent(entry),
  }));
}

function historyEvent(entry: MachineEvent): Pick<HistoryEvent, "type"> & Partial<HistoryEvent> {
  switch (entry.kind) {
    case "started":
      return { type: "ExecutionStarted", executionStartedEventDetails: { input: JSON.stringify(entry.input) } };
    case "entered":
      return {
        type: stateEvent(entry.type, "Entered"),
        stateEnteredEventDetails: { name: entry.state, input: JSON.stringify(entry.input) },
      };
    case "left":
      return {
        type: stateEvent(entry.type, "Exited"),
        stateExitedEventDetails: { name: entry.state, output: JSON.stringify(entry.output) },
      };
    case "failed":
    case "repeated":
      return {
        type: "TaskFailed",
        taskFailedEventDetails: {
          resourceType: "lambda",
          resource: entry.state,
          error: entry.error,
          cause: entry.cause,
        },
      };
    case "succeeded":
      return { type: "ExecutionSucceeded", executionSucceededEventDetails: { output: JSON.stringify(entry.output) } };
    case "ended": {
      const details = { error: entry.error, cause: entry.cause };
      const type = ENDS[entry.status];
      if (type === "ExecutionFailed") return { type, executionFailedEventDetails: details };
      if (type === "ExecutionTimedOut") return { type, executionTimedOutEventDetails: details };
      return { type, executionAbortedEventDetails: details };
    }
    default:
      return entry satisfies never;
  }
}

const ENTERED: Readonly<Record<string, readonly [HistoryEventType, HistoryEventType]>> = {
  Task: ["TaskStateEntered", "TaskStateExited"],
  Choice: ["ChoiceStateEntered", "ChoiceStateExited"],
  Wait: ["WaitStateEntered", "WaitStateExited"],
  Map: ["MapStateEntered", "MapStateExited"],
  Parallel: ["ParallelStateEntered", "ParallelStateExited"],
  Pass: ["PassStateEntered", "PassStateExited"],
  Succeed: ["SucceedStateEntered", "SucceedStateExited"],
  Fail: ["FailStateEntered", "FailStateEntered"],
};

function stateEvent(type: string, what: "Entered" | "Exited"): HistoryEventType {
  const names = ENTERED[type];
  if (names === undefined) throw new Error(`there is no history event for a state of type ${type}`);
  return what === "Entered" ? names[0] : names[1];
}
