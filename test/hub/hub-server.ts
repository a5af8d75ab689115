// A hub small enough to read, on a real socket: sessions, callnums and commits as kojihub/auth.py has them, and a wire
// that fails to order.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { TLSSocket } from "node:tls";
import type { Clock } from "../../shared/clock.ts";
import { HubFault } from "../../shared/hub/faults.ts";
import { decodeCall } from "../../shared/hub/xmlrpc/decode.ts";
import { encodeFault, encodeResponse } from "../../shared/hub/xmlrpc/encode.ts";
import { isArray, isStruct, member, type XmlRpcValue } from "../../shared/hub/xmlrpc/values.ts";
import type { TestCa } from "./certificates.ts";

export interface Exchange {
  readonly path: string;
  readonly tls: string | null;
  readonly clientName: string | null;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** What happens to one exchange in place of a reply; `act` lets the hub do the call and gives its answer. */
export type Mishap = (exchange: { act(): string; readonly response: ServerResponse }) => void;

interface Session {
  readonly key: string;
  /** That of the last call which committed something. */
  callnum: number | null;
  ended: HubFault | null;
}

export class TestHub {
  readonly exchanges: Exchange[] = [];
  /** Every write that was done, as `method(params)`. */
  readonly commits: string[] = [];
  /** For the next exchanges, the first for the next one; undefined = none. */
  readonly ahead: (Mishap | undefined)[] = [];
  readonly sessions = new Map<number, Session>();
  offline: string | null = null;
  /** Null lets everyone in whose certificate the CA signed. */
  refuseLogins: string | null = null;
  loginAnswer: (id: number, key: string) => XmlRpcValue = (id, key) => ({
    "session-id": id,
    "session-key": key,
    "header-auth": true,
  });
  /** What a call gives; throws HubFault to refuse. Reads are the methods that begin with get or list. */
  perform: (method: string, params: readonly XmlRpcValue[]) => XmlRpcValue = () => null;
  mostAtOnce = 0;
  #atOnce = 0;
  readonly #server: Server;
  readonly #secure: boolean;

  private constructor(server: Server, secure: boolean) {
    this.#server = server;
    this.#secure = secure;
    server.on("request", (request, response) => void this.#serve(request, response));
  }

  /** With a CA: HTTPS that asks every client for a certificate and accepts none. Without: HTTP, and every login is `tester`'s. */
  static async start(ca?: TestCa): Promise<TestHub> {
    const own = await ca?.issue("hub.meadowlark.test");
    const server =
      ca && own !== undefined
        ? createTlsServer({ cert: own, key: own, ca: ca.certificate, requestCert: true, rejectUnauthorized: false })
        : createServer();
    const hub = new TestHub(server, ca !== undefined);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return hub;
  }

  get url(): string {
    const { port }: Pick<AddressInfo, "port"> = Object(this.#server.address());
    return `${this.#secure ? "https" : "http"}://127.0.0.1:${port}/kojihub`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  endSessions(code: number, text: string): void {
    for (const session of this.sessions.values()) session.ended = new HubFault(code, text);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce);
    const pieces: Uint8Array[] = [];
    for await (const piece of request) pieces.push(piece);
    const { socket } = request;
    const exchange: Exchange = {
      path: request.url ?? "",
      tls: socket instanceof TLSSocket ? socket.getProtocol() : null,
      clientName: socket instanceof TLSSocket ? nameOf(socket) : "tester",
      headers: request.headers,
      body: Buffer.concat(pieces).toString(),
    };
    this.exchanges.push(exchange);
    const act = () => this.#answer(exchange);
    const mishap = this.ahead.shift();
    // One turn of the event loop, so that calls that are not in turn would overlap.
    await new Promise((resolve) => setImmediate(resolve));
    if (mishap) mishap({ act, response });
    else response.writeHead(200, { "content-type": "text/xml", "koji-version": "1.35.3" }).end(act());
    this.#atOnce--;
  }

  #answer(exchange: Exchange): string {
    try {
      return encodeResponse(this.#dispatch(exchange));
    } catch (error) {
      // A mistake of the test's own is a fault 1, as any Python exception is on the hub.
      return error instanceof HubFault ? encodeFault(error.code, error.faultString) : encodeFault(1, String(error));
    }
  }

  #dispatch({ path, headers, body, clientName }: Exchange): XmlRpcValue {
    if (this.offline !== null) throw new HubFault(1014, this.offline);
    const { method, params } = decodeCall(body, { exactDoubles: true });
    if (path === "/kojihub/ssllogin") return this.#logIn(clientName);
    const before = this.commits.length;
    const session = this.#sessionOf(headers, method);
    const value = method === "multiCall" ? this.#performAll(params) : this.#performOne(method, params);
    if (session && this.commits.length > before) session.callnum = Number(headers["koji-session-callnum"]);
    return value;
  }

  #logIn(clientName: string | null): XmlRpcValue {
    if (this.refuseLogins !== null) throw new HubFault(1002, this.refuseLogins);
    if (clientName === null) throw new HubFault(1002, "could not verify client: NONE");
    const id = this.sessions.size + 1;
    const key = `2-SecretOfSession${id}xyz`;
    this.sessions.set(id, { key, callnum: null, ended: null });
    return this.loginAnswer(id, key);
  }

