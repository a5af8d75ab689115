// Executions of state machines: started by name, described, listed, and where each is now.

import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  ListExecutionsCommand,
  type SFNClient,
  StartExecutionCommand,
} from "@aws-sdk/client-sfn";
import { AwsCallFailed, attempt } from "./errors.ts";

export type Sfn = Pick<SFNClient, "send">;

export interface ExecutionSummary {
  readonly arn: string;
  readonly name: string;
  /** RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED, PENDING_REDRIVE. */
  readonly status: string;
  /** Epoch seconds. */
  readonly startedAt: number;
  readonly endedAt: number | null;
}

/** Error name and cause as Step Functions has them. */
export interface ExecutionFailure {
  readonly error: string;
  readonly cause: string;
}

export interface ExecutionDetail extends ExecutionSummary {
  /** JSON; null while it runs, and when it failed. */
  readonly output: string | null;
  /** Of the execution itself. */
  readonly failure: ExecutionFailure | null;
}

export interface ExecutionPlace {
  /** The state that was entered last, and the JSON it was given. */
  readonly state: { readonly name: string; readonly input: string } | null;
  /** The newest failure of a task. */
  readonly failure: ExecutionFailure | null;
}

/** Repeated with the same name and input it is the same execution, while that runs. Answers its ARN. */
export async function startExecution(sfn: Sfn, machineArn: string, name: string, input: object): Promise<string> {
  const command = new StartExecutionCommand({ stateMachineArn: machineArn, name, input: JSON.stringify(input) });
  const { executionArn = "" } = await attempt("StartExecution", () => sfn.send(command));
  return executionArn;
}

/** The newest so many, newest first. */
export async function newestExecutions(sfn: Sfn, machineArn: string, most: number): Promise<ExecutionSummary[]> {
  const command = new ListExecutionsCommand({ stateMachineArn: machineArn, maxResults: most });
  const { executions = [] } = await attempt("ListExecutions", () => sfn.send(command));
  return executions.map(summaryOf);
}

/** null = there is none. */
export async function describeExecution(sfn: Sfn, arn: string): Promise<ExecutionDetail | null> {
  try {
    const found = await attempt("DescribeExecution", () =>
      sfn.send(new DescribeExecutionCommand({ executionArn: arn })),
    );
    const { output = null, error, cause = "" } = found;
    return { ...summaryOf(found), output, failure: error === undefined ? null : { error, cause } };
  } catch (error) {
    if (error instanceof AwsCallFailed && error.code === "ExecutionDoesNotExist") return null;
    throw error;
  }
}

const NEWEST_EVENTS = 100;

/** From the newest events of its history. */
export async function placeOf(sfn: Sfn, arn: string): Promise<ExecutionPlace> {
  const command = new GetExecutionHistoryCommand({ executionArn: arn, reverseOrder: true, maxResults: NEWEST_EVENTS });
  const { events = [] } = await attempt("GetExecutionHistory", () => sfn.send(command));
  const entered = events.find((each) => each.stateEnteredEventDetails !== undefined)?.stateEnteredEventDetails;
  const failed = events.map(failureIn).find((each) => each !== undefined);
  return {
    state: entered === undefined ? null : { name: entered.name ?? "", input: entered.input ?? "" },
    failure: failed === undefined ? null : { error: failed.error ?? "", cause: failed.cause ?? "" },
  };
}

function failureIn(event: HistoryEvent) {
  return (
    event.lambdaFunctionFailedEventDetails ??
    event.lambdaFunctionTimedOutEventDetails ??
    event.taskFailedEventDetails ??
    event.taskTimedOutEventDetails
  );
}

interface Listed {
  readonly executionArn?: string | undefined;
  readonly name?: string | undefined;
  readonly status?: string | undefined;
  readonly startDate?: Date | undefined;
  readonly stopDate?: Date | undefined;
}

function summaryOf({ executionArn = "", name, status = "RUNNING", startDate, stopDate }: Listed): ExecutionSummary {
  return {
    arn: executionArn,
    name: name ?? executionArn.split(":").at(-1) ?? "",
    status,
    startedAt: (startDate?.getTime() ?? 0) / 1000,
    endedAt: stopDate === undefined ? null : stopDate.getTime() / 1000,
  };
}
