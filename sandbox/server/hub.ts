// The hub model on loopback sockets: /kojihub over HTTP, over HTTPS with client certificates, or behind a real Apache.

import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type SecureVersion, TLSSocket } from "node:tls";
import type { Clock } from "../../shared/clock.ts";
import type { ClientCertificate, Hub, HubAnswer } from "../world/hub/index.ts";
import type { CertificateAndKey } from "./certificates.ts";
import { type Mishap, Mishaps } from "./mishaps.ts";

export interface HubServerInput {
  readonly hub: Hub;
  /** For mishaps that take time. */
  readonly clock: Pick<Clock, "sleep">;
  /** Default: any free one. */
  readonly port?: number;
  readonly host?: string;
  readonly tls?: HubServerTls;
  /** A web server in front has verified the client: X-SSL-Client-Verify and X-SSL-Client-CN are believed. */
  readonly trustProxy?: boolean;
}

export interface HubServerTls extends CertificateAndKey {
  /** PEM of the CA of client certificates, which are asked for on every connection and are optional. */
  readonly clientCa: string;
  readonly port?: number;
  readonly minVersion?: SecureVersion;
  readonly maxVersion?: SecureVersion;
}

export interface HubServer {
  /** `http://127.0.0.1:PORT/kojihub` */
  readonly url: string;
  readonly httpsUrl: string | null;
  /** What happens to the next request, or the next one that the mishap is for. */
  inject(mishap: Mishap): void;
  close(): Promise<void>;
}

export async function startHubServer(input: HubServerInput): Promise<HubServer> {
  const mishaps = new Mishaps(input.clock);
  const listener: RequestListener = (request, response) => void serve(input, mishaps, request, response);
  const host = input.host ?? "127.0.0.1";
  const plain = await listen(createServer(listener), host, input.port);
  const secure = input.tls === undefined ? null : await listen(createSecure(input.tls, listener), host, input.tls.port);
  const servers = secure === null ? [plain] : [plain, secure];
  return {
    url: `http://${host}:${portOf(plain)}/kojihub`,
    httpsUrl: secure === null ? null : `https://${host}:${portOf(secure)}/kojihub`,
    inject: (mishap) => mishaps.add(mishap),
    close: async () => {
      await Promise.all(servers.map(close));
    },
  };
}

function createSecure(tls: HubServerTls, listener: RequestListener): Server {
  const { certificate, key, clientCa, minVersion, maxVersion } = tls;
  const server = createTlsServer(
    {
      cert: certificate,
      key,
      ca: clientCa,
      requestCert: true,
      rejectUnauthorized: false,
      ...(minVersion === undefined ? {} : { minVersion }),
      ...(maxVersion === undefined ? {} : { maxVersion }),
    },
    listener,
  );
  // mod_ssl ends the connection when a certificate is shown that its CA did not sign; showing none is allowed.
  server.on("secureConnection", (socket) => {
    if (!socket.authorized && commonName(socket) !== null) socket.destroy();
  });
  return server;
}

function listen(server: Server, host: string, port = 0): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function serve(
  input: HubServerInput,
  mishaps: Mishaps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const url = request.url ?? "";
    const body = await readBody(request, input.hub.settings.maxRequestLength);
    if (!/^\/kojihub(\/ssllogin)?(\?|$)/.test(url)) {
      page(response, 404, "Not Found");
      return;
    }
    const { method = "", headers } = request;
    const answer = () => input.hub.answer({ method, url, headers, body, ssl: clientCertificate(input, request) });
    if (!(await mishaps.take(body, answer, response))) send(response, answer());
  } catch (error) {
    // An error of the model itself, or a client that went away.
    if (response.headersSent || response.destroyed) response.destroy();
    else page(response, 500, error instanceof Error ? error.message : "Internal Server Error");
  }
}

/** Whole, or just longer than the limit: the hub looks at no more than that either. */
async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request) {
    if (size > limit || !Buffer.isBuffer(piece)) continue;
    pieces.push(piece);
    size += piece.length;
  }
  return Buffer.concat(pieces);
}

function send(response: ServerResponse, { status, headers, body }: HubAnswer): void {
  response.writeHead(status, headers).end(body);
}

/** A page of the web server, not of the hub. */
function page(response: ServerResponse, status: number, title: string): void {
  const html = `<!DOCTYPE HTML>\n<html><head>\n<title>${status} ${title}</title>\n</head><body>\n<h1>${title}</h1>\n</body></html>\n`;
  response.writeHead(status, { "Content-Type": "text/html; charset=iso-8859-1" }).end(html);
}

function clientCertificate(input: HubServerInput, { socket, headers }: IncomingMessage): ClientCertificate | null {
  if (socket instanceof TLSSocket) {
    const verify = socket.authorized ? "SUCCESS" : "NONE";
    return { verify, commonName: socket.authorized ? commonName(socket) : null };
  }
  if (input.trustProxy !== true) return null;
  // mod_headers writes "(null)" for a variable that is not set.
  const header = (name: string) => headers[name]?.toString().replace(/^\(null\)$/, "") || null;
  return { verify: header("x-ssl-client-verify"), commonName: header("x-ssl-client-cn") };
}

function commonName(socket: TLSSocket): string | null {
  // No certificate: an object without subject, or null once the connection is gone.
  const name = socket.getPeerCertificate()?.subject?.CN;
  return typeof name === "string" && name !== "" ? name : null;
}
