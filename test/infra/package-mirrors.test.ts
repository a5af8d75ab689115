// What a site's section `mirrors` deploys: machines, schedule, network and alarms; and that without it there is none of it.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import * as z from "zod";
import { mirrorStepsOf } from "../../infra/mirrors/index.ts";
import { pascalCase } from "../../infra/steps/step.ts";
import { parseSite } from "../../shared/config/index.ts";
import { SWITCH_STATES } from "../../shared/mirrors/states.ts";
import { VERDICTS } from "../../shared/mirrors/types.ts";
import { findings } from "./findings.ts";
import { scheduleOf } from "./machine.ts";
import { describeMachines } from "./machine-tests.ts";
import { compileTemplate, copyProject, type Packaged, REPOSITORY, removeProject, resourcesOf } from "./project.ts";

const EXAMPLE = readFileSync(join(REPOSITORY, "toji.example.yml"), "utf8");
const MACHINES = ["mirror-check", "mirror-switch"] as const;
const ids = mirrorStepsOf(parseSite(EXAMPLE, "toji.example.yml")).map(({ name }) => pascalCase(name));

const VPC = [
  "--param=network=vpc",
  "--param=functionSubnetIds=subnet-0123456789abcdef0",
  "--param=functionSecurityGroupIds=sg-0123456789abcdef0",
];

let root: string;
let packaged: Packaged;
let inVpc: Packaged["template"];

beforeAll(async () => {
  root = copyProject();
  ({ template: inVpc } = await compileTemplate(root, undefined, ...VPC));
  packaged = await compileTemplate(root);
});
afterAll(() => removeProject(root));

/** The example without one of its sections. */
async function compileWithout(section: string, ...parameters: readonly string[]): Promise<Packaged> {
  const config = join(root, "changed.yml");
  const left = Object.entries(parse(EXAMPLE)).filter(([name]) => name !== section);
  writeFileSync(config, stringify(Object.fromEntries(left)));
  return await compileTemplate(root, config, ...parameters);
}

describeMachines(MACHINES, () => packaged.template);

describe("a look", () => {
  it("may take as long as the site allows, and its function ends after it", () => {
    const budget = parseSite(EXAMPLE.replace("budgetSeconds: 300", "budgetSeconds: 840"), "x").mirrors?.budgetSeconds;
    const { MirrorsCheckLambdaFunction } = resourcesOf(packaged.template, "AWS::Lambda::Function");
    expect(MirrorsCheckLambdaFunction?.Timeout).toBeGreaterThanOrEqual((budget ?? 0) + 60);
    expect(() => parseSite(EXAMPLE.replace("budgetSeconds: 300", "budgetSeconds: 841"), "x")).toThrow(/budgetSeconds/);
  });
});

describe("the schedule", () => {
  it("starts the check every 15 minutes, once for each invocation, and not when the next is due", () => {
    const { Target, ...schedule } = scheduleOf(packaged.template, "MirrorCheckSchedule");
    expect(schedule.ScheduleExpression).toBe("rate(15 minutes)");
    const request = JSON.parse(Target.Input["Fn::Sub"]);
    expect(Target.Arn["Fn::Sub"]).toMatch(/:aws-sdk:sfn:startExecution$/);
    expect(request.StateMachineArn).toMatch(/:stateMachine:toji-prod-mirror-check$/);
    expect(JSON.parse(request.Input)).toEqual({ by: "schedule" });
    expect(request.Name).toBe("mirror-check-<aws.scheduler.execution-id>");
    expect(Target.RetryPolicy.MaximumEventAgeInSeconds).toBeLessThan(15 * 60);
  });
});

describe("the network", () => {
  const functions = (template: Packaged["template"]) => resourcesOf(template, "AWS::Lambda::Function");

  it.each(ids)("is the builders' for %s, when the site says so", (id) => {
    expect(functions(inVpc)[`${id}LambdaFunction`]?.VpcConfig).toEqual(
      functions(inVpc).FleetPassLambdaFunction?.VpcConfig,
    );
    expect(functions(inVpc)[`${id}LambdaFunction`]).toHaveProperty("VpcConfig");
    expect(inVpc.Resources[`${id}LambdaFunction`]).toMatchObject({
      DependsOn: expect.arrayContaining([`${id}NetworkPolicy`]),
    });
  });

  it("is the internet by itself", () => {
    for (const id of ids) expect(functions(packaged.template)[`${id}LambdaFunction`]).not.toHaveProperty("VpcConfig");
    expect(Object.keys(packaged.template.Resources).filter((id) => id.endsWith("NetworkPolicy"))).toEqual([]);
  });
});

