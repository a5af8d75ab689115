// The SDK's own clients against the sandbox's address: Step Functions and S3 as they are on the wire.

import { request } from "node:http";
import { S3Client } from "@aws-sdk/client-s3";
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from "@aws-sdk/client-sfn";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type AwsEndpoint, startAwsEndpoint } from "../../sandbox/server/aws-endpoint.ts";
import { S3Model } from "../../sandbox/world/s3.ts";
import { openListing, openStore } from "../../shared/aws/store.ts";
import { openScript, START } from "../statemachines/scripted.ts";

const BUCKET = "toji-bucket";
const setting = { region: "eu-west-1", credentials: { accessKeyId: "a", secretAccessKey: "b" }, maxAttempts: 1 };

let script: ReturnType<typeof openScript>;
let endpoint: AwsEndpoint;
let sfn: SFNClient;
let s3: S3Client;

beforeEach(async () => {
  script = openScript();
  const model = new S3Model({ clock: script.clock, buckets: [BUCKET] });
  endpoint = await startAwsEndpoint({ s3: model, stepFunctions: script.model, now: () => script.clock.now() });
  sfn = new SFNClient({ ...setting, endpoint: endpoint.url });
  s3 = new S3Client({ ...setting, endpoint: endpoint.url, forcePathStyle: true });
});
afterEach(async () => {
  sfn.destroy();
  s3.destroy();
  await endpoint.close();
});

describe("Step Functions over HTTP", () => {
  it("starts, describes, lists and tells the history of an execution", async () => {
    const stateMachineArn = script.model.arnOf("toji-backup");
    const input = JSON.stringify({ kind: "on-demand", by: "ann", reason: "ü" });
    const begun = await sfn.send(new StartExecutionCommand({ stateMachineArn, name: "b", input }));
    expect(begun.startDate).toEqual(new Date(START * 1000));
    const { executionArn } = begun;
    expect(await sfn.send(new DescribeExecutionCommand({ executionArn }))).toMatchObject({ status: "RUNNING", input });
    await script.run(60);
    const described = await sfn.send(new DescribeExecutionCommand({ executionArn }));
    expect(described).toMatchObject({ status: "SUCCEEDED", name: "b", stopDate: new Date(START * 1000) });
    expect(JSON.parse(described.output ?? "")).toMatchObject({ end: { outcome: "good" } });
    const { executions } = await sfn.send(new ListExecutionsCommand({ stateMachineArn }));
    expect(executions).toMatchObject([{ name: "b", status: "SUCCEEDED", executionArn }]);
    const { events = [] } = await sfn.send(new GetExecutionHistoryCommand({ executionArn, reverseOrder: true }));
    expect(events.slice(0, 3)).toMatchObject([
      { type: "ExecutionSucceeded", executionSucceededEventDetails: { output: described.output } },
      { type: "SucceedStateExited" },
      { type: "SucceedStateEntered", stateEnteredEventDetails: { name: "Done" } },
    ]);
  });

  it("answers its errors by their names", async () => {
    const stateMachineArn = script.model.arnOf("toji-nothing");
    await expect(sfn.send(new StartExecutionCommand({ stateMachineArn }))).rejects.toMatchObject({
      name: "StateMachineDoesNotExist",
    });
    await expect(sfn.send(new DescribeExecutionCommand({ executionArn: "arn:x" }))).rejects.toMatchObject({
      name: "ExecutionDoesNotExist",
    });
    const started = { stateMachineArn: script.model.arnOf("toji-drill"), name: "d" };
    await sfn.send(new StartExecutionCommand(started));
    await script.run();
    await expect(sfn.send(new StartExecutionCommand(started))).rejects.toMatchObject({
      name: "ExecutionAlreadyExists",
    });
  });

  it("stops an execution, and gives long lists in pages", async () => {
    const stateMachineArn = script.model.arnOf("toji-drill");
    for (const name of ["d1", "d2", "d3"]) await sfn.send(new StartExecutionCommand({ stateMachineArn, name }));
    const executionArn = script.model.execution("d2").arn;
    await sfn.send(new StopExecutionCommand({ executionArn, cause: "not now" }));
    const first = await sfn.send(new ListExecutionsCommand({ stateMachineArn, maxResults: 2 }));
    const second = await sfn.send(
      new ListExecutionsCommand({ stateMachineArn, maxResults: 2, nextToken: first.nextToken }),
    );
    expect(
      [...(first.executions ?? []), ...(second.executions ?? [])].map(({ name, status }) => [name, status]),
    ).toEqual([
      ["d3", "RUNNING"],
      ["d2", "ABORTED"],
      ["d1", "RUNNING"],
    ]);
  });
});

describe("S3 over HTTP", () => {
  const open = () => ({
    store: openStore({ s3, presignGet: async () => "" }, BUCKET),
    list: openListing({ s3 }, BUCKET),
  });

  it("reads, writes on condition, lists and deletes", async () => {
    const { store, list } = open();
    expect(await store.get("backup/catalog.json")).toBeNull();
    const { etag } = await store.put("backup/catalog.json", '{"a":"ü&<"}', "absent");
    expect(await store.get("backup/catalog.json")).toEqual({ text: '{"a":"ü&<"}', etag });
    await expect(store.put("backup/catalog.json", "{}", "absent")).rejects.toMatchObject({ name: "StoreConflict" });
    await store.put("backup/catalog.json", "{}", etag);
    await expect(store.put("backup/catalog.json", "[]", etag)).rejects.toMatchObject({ name: "StoreConflict" });
    await store.put("backup/sets/a&b c.json", "{}");
    expect((await list("backup/")).map(({ key }) => key)).toEqual(["backup/catalog.json", "backup/sets/a&b c.json"]);
    await store.remove("backup/catalog.json");
    expect((await list("backup/")).map(({ key }) => key)).toEqual(["backup/sets/a&b c.json"]);
  });

  it("names the bucket that is not there", async () => {
    const store = openStore({ s3, presignGet: async () => "" }, "other");
    await expect(store.get("a")).rejects.toMatchObject({ code: "NoSuchBucket" });
  });

  it("answers only to names of this machine", async () => {
    const status = await new Promise((resolve, reject) => {
      const url = new URL(`${endpoint.url}/${BUCKET}/a`);
      request(url, { headers: { host: "evil.example.org" } }, (response) => resolve(response.statusCode))
        .on("error", reject)
        .end();
    });
    expect(status).toBe(421);
  });
});
