// The two plugins that make the bundle small: what stays in it is what the packages themselves say.

import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ebs from "@aws-sdk/client-ebs";
import * as ec2 from "@aws-sdk/client-ec2";
import * as s3 from "@aws-sdk/client-s3";
import * as sfn from "@aws-sdk/client-sfn";
import * as ssm from "@aws-sdk/client-ssm";
import { build, type Plugin } from "esbuild";
import * as undici from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inlineSchemaKeys, sdkSchemas, undiciClient } from "../../infra/shrink.ts";
import { REPOSITORY } from "./project.ts";

const folder = mkdtempSync(join(tmpdir(), "toji-shrink-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function bundled(name: string, contents: string, plugin: Plugin): Promise<Readonly<Record<string, unknown>>> {
  const outfile = join(folder, `${name}.mjs`);
  await build({
    stdin: { contents, resolveDir: REPOSITORY },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    mainFields: ["module", "main"],
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    plugins: [plugin],
    outfile,
    logLevel: "silent",
  });
  return await import(outfile);
}

/** A schema with all it refers to, as text. Schemas are arrays that name others by functions, in circles. */
function wholeSchema(schema: unknown): string {
  const numbers = new Map<unknown, number>();
  return JSON.stringify(schema, (_key, value: unknown) => {
    const meant: unknown = typeof value === "function" ? value() : value;
    if (!Array.isArray(meant)) return meant;
    const known = numbers.get(meant);
    if (known !== undefined) return `#${known}`;
    numbers.set(meant, numbers.size);
    return meant;
  });
}

describe("sdkSchemas", () => {
  const operations = [
    ["client-ec2", ec2, ["CreateFleet", "CreateLaunchTemplateVersion", "DeleteLaunchTemplateVersions"]],
    ["client-ec2", ec2, ["DescribeInstances", "DescribeLaunchTemplateVersions", "TerminateInstances", "CreateTags"]],
    ["client-ec2", ec2, ["DescribeVolumes", "DeleteVolume", "DescribeNetworkInterfaces", "DeleteNetworkInterface"]],
    ["client-ec2", ec2, ["DescribeInstanceAttribute", "DeleteTags"]],
    ["client-ec2", ec2, ["CopySnapshot", "DeleteSnapshot", "DescribeSnapshots", "LockSnapshot", "DescribeImages"]],
    ["client-ec2", ec2, ["RunInstances", "GetConsoleOutput", "CreateVolume", "AttachVolume", "DetachVolume"]],
    ["client-ebs", ebs, ["ListChangedBlocks", "ListSnapshotBlocks"]],
    ["client-sfn", sfn, ["StartExecution", "DescribeExecution"]],
    ["client-s3", s3, ["GetObject", "PutObject", "DeleteObject", "ListObjectsV2"]],
    ["client-ssm", ssm, ["GetParameter"]],
    ["client-ssm", ssm, ["SendCommand", "GetCommandInvocation"]],
  ] as const;

  it.each(operations)("leaves what an operation of %s reaches as it is", async (client, original, names) => {
    const exports = names.map((name) => `${name}$`);
    const from = `node_modules/@aws-sdk/${client}/dist-es/schemas/schemas_0.js`;
    const small = await bundled(client + names[0], `export { ${exports} } from "./${from}";`, sdkSchemas);
    const originals: Readonly<Record<string, unknown>> = original;
    for (const name of exports) {
      expect(originals[name]).toBeDefined();
      expect(wholeSchema(small[name])).toBe(wholeSchema(originals[name]));
    }
  });

  it("keeps a computed key whose constant it does not find", () => {
    const source = 'const _a = "Name";\nexport var X$ = [3, n0, [{ [_a]: 1, [_b]: 2 }], [_a], list[_a]];\n';
    expect(inlineSchemaKeys(source)).toContain('[{ "Name": 1, [_b]: 2 }], [_a], list[_a]]');
  });
});

describe("undiciClient", () => {
  let server: Server;
  let origin: string;

  beforeAll(async () => {
    server = createServer(async (request: IncomingMessage, response) => {
      const body = Buffer.concat(await request.toArray()).toString();
      const headers = { type: request.headers["content-type"], length: request.headers["content-length"] };
      response.setHeader("koji-version", "1.35.3");
      response.end(JSON.stringify({ method: request.method, url: request.url, headers, body }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  const requests = [
    [
      "/kojihub?session=7&callnum=2",
      { method: "POST", body: "<methodCall/>", headers: { "content-type": "text/xml" } },
    ],
    ["/kojihub", { body: "no method" }],
    ["/", {}],
  ] as const;

  it.each(requests)("asks %s as undici itself does", async (path, options) => {
    const small = await bundled("undici", 'export { Agent, request } from "undici";', undiciClient);
    const answers = [];
    for (const { Agent, request } of [small as unknown as typeof undici, undici]) {
      const dispatcher = new Agent();
      const { statusCode, headers, body } = await request(origin + path, { ...options, dispatcher });
      answers.push({ statusCode, version: headers["koji-version"], body: await body.text() });
      await dispatcher.close();
    }
    expect(answers[0]?.statusCode).toBe(200);
    expect(answers[0]).toEqual(answers[1]);
  });

  it.each([
    ["GET", "/9/BaseOS/x86_64/os/repodata/repomd.xml?a=b"],
    ["HEAD", "/Packages/a-1.0-1.noarch.rpm"],
  ] as const)("asks %s %s over one connection as undici itself does", async (method, path) => {
    const small = await bundled("client", 'export { Client } from "undici";', undiciClient);
    const answers = [];
    for (const { Client } of [small as unknown as typeof undici, undici]) {
      const client = new Client(origin, { pipelining: 1 });
      const { statusCode, headers, body } = await client.request({ method, path, headers: { accept: "*/*" } });
      answers.push({ statusCode, version: headers["koji-version"], body: await body.text() });
      await client.close();
    }
    expect(answers[0]?.statusCode).toBe(200);
    expect(answers[0]).toEqual(answers[1]);
  });

  it("fails the build when something else of undici is wanted", async () => {
    const wanted = bundled("fetch", 'export { fetch } from "undici";', undiciClient);
    await expect(wanted).rejects.toThrow(/No matching export.*fetch/);
  });
});
