// Tasks that start an execution of another machine, and may wait for its end.

import * as z from "zod";
import type { VirtualClock } from "../world/clock.ts";
import type { Execution } from "./execution-view.ts";
import { type TaskCall, TaskFailure } from "./task.ts";

const PREFIX = "arn:aws:states:::states:startExecution";

const requestSchema = z.strictObject({
  StateMachineArn: z.string(),
  Name: z.string().optional(),
  Input: z.unknown().default({}),
});
const startedSchema = z.object({ executionArn: z.string(), startDate: z.date() });

interface Door {
  start(request: object): Promise<object>;
  find(arn: string): Execution;
}

/** null = the resource is something else. */
export function nestedExecution(resource: string, clock: VirtualClock, { start, find }: Door): TaskCall | null {
  if (resource !== PREFIX && resource !== `${PREFIX}.sync:2`) return null;
  return async (input) => {
    const { StateMachineArn, Name, Input } = requestSchema.parse(input);
    const started = startedSchema.parse(
      await start({
        stateMachineArn: StateMachineArn,
        ...(Name === undefined ? {} : { name: Name }),
        input: typeof Input === "string" ? Input : JSON.stringify(Input),
      }).catch(asIntegration),
    );
    if (resource === PREFIX) return { ExecutionArn: started.executionArn, StartDate: started.startDate.toISOString() };
    const execution = find(started.executionArn);
    await clock.wait(execution.ended);
    const described = describe(execution);
    if (execution.status === "SUCCEEDED") return described;
    throw new TaskFailure("States.TaskFailed", JSON.stringify(described));
  };
}

/** The integration puts its service before the error's name. */
function asIntegration(error: unknown): never {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  throw new TaskFailure(`StepFunctions.${name.endsWith("Exception") ? name : `${name}Exception`}`, message);
}

/** DescribeExecution's answer as `.sync:2` gives it: input and output are JSON, not texts. */
function describe({ arn, name, machineArn, input, output, startedAt, stoppedAt, status, error, cause }: Execution) {
  return {
    ExecutionArn: arn,
    Name: name,
    StateMachineArn: machineArn,
    Status: status,
    Input: JSON.parse(input),
    ...(output === null ? {} : { Output: JSON.parse(output) }),
    StartDate: startedAt * 1000,
    ...(stoppedAt === null ? {} : { StopDate: stoppedAt * 1000 }),
    ...(error === null ? {} : { Error: error }),
    ...(cause === null ? {} : { Cause: cause }),
  };
}
