// The rights of the steps of backups, drills and restores: every call each makes, on what is its own, and nothing else.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as ebs from "@aws-sdk/client-ebs";
import * as ec2 from "@aws-sdk/client-ec2";
import * as s3 from "@aws-sdk/client-s3";
import * as sfn from "@aws-sdk/client-sfn";
import * as ssm from "@aws-sdk/client-ssm";
import { describe, expect, it } from "vitest";
import { stepsOf } from "../../infra/backup/index.ts";
import { entryOf } from "../../infra/steps/step.ts";
import { BACKUP_TAG } from "../../shared/backup/tags.ts";
import { parseSite } from "../../shared/config/index.ts";
import { callsOfTheCode } from "./calls.ts";
import { allowedBy, type Context, statementsOf } from "./policy.ts";
import { REPOSITORY, resourcesOf } from "./project.ts";
import { compileRights } from "./step-rights.ts";

const example = readFileSync(join(REPOSITORY, "toji.example.yml"), "utf8");

/** The example with a second copy, in another account. */
const document = example.replace(
  "  copies:\n",
  `  copies:
    - { region: eu-west-2, roleArn: "arn:aws:iam::210987654321:role/copies", kmsKeyId: "alias/there" }
`,
);
const names = stepsOf(parseSite(document, "document.yml")).map(({ name }) => name);

const { template, rightsOf, may } = compileRights(document);

const own = (rest: string) => `arn:aws:ec2:us-east-1:123456789012:${rest}`;
const snapshot = (region = "us-east-1") => `arn:aws:ec2:${region}::snapshot/snap-0a`;
const tag = (key: string, value: string): Context => ({ [`aws:ResourceTag/${key}`]: value });
const asked = (key: string, value: string): Context => ({ [`aws:RequestTag/${key}`]: value });
const ours = tag(BACKUP_TAG.site, "toji");
const theirs = tag(BACKUP_TAG.site, "another");
const hub = tag(BACKUP_TAG.hub, "toji");

describe("the actions", () => {
  const LOG = ["logs:CreateLogStream", "logs:PutLogEvents"];

  /** What is in every bundle with the store, and no step uses: nothing of backups is ever deleted from the bucket. */
  const UNUSED = ["s3:DeleteObject"];

  const KEYS = ["CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom"]
    .concat("ReEncryptTo")
    .map((name) => `kms:${name}`);

  /** What calls need that are not called like the action. */
  const IMPLIED: Readonly<Record<string, readonly string[]>> = {
    // Signed here and sent by the hub.
    "backup-host": ["ec2:CreateSnapshots", "ec2:CreateTags"],
    "backup-copy": ["ec2:CreateTags", "sts:AssumeRole", ...KEYS],
    "backup-lock": ["sts:AssumeRole"],
    "backup-end": ["sts:AssumeRole"],
    "backup-watch": ["sts:AssumeRole"],
    "backup-expire": ["sts:AssumeRole"],
    "drill-launch": ["ec2:CreateTags", ...KEYS],
    "drill-judge": ["sts:AssumeRole"],
    "restore-volumes": ["ec2:CreateTags", ...KEYS],
    "restore-swap": KEYS,
  };

  it.each(names)("of %s are those of its code, no more and no fewer", async (name) => {
    const calls = await callsOfTheCode(entryOf(name));
    const wanted = [...calls.filter((call) => !UNUSED.includes(call)), ...LOG, ...(IMPLIED[name] ?? [])];
    expect(allowedBy(rightsOf(name))).toEqual([...new Set(wanted)].sort());
  });

  it("are spelt as AWS spells them", () => {
    const services: Readonly<Record<string, object>> = { ebs, ec2, s3, ssm, states: sfn };
    for (const action of names.flatMap(rightsOf).flatMap(({ Action }) => Action)) {
      const [service = "", name = ""] = action.split(":");
      const commands = services[service];
      if (commands === undefined) expect([...LOG, "sts:AssumeRole", ...KEYS]).toContain(action);
      else expect(commands).toHaveProperty(name === "ListBucket" ? "ListObjectsV2Command" : `${name}Command`);
    }
  });

  it("never pass a role, take protection away, unlock or unprotect anything", () => {
    const actions = names.flatMap(rightsOf).flatMap(({ Action }) => Action);
    expect(
      actions.filter((action) => /^iam:|\*|ModifyInstance|UnlockSnapshot|ScheduleKeyDeletion/.test(action)),
    ).toEqual([]);
  });

  it("are on every resource only where AWS knows no narrower one", () => {
    const wide = names.flatMap(rightsOf).filter(({ Resource }) => Resource.includes("*"));
    const actions = new Set(wide.flatMap(({ Action }) => Action));
    expect([...actions].filter((action) => !action.startsWith("ec2:Describe"))).toEqual(["ssm:GetCommandInvocation"]);
    expect(actions).not.toContain("ec2:DescribeInstanceAttribute");
  });

  it("destroy in three steps only", () => {
    const destroys = (name: string) =>
      allowedBy(rightsOf(name)).some((action) => /Delete(?!Tags)|Terminate/.test(action));
    expect(names.filter(destroys)).toEqual(["backup-expire", "drill-teardown"]);
  });
});

