// One HTTP exchange with the hub: bounded in time and in size, and every way it can fail has a name.

import { promisify } from "node:util";
import { gunzip, inflate, inflateRaw } from "node:zlib";
import { Agent, errors, request } from "undici";
import { refusedByServer } from "./answers.ts";
import { HubAnswerUnreadable, HubUnreachable, type UnreachableReason } from "./faults.ts";

export interface HubEndpoint {
  /** The hub's one address, normally `https://HOST/kojihub`. */
  readonly url: string;
  /** PEM of the CA that signed the hub's certificate; without it the CAs that Node knows. */
  readonly serverCa?: string;
  /** For one whole exchange. Koji's own client waits 12 h; a pass cannot. */
  readonly timeoutSeconds?: number;
  /** Of an answer, compressed and uncompressed. */
  readonly maxAnswerBytes?: number;
}

export interface HubAnswer {
  readonly body: Uint8Array;
  /** The header Koji-Version; hubs before 1.35 have none. */
  readonly version: string | null;
  /** The header Date in epoch seconds. */
  readonly date: number | null;
}

export interface PostOptions {
  readonly headers?: { readonly [name: string]: string };
  /** In place of the endpoint's. */
  readonly timeoutSeconds?: number;
}

export interface HubTransport {
  /** Throws HubUnreachable or HubAnswerUnreadable; a returned answer had HTTP status 200. */
  post(path: "" | "/ssllogin", body: string, options?: PostOptions): Promise<HubAnswer>;
  close(): Promise<void>;
}

const DEFAULT_TIMEOUT_SECONDS = 60;
const DEFAULT_MAX_ANSWER_BYTES = 256 * 1024 * 1024;
/** As much of an error page as is looked at. */
const MAX_PAGE_BYTES = 64 * 1024;

/** `certificate`: PEM of a client certificate and its key, shown on every connection of this transport. */
export function openTransport(endpoint: HubEndpoint, certificate?: string): HubTransport {
  const url = checkedUrl(endpoint.url);
  const agent = new Agent({
    // HTTP/2 has no renegotiation, by which Apache asks for the certificate.
    allowH2: false,
    // The deadline below covers all of these; undici's own are coarser and would cut a long, honest answer.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: {
      timeout: (endpoint.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS) * 1000,
      ...(endpoint.serverCa === undefined ? {} : { ca: endpoint.serverCa }),
      // TLS 1.2, because Apache asks for the certificate after the handshake: see refusedByServer.
      ...(certificate === undefined ? {} : { cert: certificate, key: certificate, maxVersion: "TLSv1.2" as const }),
    },
  });
  return {
    post: (path, body, options = {}) => exchange(agent, endpoint, `${url}${path}`, body, options),
    close: () => agent.destroy(),
  };
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash) {
    throw new TypeError(`The hub's address must look like https://HOST/kojihub, without user, query or fragment.`);
  }
  return url.href.replace(/\/+$/, "");
}

async function exchange(
  agent: Agent,
  endpoint: HubEndpoint,
  url: string,
  body: string,
  options: PostOptions,
): Promise<HubAnswer> {
  const maxAnswerBytes = endpoint.maxAnswerBytes ?? DEFAULT_MAX_ANSWER_BYTES;
  const timeoutSeconds = options.timeoutSeconds ?? endpoint.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS;
  const deadline = new AbortController();
  // Real time and not the injected clock's: the wire does not run faster when the sandbox does.
  const timer = setTimeout(() => deadline.abort(), timeoutSeconds * 1000);
  try {
    const response = await request(url, {
      dispatcher: agent,
      method: "POST",
      signal: deadline.signal,
      // undici adds Content-Length; the rest is what Koji's client sends, and the compression that a site may have added.
      headers: {
        "user-agent": "koji/1",
        "content-type": "text/xml",
        "accept-encoding": "gzip, deflate",
        ...options.headers,
      },
      body,
    });
    const ok = response.statusCode === 200;
    const raw = await collect(response.body, ok ? maxAnswerBytes : MAX_PAGE_BYTES, ok, url);
    const whole = await decompress(raw, headerOf(response.headers, "content-encoding"), ok, maxAnswerBytes, url);
    if (!ok) throw refusedByServer(url, response.statusCode, headerOf(response.headers, "location"), whole);
    const date = Date.parse(headerOf(response.headers, "date") ?? "") / 1000;
    const version = headerOf(response.headers, "koji-version");
    return { body: whole, version, date: Number.isFinite(date) ? date : null };
  } catch (error) {
    if (error instanceof HubAnswerUnreadable) throw error;
    if (error instanceof errors.HTTPParserError) throw notHttp(url, error.message);
    if (deadline.signal.aborted)
      throw new HubUnreachable(url, "timeout", `after ${timeoutSeconds} s`, { cause: error });
    throw unreachable(url, error);
  } finally {
    clearTimeout(timer);
  }
}

