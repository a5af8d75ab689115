// Mirrors for tests: a folder served over real HTTP or HTTPS, with rules for paths that are to go wrong.

import { createReadStream, readFileSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, createServer as createPlainServer, type Server as PlainServer, type Socket } from "node:net";
import { join, normalize } from "node:path";
import { pipeline } from "node:stream/promises";
import type { CertificateAndKey } from "../../sandbox/server/certificates.ts";

/** What a path answers instead of its file. HEAD gets the same without the body. */
export type WebRule =
  /** With an empty body; `headers` may have what it takes. */
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** Another path or a whole address. */
  | { readonly redirect: string; readonly status?: 301 | 302 | 303 | 307 | 308 }
  | { readonly body: string | Uint8Array; readonly headers?: Readonly<Record<string, string>> }
  /** So many bytes of the file as declared in whole, then the connection ends. */
  | { readonly truncate: number }
  /** The file's bytes and these headers with it. */
  | { readonly headers: Readonly<Record<string, string>> }
  | ((request: IncomingMessage, response: ServerResponse) => void);

export interface WebOptions {
  /** Before each answer. */
  readonly latencyMilliseconds?: number;
  readonly tls?: CertificateAndKey & { readonly maxVersion?: "TLSv1.1" | "TLSv1.2" };
  /** By path without the query, such as "/repodata/repomd.xml"; may be changed at any time. */
  readonly rules?: Map<string, WebRule>;
}

export interface WebServer {
  /** Without a slash at its end. */
  readonly url: string;
  readonly port: number;
  readonly requests: readonly { readonly method: string; readonly path: string }[];
  readonly rules: Map<string, WebRule>;
  /** Open ones at the same time, the most so far. */
  readonly maxConnections: number;
  /** All that were ever opened. */
  readonly connections: number;
  close(): Promise<void>;
}

/** On a free port of 127.0.0.1. */
export async function serveFolder(folder: string, options: WebOptions = {}): Promise<WebServer> {
  const rules = options.rules ?? new Map<string, WebRule>();
  const requests: { method: string; path: string }[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://127.0.0.1").pathname);
    requests.push({ method: request.method ?? "", path });
    const act = () => void answerOne(folder, path, rules.get(path), request, response);
    if (options.latencyMilliseconds === undefined) act();
    else setTimeout(act, options.latencyMilliseconds);
  };
  const server = openServer(options.tls, answer);
  const counted = countConnections(server);
  await listen(server);
  const port = portOf(server);
  return {
    url: `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    port,
    requests,
    rules,
    get maxConnections() {
      return counted.most;
    },
    get connections() {
      return counted.all;
    },
    close: () => closeServer(server, counted.open),
  };
}

function openServer(
  tls: WebOptions["tls"],
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  if (tls === undefined) return createServer(answer);
  const { certificate: cert, key, maxVersion } = tls;
  // Old versions are refused by OpenSSL's own security level unless that is lowered.
  const old = maxVersion === "TLSv1.1" ? { minVersion: "TLSv1" as const, ciphers: "DEFAULT@SECLEVEL=0" } : {};
  return createSecureServer({ cert, key, ...(maxVersion === undefined ? {} : { maxVersion }), ...old }, answer);
}

async function answerOne(
  folder: string,
  path: string,
  rule: WebRule | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (typeof rule === "function") return rule(request, response);
  if (rule === undefined) return sendFile(folder, path, {}, request, response);
  if ("redirect" in rule) return end(response, rule.status ?? 302, { location: rule.redirect });
  if ("truncate" in rule) return truncate(folder, path, rule.truncate, response);
  if ("status" in rule) return end(response, rule.status, rule.headers ?? {});
  if (!("body" in rule)) return sendFile(folder, path, rule.headers, request, response);
  const body = Buffer.from(rule.body);
  response.writeHead(200, { "content-length": body.length, ...rule.headers });
  response.end(request.method === "HEAD" ? undefined : body);
}

function end(response: ServerResponse, status: number, headers: Readonly<Record<string, string>>): void {
  response.writeHead(status, { "content-length": 0, ...headers });
  response.end();
}

async function sendFile(
  folder: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const file = join(folder, normalize(`/${path}`));
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat?.isFile() !== true) return end(response, 404, {});
  response.writeHead(200, { "content-length": stat.size, "last-modified": stat.mtime.toUTCString(), ...headers });
  if (request.method === "HEAD") return void response.end();
  // A client that leaves is none of the server's trouble.
  await pipeline(createReadStream(file), response).catch(() => response.destroy());
}

function truncate(folder: string, path: string, bytes: number, response: ServerResponse): void {
  const whole = readFileSync(join(folder, normalize(`/${path}`)));
  response.writeHead(200, { "content-length": whole.length });
  response.write(whole.subarray(0, bytes), () => response.socket?.destroySoon());
}

/** Bytes as they are, whatever HTTP says: `speak` has each connection. */
export async function serveRaw(speak: (socket: Socket) => void): Promise<{
  readonly url: string;
  readonly port: number;
  readonly connections: number;
  close(): Promise<void>;
}> {
  const server = createPlainServer((socket) => {
    socket.on("error", () => socket.destroy());
    speak(socket);
  });
  const counted = countConnections(server);
  await listen(server);
  const port = portOf(server);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    get connections() {
      return counted.all;
    },
    close: () => closeServer(server, counted.open),
  };
}

function countConnections(server: PlainServer) {
  const counted = { open: new Set<Socket>(), most: 0, all: 0 };
  server.on("connection", (socket: Socket) => {
    counted.open.add(socket);
    counted.all += 1;
    socket.once("close", () => counted.open.delete(socket));
    // What ended before this one began may be heard of in the same turn of the loop, and its close at the end of that.
    setImmediate(() => setImmediate(() => (counted.most = Math.max(counted.most, counted.open.size))));
  });
  return counted;
}

function listen(server: PlainServer): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve());
  });
}

function portOf(server: PlainServer): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}

function closeServer(server: PlainServer, open: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of open) socket.destroy();
  });
}
