// The console's page over HTTP, for browsers on this machine only: the page, the state, the state as events.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type Asset, readAssets } from "./assets.ts";
import type { ConsoleState } from "./state.ts";
import { createEventStream, EVENTS_TYPE, type EventStream } from "./stream.ts";

export interface ConsoleOptions {
  /** 0 = any free port. */
  readonly port: number;
  readonly host: "127.0.0.1";
  read(): ConsoleState;
}

export interface Console {
  /** With a slash at the end. */
  readonly url: string;
  close(): Promise<void>;
}

const SECURITY_HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
} as const;

// A page elsewhere can point its own name at 127.0.0.1 (DNS rebinding); its requests then carry that name.
const LOCAL_HOST = /^(127\.0\.0\.1|localhost)(:\d{1,5})?$/i;

/** Throws one sentence when the port is taken. */
export async function startConsole({ port, host, read }: ConsoleOptions): Promise<Console> {
  const assets = await readAssets();
  const readText = (): string => JSON.stringify(read());
  const events = createEventStream(readText);
  const server = createServer((request, response) => answer({ assets, events, readText }, request, response));
  await listen(server, port, host);
  const address = server.address();
  return {
    url: `http://${host}:${typeof address === "object" && address !== null ? address.port : port}/`,
    close: () =>
      new Promise((resolve) => {
        events.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why =
        error.code === "EADDRINUSE"
          ? `port ${port} of ${host} is in use: choose another one, or stop what listens there`
          : `port ${port} of ${host} cannot be opened: ${error.message}`;
      reject(new Error(`the console has no page: ${why}`, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
}

interface Room {
  readonly assets: ReadonlyMap<string, Asset>;
  readonly events: EventStream;
  readText(): string;
}

interface Answer extends Asset {
  readonly status: number;
}

function answer(room: Room, request: IncomingMessage, response: ServerResponse): void {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
  const refusal = refuse(request);
  const address = (request.url ?? "").split("?", 1)[0] ?? "";
  if (refusal === null && address === "/events" && request.method === "GET" && room.events.add(response)) return;
  const { status, type, body } = refusal ?? find(room, address, request.method === "HEAD");
  if (status === 405) response.setHeader("allow", "GET, HEAD");
  response.writeHead(status, { "content-type": type, "content-length": body.length }).end(body);
}

function refuse({ method, headers }: IncomingMessage): Answer | null {
  if (!LOCAL_HOST.test(headers.host ?? "")) return say(421, "This console answers to 127.0.0.1 and localhost only.");
  return method === "GET" || method === "HEAD" ? null : say(405, "This console can only be read.");
}

function find(room: Room, address: string, headOnly: boolean): Answer {
  if (address === "/state") return findState(room);
  if (address === "/events") {
    return headOnly
      ? { status: 200, type: EVENTS_TYPE, body: Buffer.alloc(0) }
      : say(503, "Too many pages look at this console: close one of them.");
  }
  const asset = room.assets.get(address);
  return asset === undefined ? say(404, "There is nothing at this address.") : { status: 200, ...asset };
}

function findState(room: Room): Answer {
  try {
    return { status: 200, type: "application/json", body: Buffer.from(room.readText()) };
  } catch (error) {
    return say(500, `The state cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function say(status: number, sentence: string): Answer {
  return { status, type: "text/plain; charset=utf-8", body: Buffer.from(`${sentence}\n`) };
}
