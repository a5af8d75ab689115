// Calls to the hub: anonymously, or in a session whose writes are done once however often the wire fails.

import type { Clock } from "../clock.ts";
import { unexpectedShape } from "./answers.ts";
import { deliverOnce, endsSession, onlyReads, type Persistence, persist } from "./delivery.ts";
import { HubAnswerUnreadable, HubFault, HubLoginRefused, HubOffline, hubFault } from "./faults.ts";
import type { HubEndpoint } from "./transport.ts";
import { type HubWire, type OpenHubWire, openXmlRpcWire, type Send, type WireAnswer } from "./wire.ts";
import { readMemberOutcome } from "./xmlrpc/decode.ts";
import { named } from "./xmlrpc/encode.ts";
import { isArray, isStruct, member, type XmlRpcValue } from "./xmlrpc/values.ts";

export interface HubCall {
  readonly method: string;
  readonly params?: readonly XmlRpcValue[];
}

export type HubOutcome =
  | { readonly ok: true; readonly value: XmlRpcValue }
  | { readonly ok: false; readonly fault: HubFault };

export interface HubCaller {
  /**
   * Throws HubFault when the hub refuses; HubUnreachable or HubAnswerUnreadable when nothing was done; for a write
   * HubWriteAlreadyDone or HubOutcomeUnknown when its reply was lost.
   */
  call(method: string, params?: readonly XmlRpcValue[]): Promise<XmlRpcValue>;
  /** Many calls in one request and one transaction, where a refused one is undone alone. Throws as `call` does. */
  multiCall(calls: readonly HubCall[]): Promise<readonly HubOutcome[]>;
}

export interface HubReader extends HubCaller {
  /** The header Koji-Version, as last seen. */
  readonly version: string | null;
  /** How far the hub's clock is ahead of ours, in seconds, as last seen; whole ones, for the hub says no more. */
  readonly clockAhead: number;
  close(): Promise<void>;
}

export interface HubWriter extends HubReader {
  /** Ends the session, if there is one. The next call begins another. */
  logout(): Promise<void>;
}

export interface HubConnection extends HubEndpoint, Persistence {
  /** Default: XML-RPC over HTTP. */
  readonly openWire?: OpenHubWire;
}

/** What the answers' headers say of the hub itself. */
class HubHeaders {
  version: string | null = null;
  clockAhead = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note({ version, date }: WireAnswer): void {
    this.version = version ?? this.version;
    if (date === null) return;
    // The header has whole seconds, cut off, and is a little old: what is within that counts as no difference.
    const ahead = date + 0.5 - this.#clock.now();
    this.clockAhead = Math.abs(ahead) < CLOCK_NOISE_SECONDS ? 0 : Math.round(ahead);
  }
}

const CLOCK_NOISE_SECONDS = 3;

/** A connection for reading. Its calls may run side by side. */
export function connectAnonymously(options: HubConnection): HubReader {
  const wire = (options.openWire ?? openXmlRpcWire)(options);
  const headers = new HubHeaders(options.clock);
  const invoke: Invoke = ({ method, params = [] }) => {
    const send = wire.prepare("", method, params);
    return persist(options, async () => {
      const answer = await send();
      headers.note(answer);
      return answer.value;
    });
  };
  return {
    ...callerOf(invoke),
    get version() {
      return headers.version;
    },
    get clockAhead() {
      return headers.clockAhead;
    },
    close: () => wire.close(),
  };
}

/**
 * A session that logs in at its first call. `certificate` is PEM text with the certificate and its key; the login
 * name is the certificate's CN. Calls run one after the other, for the hub keeps the order (callnum).
 */
export function connectWithCertificate(options: HubConnection & { readonly certificate: string }): HubWriter {
  const { certificate } = options;
  if (!certificate.includes("-----BEGIN CERTIFICATE-----") || !/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(certificate)) {
    throw new TypeError("The login certificate must be PEM text that holds a certificate and its private key.");
  }
  const connection = new SessionConnection(options);
  return {
    ...callerOf((call, reads) => connection.inTurn(() => connection.invoke(call, reads))),
    get version() {
      return connection.headers.version;
    },
    get clockAhead() {
      return connection.headers.clockAhead;
    },
    logout: () => connection.inTurn(() => connection.logout()),
    close: () => connection.inTurn(() => connection.close()),
  };
}

/** `reads`: asking twice does no harm. */
type Invoke = (call: HubCall, reads: boolean) => Promise<XmlRpcValue>;

function callerOf(invoke: Invoke): HubCaller {
  return {
    call: async (method, params = []) => invoke({ method, params }, onlyReads(method)),
    async multiCall(calls) {
      if (calls.length === 0) return [];
      const members = calls.map(({ method, params = [] }) => ({ methodName: method, params }));
      const reads = calls.every(({ method }) => onlyReads(method));
      const outcomes = await invoke({ method: "multiCall", params: [members] }, reads);
      if (!isArray(outcomes) || outcomes.length !== calls.length) {
        throw unexpectedShape("multiCall", `it is no array of ${calls.length} outcomes`);
      }
      return outcomes.map((outcome, index) => readOutcome(outcome, calls[index]?.method ?? "multiCall"));
    },
  };
}