describe("what Toji knows of backups", () => {
  it.each(names)("is open to %s below backup/ alone, and cannot be deleted", (name) => {
    for (const action of ["s3:GetObject", "s3:PutObject"]) {
      expect(may(name, action, "Bucket.Arn/backup/sets/bs-1.json")).toBe(true);
      expect(may(name, action, "Bucket.Arn/fleet/lease.json")).toBe(false);
      expect(may(name, action, "Bucket.Arn/identities/builder-x86-01/token.pem")).toBe(false);
    }
    expect(may(name, "s3:DeleteObject", "Bucket.Arn/backup/sets/bs-1.json")).toBe(false);
  });
});

describe("commands", () => {
  it.each(["backup-host", "restore-host"])("of %s go to the hub alone, by the one document", (name) => {
    const isHub = { [`ssm:resourceTag/${BACKUP_TAG.hub}`]: "toji" };
    expect(may(name, "ssm:SendCommand", own("instance/i-0a"), isHub)).toBe(true);
    expect(may(name, "ssm:SendCommand", own("instance/i-0a"), { [`ssm:resourceTag/${BACKUP_TAG.hub}`]: "other" })).toBe(
      false,
    );
    expect(may(name, "ssm:SendCommand", own("instance/i-0a"))).toBe(false);
    expect(may(name, "ssm:SendCommand", "arn:aws:ssm:us-east-1::document/AWS-RunShellScript")).toBe(true);
    expect(may(name, "ssm:SendCommand", "arn:aws:ssm:us-east-1::document/AWS-RunPowerShellScript")).toBe(false);
  });
});

describe("the order of snapshots", () => {
  const order = asked(BACKUP_TAG.site, "toji");

  it("is for the hub, and for snapshots with the tag", () => {
    const name = "backup-host";
    expect(may(name, "ec2:CreateSnapshots", own("instance/i-0a"), hub)).toBe(true);
    expect(may(name, "ec2:CreateSnapshots", own("instance/i-0a"), ours)).toBe(false);
    expect(may(name, "ec2:CreateSnapshots", snapshot(), order)).toBe(true);
    expect(may(name, "ec2:CreateSnapshots", snapshot())).toBe(false);
    expect(may(name, "ec2:CreateTags", snapshot(), { ...order, "ec2:CreateAction": "CreateSnapshots" })).toBe(true);
    expect(may(name, "ec2:CreateTags", snapshot(), order)).toBe(false);
  });
});

