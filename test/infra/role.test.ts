// The rights of the functions: every call each makes, on what is its own, and nothing else.

import * as ec2 from "@aws-sdk/client-ec2";
import * as s3 from "@aws-sdk/client-s3";
import * as ssm from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TAG } from "../../shared/fleet/index.ts";
import { callsOfTheCode } from "./calls.ts";
import { allowedBy, allows, type Context, type Statement, statementsOf } from "./policy.ts";
import { compileTemplate, copyProject, removeProject, resourcesOf, type Template } from "./project.ts";

let root: string;
let template: Template;
let statements: Statement[];
let sweepStatements: Statement[];

beforeAll(async () => {
  root = copyProject();
  const inVpc = ["--param=network=vpc", "--param=functionSubnetIds=subnet-0a"];
  ({ template } = await compileTemplate(root, undefined, ...inVpc));
  statements = statementsOf(template, "FleetPassRole");
  sweepStatements = statementsOf(template, "FleetSweepRole");
});
afterAll(() => removeProject(root));

const own = (rest: string) => `arn:aws:ec2:us-east-1:123456789012:${rest}`;
const INSTANCE = own("instance/i-0aaa");
const TEMPLATE = own("launch-template/BuilderTemplate");
const ours: Context = { [`aws:ResourceTag/${TAG.fleet}`]: "toji" };
const theirs: Context = { [`aws:ResourceTag/${TAG.fleet}`]: "another" };

function may(action: string, resource: string, context?: Context): boolean {
  return allows(statements, action, resource, context);
}

describe("the actions", () => {
  const services = { ec2, s3, ssm } as const;
  const LOG = ["logs:CreateLogStream", "logs:PutLogEvents"];

  /** What other calls need: CreateFleet, objects that are missing, encrypted parameters, the log. */
  const IMPLIED = ["ec2:RunInstances", "s3:ListBucket", "kms:Decrypt", ...LOG];

  /** Lambda's own, and denied to the function's code. */
  const NETWORK = ["AssignPrivateIpAddresses", "UnassignPrivateIpAddresses", "DescribeSubnets"]
    .concat(
      ["Create", "Delete"].map((verb) => `${verb}NetworkInterface`),
      "DescribeNetworkInterfaces",
    )
    .map((action) => `ec2:${action}`);

  it("of the pass are those of its code, no more and no fewer", async () => {
    const calls = await callsOfTheCode("functions/fleet/pass.ts");
    expect(allowedBy(statements)).toEqual([...calls, ...IMPLIED, ...NETWORK].sort());
  });

  it("of the sweep are those of its code, no more and no fewer: it launches, tags and terminates nothing", async () => {
    const calls = await callsOfTheCode("functions/fleet/sweep.ts");
    expect(allowedBy(sweepStatements)).toEqual([...calls, ...LOG].sort());
    expect(calls.filter((call) => /Create|Terminate|Tags|GetParameter/.test(call))).toEqual([]);
  });

  it("are spelt as AWS spells them", () => {
    for (const action of [...statements, ...sweepStatements].flatMap(({ Action }) => Action)) {
      const [service = "", name = ""] = action.split(":");
      if (service in services) {
        const commands: object = services[service as keyof typeof services];
        expect(commands).toHaveProperty(name === "ListBucket" ? "ListObjectsV2Command" : `${name}Command`);
      } else {
        expect(IMPLIED).toContain(action);
      }
    }
  });

  it("never pass a role to an instance", () => {
    const actions = [...statements, ...sweepStatements].flatMap(({ Action }) => Action);
    expect(actions.filter((action) => /^iam:|\*/.test(action))).toEqual([]);
  });

  it("are on every resource only where EC2 knows no narrower one", () => {
    const wide = statements.filter(({ Resource, Effect }) => Effect === "Allow" && Resource.includes("*"));
    const looks = ["ec2:DescribeInstances", "ec2:DescribeLaunchTemplateVersions"];
    expect(wide.flatMap(({ Action }) => Action).sort()).toEqual([...looks, ...NETWORK].sort());
    const sweepWide = sweepStatements.filter(({ Resource }) => Resource.includes("*"));
    const more = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeVolumes"];
    expect(sweepWide.flatMap(({ Action }) => Action).sort()).toEqual([...looks, ...more].sort());
  });
});

