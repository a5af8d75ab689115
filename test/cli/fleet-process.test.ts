// `toji fleet` as a process of its own, over HTTP: what the SDK really sends, and what it makes of AWS's own errors.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { userInfo } from "node:os";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Ran } from "./run-toji.ts";

const TOJI = fileURLToPath(new URL("../../cli/toji.js", import.meta.url));
const NOBODY = { PATH: process.env.PATH, HOME: "/nonexistent", AWS_EC2_METADATA_DISABLED: "true" };
const SOMEBODY = { ...NOBODY, AWS_ACCESS_KEY_ID: "sandbox", AWS_SECRET_ACCESS_KEY: "sandbox" };

function toji(args: readonly string[], env: NodeJS.ProcessEnv = SOMEBODY): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [TOJI, "fleet", ...args], { env }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

const objects = new Map<string, string>();
const etagOf = (body: string) => `"${createHash("md5").update(body).digest("hex")}"`;
let server: Server;
let endpoint: string;

/** S3 with one bucket, in path style; EC2 knows nobody. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = URL.parse(request.url ?? "", "http://s3")?.pathname ?? "";
  const body = await text(request);
  const there = objects.get(path);
  const fail = (status: number, code: string) =>
    response
      .writeHead(status, { "content-type": "application/xml" })
      .end(`<Error><Code>${code}</Code><Message>${code} it is</Message></Error>`);
  if (path === "/") {
    response.writeHead(401, { "content-type": "text/xml" });
    response.end(
      "<Response><Errors><Error><Code>AuthFailure</Code><Message>not you</Message></Error></Errors></Response>",
    );
  } else if (!path.startsWith("/toji-bucket/")) fail(404, "NoSuchBucket");
  else if (request.method === "PUT") {
    const { "if-match": match, "if-none-match": none } = request.headers;
    const met = none === "*" ? there === undefined : there !== undefined && match === etagOf(there);
    if (!met) return void fail(412, "PreconditionFailed");
    objects.set(path, body);
    response.writeHead(200, { etag: etagOf(body) }).end();
  } else if (there === undefined) fail(404, "NoSuchKey");
  else response.writeHead(200, { etag: etagOf(there) }).end(there);
}

beforeAll(async () => {
  server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe("toji fleet over HTTP", () => {
  it("holds, replaces and releases with conditional writes", async () => {
    const there = ["--bucket", "toji-bucket", "--endpoint", endpoint, "--json"];
    const first = await toji(["hold", "--reason", "upgrade", "--for", "2h", ...there]);
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(first.stdout)).toMatchObject({ hold: { by: userInfo().username, reason: "upgrade" } });
    const second = await toji(["hold", "--reason", "longer", ...there]);
    expect(JSON.parse(second.stdout)).toMatchObject({ replaced: { reason: "upgrade" }, holds: [{ reason: "longer" }] });
    expect(JSON.parse((await toji(["release", ...there])).stdout)).toMatchObject({ released: { reason: "longer" } });
    expect(JSON.parse(objects.get("/toji-bucket/fleet/hand.json") ?? "")).toEqual({ holds: [] });
  });

  it.each([
    [["status", "--bucket", "toji-bucket"], /no pass has been recorded in bucket toji-bucket yet/],
    [["status", "--bucket", "elsewhere"], /there is no bucket elsewhere/],
    [["pin", "builder-01"], /does not accept these credentials \(AuthFailure\)/],
  ])("%j: AWS's refusal is one sentence", async (args, sentence) => {
    const { code, stdout, stderr } = await toji([...args, "--endpoint", endpoint]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});

describe("one sentence on stderr, nothing on stdout", () => {
  it.each([
    [1, ["status", "--bucket", "b"], NOBODY, /name the region/],
    [1, ["status", "--bucket", "b", "--region", "eu-west-1"], NOBODY, /no usable AWS credentials were found/],
    [
      1,
      ["status", "--bucket", "b", "--endpoint", "http://127.0.0.1:9"],
      SOMEBODY,
      /127.0.0.1:9 cannot be reached .*sandbox/,
    ],
    [2, ["statsu"], NOBODY, /did you mean "fleet status"/],
    [2, ["status", "--bcuket", "b"], NOBODY, /--bcuket/],
  ])("exit %i: toji fleet %j", async (exit, args, env, sentence) => {
    const { code, stdout, stderr } = await toji(args, env);
    expect({ code, stdout }).toEqual({ code: exit, stdout: "" });
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});
