// What looks at mirrors works from a bundle as it does from its sources: HTTP, signatures, decompression; the last two are
// read when they are first needed, and not by a start.

import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import * as openpgp from "openpgp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bundle, bundle } from "../../infra/bundle.ts";
import { copyProject, node, removeProject } from "./project.ts";

/** "a package\n". */
const XZ = "/Td6WFoAAATm1rRGAgAhARwAAAAQz1jMAQAJYSBwYWNrYWdlCgAAAKDseDixLE7dAAEiChUa4WcftvN9AQAAAAAEWVo=";

const ENTRY = `
import { decompress } from "./shared/mirrors/formats/decompress.ts";
import { verifySignature } from "./shared/mirrors/formats/signature.ts";
import { openFetcher } from "./shared/mirrors/http.ts";

export async function fetched(url: string): Promise<string> {
  const fetcher = openFetcher();
  const { signal } = new AbortController();
  const { body } = await fetcher.get(url, { signal, maxBytes: 100 });
  const text = Buffer.concat(await Array.fromAsync(body)).toString();
  await fetcher.close();
  return text;
}
export async function verified(document: string, signature: string, key: string): Promise<string> {
  return (await verifySignature(Buffer.from(document), signature, [key], new Date())).state;
}
export async function opened(base64: string): Promise<string> {
  const chunks = [Buffer.from(base64, "base64")];
  return Buffer.concat(await Array.fromAsync(decompress("xz", (async function* () { yield* chunks; })(), 100))).toString();
}
`;

let root: string;
let made: Bundle;
let server: Server;

beforeAll(async () => {
  root = copyProject();
  writeFileSync(join(root, "entry.ts"), ENTRY);
  made = await bundle({ root, entry: "entry.ts" });
  for (const { path, content } of made.code) {
    const place = join(root, "out", path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, content);
  }
  writeFileSync(join(root, "out/package.json"), '{"type":"module"}');
  server = createServer((_, response) => response.end("a mirror"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  server.close();
  removeProject(root);
});

/** What a function of the entry answers, called in a Node of its own that has nothing but the bundle. */
async function ask(name: string, ...given: readonly string[]): Promise<string> {
  const script = `
    const entry = await import(process.argv[1]);
    console.log(await entry[process.argv[2]](...process.argv.slice(3)));
  `;
  const entry = join(root, "out/entry.js");
  return await node(join(root, "out"), {}, "--input-type=module", "--eval", script, entry, name, ...given);
}

describe("a look at a mirror, from a bundle", () => {
  it("asks over HTTP", async () => {
    const address = server.address();
    expect(await ask("fetched", `http://127.0.0.1:${(address as AddressInfo).port}/repodata/repomd.xml`)).toBe(
      "a mirror\n",
    );
  });

  it("checks a signature", async () => {
    const { privateKey, publicKey } = await openpgp.generateKey({
      userIDs: [{ name: "Example Packages", email: "packages@example.org" }],
      format: "object",
    });
    const message = await openpgp.createMessage({ binary: Buffer.from("<repomd/>") });
    const signature = await openpgp.sign({ message, signingKeys: privateKey, detached: true });
    expect(await ask("verified", "<repomd/>", String(signature), publicKey.armor())).toBe("good\n");
    expect(await ask("verified", "<repomd />", String(signature), publicKey.armor())).toBe("bad\n");
  });

  it("reads xz", async () => {
    expect(await ask("opened", XZ)).toBe("a package\n\n");
  });

  it("reads OpenPGP and xz only when they are needed", () => {
    const codeBytes = made.code.reduce((sum, { content }) => sum + content.length, 0);
    const late = made.code.filter(({ path }) => /openpgp|xz-decompress/.test(path));
    expect(late.length).toBe(2);
    const lateBytes = late.reduce((sum, { content }) => sum + content.length, 0);
    expect(made.startBytes).toBeLessThanOrEqual(codeBytes - lateBytes);
    expect(made.startBytes / 1024).toBeLessThan(200);
  });
});
