// One HTTP request to the hub and its answer, as the hub's WSGI application gives it; everything but sockets and TLS.

import { decodeCall } from "../../../../shared/hub/xmlrpc/decode.ts";
import { encodeFault, encodeResponse } from "../../../../shared/hub/xmlrpc/encode.ts";
import { XmlRpcSyntaxError, type XmlRpcValue, XmlRpcValueError } from "../../../../shared/hub/xmlrpc/values.ts";
import type { HubContext } from "../context.ts";
import { authError, KojiFault, pythonError } from "../fault.ts";
import { type ClientCertificate, type Credentials, callerOf } from "../sessions.ts";
import { assertMethod, dispatch } from "./dispatch.ts";
import { KOJI_VERSION } from "./reads.ts";

export interface HubRequest {
  readonly method: string;
  /** `/kojihub` or `/kojihub/ssllogin`, with its query. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: { readonly [name: string]: string | string[] | undefined };
  readonly body: Uint8Array | string;
  /** The client's certificate as the web server verified it; looked at under `/ssllogin` only. */
  readonly ssl?: ClientCertificate | null;
}

export interface HubAnswer {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  readonly body: string;
  /** Whether the call changed anything. */
  readonly wrote: boolean;
}

const NO_CERTIFICATE: ClientCertificate = { verify: null, commonName: null };

export function answer(hub: HubContext, request: HubRequest): HubAnswer {
  const given = answerTo(hub, request);
  // The web server's, which has the hub's clock.
  return { ...given, headers: { ...given.headers, Date: new Date(hub.clock.now() * 1000).toUTCString() } };
}

function answerTo(hub: HubContext, request: HubRequest): HubAnswer {
  if (request.method !== "POST") {
    const text = "Method Not Allowed\nThis is an XML-RPC server. Only POST requests are accepted.\n";
    return plain(405, text, { Allow: "POST" });
  }
  if (hub.settings.offline !== null) return xml(encodeFault(1014, hub.settings.offline));
  const length = Buffer.byteLength(request.body);
  if (length === 0) return plain(400, "Invalid request: Empty request\n");
  if (length > hub.settings.maxRequestLength) return plain(400, "Invalid request: Request too long\n");
  try {
    const { method, params } = decodeCall(request.body, { exactDoubles: true });
    return call(hub, request, method, params);
  } catch (error) {
    if (error instanceof XmlRpcSyntaxError) return plain(400, `Invalid request: ${error.problem}\n`);
    throw error;
  }
}

function call(hub: HubContext, request: HubRequest, method: string, params: readonly XmlRpcValue[]): HubAnswer {
  const outcome = transact(hub, request, method, params, encodeResponse);
  if (!outcome.ok) return xml(encodeFault(outcome.code, outcome.text));
  return { ...xml(outcome.value), wrote: outcome.wrote };
}

/** A call whose values were handed over as they are: no document was written or read. */
export interface ValueRequest extends Pick<HubRequest, "url" | "headers" | "ssl"> {
  readonly method: string;
  readonly params: readonly XmlRpcValue[];
}

/** `wrote`: whether the call changed anything. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T; readonly wrote: boolean }
  | { readonly ok: false; readonly code: number; readonly text: string };

/** The same as `answer` without XML. `finish` makes of the result what leaves the hub; it must not keep the hub's rows. */
export function answerValues<T>(
  hub: HubContext,
  request: ValueRequest,
  finish: (result: XmlRpcValue) => T,
): Outcome<T> {
  if (hub.settings.offline !== null) return { ok: false, code: 1014, text: hub.settings.offline };
  return transact(hub, request, request.method, request.params, finish);
}

/** One transaction: a fault takes everything back; the callnum is kept only with something else that was written. */
function transact<T>(
  hub: HubContext,
  request: Pick<HubRequest, "url" | "headers" | "ssl">,
  method: string,
  params: readonly XmlRpcValue[],
  finish: (result: XmlRpcValue) => T,
): Outcome<T> {
  const { journal } = hub.tables;
  journal.begin();
  try {
    assertMethod(method);
    const credentials = readCredentials(request);
    const caller = callerOf(hub, credentials, method);
    const value = finish(dispatch({ hub, caller, ssl: certificate(request) }, method, params));
    const wrote = journal.writes > 0;
    const { user, session } = caller;
    if (wrote && user !== null && session !== null && credentials?.callnum != null)
      session.callnum = credentials.callnum;
    journal.commit();
    return { ok: true, value, wrote };
  } catch (error) {
    journal.rollback();
    if (error instanceof KojiFault) return { ok: false, code: error.code, text: error.faultString };
    if (error instanceof XmlRpcValueError) {
      return { ok: false, code: 1, text: "<class 'OverflowError'>: long int exceeds XML-RPC limits" };
    }
    throw error;
  }
}

function certificate({ url, ssl }: Pick<HubRequest, "url" | "ssl">): ClientCertificate {
  return /\/ssllogin(\?|$)/.test(url) ? (ssl ?? NO_CERTIFICATE) : NO_CERTIFICATE;
}

/** Headers first, else the query of the URL as clients before 1.31 send it; null = anonymous. */
function readCredentials({ headers, url }: Pick<HubRequest, "headers" | "url">): Credentials | null {
  const header = (name: string) => headers[name]?.toString();
  const id = header("koji-session-id");
  if (id !== undefined) {
    const key = header("koji-session-key");
    if (key === undefined) throw pythonError("KeyError", "'HTTP_KOJI_SESSION_KEY'");
    const callnum = header("koji-session-callnum") ?? header("koji-callnum");
    return { id: pythonInt(id), key, callnum: callnum === undefined ? null : pythonInt(callnum) };
  }
  const query = new URLSearchParams(url.split("?")[1] ?? "");
  if (query.size === 0) return null;
  const [queryId, key, callnum] = ["session-id", "session-key", "callnum"].map((name) => query.get(name));
  if (queryId == null) throw authError("'session-id' not specified in session args");
  if (key == null) throw authError("'session-key' not specified in session args");
  return { id: pythonInt(queryId), key, callnum: callnum == null ? null : pythonInt(callnum) };
}

function pythonInt(text: string): number {
  if (/^\s*[+-]?\d+\s*$/.test(text)) return Number(text);
  throw pythonError("ValueError", `invalid literal for int() with base 10: '${text}'`);
}

function xml(body: string): HubAnswer {
  return { status: 200, headers: headersFor(body, "text/xml"), body, wrote: false };
}

function plain(status: number, body: string, more: { readonly [name: string]: string } = {}): HubAnswer {
  return { status, headers: { ...headersFor(body, "text/plain"), ...more }, body, wrote: false };
}

function headersFor(body: string, type: string): { [name: string]: string } {
  return {
    "Content-Length": String(Buffer.byteLength(body)),
    "Koji-Version": KOJI_VERSION,
    "Content-Type": type,
  };
}
