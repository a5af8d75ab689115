// Judges what came back over HTTP: a result, a fault, or something that is not the hub speaking.

import { HubAnswerUnreadable } from "./faults.ts";
import { decodeResponse } from "./xmlrpc/decode.ts";
import { XmlRpcSyntaxError, type XmlRpcValue } from "./xmlrpc/values.ts";

const EXCERPT_LENGTH = 160;

/** The result in the body of an HTTP 200. Throws HubFault for a fault, HubAnswerUnreadable for anything else. */
export function readAnswer(body: Uint8Array, method: string): XmlRpcValue {
  try {
    return decodeResponse(body, { method });
  } catch (error) {
    if (!(error instanceof XmlRpcSyntaxError)) throw error;
    throw unreadable(body, method, error);
  }
}

/** The same for a part of an answer: what stands there is no value that `method` can have. */
export function unexpectedShape(method: string, problem: string, cause?: unknown): HubAnswerUnreadable {
  const sentence = `The hub's answer to ${method} is not of the shape that Koji has: ${problem}; check the hub's version.`;
  return new HubAnswerUnreadable(sentence, { status: 200, retryable: false, cause });
}

function unreadable(body: Uint8Array, method: string, error: XmlRpcSyntaxError): HubAnswerUnreadable {
  const excerpt = excerptOf(body);
  const advice = error.truncated ? "try again" : "check that this is the hub's address and nothing in between answers";
  return new HubAnswerUnreadable(
    `The answer to ${method} is not XML-RPC: ${error.problem}${quoted(excerpt)}; ${advice}.`,
    { status: 200, retryable: error.truncated, excerpt, cause: error },
  );
}

/** The error for any HTTP status but 200. Statuses and bodies: transcripts http-*, sslLogin-tls13-*. */
export function refusedByServer(
  url: string,
  status: number,
  location: string | null,
  body: Uint8Array,
): HubAnswerUnreadable {
  const excerpt = excerptOf(body);
  const retryable = status >= 500 || status === 408 || status === 429;
  const sentence =
    status >= 300 && status < 400
      ? `${url} redirects to ${destination(url, location)} (HTTP ${status}); configure that address, for a call is not sent elsewhere.`
      : `${url} answered HTTP ${status}${quoted(excerpt)}; ${adviceFor(status, excerpt)}.`;
  return new HubAnswerUnreadable(sentence, { status, retryable, excerpt });
}

function adviceFor(status: number, excerpt: string): string {
  // Apache asks for the certificate after the handshake (SSLVerifyClient in a Location); under TLS 1.3 that needs an
  // extension that Node's TLS client does not have.
  if (status === 403 && /post-handshake authentication/i.test(excerpt)) {
    return "it wants a certificate after the TLS 1.3 handshake, which Node cannot give: use TLS 1.2 for the login, or let the server ask on every connection";
  }
  if (status >= 500) return "the hub or its web server is in trouble, try again later";
  if (status === 400) return "the hub could not read the call, which may be longer than its MaxRequestLength";
  if (status === 403) return "the web server does not let us in, check its access rules and our certificate";
  if (status === 404 || status === 405) return "that is no hub, check that the address ends in /kojihub";
  if (status === 408 || status === 429) return "try again later";
  return "check the address of the hub";
}

function destination(url: string, location: string | null): string {
  if (!location || !URL.canParse(location, url)) return "nowhere";
  const { protocol, host } = new URL(location, url);
  return `${protocol}//${host}`;
}

/** Empty for XML: a login's answer holds the session key. */
function excerptOf(body: Uint8Array): string {
  // A tag may be long, but the words of an error page come early.
  const start = new TextDecoder().decode(body.subarray(0, 16 * 1024));
  if (/^\s*<\?xml|<(?:methodResponse|param|value|struct|member)\b/.test(start)) return "";
  const words = start
    .replace(/<(?:script|style)\b[^>]*>[^<]*/gi, " ")
    .replace(/<[^<>]*>?/g, " ")
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
  return words.length > EXCERPT_LENGTH ? `${words.slice(0, EXCERPT_LENGTH)}…` : words;
}

function quoted(excerpt: string): string {
  return excerpt === "" ? "" : ` (“${excerpt}”)`;
}