describe("snapshots", () => {
  const ofSet = { ...ours, ...tag(BACKUP_TAG.set, "bs-1") };

  it("are deleted by their tags alone, in whichever region a set was copied to", () => {
    expect(may("backup-expire", "ec2:DeleteSnapshot", snapshot(), ofSet)).toBe(true);
    expect(may("backup-expire", "ec2:DeleteSnapshot", snapshot("eu-west-1"), ofSet)).toBe(true);
    expect(may("backup-expire", "ec2:DeleteSnapshot", snapshot("eu-west-2"), ours)).toBe(false);
    expect(may("backup-expire", "ec2:DeleteSnapshot", snapshot(), ours)).toBe(false);
    expect(may("backup-expire", "ec2:DeleteSnapshot", snapshot(), { ...ofSet, ...theirs })).toBe(false);
    expect(may("backup-expire", "ec2:DeleteSnapshot", snapshot())).toBe(false);
  });

  it.each([
    ["backup-seal", "ec2:CreateTags", [BACKUP_TAG.instant, BACKUP_TAG.grade, BACKUP_TAG.state, BACKUP_TAG.holds]],
    ["drill-begin", "ec2:CreateTags", [BACKUP_TAG.inUse]],
    ["drill-judge", "ec2:CreateTags", [BACKUP_TAG.instant, BACKUP_TAG.grade, BACKUP_TAG.state, BACKUP_TAG.holds]],
    ["drill-teardown", "ec2:DeleteTags", [BACKUP_TAG.inUse]],
    ["restore-begin", "ec2:CreateTags", [BACKUP_TAG.inUse]],
    ["restore-end", "ec2:DeleteTags", [BACKUP_TAG.inUse]],
  ])("that are ours take from %s by %s no tag but its own", (name, action, allowed) => {
    for (const key of [...Object.values(BACKUP_TAG), "Name"]) {
      expect(may(name, action, snapshot(), { ...ours, "aws:TagKeys": [key] })).toBe(
        allowed.some((each) => each === key),
      );
      expect(may(name, action, snapshot(), { ...theirs, "aws:TagKeys": [key] })).toBe(false);
    }
    expect(may(name, action, snapshot(), ours)).toBe(false);
  });

  it("are copied if they are ours, into tagged copies, and shared with the account of a copy alone", () => {
    expect(may("backup-copy", "ec2:CopySnapshot", snapshot(), ours)).toBe(true);
    expect(may("backup-copy", "ec2:CopySnapshot", snapshot(), theirs)).toBe(false);
    expect(may("backup-copy", "ec2:CopySnapshot", snapshot("eu-west-1"), asked(BACKUP_TAG.site, "toji"))).toBe(true);
    expect(may("backup-copy", "ec2:CopySnapshot", snapshot("eu-west-1"))).toBe(false);
    const share = (account: string) =>
      may("backup-copy", "ec2:ModifySnapshotAttribute", snapshot(), { ...ours, "ec2:Add/userId": account });
    expect(share("210987654321")).toBe(true);
    expect(share("666666666666")).toBe(false);
  });

  it("of another account are reached through the role that the site names", () => {
    expect(may("backup-copy", "sts:AssumeRole", "arn:aws:iam::210987654321:role/copies")).toBe(true);
    expect(may("backup-copy", "sts:AssumeRole", "arn:aws:iam::210987654321:role/admin")).toBe(false);
  });

  it("are encrypted in the other region with the key that the site names, through EC2", () => {
    const key = "arn:aws:kms:eu-west-1:123456789012:key/1";
    const through = { "kms:ViaService": "ec2.eu-west-1.amazonaws.com" };
    const named = { ...through, "kms:ResourceAliases": ["alias/toji-backup"] };
    expect(may("backup-copy", "kms:Decrypt", key, named)).toBe(true);
    expect(may("backup-copy", "kms:Decrypt", key, through)).toBe(false);
    expect(may("backup-copy", "kms:Decrypt", key, { "kms:ResourceAliases": ["alias/toji-backup"] })).toBe(false);
    expect(may("backup-copy", "kms:CreateGrant", key, { ...named, "kms:GrantIsForAWSResource": "true" })).toBe(true);
    expect(may("backup-copy", "kms:CreateGrant", key, named)).toBe(false);
  });
});

describe("a drill", () => {
  const launch: Context = {
    ...asked(BACKUP_TAG.site, "toji"),
    ...asked(BACKUP_TAG.drill, "drill-1"),
    "ec2:InstanceType": "m7a.large",
    "ec2:MetadataHttpTokens": "required",
  };
  const run = (resource: string, context?: Context) => may("drill-launch", "ec2:RunInstances", resource, context);

  it("is launched tagged, of the site's type, with IMDSv2 and without a role", () => {
    expect(run(own("instance/*"), launch)).toBe(true);
    for (const key of Object.keys(launch)) {
      const without = Object.fromEntries(Object.entries(launch).filter(([each]) => each !== key));
      expect(run(own("instance/*"), without)).toBe(false);
    }
    expect(run(own("instance/*"), { ...launch, "ec2:InstanceType": "p5.48xlarge" })).toBe(false);
    const role = { "ec2:InstanceProfile": "arn:aws:iam::123456789012:instance-profile/admin" };
    expect(run(own("instance/*"), { ...launch, ...role })).toBe(false);
  });

  it("is made of the site's parts and of snapshots of sets, with no public address", () => {
    expect(run("arn:aws:ec2:us-east-1::image/ami-0123456789abcdef2")).toBe(true);
    expect(run("arn:aws:ec2:us-east-1::image/ami-0ffffffffffffffff")).toBe(false);
    expect(run(own("subnet/subnet-0123456789abcdef2"))).toBe(true);
    expect(run(own("subnet/subnet-0123456789abcdef0"))).toBe(false);
    expect(run(own("security-group/sg-0123456789abcdef2"))).toBe(true);
    expect(run(own("security-group/sg-0123456789abcdef0"))).toBe(false);
    expect(run(snapshot(), ours)).toBe(true);
    expect(run(snapshot(), theirs)).toBe(false);
    expect(run(own("network-interface/*"), { "ec2:AssociatePublicIpAddress": "false" })).toBe(true);
    expect(run(own("network-interface/*"), { "ec2:AssociatePublicIpAddress": "true" })).toBe(false);
    expect(run(own("network-interface/*"))).toBe(false);
  });

  it.each([
    ["ec2:TerminateInstances", "instance/i-0a"],
    ["ec2:DeleteVolume", "volume/vol-0a"],
  ])("is torn down by %s with the tag of a drill of this site only", (action, part) => {
    const drill = tag(BACKUP_TAG.drill, "drill-1");
    expect(may("drill-teardown", action, own(part), { ...ours, ...drill })).toBe(true);
    for (const context of [ours, drill, { ...theirs, ...drill }, hub, {}])
      expect(may("drill-teardown", action, own(part), context)).toBe(false);
  });
});

