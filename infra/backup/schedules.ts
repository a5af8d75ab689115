// The schedules of the site document: each starts an execution of a machine, once, even if Scheduler delivers it twice.

import { ConfigError } from "../../shared/config/index.ts";
import { type BackupSite, right, sub, type Text } from "./rights.ts";
import { machineArn, machineArnText, pascalCase, role } from "./step.ts";

type Json = Readonly<Record<string, unknown>>;

interface Start {
  readonly id: string;
  readonly name: string;
  readonly machine: "backup" | "drill";
  readonly expression: string;
  readonly timezone: string;
  /** Of the execution. */
  readonly input: Json;
}

/** CloudFormation resources. Throws ConfigError when two schedules would be one. */
export function schedulesOf({ backup }: BackupSite): Json {
  const starts: Start[] = backup.schedules.map(({ name, expression, timezone }) => ({
    id: `BackupSchedule${pascalCase(name)}`,
    name: `backup-${name}`,
    machine: "backup",
    expression,
    timezone,
    input: { kind: "scheduled", by: name, reason: "" },
  }));
  const { schedule } = backup.drill ?? {};
  if (schedule !== undefined)
    starts.push({
      id: "DrillSchedule",
      name: "drill",
      machine: "drill",
      expression: schedule,
      timezone: backup.retention.timezone,
      input: { set: null, by: "schedule" },
    });
  const taken = new Map<string, string>();
  for (const { id, name } of starts) {
    const other = taken.get(id);
    if (other !== undefined)
      throw new ConfigError("toji.yml", [
        `backup.schedules: ${other} and ${name} are too much alike for CloudFormation: rename one of them`,
      ]);
    taken.set(id, name);
  }
  const machines = [...new Set(starts.map(({ machine }) => machine))];
  return Object.fromEntries([
    ...starts.map((start) => [start.id, resourceOf(start)]),
    ...machines.map((machine) => [`${pascalCase(machine)}ScheduleRole`, starterRole(machine)]),
  ]);
}

function resourceOf({ name, machine, expression, timezone, input }: Start): Json {
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
        RoleArn: { "Fn::GetAtt": [`${pascalCase(machine)}ScheduleRole`, "Arn"] },
        Input: startInput(machine, name, input),
        // A backup that is late is better than none; after an hour the next one is as good.
        RetryPolicy: { MaximumRetryAttempts: 20, MaximumEventAgeInSeconds: 3600 },
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

function starterRole(machine: "backup" | "drill"): Json {
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
