// The way to the hub model inside one process: the wire that Toji's calls travel on, with what can go wrong on it.

import { readAnswer, refusedByServer } from "../../../shared/hub/answers.ts";
import { onlyReads } from "../../../shared/hub/delivery.ts";
import {
  HubAnswerUnreadable,
  HubUnreachable,
  hubFault,
  type OpenHubWire,
  type Send,
  type WireAnswer,
} from "../../../shared/hub/index.ts";
import type { HubEndpoint } from "../../../shared/hub/transport.ts";
import { encodeCall } from "../../../shared/hub/xmlrpc/encode.ts";
import { isArray, isStruct, member, type XmlRpcValue } from "../../../shared/hub/xmlrpc/values.ts";
import type { VirtualClock } from "../clock.ts";
import type { Hub } from "./hub.ts";
import { asAnswered, asSent } from "./passed-values.ts";
import { KOJI_VERSION } from "./rpc/reads.ts";
import type { ClientCertificate } from "./sessions.ts";

/** What is asked, as far as a mishap may depend on it. */
export interface WireRequest {
  readonly path: "" | "/ssllogin";
  readonly method: string;
  /** The members of a multiCall; else the method alone. */
  readonly members: readonly string[];
  /** Whether any of it may change something. */
  readonly writes: boolean;
  /** With a session's credentials. */
  readonly inSession: boolean;
}

/** What happens to one request. `applied`: the hub does it all the same, and only the answer is lost. */
export type WireMishap =
  /** Seconds on the way there and on the way back; past the client's timeout it gives up, the hub does not. */
  | { readonly kind: "slow"; readonly thereSeconds: number; readonly backSeconds: number }
  /** The web server's own page. */
  | { readonly kind: "page"; readonly status: number; readonly html: string; readonly applied: boolean }
  | { readonly kind: "timeout"; readonly applied: boolean }
  | { readonly kind: "reset"; readonly applied: boolean }
  /** The answer ends in its middle. */
  | { readonly kind: "truncated" };

export interface ModelWireInput {
  readonly hub: Hub;
  readonly clock: Pick<VirtualClock, "sleep" | "after">;
  /** `values` writes and reads no document; the answers are the same. */
  readonly encoding: "values" | "xml";
  /** Seconds of an exchange that goes well. */
  readonly latencySeconds?: number;
  /** The user that a login with this client certificate is; null = the web server does not accept it. */
  readonly commonNameOf: (certificate: string) => string | null;
  readonly mishap?: (request: WireRequest) => WireMishap | null;
}

const DEFAULT_TIMEOUT_SECONDS = 60;

/** What the hub did with a call: an answer to give, or the fault to throw, once it has travelled back. */
type Done = () => WireAnswer;

interface Exchange {
  readonly endpoint: HubEndpoint;
  readonly path: "" | "/ssllogin";
  readonly method: string;
  readonly certificate: string | undefined;
}

export function openModelWire(input: ModelWireInput): OpenHubWire {
  return (endpoint, certificate) => ({
    prepare(path, method, params): Send {
      const exchange = { endpoint, path, method, certificate };
      const act = input.encoding === "xml" ? overXml(input, exchange, params) : overValues(input, exchange, params);
      const members = membersOf(method, params);
      const writes = members.some((name) => !onlyReads(name));
      return async ({ headers = {}, timeoutSeconds = endpoint.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS } = {}) => {
        const inSession = "Koji-Session-Id" in headers;
        const mishap = input.mishap?.({ path, method, members, writes, inSession }) ?? null;
        return await travel(input, exchange, mishap, timeoutSeconds, () => act(lowerCase(headers)));
      };
    },
    close: async () => {},
  });
}

/** The methods that a request calls: those in a multiCall, or its own. */
export function membersOf(method: string, params: readonly XmlRpcValue[]): readonly string[] {
  const [calls] = params;
  if (method !== "multiCall" || !isArray(calls)) return [method];
  return calls.map((call) => String((isStruct(call) ? member(call, "methodName") : undefined) ?? ""));
}

function lowerCase(headers: { readonly [name: string]: string }): { readonly [name: string]: string } {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

async function travel(
  input: ModelWireInput,
  { endpoint, path, method }: Exchange,
  mishap: WireMishap | null,
  timeoutSeconds: number,
  act: () => Done,
): Promise<WireAnswer> {
  const { clock, latencySeconds = 0 } = input;
  const url = `${endpoint.url}${path}`;
  const there = mishap?.kind === "slow" ? mishap.thereSeconds : latencySeconds / 2;
  const back = mishap?.kind === "slow" ? mishap.backSeconds : latencySeconds / 2;
  const late = () => new HubUnreachable(url, "timeout", `after ${timeoutSeconds} s`);
  if (there > timeoutSeconds) {
    await clock.sleep(timeoutSeconds);
    // Nobody waits for it any more, and the hub does it: what is under way is not taken back.
    clock.after(there - timeoutSeconds, () => void act());
    throw late();
  }
  if (there > 0) await clock.sleep(there);
  const reached = mishap === null || mishap.kind === "slow" || mishap.kind === "truncated" || mishap.applied;
  const done = reached ? act() : null;
  if (mishap?.kind === "timeout" || there + back > timeoutSeconds) {
    await clock.sleep(Math.max(0, timeoutSeconds - there));
    throw late();
  }
  if (back > 0) await clock.sleep(back);
  switch (mishap?.kind) {
    case "page":
      throw refusedByServer(url, mishap.status, null, Buffer.from(mishap.html));
    case "reset":
      throw new HubUnreachable(url, "reset", "read ECONNRESET");
    case "truncated": {
      const sentence = `The answer to ${method} is not XML-RPC: it stops too soon; try again.`;
      throw new HubAnswerUnreadable(sentence, { status: 200, retryable: true });
    }
    default:
      if (done === null) throw new Error("a call that did not reach the hub was answered");
      return done();
  }
}

function clientCertificate({ commonNameOf }: ModelWireInput, { certificate }: Exchange): ClientCertificate | null {
  if (certificate === undefined) return null;
  const commonName = commonNameOf(certificate);
  return { verify: commonName === null ? "NONE" : "SUCCESS", commonName };
}

type Act = (headers: { readonly [name: string]: string }) => Done;

function overXml(input: ModelWireInput, exchange: Exchange, params: readonly XmlRpcValue[]): Act {
  const { method, endpoint, path } = exchange;
  const body = encodeCall(method, params);
  return (headers) => {
    const ssl = clientCertificate(input, exchange);
    const answer = input.hub.answer({ method: "POST", url: `/kojihub${path}`, headers, body, ssl });
    return () => {
      const bytes = Buffer.from(answer.body);
      if (answer.status !== 200) throw refusedByServer(`${endpoint.url}${path}`, answer.status, null, bytes);
      const date = Date.parse(answer.headers.Date ?? "") / 1000;
      return { value: readAnswer(bytes, method), version: answer.headers["Koji-Version"] ?? null, date };
    };
  };
}

function overValues(input: ModelWireInput, exchange: Exchange, params: readonly XmlRpcValue[]): Act {
  const { method, path } = exchange;
  const sent = params.map(asSent);
  return (headers) => {
    const request = { url: `/kojihub${path}`, headers, ssl: clientCertificate(input, exchange), method, params: sent };
    const outcome = input.hub.answerValues(request, asAnswered);
    // The header Date has whole seconds.
    const date = Math.floor(input.hub.now());
    return () => {
      if (!outcome.ok) throw hubFault(outcome.code, outcome.text, method);
      return { value: outcome.value, version: KOJI_VERSION, date };
    };
  };
}
