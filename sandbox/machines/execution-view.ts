// An execution as the model keeps it, and as DescribeExecution, ListExecutions and StartExecution tell it.

import type { DescribeExecutionOutput, StartExecutionOutput } from "@aws-sdk/client-sfn";
import type { LogEntry } from "./log.ts";

export interface Execution {
  readonly arn: string;
  readonly name: string;
  readonly machineArn: string;
  readonly input: string;
  readonly startedAt: number;
  status: "RUNNING" | "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "ABORTED";
  stoppedAt: number | null;
  output: string | null;
  error: string | null;
  cause: string | null;
  readonly log: LogEntry[];
  /** Resolves when it has ended, however. */
  readonly ended: Promise<void>;
  stop(status: "TIMED_OUT" | "ABORTED", error: string, cause: string): void;
}

export function started({ arn, startedAt }: Execution): StartExecutionOutput & { executionArn: string } {
  return { executionArn: arn, startDate: new Date(startedAt * 1000) };
}

export function identity({ name, machineArn, status, stoppedAt }: Execution) {
  const stop = stoppedAt === null ? {} : { stopDate: new Date(stoppedAt * 1000) };
  return { name, stateMachineArn: machineArn, status, ...stop };
}

export function described(execution: Execution): DescribeExecutionOutput {
  const { input, output, error, cause } = execution;
  return {
    ...started(execution),
    ...identity(execution),
    ...{ input, inputDetails: { included: true } },
    ...(output === null ? {} : { output, outputDetails: { included: true } }),
    ...(error === null ? {} : { error }),
    ...(cause === null ? {} : { cause }),
  };
}
