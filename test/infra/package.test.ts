// `npm run package` without credentials and without a network, and what CloudFormation is given.

import { readdirSync, readFileSync } from "node:fs";
import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics } from "@aws-lambda-powertools/metrics";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { openTelemetry } from "../../shared/telemetry.ts";
import { builtProject } from "./built.ts";
import { findings } from "./findings.ts";
import {
  compileTemplate,
  copyProject,
  type Packaged,
  packageProject,
  REPOSITORY,
  removeProject,
  resourcesOf,
} from "./project.ts";

let root: string;
let packaged: Packaged;

beforeAll(async () => {
  root = copyProject();
  packaged = await packageProject(root, await builtProject());
  // Two cores bundle all functions in about half a minute.
}, 180_000);
afterAll(() => removeProject(root));

function property(type: string, id: string): Readonly<Record<string, unknown>> {
  const found = resourcesOf(packaged.template, type)[id];
  if (found === undefined) throw new Error(`no ${type} ${id}`);
  return found;
}

describe("the compiled template", () => {
  it("passes AWS's own rules", () => {
    expect(findings(packaged.created, packaged.updated)).toEqual([]);
  });

  it("passes them inside a VPC and with a topic as well", async () => {
    const inVpc = await compileTemplate(
      root,
      undefined,
      ...["--stage", "dev", "--region", "eu-west-1", "--param=network=vpc"],
      "--param=functionSubnetIds=subnet-0123456789abcdef0,subnet-0123456789abcdef1",
      "--param=functionSecurityGroupIds=sg-0123456789abcdef0",
      "--param=notifyTopicArn=arn:aws:sns:eu-west-1:123456789012:builds",
    );
    expect(findings(inVpc.created, inVpc.updated)).toEqual([]);
    const functions = resourcesOf(inVpc.template, "AWS::Lambda::Function");
    expect(functions.FleetPassLambdaFunction?.VpcConfig).toBeDefined();
    expect(functions.FleetSweepLambdaFunction).not.toHaveProperty("VpcConfig");
  });

  it("holds no null and no path of the machine that made it", () => {
    const text = JSON.stringify(packaged.template);
    const nulls: string[] = [];
    JSON.parse(text, (key, value) => {
      if (value === null) nulls.push(key);
      return value;
    });
    expect(nulls).toEqual([]);
    for (const path of [root, REPOSITORY, "/tmp/", "/dev/shm/", "/home/"]) expect(text).not.toContain(path);
  });

  it.each([
    ["FleetPassLambdaFunction", ["functions/fleet/pass.ts", "shared/lambda.ts"]],
    ["FleetSweepLambdaFunction", ["functions/fleet/sweep.ts", "shared/lambda.ts"]],
    ["BackupBeginLambdaFunction", ["functions/backup/begin.ts", "shared/backup/steps.ts", "shared/lambda.ts"]],
    ["BackupWatchLambdaFunction", ["functions/backup/watch.ts", "shared/backup/steps.ts", "shared/lambda.ts"]],
    ["MirrorsActLambdaFunction", ["functions/mirrors/act.ts", "shared/mirrors/steps.ts", "shared/lambda.ts"]],
    ["SwitchBeginLambdaFunction", ["functions/switch/begin.ts", "shared/mirrors/steps.ts", "shared/lambda.ts"]],
  ])("gives %s every variable that it reads", (id, files) => {
    const lambda = z.looseObject({ Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }) });
    const { Variables } = lambda.parse(property("AWS::Lambda::Function", id)).Environment;
    const code = files.map((path) => readFileSync(`${REPOSITORY}/${path}`, "utf8")).join("\n");
    const read = [...code.matchAll(/environment\("(\w+)"\)/g)].map((match) => match[1]);
    expect(read.length).toBeGreaterThan(2);
    // Lambda's own.
    const provided = [...Object.keys(Variables), "LAMBDA_TASK_ROOT", "AWS_REGION"];
    expect(provided).toEqual(expect.arrayContaining(read));
  });

  it("makes a new launch template when the base changes, so that its default version is the base", () => {
    const { LaunchTemplateName } = property("AWS::EC2::LaunchTemplate", "BuilderTemplate");
    const { launchTemplateDigest } = JSON.parse(readFileSync(`${root}/.build/site.json`, "utf8"));
    expect(LaunchTemplateName).toMatch(/^toji-\w+-builder-[0-9a-f]{8}$/);
    expect(LaunchTemplateName).toContain(launchTemplateDigest);
  });

  it("gives builders no instance profile and demands IMDSv2", () => {
    const { LaunchTemplateData } = property("AWS::EC2::LaunchTemplate", "BuilderTemplate");
    expect(LaunchTemplateData).not.toHaveProperty("IamInstanceProfile");
    expect(LaunchTemplateData).toMatchObject({
      MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 1 },
      InstanceInitiatedShutdownBehavior: "terminate",
    });
  });
});