  #sessionOf(headers: IncomingMessage["headers"], method: string): Session | null {
    if (headers["koji-session-id"] === undefined) return null;
    const session = this.sessions.get(Number(headers["koji-session-id"]));
    if (!session || session.key !== headers["koji-session-key"])
      throw new HubFault(1002, "Invalid session or bad credentials");
    if (session.ended) throw session.ended;
    const callnum = Number(headers["koji-session-callnum"]);
    if (session.callnum !== null && session.callnum > callnum)
      throw new HubFault(1008, `${session.callnum} > ${callnum} (session 1)`);
    if (session.callnum === callnum)
      throw new HubFault(1009, `unable to retry call ${callnum} (method ${method}) for session 1`);
    return session;
  }

  #performOne(method: string, params: readonly XmlRpcValue[]): XmlRpcValue {
    if (method === "logout") {
      this.endSessions(1002, "Invalid session or bad credentials");
      return null;
    }
    const value = this.perform(method, params);
    if (!/^(?:get|list)/.test(method)) this.commits.push(`${method}(${params.map(String).join(", ")})`);
    return value;
  }

  #performAll([calls]: readonly XmlRpcValue[]): XmlRpcValue {
    return (isArray(calls) ? calls : []).map((call): XmlRpcValue => {
      const params = isStruct(call) ? member(call, "params") : undefined;
      try {
        return [this.#performOne(String(isStruct(call) && member(call, "methodName")), isArray(params) ? params : [])];
      } catch (error) {
        if (!(error instanceof HubFault)) throw error;
        return {
          faultCode: error.code,
          faultString: error.faultString,
          traceback: ["Traceback (most recent call last):\n"],
        };
      }
    });
  }
}

function nameOf(socket: TLSSocket): string | null {
  const name = socket.authorized ? socket.getPeerCertificate().subject?.CN : undefined;
  return typeof name === "string" ? name : null;
}

export const loseRequest: Mishap = ({ response }) => void response.socket?.destroy();
export const loseReply: Mishap = ({ act, response }) => {
  act();
  response.socket?.destroy();
};
/** The whole length is announced, half of it comes. */
export const cutReply: Mishap = ({ act, response }) => {
  const answer = act();
  response.writeHead(200, { "content-length": answer.length });
  response.write(answer.slice(0, answer.length / 2), () => response.socket?.destroy());
};
/** Half comes, and looks whole to HTTP. */
export const truncateReply: Mishap = ({ act, response }) => {
  const answer = act();
  response.writeHead(200).end(answer.slice(0, answer.length / 2));
};
export const badGateway: Mishap = ({ response }) =>
  void response.writeHead(502).end("<html><h1>Proxy Error</h1></html>");
export const badGatewayAfterwards: Mishap = ({ act, response }) => {
  act();
  response.writeHead(502).end("<html><h1>Proxy Error</h1></html>");
};
export const silence: Mishap = () => {};
export const answer =
  (status: number, body: string | Uint8Array, headers: { readonly [name: string]: string } = {}): Mishap =>
  ({ response }) =>
    void response.writeHead(status, { ...headers }).end(body);

/** Time that passes at once, and is remembered. */
export function instantClock(): Clock & { readonly slept: number[] } {
  const slept: number[] = [];
  return {
    slept,
    now: () => slept.reduce((sum, seconds) => sum + seconds, 0),
    sleep: async (seconds) => void slept.push(seconds),
  };
}
