// What a site's section `backup` deploys: machines, schedules, ticks and alarms; and that without it there is none of it.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import * as z from "zod";
import { buildFunctions } from "../../infra/build.ts";
import { findings } from "./findings.ts";
import { scheduleOf } from "./machine.ts";
import { describeMachines } from "./machine-tests.ts";
import { compileTemplate, copyProject, type Packaged, REPOSITORY, removeProject, resourcesOf } from "./project.ts";

const EXAMPLE = readFileSync(join(REPOSITORY, "toji.example.yml"), "utf8");
const MACHINES = ["backup", "drill", "restore"] as const;

let root: string;
let packaged: Packaged;

beforeAll(async () => {
  root = copyProject();
  packaged = await compileTemplate(root);
});
afterAll(() => removeProject(root));

/** The example with another section `backup`; undefined = without one. */
async function compileWith(backup: object | undefined): Promise<Packaged> {
  const config = join(root, "changed.yml");
  writeFileSync(config, stringify({ ...parse(EXAMPLE), backup }));
  return await compileTemplate(root, config);
}

describeMachines(MACHINES, () => packaged.template);

describe("the schedules", () => {
  const schedule = (id: string) => scheduleOf(packaged.template, id);

  it.each([
    ["BackupScheduleNightly", "backup", { kind: "scheduled", by: "nightly", reason: "" }],
    ["DrillSchedule", "drill", { set: null, by: "schedule" }],
  ])("%s starts the machine %s once for each invocation, and tries for an hour", (id, machine, input) => {
    const { Target } = schedule(id);
    const request = JSON.parse(Target.Input["Fn::Sub"]);
    expect(Target.Arn["Fn::Sub"]).toMatch(/:aws-sdk:sfn:startExecution$/);
    expect(request.StateMachineArn).toMatch(new RegExp(`:stateMachine:toji-prod-${machine}$`));
    expect(JSON.parse(request.Input)).toEqual(input);
    expect(request.Name).toMatch(/^[a-z0-9-]+-<aws\.scheduler\.execution-id>$/);
    expect(Target.RetryPolicy.MaximumEventAgeInSeconds).toBe(3600);
  });

  it("are those of the site, in its time zone", () => {
    expect(schedule("BackupScheduleNightly")).toMatchObject({
      ScheduleExpression: "cron(0 2 * * ? *)",
      ScheduleExpressionTimezone: "UTC",
    });
  });

  it("whose names CloudFormation could not tell apart are refused", async () => {
    const config = join(root, "twins.yml");
    const twins = ["night-1", "night1"].map((name) => ({ name, expression: "rate(1 day)" }));
    writeFileSync(config, stringify({ ...parse(EXAMPLE), backup: { schedules: twins } }));
    await expect(buildFunctions({ root, config, only: [] })).rejects.toThrow(/rename one of them/);
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

  it.each(["backup/sets/bs-1.json", "backup/restores/r-1.json"])("keeps every version of %s", (key) => {
    for (const rule of on(key)) {
      expect(rule).not.toHaveProperty("ExpirationInDays");
      expect(rule).not.toHaveProperty("NoncurrentVersionExpiration");
    }
  });

  it.each(["catalog", "lease", "drill-lease", "restore-lease"])(
    "keeps backup/%s.json, and forgets what it was",
    (name) => {
      const found = on(`backup/${name}.json`);
      for (const rule of found) expect(rule).not.toHaveProperty("ExpirationInDays");
      expect(found.some((rule) => "NoncurrentVersionExpiration" in rule)).toBe(true);
    },
  );
});

describe("a site without backups", () => {
  it("has no part of them, and passes AWS's own rules", async () => {
    const without = await compileWith(undefined);
    expect(findings(without.updated)).toEqual([]);
    const { Resources } = without.template;
    expect(Object.keys(Resources).filter((id) => /^(Backup|Drill|Restore)/.test(id))).toEqual([]);
    const machines = Object.keys(resourcesOf(without.template, "AWS::StepFunctions::StateMachine"));
    expect(machines.filter((id) => !id.startsWith("Mirror"))).toEqual([]);
  });
});

describe("a site without drills", () => {
  it("has backups and restores, and passes AWS's own rules", async () => {
    const without = await compileWith({ copies: [], schedules: [{ name: "daily", expression: "rate(1 day)" }] });
    expect(findings(without.updated)).toEqual([]);
    const { Resources } = without.template;
    expect(Object.keys(Resources).filter((id) => id.startsWith("Drill"))).toEqual([]);
    expect(Resources).toHaveProperty("RestoreMachine");
    expect(Resources).toHaveProperty("BackupScheduleDaily");
    expect(JSON.stringify(Resources.BackupCopyRole)).not.toMatch(/sts:AssumeRole"]|kms:|CopySnapshot|ModifySnapshot/);
  });
});