describe("the step that acts", () => {
  it("knows both machines by name, for the status that the command line reads", () => {
    const { MirrorsActLambdaFunction } = resourcesOf(packaged.template, "AWS::Lambda::Function");
    const arn = (machine: string) => ({ "Fn::Sub": expect.stringMatching(`:stateMachine:toji-prod-${machine}$`) });
    expect(MirrorsActLambdaFunction?.Environment).toMatchObject({
      Variables: {
        TOJI_MIRROR_CHECK_MACHINE: arn("mirror-check"),
        TOJI_MIRROR_SWITCH_MACHINE: arn("mirror-switch"),
      },
    });
  });
});

describe("the bucket", () => {
  const rules = () =>
    z
      .object({
        LifecycleConfiguration: z.object({
          Rules: z.array(z.looseObject({ Prefix: z.string(), ExpirationInDays: z.number().optional() })),
        }),
      })
      .parse(resourcesOf(packaged.template, "AWS::S3::Bucket").Bucket).LifecycleConfiguration.Rules;
  const on = (key: string) => rules().filter(({ Prefix }) => key.startsWith(Prefix));

  it("keeps every switch of a repo", () => {
    for (const rule of on("mirrors/switches/el9-baseos.json")) {
      expect(rule).not.toHaveProperty("ExpirationInDays");
      expect(rule).not.toHaveProperty("NoncurrentVersionExpiration");
    }
  });

  it.each(["looks/el9-baseos/x86_64/0123456789ab", "live/12-x86_64", "survey", "status", "regenerations"])(
    "forgets what mirrors/%s.json was",
    (name) => {
      expect(on(`mirrors/${name}.json`).some((rule) => "NoncurrentVersionExpiration" in rule)).toBe(true);
    },
  );
});

describe("the alarms", () => {
  const alarms = () => Object.values(resourcesOf(packaged.template, "AWS::CloudWatch::Alarm"));
  const dimension = (alarm: Readonly<Record<string, unknown>>, name: string): string | undefined =>
    z
      .array(z.object({ Name: z.string(), Value: z.unknown() }))
      .catch([])
      .parse(alarm.Dimensions)
      .flatMap(({ Name, Value }) => (Name === name ? [String(Value)] : []))[0];

  it("watch every verdict but ok, and call at once when content is not to be trusted", () => {
    const watched = alarms().flatMap((alarm) => {
      const verdict = dimension(alarm, "verdict");
      return verdict === undefined ? [] : [[verdict, alarm.EvaluationPeriods]];
    });
    const atOnce = ["tampered", "rolled_back"];
    expect(Object.fromEntries(watched)).toEqual(
      Object.fromEntries(
        VERDICTS.filter((verdict) => verdict !== "ok").map((verdict) => [verdict, atOnce.includes(verdict) ? 1 : 3]),
      ),
    );
  });

  it("name an outcome that a switch can have", () => {
    const outcomes = alarms().flatMap((alarm) => dimension(alarm, "outcome") ?? []);
    expect(outcomes).toEqual(["failed"]);
    expect(SWITCH_STATES).toContain("failed");
  });

  it("take silence for failure: 45 minutes without a check that came to its end", () => {
    const { NoMirrorCheckAlarm } = resourcesOf(packaged.template, "AWS::CloudWatch::Alarm");
    expect(NoMirrorCheckAlarm).toMatchObject({ TreatMissingData: "breaching", MetricName: "ExecutionsSucceeded" });
    expect(Number(NoMirrorCheckAlarm?.Period) * Number(NoMirrorCheckAlarm?.EvaluationPeriods)).toBe(45 * 60);
  });

  it("call when packages of READY repos are missing and no fewer for two hours", () => {
    const { LiveMissingAlarm } = resourcesOf(packaged.template, "AWS::CloudWatch::Alarm");
    const metrics = z.array(z.looseObject({ MetricStat: z.looseObject({ Period: z.number() }).optional() }));
    const period = metrics.parse(LiveMissingAlarm?.Metrics).flatMap(({ MetricStat }) => MetricStat?.Period ?? [])[0];
    expect(Number(period) * Number(LiveMissingAlarm?.EvaluationPeriods)).toBe(2 * 3600);
  });
});

describe("a site without mirrors", () => {
  it("has no part of them, in a VPC either, and passes AWS's own rules", async () => {
    const without = await compileWithout("mirrors", ...VPC);
    expect(findings(without.updated)).toEqual([]);
    const { Resources } = without.template;
    expect(Object.keys(Resources).filter((id) => /^(Mirror|Switch|LiveMissing|NoMirror)/.test(id))).toEqual([]);
    expect(Resources).toHaveProperty("BackupMachine");
  });
});

describe("a site with mirrors and without backups", () => {
  it("has them, and passes AWS's own rules", async () => {
    const without = await compileWithout("backup");
    expect(findings(without.updated)).toEqual([]);
    expect(Object.keys(resourcesOf(without.template, "AWS::StepFunctions::StateMachine"))).toEqual([
      "MirrorCheckMachine",
      "MirrorSwitchMachine",
    ]);
  });
});