describe("the ticks", () => {
  const TICKS = ["FleetTick", "SweepTick", "BackupWatchTick", "BackupExpireTick"];

  it("have an expression that Scheduler takes", () => {
    for (const tick of TICKS) {
      const { ScheduleExpression } = property("AWS::Scheduler::Schedule", tick);
      expect(ScheduleExpression).toMatch(/^rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)$/);
    }
  });

  it("are never made up for", () => {
    const async = Object.values(resourcesOf(packaged.template, "AWS::Lambda::EventInvokeConfig"));
    const retry = { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 };
    expect(async).toEqual(TICKS.map(() => expect.objectContaining(retry)));
    for (const tick of TICKS) {
      expect(property("AWS::Scheduler::Schedule", tick)).toMatchObject({ Target: { RetryPolicy: retry } });
    }
    for (const { Targets } of Object.values(resourcesOf(packaged.template, "AWS::Events::Rule"))) {
      expect(Targets).toEqual([expect.objectContaining({ RetryPolicy: retry })]);
    }
  });
});

describe("the alarms", () => {
  const alarmsOnOurMetrics = () =>
    Object.values(resourcesOf(packaged.template, "AWS::CloudWatch::Alarm")).filter((alarm) =>
      JSON.stringify(alarm).includes('"Namespace":"Toji"'),
    );

  const metricSchema = z
    .object({
      Namespace: z.string(),
      MetricName: z.string(),
      Dimensions: z.array(z.object({ Name: z.string(), Value: z.string() })),
    })
    .transform(({ Namespace, MetricName, Dimensions }) => ({
      namespace: Namespace,
      metric: MetricName,
      dimensions: Dimensions,
    }));
  const expressionSchema = z.object({
    Metrics: z.array(z.looseObject({ MetricStat: z.looseObject({ Metric: metricSchema }).optional() })),
  });

  /** The metrics of Toji's own that alarms watch: by themselves, or within an expression. */
  const watchedOfOurs = () =>
    alarmsOnOurMetrics().flatMap((alarm) => {
      const expression = expressionSchema.safeParse(alarm);
      if (!expression.success) return [metricSchema.parse(alarm)];
      return expression.data.Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric ?? []);
    });

  /** All that can emit a metric. */
  const code = () =>
    readdirSync(`${REPOSITORY}/shared`, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => readFileSync(`${REPOSITORY}/shared/${file}`, "utf8"))
      .join("\n");

  /** The names of the dimensions that each call gives a metric beside those of every one: `metric("Name", ..., { here });`. */
  const ownDimensionsOf = (metric: string): string[][] =>
    [...code().matchAll(new RegExp(`metric\\(\\s*"${metric}"[^;]*;`, "g"))].map(([call]) => {
      const [, own = ""] = /\{([\w\s,:]*)\},?\s*\);$/.exec(call) ?? [];
      return own.split(",").flatMap((each) => /\w+/.exec(each)?.[0] ?? []);
    });

  it("watch metrics under the very dimensions that they are sent with", () => {
    // Powertools writes to a console of its own unless it is told that this is development, where it would write nothing.
    vi.stubEnv("POWERTOOLS_DEV", "true");
    vi.stubEnv("POWERTOOLS_METRICS_DISABLED", "false");
    const written = vi.spyOn(console, "log").mockReturnValue();
    const sink = new Metrics({ namespace: "Toji", serviceName: "toji" });
    openTelemetry(new Logger({ serviceName: "toji" }), sink, "prod").metric("PassSucceeded", "Count", 1);
    const line = written.mock.lastCall?.[0];
    written.mockRestore();
    vi.unstubAllEnvs();
    const sent = JSON.parse(line);
    const { Namespace, Dimensions } = sent._aws.CloudWatchMetrics[0];
    const ofEvery = Dimensions[0].map((Name: string) => ({ Name, Value: sent[Name] }));
    for (const { metric, dimensions, namespace } of watchedOfOurs()) {
      expect(namespace).toBe(Namespace);
      expect(dimensions.slice(0, ofEvery.length)).toEqual(ofEvery);
      const more = dimensions.slice(ofEvery.length).map(({ Name }) => Name);
      expect({ metric, sentWith: ownDimensionsOf(metric) }).toEqual({
        metric,
        sentWith: expect.arrayContaining([more]),
      });
    }
  });

  it("name metrics that the code emits", () => {
    const emitted = new Set([...code().matchAll(/metric\(\s*"(\w+)"/g)].map((match) => match[1]));
    const watched = watchedOfOurs().map(({ metric }) => metric);
    expect(watched.length).toBeGreaterThan(20);
    expect(watched.filter((name) => !emitted.has(name))).toEqual([]);
  });

  it("on AWS's metrics name what is in the template", () => {
    const others = Object.values(resourcesOf(packaged.template, "AWS::CloudWatch::Alarm")).filter(
      (alarm) => !alarmsOnOurMetrics().includes(alarm),
    );
    const { Resources } = packaged.template;
    const named = [...JSON.stringify(others).matchAll(/"(?:StateMachineArn|FunctionName)","Value":\{"Ref":"(\w+)"/g)];
    expect(new Set(named.map((match) => match[1]))).toEqual(
      new Set([
        ...["BackupMachine", "DrillMachine", "RestoreMachine", "BackupExpireLambdaFunction"],
        ...["MirrorCheckMachine", "MirrorSwitchMachine"],
      ]),
    );
    for (const [, id = ""] of named) expect(Resources).toHaveProperty(id);
  });

  it.each([
    ["NoPassAlarm", 5],
    ["NoSweepAlarm", 60],
    ["VerifiedAgeAlarm", 180],
  ])("take silence for failure: %s after %s minutes", (alarm, minutes) => {
    const found = property("AWS::CloudWatch::Alarm", alarm);
    expect(found.TreatMissingData).toBe("breaching");
    expect(Number(found.Period) * Number(found.EvaluationPeriods)).toBe(minutes * 60);
  });

  it("say when Toji has stopped itself, and when instances are nobody's or tasks are stuck for 15 minutes", () => {
    for (const alarm of ["ProfileHeldAlarm", "TerminationStoppedAlarm"]) {
      const atOnce = { Threshold: 1, ComparisonOperator: "GreaterThanOrEqualToThreshold", EvaluationPeriods: 1 };
      expect(property("AWS::CloudWatch::Alarm", alarm)).toMatchObject(atOnce);
    }
    for (const alarm of ["StrangersAlarm", "StuckTasksAlarm"]) {
      const inEveryPass = { Threshold: 1, Statistic: "Minimum", Period: 60, EvaluationPeriods: 15 };
      expect(property("AWS::CloudWatch::Alarm", alarm)).toMatchObject(inEveryPass);
    }
  });
});