describe("an instance", () => {
  it.each(["ec2:TerminateInstances", "ec2:CreateTags", "ec2:DeleteTags"])(
    "is open to %s by its tag alone",
    (action) => {
      const keys = { "aws:TagKeys": [TAG.drainingAt] };
      expect(may(action, INSTANCE, { ...ours, ...keys })).toBe(true);
      expect(may(action, INSTANCE, { ...theirs, ...keys })).toBe(false);
      expect(may(action, INSTANCE, keys)).toBe(false);
    },
  );

  it("keeps the tags that say whose it is and what it was made for", () => {
    for (const [name, key] of Object.entries(TAG)) {
      const changes = ["enabledAt", "drainingAt", "spotNoticeAt", "rebalanceAt"].includes(name);
      expect(may("ec2:CreateTags", INSTANCE, { ...ours, "aws:TagKeys": [key] })).toBe(changes);
      expect(may("ec2:DeleteTags", INSTANCE, { ...ours, "aws:TagKeys": [TAG.enabledAt, key] })).toBe(changes);
    }
  });

  it("cannot lose all its tags at once", () => {
    expect(may("ec2:DeleteTags", INSTANCE, ours)).toBe(false);
  });

  describe("that lost its tags", () => {
    const template = { "aws:ResourceTag/aws:ec2launchtemplate:id": "BuilderTemplate" };
    const launchKeys = [TAG.fleet, TAG.slot, TAG.profile, TAG.launch, TAG.templateVersion, TAG.checkInAfter];
    const back = { [`aws:RequestTag/${TAG.fleet}`]: "toji", "aws:TagKeys": ["Name", ...launchKeys, TAG.enabledAt] };

    it("gets them back, if it was launched from our template and as one of our fleet", () => {
      expect(may("ec2:CreateTags", INSTANCE, { ...template, ...back })).toBe(true);
      expect(may("ec2:CreateTags", INSTANCE, back)).toBe(false);
      const another = { "aws:ResourceTag/aws:ec2launchtemplate:id": "lt-0" };
      expect(may("ec2:CreateTags", INSTANCE, { ...another, ...back })).toBe(false);
      const stolen = { ...back, [`aws:RequestTag/${TAG.fleet}`]: "another" };
      expect(may("ec2:CreateTags", INSTANCE, { ...template, ...stolen })).toBe(false);
      expect(may("ec2:CreateTags", own("volume/vol-0"), { ...template, ...back })).toBe(false);
    });

    it("gets no others", () => {
      for (const key of [TAG.pin, TAG.drainNow, "owner"]) {
        const keys = { "aws:TagKeys": [TAG.fleet, key] };
        expect(may("ec2:CreateTags", INSTANCE, { ...template, ...back, ...keys })).toBe(false);
      }
    });

    it("may be asked for its user data, and no other instance may", () => {
      expect(may("ec2:DescribeInstanceAttribute", INSTANCE, template)).toBe(true);
      expect(may("ec2:DescribeInstanceAttribute", INSTANCE, theirs)).toBe(false);
    });
  });

  const tagged: Context = { [`aws:RequestTag/${TAG.fleet}`]: "toji", "ec2:LaunchTemplate": TEMPLATE };

  it("can only be made with the tag and from the launch template", () => {
    expect(may("ec2:RunInstances", INSTANCE, tagged)).toBe(true);
    expect(may("ec2:RunInstances", INSTANCE, { ...tagged, [`aws:RequestTag/${TAG.fleet}`]: "another" })).toBe(false);
    expect(may("ec2:RunInstances", INSTANCE, { "ec2:LaunchTemplate": TEMPLATE })).toBe(false);
    expect(may("ec2:RunInstances", INSTANCE, { ...tagged, "ec2:LaunchTemplate": own("launch-template/lt-0") })).toBe(
      false,
    );
  });

  it("can be asked for by CreateFleet, and only tagged", () => {
    for (const part of ["instance/*", "fleet/fleet-0"]) {
      expect(may("ec2:CreateFleet", own(part), tagged)).toBe(true);
      expect(may("ec2:CreateFleet", own(part))).toBe(false);
    }
  });

  it.each(["ec2:CreateFleet", "ec2:RunInstances"])("is made by %s of the parts the site names", (action) => {
    expect(may(action, TEMPLATE)).toBe(true);
    expect(may(action, own("launch-template/lt-0"))).toBe(false);
    expect(may(action, "arn:aws:ec2:us-east-1::image/ami-0123456789abcdef0")).toBe(true);
    expect(may(action, "arn:aws:ec2:us-east-1::image/ami-0ffffffffffffffff")).toBe(false);
    expect(may(action, own("subnet/subnet-0123456789abcdef1"))).toBe(true);
    expect(may(action, own("subnet/subnet-0ffffffffffffffff"))).toBe(false);
    expect(may(action, own("security-group/sg-0123456789abcdef0"))).toBe(true);
    expect(may(action, own("security-group/sg-0ffffffffffffffff"))).toBe(false);
    for (const part of ["volume/*", "network-interface/*"]) expect(may(action, own(part))).toBe(true);
  });

  it("and what comes with it is tagged in the making, never later", () => {
    for (const part of ["instance/i-0", "volume/vol-0", "network-interface/eni-0"]) {
      const making = { [`aws:RequestTag/${TAG.fleet}`]: "toji", "ec2:CreateAction": "RunInstances" };
      expect(may("ec2:CreateTags", own(part), making)).toBe(true);
      expect(may("ec2:CreateTags", own(part), { ...making, "ec2:CreateAction": "CreateVolume" })).toBe(false);
      expect(may("ec2:CreateTags", own(part), { [`aws:RequestTag/${TAG.fleet}`]: "toji" })).toBe(false);
    }
  });
});

