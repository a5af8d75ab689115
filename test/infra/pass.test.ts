// The packaged function at work in a bare Node, against AWS over HTTP: proof that the bundle lacks nothing it needs.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { buildFunctions } from "../../infra/build.ts";
import { type AwsStub, startAwsStub } from "./aws-stub.ts";
import { copyProject, node, removeProject } from "./project.ts";

const BUCKET = "toji-test-bucket";
const INSTANCE = `<item>
  <instanceId>i-0aaa</instanceId><instanceType>m7a.xlarge</instanceType><instanceLifecycle>spot</instanceLifecycle>
  <instanceState><code>16</code><name>running</name></instanceState><launchTime>2026-11-22T13:14:36.000Z</launchTime>
  <placement><availabilityZone>us-east-1a</availabilityZone></placement>
  <tagSet>
    <item><key>toji:fleet</key><value>toji</value></item>
    <item><key>toji:slot</key><value>builder-x86-01.example.org</value></item>
    <item><key>toji:profile</key><value>default-x86</value></item>
  </tagSet>
</item>`;

const CONTEXT = { awsRequestId: "request-1", functionName: "toji-test-fleet-pass" };
const SPOT_WARNING = {
  source: "aws.ec2",
  "detail-type": "EC2 Spot Instance Interruption Warning",
  detail: { "instance-id": "i-0aaa", "instance-action": "terminate" },
};
const RUN = `
  const { handler } = await import(process.argv[1]);
  console.log("ANSWER " + JSON.stringify(await handler(${JSON.stringify(SPOT_WARNING)}, ${JSON.stringify(CONTEXT)})));
  process.exit();
`;

const record = z.object({ changes: z.array(z.unknown()), notes: z.array(z.string()) });

let root: string;
let aws: AwsStub;

beforeAll(async () => {
  root = copyProject();
  aws = await startAwsStub(BUCKET, INSTANCE);
  const config = join(root, "toji.yml");
  writeFileSync(config, siteDocument(aws.origin));
  await buildFunctions({ root, only: ["fleet"] });
});
afterAll(async () => {
  await aws.close();
  removeProject(root);
});

function siteDocument(origin: string): string {
  return `
hub: { url: "${origin}/kojihub", topUrl: "${origin}/kojifiles", timeoutSeconds: 2 }
builders:
  # Else passes go on for as long as the tick lasts, and the clock is real here.
  watchAtRest: false
  subnets: [{ id: subnet-0a, zone: us-east-1a }]
  profiles:
    - name: default-x86
      channels: [default]
      arches: [x86_64]
      capacity: 6
      slots: { prefix: builder-x86, domain: example.org, count: 2 }
      imageId: ami-0a
      offerings: [{ instanceType: m7a.xlarge }]
`;
}

describe("the packaged fleet pass", () => {
  it("notes a spot warning, then reads instances and hub and records why it changes nothing", async () => {
    const folder = join(root, ".build/functions/fleet");
    const environment = {
      LAMBDA_TASK_ROOT: folder,
      TOJI_STAGE: "test",
      TOJI_BUCKET: BUCKET,
      TOJI_LAUNCH_TEMPLATE_ID: "lt-0a",
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "example",
      AWS_ENDPOINT_URL: aws.origin,
    };
    const said = await node(folder, environment, "--input-type=module", "--eval", RUN, join(folder, "pass.js"));
    expect(said).toContain('ANSWER {"passes":1,"skipped":null}');
    expect(aws.calls).toEqual([
      expect.objectContaining({ Action: "DescribeInstances", "Filter.1.Name": "tag:toji:fleet" }),
      expect.objectContaining({ Action: "CreateTags", "ResourceId.1": "i-0aaa", "Tag.1.Key": "toji:spot-notice-at" }),
      expect.objectContaining({ Action: "DescribeInstances", "Filter.1.Name": "tag:toji:fleet" }),
      expect.objectContaining({ Action: "DescribeInstances", "Filter.1.Name": "tag:aws:ec2launchtemplate:id" }),
      // There is no memory yet.
      expect.objectContaining({ Action: "DescribeLaunchTemplateVersions", LaunchTemplateId: "lt-0a" }),
    ]);
    expect([...aws.objects.keys()]).toContain("fleet/lease.json");
    const latest = record.parse(JSON.parse(aws.objects.get("fleet/decisions/latest.json") ?? "{}"));
    expect(latest.changes).toEqual([]);
    expect(latest.notes.join()).toMatch(/offline/);
  });
});
