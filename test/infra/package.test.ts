// `npm run package` without credentials and without a network, and what CloudFormation is given.

import { readFileSync } from "node:fs";
import { RegoEngine, TemplateFile } from "@aws/cloudformation-validate";
import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics } from "@aws-lambda-powertools/metrics";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { openTelemetry } from "../../shared/telemetry.ts";
import { copyProject, type Packaged, packageProject, REPOSITORY, removeProject, resourcesOf } from "./project.ts";

let root: string;
let packaged: Packaged;

beforeAll(async () => {
  root = copyProject();
  packaged = await packageProject(root);
});
afterAll(() => removeProject(root));

/** What AWS's own rules find, short of hints. Strict: warnings count as errors. */
function findings(...templates: readonly string[]): string[] {
  const engine = new RegoEngine();
  try {
    return templates.flatMap((template) => {
      const { status, diagnostics } = engine.validateStandard(new TemplateFile(template), { strict: true });
      const serious = diagnostics.filter(({ severity }) => severity !== "INFO" && severity !== "DEBUG");
      const lines = serious.map((each) => `${each.ruleId} ${each.entity?.logicalId}: ${each.message}`);
      return status === "OK" ? lines : [`${template}: ${status}`, ...lines];
    });
  } finally {
    engine.free();
  }
}

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
    const inVpc = await packageProject(
      root,
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
    expect(text).not.toMatch(/:null|\[null|,null/);
    for (const path of [root, REPOSITORY, "/tmp/", "/home/"]) expect(text).not.toContain(path);
  });

  it.each([
    ["FleetPassLambdaFunction", "functions/fleet/pass.ts"],
    ["FleetSweepLambdaFunction", "functions/fleet/sweep.ts"],
  ])("gives %s every variable that it reads", (id, entry) => {
    const lambda = z.looseObject({ Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }) });
    const { Variables } = lambda.parse(property("AWS::Lambda::Function", id)).Environment;
    const code = [entry, "shared/lambda.ts"].map((path) => readFileSync(`${REPOSITORY}/${path}`, "utf8")).join("\n");
    const read = [...code.matchAll(/environment\("(\w+)"\)/g)].map((match) => match[1]);
    expect(read.length).toBeGreaterThan(2);
    const provided = [...Object.keys(Variables), "LAMBDA_TASK_ROOT"];
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

describe("the tick", () => {
  it("has an expression that Scheduler takes", () => {
    for (const { ScheduleExpression } of Object.values(resourcesOf(packaged.template, "AWS::Scheduler::Schedule"))) {
      expect(ScheduleExpression).toMatch(/^rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)$/);
    }
  });

  it("is never made up for", () => {
    const async = Object.values(resourcesOf(packaged.template, "AWS::Lambda::EventInvokeConfig"));
    const retry = { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 };
    expect(async).toEqual([expect.objectContaining(retry), expect.objectContaining(retry)]);
    for (const tick of ["FleetTick", "SweepTick"]) {
      expect(property("AWS::Scheduler::Schedule", tick)).toMatchObject({ Target: { RetryPolicy: retry } });
    }
    for (const { Targets } of Object.values(resourcesOf(packaged.template, "AWS::Events::Rule"))) {
      expect(Targets).toEqual([expect.objectContaining({ RetryPolicy: retry })]);
    }
  });
});

describe("the alarms", () => {
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
    for (const alarm of Object.values(resourcesOf(packaged.template, "AWS::CloudWatch::Alarm"))) {
      expect(alarm.Namespace).toBe(Namespace);
      expect(alarm.Dimensions).toEqual(Dimensions[0].map((Name: string) => ({ Name, Value: sent[Name] })));
    }
  });

  it("name metrics that a pass or a sweep emits", () => {
    const emitted = ["record", "sweep"]
      .map((file) => readFileSync(`${REPOSITORY}/shared/fleet/${file}.ts`, "utf8"))
      .join("\n");
    for (const { MetricName } of Object.values(resourcesOf(packaged.template, "AWS::CloudWatch::Alarm"))) {
      expect(emitted).toContain(`metric("${MetricName}"`);
    }
  });

  it.each([
    ["NoPassAlarm", 5],
    ["NoSweepAlarm", 60],
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
