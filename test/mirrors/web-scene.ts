// What tests of the fetcher share: a folder with two files, servers and fetchers that end with each test.

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach } from "vitest";
import type { Answered, Asked, MirrorFetcher } from "../../shared/mirrors/fetcher.ts";
import { type FetcherOptions, openFetcher } from "../../shared/mirrors/http.ts";
import { problemOf } from "../../shared/mirrors/trouble.ts";
import type { Problem } from "../../shared/mirrors/types.ts";
import { serveFolder, type WebOptions, type WebRule, type WebServer } from "./web-server.ts";

export const folder = mkdtempSync(join(tmpdir(), "toji-web-"));
/** The content of primary.xml.gz; that of repomd.xml is "<repomd/>". */
export const large = randomBytes(300_000);
writeFileSync(join(folder, "repomd.xml"), "<repomd/>");
writeFileSync(join(folder, "primary.xml.gz"), large);

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

export async function serve(
  rules: Readonly<Record<string, WebRule>> = {},
  options: WebOptions = {},
): Promise<WebServer> {
  const server = await serveFolder(folder, { ...options, rules: new Map(Object.entries(rules)) });
  closing.push(() => server.close());
  return server;
}

export function open(options: FetcherOptions = {}): MirrorFetcher {
  const fetcher = openFetcher(options);
  closing.push(() => fetcher.close());
  return fetcher;
}

export const asked = (more: Partial<Asked> = {}): Asked => ({
  signal: new AbortController().signal,
  maxBytes: 1_000_000,
  ...more,
});

export async function bytesOf(answer: Pick<Answered, "body">): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of answer.body) pieces.push(piece);
  return Buffer.concat(pieces);
}

export const problemIn = (promise: Promise<unknown>): Promise<Problem> =>
  promise.then(() => Promise.reject(new Error("nothing went wrong")), problemOf);

export const kindOf = async (promise: Promise<unknown>) => (await problemIn(promise)).kind;

export const read = async (fetcher: MirrorFetcher, url: string, more: Partial<Asked> = {}) =>
  bytesOf(await fetcher.get(url, asked(more)));
