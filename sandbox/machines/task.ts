// One task of an execution: called with a limit, repeated by its own Retry, all on virtual time.

import type { VirtualClock } from "../world/clock.ts";
import type { Retrier, State } from "./definition.ts";

/** Takes the state's input, gives its result; throws as a Lambda function does, or a TaskFailure. */
export type TaskCall = (input: unknown) => Promise<unknown>;

/** A failure with Step Functions' own words. The library reads name, message, isRetryable and isCatchable. */
export class TaskFailure extends Error {
  override readonly name: string;
  readonly isRetryable = false;
  readonly isCatchable: boolean;
  constructor(error: string, cause: string, isCatchable = true) {
    super(cause);
    this.name = error;
    this.isCatchable = isCatchable;
  }
}

export interface TaskSetting {
  readonly clock: VirtualClock;
  readonly name: string;
  readonly state: State;
  readonly call: TaskCall;
  /** Told before each pause that comes before a repeat. */
  onRetry(failure: TaskFailure, attempt: number, seconds: number): void;
}

/** Of a task's input and result. Source: Step Functions quotas. */
const LARGEST_BYTES = 256 * 1024;

export async function runTask(setting: TaskSetting, input: unknown): Promise<unknown> {
  const { clock, state } = setting;
  const event = passJson(setting.name, input);
  const attempts = (state.Retry ?? []).map(() => 0);
  for (let attempt = 1; ; attempt++) {
    try {
      return await runOnce(setting, event);
    } catch (error) {
      const failure = failureOf(error);
      const index = (state.Retry ?? []).findIndex((retrier) => matches(retrier.ErrorEquals, failure.name));
      const retrier = state.Retry?.[index];
      const made = attempts[index] ?? 0;
      if (retrier === undefined || made >= retrier.MaxAttempts) throw failure;
      attempts[index] = made + 1;
      const seconds = pauseSeconds(retrier, made);
      setting.onRetry(failure, attempt, seconds);
      await clock.sleep(seconds);
    }
  }
}

async function runOnce({ clock, name, state, call }: TaskSetting, event: string): Promise<unknown> {
  const running = clock.actor(() => call(JSON.parse(event)), name).then((result) => JSON.parse(passJson(name, result)));
  const seconds = state.TimeoutSeconds;
  if (seconds === undefined) return await running;
  let cancel = () => {};
  const limit = new Promise<never>((_, reject) => {
    const failure = () => reject(new TaskFailure("States.Timeout", `${name} took longer than ${seconds} s`));
    cancel = clock.after(seconds, failure);
  });
  try {
    // Its own end is what it waits for, so that a call that goes on behind its limit does not hold the execution.
    return await clock.wait(Promise.race([running, limit]));
  } finally {
    cancel();
  }
}

export function pauseSeconds({ IntervalSeconds, BackoffRate, MaxDelaySeconds }: Retrier, made: number): number {
  return Math.min(IntervalSeconds * BackoffRate ** made, MaxDelaySeconds ?? Number.POSITIVE_INFINITY);
}

/** Source: Amazon States Language, "Error names": TaskFailed is all but Timeout; ALL is not all. */
export function matches(errorEquals: readonly string[], name: string): boolean {
  const isFatal = name === "States.DataLimitExceeded" || name === "States.Runtime";
  return errorEquals.some(
    (each) =>
      each === name ||
      (!isFatal && (each === "States.ALL" || (each === "States.TaskFailed" && name !== "States.Timeout"))),
  );
}

/** As Lambda tells Step Functions of an error that a function threw. */
function failureOf(error: unknown): TaskFailure {
  if (error instanceof TaskFailure) return error;
  const thrown = error instanceof Error ? error : new Error(String(error));
  const cause = JSON.stringify({ errorType: thrown.name, errorMessage: thrown.message, trace: [] });
  return new TaskFailure(thrown.name, cause);
}

/** What is passed is JSON, and of a bounded size. */
function passJson(name: string, value: unknown): string {
  const text = JSON.stringify(value ?? null);
  if (Buffer.byteLength(text) <= LARGEST_BYTES) return text;
  throw new TaskFailure("States.DataLimitExceeded", `${name} passes more than 256 KiB`, false);
}