describe("what Toji knows", () => {
  it("is in its own bucket, below fleet/ and identities/", () => {
    for (const action of ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]) {
      expect(may(action, "Bucket.Arn/fleet/lease.json")).toBe(true);
      expect(may(action, "Bucket.Arn/identities/builder-x86-01/token.pem")).toBe(true);
      expect(may(action, "Bucket.Arn/backup/set.json")).toBe(false);
      expect(may(action, "arn:aws:s3:::another/fleet/lease.json")).toBe(false);
    }
  });

  it("is in the parameters that the site names, and decrypted through SSM only", () => {
    const parameter = (name: string) => `arn:aws:ssm:us-east-1:123456789012:parameter${name}`;
    expect(may("ssm:GetParameter", parameter("/toji/hub/client"))).toBe(true);
    expect(may("ssm:GetParameter", parameter("/toji/builders/ca"))).toBe(true);
    expect(may("ssm:GetParameter", parameter("/toji/hub/client2"))).toBe(false);
    const key = "arn:aws:kms:us-east-1:123456789012:key/1";
    const context = { "kms:EncryptionContext:PARAMETER_ARN": parameter("/toji/hub/client") };
    expect(may("kms:Decrypt", key, { ...context, "kms:ViaService": "ssm.us-east-1.amazonaws.com" })).toBe(true);
    expect(may("kms:Decrypt", key, { ...context, "kms:ViaService": "s3.us-east-1.amazonaws.com" })).toBe(false);
    expect(may("kms:Decrypt", key, context)).toBe(false);
  });
});

describe("the sweep", () => {
  const sweepMay = (action: string, resource: string, context?: Context) =>
    allows(sweepStatements, action, resource, context);

  it.each([
    ["ec2:DeleteVolume", "volume/vol-0"],
    ["ec2:DeleteNetworkInterface", "network-interface/eni-0"],
  ])("may %s by the fleet's tag alone", (action, part) => {
    expect(sweepMay(action, own(part), ours)).toBe(true);
    expect(sweepMay(action, own(part), theirs)).toBe(false);
    expect(sweepMay(action, own(part))).toBe(false);
  });

  it("deletes versions of the one template", () => {
    expect(sweepMay("ec2:DeleteLaunchTemplateVersions", TEMPLATE)).toBe(true);
    expect(sweepMay("ec2:DeleteLaunchTemplateVersions", own("launch-template/lt-0"))).toBe(false);
  });

  it("deletes identities and cannot read or write one", () => {
    const identity = "Bucket.Arn/identities/builder-x86-01/token.pem";
    expect(sweepMay("s3:DeleteObject", identity)).toBe(true);
    expect(sweepMay("s3:GetObject", identity)).toBe(false);
    expect(sweepMay("s3:PutObject", identity)).toBe(false);
  });

  it("keeps its markers and its records, and leaves what the pass knows alone", () => {
    expect(sweepMay("s3:GetObject", "Bucket.Arn/fleet/orphans.json")).toBe(true);
    for (const key of ["orphans.json", "sweeps/latest.json"]) {
      expect(sweepMay("s3:PutObject", `Bucket.Arn/fleet/${key}`)).toBe(true);
    }
    for (const key of ["memory.json", "lease.json", "hand.json", "decisions/latest.json"]) {
      for (const action of ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]) {
        expect(sweepMay(action, `Bucket.Arn/fleet/${key}`)).toBe(false);
      }
    }
  });
});

describe("the other rights", () => {
  it("of the function's code do not include Lambda's own on network interfaces", () => {
    const code = { "lambda:SourceFunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:toji-prod-fleet-pass" };
    expect(may("ec2:CreateNetworkInterface", own("network-interface/*"))).toBe(true);
    expect(may("ec2:CreateNetworkInterface", own("network-interface/*"), code)).toBe(false);
  });

  it.each([
    ["FleetTickRole", "FleetPassLambdaFunction.Arn"],
    ["SweepTickRole", "FleetSweepLambdaFunction.Arn"],
  ])("of %s are one: to start its function", (role, lambda) => {
    const [only, ...more] = statementsOf(template, role);
    expect(only).toMatchObject({ Action: ["lambda:InvokeFunction"], Resource: [lambda] });
    expect(more).toEqual([]);
  });

  it("let each rule, and nobody else, start the pass", () => {
    const permissions = Object.values(resourcesOf(template, "AWS::Lambda::Permission"));
    const rules = Object.keys(resourcesOf(template, "AWS::Events::Rule"));
    const sources = permissions.map(({ SourceArn }) => SourceArn);
    expect(sources).toEqual(rules.map((rule) => ({ "Fn::GetAtt": [rule, "Arn"] })));
    for (const { Principal } of permissions) expect(Principal).toBe("events.amazonaws.com");
  });
});