function headerOf(headers: { readonly [name: string]: string | string[] | undefined }, name: string): string | null {
  const value = headers[name];
  return (Array.isArray(value) ? value.join(", ") : value) ?? null;
}

/** All of the body. Over the limit: an error when `strict`, else the start of it. Leaving the loop ends the stream. */
async function collect(
  body: AsyncIterable<Uint8Array>,
  limit: number,
  strict: boolean,
  url: string,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    pieces.push(piece);
    size += piece.length;
    if (size > limit) {
      if (strict) throw tooLong(url, limit);
      break;
    }
  }
  return Buffer.concat(pieces);
}

async function decompress(
  body: Uint8Array,
  encoding: string | null,
  strict: boolean,
  limit: number,
  url: string,
): Promise<Uint8Array> {
  const codings = (encoding ?? "")
    .toLowerCase()
    .split(",")
    .map((coding) => coding.trim());
  let plain = body;
  try {
    for (const coding of codings.reverse()) plain = await inflateAs(coding, plain, limit);
    return plain;
  } catch (error) {
    // An error page that cannot be read is still the error page of its status.
    if (!strict) return new Uint8Array();
    const code = codeOf(error);
    if (code === "ERR_BUFFER_TOO_LARGE") throw tooLong(url, limit);
    const sentence = `The answer of ${url} cannot be decompressed (content-encoding ${encoding}); try again.`;
    // Z_BUF_ERROR: the compressed data ended too soon.
    throw new HubAnswerUnreadable(sentence, { status: 200, retryable: code === "Z_BUF_ERROR", cause: error });
  }
}

async function inflateAs(coding: string, body: Uint8Array, limit: number): Promise<Uint8Array> {
  const options = { maxOutputLength: limit };
  switch (coding) {
    case "":
    case "identity":
      return body;
    case "gzip":
    case "x-gzip":
      return promisify<Uint8Array, typeof options, Uint8Array>(gunzip)(body, options);
    case "deflate": {
      // Some servers leave out the zlib header, whose first byte ends in 8 (RFC 1950).
      const zlib = ((body[0] ?? 0) & 0x0f) === 8;
      return promisify<Uint8Array, typeof options, Uint8Array>(zlib ? inflate : inflateRaw)(body, options);
    }
    default:
      throw new Error(`unknown content coding ${coding}`);
  }
}

function tooLong(url: string, limit: number): HubAnswerUnreadable {
  const sentence = `The answer of ${url} is longer than ${limit} bytes; ask for less or raise the limit.`;
  return new HubAnswerUnreadable(sentence, { status: 200, retryable: false });
}

/** Without the cause, which holds the bytes that came: a session key may be among them. */
function notHttp(url: string, problem: string): HubAnswerUnreadable {
  const sentence = `What answers at ${url} does not speak HTTP (${problem}); check the address and its port.`;
  return new HubAnswerUnreadable(sentence, { status: 0, retryable: false });
}

const REASONS: readonly (readonly [RegExp, UnreachableReason])[] = [
  [/^(?:ENOTFOUND|EAI_)/, "dns"],
  [/^ECONNREFUSED$/, "refused"],
  [/TIMEOUT|^ETIMEDOUT$/, "timeout"],
  // OpenSSL's verification results, its alerts about a certificate, and PEM text that it cannot use.
  [/CERT|SELF_SIGNED|ISSUER|UNKNOWN_CA|ALTNAME|HOSTNAME_MISMATCH|^UNABLE_TO_|^ERR_OSSL_/, "certificate"],
  [/^(?:ERR_SSL_|ERR_TLS_|EPROTO)/, "tls"],
  [/^(?:ECONNRESET|EPIPE|UND_ERR_)/, "reset"],
];

function unreachable(url: string, error: unknown): HubUnreachable {
  const code = codeOf(error);
  const reason = REASONS.find(([pattern]) => pattern.test(code))?.[1] ?? "network";
  const said = error instanceof Error && error.message !== "" ? error.message : code;
  // Seen with Apache 2.4: a certificate that it does not accept after the handshake ends the connection, without an alert.
  const hint =
    reason === "reset" && url.endsWith("/ssllogin")
      ? "; a login also ends so when our certificate is not accepted"
      : "";
  const detail = `${said}${hint}`;
  return new HubUnreachable(url, reason, detail, { cause: error });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