function readOutcome(outcome: XmlRpcValue, method: string): HubOutcome {
  const read = readMemberOutcome(outcome);
  if (!read) throw unexpectedShape("multiCall", `the outcome of ${method} is neither a result nor a fault`);
  if ("value" in read) return { ok: true, value: read.value };
  return { ok: false, fault: hubFault(read.fault.code, read.fault.text, method) };
}

const LOGOUT_SECONDS = 5;

interface Session {
  readonly id: number;
  readonly key: string;
  /** Of the next call; a multiCall counts as one. */
  callnum: number;
}

class SessionConnection {
  readonly headers: HubHeaders;
  readonly #options: HubConnection & { readonly certificate: string };
  readonly #openWire: OpenHubWire;
  readonly #wire: HubWire;
  #session: Session | null = null;
  #closed = false;
  #lastTurn: Promise<unknown> = Promise.resolve();

  constructor(options: HubConnection & { readonly certificate: string }) {
    this.#options = options;
    this.headers = new HubHeaders(options.clock);
    this.#openWire = options.openWire ?? openXmlRpcWire;
    // No certificate here: the session key stands for it from the login on.
    this.#wire = this.#openWire(options);
  }

  /** The hub holds the session's row while it works on a call, so a second one would only wait, or come out of order. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(work);
    this.#lastTurn = turn.catch(() => undefined);
    return turn;
  }

  async invoke(call: HubCall, reads: boolean): Promise<XmlRpcValue> {
    if (this.#closed) throw new Error(`${call.method} was called after the connection to the hub was closed.`);
    try {
      return await this.#deliver(await this.#logIn(false), call, reads);
    } catch (error) {
      if (!endsSession(error)) throw error;
    }
    // The fault proves that nothing was done, so the call may go out once more.
    this.#session = null;
    return this.#deliver(await this.#logIn(true), call, reads);
  }

  async logout(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    if (!session) return;
    // Once, briefly, and whatever comes of it: the hub sweeps idle sessions itself (koji-sweep-db), and an error or a
    // long wait here would only hide how the calls before it went.
    const options = { headers: headersOf(session, session.callnum), timeoutSeconds: LOGOUT_SECONDS };
    const send = this.#wire.prepare("", "logout", []);
    await send(options).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.logout();
    await this.#wire.close();
  }

  #deliver(session: Session, { method, params = [] }: HubCall, reads: boolean): Promise<XmlRpcValue> {
    const callnum = session.callnum++;
    const send = this.#wire.prepare("", method, params);
    const attempt = () => this.#send(session, callnum, send);
    return reads ? persist(this.#options, attempt) : deliverOnce(this.#options, method, attempt);
  }

  async #send(session: Session, callnum: number, send: Send): Promise<XmlRpcValue> {
    try {
      const answer = await send({ headers: headersOf(session, callnum) });
      this.headers.note(answer);
      return answer.value;
    } catch (error) {
      throw concealed(error, session.key);
    }
  }

  async #logIn(again: boolean): Promise<Session> {
    if (this.#session) return this.#session;
    const wire = this.#openWire(this.#options, this.#options.certificate);
    try {
      const send = wire.prepare("/ssllogin", "sslLogin", named([], { proxyuser: null }));
      // A login whose reply was lost leaves an idle session behind; the hub sets no limit and sweeps them.
      const answer = await persist(this.#options, async () => {
        const reply = await send();
        this.headers.note(reply);
        return reply.value;
      });
      this.#session = readSession(answer);
      return this.#session;
    } catch (error) {
      if (error instanceof HubFault && !(error instanceof HubOffline)) throw new HubLoginRefused(error, again);
      throw error;
    } finally {
      await wire.close();
    }
  }
}

function headersOf({ id, key }: Session, callnum: number): { readonly [name: string]: string } {
  return { "Koji-Session-Id": String(id), "Koji-Session-Key": key, "Koji-Session-Callnum": String(callnum) };
}

function readSession(answer: XmlRpcValue): Session {
  const struct = isStruct(answer) ? answer : {};
  const id = member(struct, "session-id");
  const key = member(struct, "session-key");
  if (typeof id !== "number" || typeof key !== "string" || key === "") {
    throw unexpectedShape("sslLogin", "it has no session-id and session-key");
  }
  // Hubs before 1.31 do not read the headers: every call would be an anonymous one, and no fault would say so.
  if (member(struct, "header-auth") !== true) {
    throw unexpectedShape("sslLogin", "it does not offer sessions in headers (header-auth), which Koji has since 1.31");
  }
  return { id, key, callnum: 0 };
}

/** A hub with KojiTraceback = extended prints variables into its faults, and a proxy may echo headers. */
function concealed(error: unknown, key: string): unknown {
  const conceal = (text: string) => text.replaceAll(key, "[session key]");
  if (error instanceof HubFault && error.faultString.includes(key)) {
    return hubFault(error.code, conceal(error.faultString), error.method ?? undefined);
  }
  if (error instanceof HubAnswerUnreadable && `${error.message}${error.excerpt}`.includes(key)) {
    const { status, retryable, excerpt } = error;
    return new HubAnswerUnreadable(conceal(error.message), { status, retryable, excerpt: conceal(excerpt) });
  }
  return error;
}
