// One Lambda function of a state machine or a tick: what serverless.yml and CloudFormation are told about it.

import { type Right, right, sub, type Text } from "./rights.ts";

export interface StepFunction {
  /** `backup-begin`: functions/backup/begin.ts. */
  readonly name: string;
  readonly description: string;
  readonly timeoutSeconds: number;
  /** MB. */
  readonly memory?: number;
  /** Folders of infra/hosts that it brings. */
  readonly hosts?: readonly string[];
  /** Variables beside TOJI_BUCKET. */
  readonly environment?: Readonly<Record<string, Text>>;
  /** Started by a tick and not by a machine, which waits for the answer. */
  readonly ticks?: boolean;
}

/** `Site`: the part of the site document that its rights depend on. */
export interface Step<Site> extends StepFunction {
  /** Beside its log and what Toji remembers in the step's own part of the bucket. */
  readonly rights: (site: Site) => readonly Right[];
}

/** The part of the bucket that steps read and write. */
export interface Memory {
  /** "backup": all that lies below backup/. */
  readonly folder: string;
  /** Of the statement that opens it. */
  readonly sid: string;
}

export type Json = Readonly<Record<string, unknown>>;

/** backup-begin: BackupBegin. */
export function pascalCase(name: string): string {
  return name.replace(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** By name, since the machines and the functions refer to each other; for Fn::Sub. */
export const machineArnText = (machine: string): string =>
  `arn:\${AWS::Partition}:states:\${AWS::Region}:\${AWS::AccountId}:stateMachine:\${self:service}-\${sls:stage}-${machine}`;

export const machineArn = (machine: string): Text => sub(machineArnText(machine));

export const functionName = (name: string): string => `\${self:service}-\${sls:stage}-${name}`;

export const entryOf = (name: string): string => `functions/${name.replace("-", "/")}.ts`;

/** What stands below `functions:` for these steps. Names in ${} are osls's and CloudFormation's, not JavaScript's. */
export function functionsOf(steps: readonly StepFunction[]): Json {
  const entries = steps.map(({ name, description, timeoutSeconds, memory = 256, environment = {}, ticks = false }) => {
    const id = pascalCase(name);
    return [
      `${id.charAt(0).toLowerCase()}${id.slice(1)}`,
      {
        description,
        name: functionName(name),
        handler: `${name.split("-")[1]}.handler`,
        // As Fn::Sub, or osls adds a DependsOn that says the same again.
        role: sub(`\${${id}Role.Arn}`),
        timeout: timeoutSeconds,
        memorySize: memory,
        // The next tick looks at everything again.
        ...(ticks ? { maximumRetryAttempts: 0, maximumEventAge: 60 } : {}),
        disableLogs: true,
        package: { artifact: `.build/functions/${name}.zip` },
        environment: { TOJI_BUCKET: { Ref: "Bucket" }, ...environment },
      },
    ];
  });
  return Object.fromEntries(entries);
}

/** A role and a log group for each step. */
export function resourcesOf<Site>(steps: readonly Step<Site>[], site: Site, memory: Memory): Json {
  const entries = steps.flatMap((step) => {
    const id = pascalCase(step.name);
    const special = step.rights(site);
    const policies = { "own-data": ownData(id, memory), ...(special.length === 0 ? {} : { [step.name]: special }) };
    return [
      [`${id}Role`, role(`Toji's step ${step.name}`, "lambda.amazonaws.com", policies)],
      [`${id}Log`, logGroup(`/aws/lambda/${functionName(step.name)}`)],
    ];
  });
  return Object.fromEntries(entries);
}

/** What Toji remembers: no step deletes any of it, and none sees what lies beside its folder. */
function ownData(id: string, { folder, sid }: Memory): readonly Right[] {
  return [
    right("WriteItsLog", ["logs:CreateLogStream", "logs:PutLogEvents"], { "Fn::GetAtt": [`${id}Log`, "Arn"] }),
    right(sid, ["s3:GetObject", "s3:PutObject"], sub(`\${Bucket.Arn}/${folder}/*`)),
    // Lists objects, and learns that one is missing: see infra/resources/role.yml.
    right("ListTheBucket", ["s3:ListBucket"], { "Fn::GetAtt": ["Bucket", "Arn"] }),
  ];
}

/** `policies`: statements by the name of their policy. */
export function role(description: string, service: string, policies: Json, condition?: Json): Json {
  return {
    Type: "AWS::IAM::Role",
    Properties: {
      Description: description,
      AssumeRolePolicyDocument: {
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Allow",
            Principal: { Service: service },
            Action: "sts:AssumeRole",
            ...(condition === undefined ? {} : { Condition: condition }),
          },
        ],
      },
      Policies: Object.entries(policies).map(([PolicyName, Statement]) => ({
        PolicyName,
        PolicyDocument: { Version: "2012-10-17", Statement },
      })),
    },
  };
}

function logGroup(name: string): Json {
  return {
    Type: "AWS::Logs::LogGroup",
    Properties: { LogGroupName: name, RetentionInDays: `\${param:logRetentionDays}` },
  };
}
