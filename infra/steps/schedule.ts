// A schedule that starts an execution of a machine, once, even if Scheduler delivers it twice; and its one right.

import { right, sub, type Text } from "./rights.ts";
import { type Json, machineArn, machineArnText, pascalCase, role } from "./step.ts";

export interface Start {
  readonly name: string;
  /** `mirror-check`: statemachines/mirror-check.asl.yaml. */
  readonly machine: string;
  /** cron(...) or rate(...). */
  readonly expression: string;
  readonly timezone: string;
  /** Of the execution. */
  readonly input: Json;
  /** How often a start that failed is tried again, and for how long. */
  readonly retry: { readonly attempts: number; readonly seconds: number };
}

export function scheduleOf({ name, machine, expression, timezone, input, retry }: Start): Json {
  return {
    Type: "AWS::Scheduler::Schedule",
    Properties: {
      Name: `\${self:service}-\${sls:stage}-${name}`,
      Description: `Starts Toji's machine ${machine}`,
      ScheduleExpression: expression,
      ScheduleExpressionTimezone: timezone,
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: {
        // The API itself and not the machine as a target: only so the execution gets a name.
        Arn: sub(`arn:\${AWS::Partition}:scheduler:::aws-sdk:sfn:startExecution`),
        RoleArn: { "Fn::GetAtt": [starterRoleId(machine), "Arn"] },
        Input: startInput(machine, name, input),
        RetryPolicy: { MaximumRetryAttempts: retry.attempts, MaximumEventAgeInSeconds: retry.seconds },
      },
    },
  };
}

/** Request of StartExecution. A name that is taken with the same input starts nothing: an invocation delivered twice is one. */
function startInput(machine: string, name: string, input: Json): Text {
  const request = {
    StateMachineArn: machineArnText(machine),
    // An execution's name has at most 80 characters.
    Name: `${name.slice(0, 40)}-<aws.scheduler.execution-id>`,
    Input: JSON.stringify(input),
  };
  return sub(JSON.stringify(request));
}

/** Logical id of the one role of all schedules of a machine. */
export const starterRoleId = (machine: string): string => `${pascalCase(machine)}ScheduleRole`;

export function starterRole(machine: string): Json {
  return role(
    `Lets schedules start Toji's machine ${machine}`,
    "scheduler.amazonaws.com",
    { "start-the-machine": [right("StartTheMachine", ["states:StartExecution"], machineArn(machine))] },
    // The group and not the schedule: Scheduler tries the role before the schedule exists.
    {
      StringEquals: { "aws:SourceAccount": { Ref: "AWS::AccountId" } },
      ArnEquals: {
        "aws:SourceArn": sub(
          `arn:\${AWS::Partition}:scheduler:\${AWS::Region}:\${AWS::AccountId}:schedule-group/default`,
        ),
      },
    },
  );
}