describe("a restore", () => {
  it("makes volumes with its tag, of snapshots of sets", () => {
    const request = { ...asked(BACKUP_TAG.site, "toji"), ...asked(BACKUP_TAG.restore, "restore-1") };
    expect(may("restore-volumes", "ec2:CreateVolume", own("volume/*"), request)).toBe(true);
    expect(may("restore-volumes", "ec2:CreateVolume", own("volume/*"), asked(BACKUP_TAG.site, "toji"))).toBe(false);
    expect(may("restore-volumes", "ec2:CreateVolume", snapshot(), ours)).toBe(true);
    expect(may("restore-volumes", "ec2:CreateVolume", snapshot(), theirs)).toBe(false);
  });

  it.each(["ec2:AttachVolume", "ec2:DetachVolume"])("may %s on the hub and on no other instance", (action) => {
    expect(may("restore-swap", action, own("instance/i-0a"), hub)).toBe(true);
    expect(may("restore-swap", action, own("instance/i-0a"))).toBe(false);
  });

  it("marks the volumes it takes off, and writes no other tag on them", () => {
    const mark = { "aws:TagKeys": ["toji:restore-replaced"] };
    expect(may("restore-swap", "ec2:CreateTags", own("volume/vol-0a"), mark)).toBe(true);
    expect(may("restore-swap", "ec2:CreateTags", own("volume/vol-0a"), { "aws:TagKeys": [BACKUP_TAG.drill] })).toBe(
      false,
    );
  });
});

describe("the machines", () => {
  const DELIVERY = /^logs:(Describe|Get|List|Put|Create|Update|Delete)/;

  it.each([
    ["Backup", ["states:StartExecution"]],
    ["Drill", []],
    [
      "Restore",
      [
        ...["events:DescribeRule", "events:PutRule", "events:PutTargets"],
        ...["states:DescribeExecution", "states:StartExecution", "states:StopExecution"],
      ],
    ],
  ])("%s invokes exactly its functions", (machine, more) => {
    const statements = statementsOf(template(), `${machine}MachineRole`);
    const actions = allowedBy(statements).filter((action) => !DELIVERY.test(action));
    expect(actions).toEqual(["lambda:InvokeFunction", ...more].sort());
    const invoked = statements.find(({ Action }) => Action.includes("lambda:InvokeFunction"))?.Resource ?? [];
    const { DefinitionSubstitutions } =
      resourcesOf(template(), "AWS::StepFunctions::StateMachine")[`${machine}Machine`] ?? {};
    const functions = Object.keys(Object(DefinitionSubstitutions)).filter((name) => !name.endsWith("Machine"));
    expect(invoked).toEqual(functions.map((name) => `${name}LambdaFunction.Arn`));
  });

  it.each([
    ["BackupScheduleRole", "backup"],
    ["DrillScheduleRole", "drill"],
  ])("are started by schedules with one right of %s", (role, machine) => {
    const [only, ...others] = statementsOf(template(), role);
    const arn = `arn:aws:states:us-east-1:123456789012:stateMachine:toji-prod-${machine}`;
    expect(only).toMatchObject({ Action: ["states:StartExecution"], Resource: [arn] });
    expect(others).toEqual([]);
  });
});
