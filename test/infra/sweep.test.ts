// The packaged sweep at work in a bare Node, against AWS over HTTP: proof that the bundle lacks nothing it needs.

import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildFunctions } from "../../infra/build.ts";
import { type AwsStub, startAwsStub } from "./aws-stub.ts";
import { copyProject, node, removeProject } from "./project.ts";

const BUCKET = "toji-test-bucket";
const OURS = "<item><key>toji:fleet</key><value>toji</value></item>";
const ANSWERS = {
  DescribeVolumes: `<volumeSet><item><volumeId>vol-1</volumeId><size>60</size><status>available</status>
    <tagSet>${OURS}</tagSet></item></volumeSet>`,
  DescribeNetworkInterfaces: `<networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId>
    <status>available</status><tagSet>${OURS}</tagSet></item></networkInterfaceSet>`,
  DescribeLaunchTemplateVersions: `<launchTemplateVersionSet>
    <item><versionNumber>2</versionNumber><versionDescription>toji launch t1</versionDescription></item>
    <item><versionNumber>1</versionNumber><versionDescription>base</versionDescription></item>
  </launchTemplateVersionSet>`,
};
const KEY = "identities/builder-x86-01/t1.pem";
const RUN = `
  const { handler } = await import(process.argv[1]);
  console.log("ANSWER " + JSON.stringify(await handler({}, { awsRequestId: "1", functionName: "toji-test-sweep" })));
  process.exit();
`;

let root: string;
let aws: AwsStub;

beforeAll(async () => {
  root = copyProject();
  aws = await startAwsStub(BUCKET, "", ANSWERS);
  await buildFunctions({ root, only: ["sweep"] });
});
afterAll(async () => {
  await aws.close();
  removeProject(root);
});

async function sweep(): Promise<string> {
  const folder = join(root, ".build/functions/sweep");
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
  return await node(folder, environment, "--input-type=module", "--eval", RUN, join(folder, "sweep.js"));
}

it("the packaged sweep marks what it finds, and a later one removes it", async () => {
  aws.objects.set(KEY, "a key");
  expect(await sweep()).toContain('ANSWER {"removed":0,"failed":0,"skipped":null}');
  const { markers } = JSON.parse(aws.objects.get("fleet/orphans.json") ?? "{}");
  const since = expect.any(Number);
  // The stub calls version 2 the default one as well: it answers the same whatever is asked for.
  expect(markers).toEqual({
    volume: { "vol-1": since },
    "network interface": { "eni-1": since },
    "template version": {},
    identity: { [KEY]: since },
  });

  const old = Object.fromEntries(Object.entries<object>(markers).map(([kind, marked]) => [kind, backdated(marked)]));
  aws.objects.set("fleet/orphans.json", JSON.stringify({ at: 0, markers: old }));
  expect(await sweep()).toContain('ANSWER {"removed":3,"failed":0,"skipped":null}');
  const deletions = aws.calls.filter(({ Action }) => Action?.startsWith("Delete"));
  expect(deletions).toEqual([
    expect.objectContaining({ Action: "DeleteVolume", VolumeId: "vol-1" }),
    expect.objectContaining({ Action: "DeleteNetworkInterface", NetworkInterfaceId: "eni-1" }),
  ]);
  expect([...aws.objects.keys()]).toEqual(["fleet/orphans.json", "fleet/sweeps/latest.json"]);
});

function backdated(marked: object): Record<string, number> {
  return Object.fromEntries(Object.entries(marked).map(([id, since]) => [id, Number(since) - 3600]));
}
