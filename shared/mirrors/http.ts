// Mirrors over HTTP and HTTPS: redirects by hand, few connections to a host, and no answer that costs more than it may.

import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import type { Answered, Asked, MirrorFetcher } from "./fetcher.ts";
import { type Exchange, exchange, type Patience } from "./http-exchange.ts";
import { Lines } from "./http-lines.ts";
import {
  askableUrl,
  declaredLength,
  isRedirect,
  redirectTarget,
  refuseCoding,
  refuseLength,
  refuseRedirect,
  type Slowest,
} from "./http-trouble.ts";
import { MirrorTrouble } from "./trouble.ts";
import type { Hop, TlsFacts } from "./types.ts";

export interface FetcherOptions {
  /** PEM of CAs that are trusted besides those of Node. */
  readonly ca?: string;
  /** For name, connection and TLS handshake together; 10. */
  readonly connectSeconds?: number;
  /** Until the whole head of an answer, and without any byte of its body; 30. */
  readonly idleSeconds?: number;
  /** Over each so many seconds of waiting for a body; 1000 bytes/s over 30 s, as curl and dnf have it. */
  readonly slowest?: Slowest;
  /** To one host name, whatever the scheme and port: requests under way, and connections; 8. */
  readonly connectionsPerHost?: number;
  readonly userAgent?: string;
}

interface Wire {
  readonly lines: Lines;
  readonly patience: Patience;
  readonly userAgent: string;
}

/**
 * A place at a host is held from the question until the answer's body is read to its end, is left by `break`, or is ended
 * by the signal: who asks for more bodies than there are places before reading any waits for ever, or until the signal.
 * Requests that find no place wait in turn. HEAD has no body, so its Content-Length is not held against `maxBytes`.
 * Nothing is tried again, except once what an idle connection's end has met before any byte of an answer.
 */
export function openFetcher(options: FetcherOptions = {}): MirrorFetcher {
  const { ca, connectSeconds = 10, idleSeconds = 30, connectionsPerHost = 8 } = options;
  const slowest = options.slowest ?? { bytesPerSecond: 1000, seconds: 30 };
  const secureContext = ca === undefined ? null : trusting(ca);
  const wire: Wire = {
    lines: new Lines(connectionsPerHost, { connectSeconds, secureContext }),
    patience: { connectSeconds, idleSeconds, slowest },
    userAgent: options.userAgent ?? "toji-mirror-check",
  };
  return {
    get: (url, asked) => follow(wire, "GET", url, asked),
    head: (url, asked) => follow(wire, "HEAD", url, asked),
    close: () => wire.lines.close(),
  };
}

function trusting(ca: string): SecureContext {
  return createSecureContext({ ca: [...getCACertificates("default"), ca], minVersion: "TLSv1.2" });
}

async function follow(wire: Wire, method: "GET" | "HEAD", address: string, asked: Asked): Promise<Answered> {
  let url = askableUrl(address);
  const been: URL[] = [url];
  const hops: Hop[] = [];
  let milliseconds: number | null = null;
  for (;;) {
    const { answer, tls } = await ask(wire, method, url, asked);
    milliseconds ??= answer.milliseconds;
    if (answer.status === 200) {
      const body = await wanted(answer, method, url, asked);
      const contentLength = declaredLength(answer.header("content-length"));
      return { status: 200, url: url.href, hops, tls, contentLength, milliseconds, body };
    }
    await answer.discard();
    const { status } = answer;
    if (!isRedirect(status)) throw new MirrorTrouble("status", `HTTP ${status}`, { status });
    const to = redirectTarget(url, status, answer.header("location"));
    const hop: Hop = { from: url.href, to: to.href, status };
    asked.onHop?.(hop);
    refuseRedirect(been, to, status);
    hops.push(hop);
    been.push(to);
    url = to;
  }
}

async function ask(
  wire: Wire,
  method: "GET" | "HEAD",
  url: URL,
  asked: Asked,
): Promise<{ readonly answer: Exchange; readonly tls: TlsFacts | null }> {
  const { lines, patience, userAgent } = wire;
  const headers = { "user-agent": userAgent, accept: "*/*", "accept-encoding": "identity" };
  const line = await lines.take(url, asked.signal);
  const question = { method, url, headers, signal: asked.signal, patience };
  const answer = await exchange(line, question, (whole) => void lines.giveBack(line, whole));
  if (line.tls !== null) asked.onTls?.(line.tls, url.href);
  return { answer, tls: line.tls };
}

/** The body of a 200, or the trouble that it cannot be taken. */
async function wanted(
  answer: Exchange,
  method: "GET" | "HEAD",
  url: URL,
  asked: Asked,
): Promise<AsyncIterable<Uint8Array>> {
  try {
    refuseCoding(answer.header("content-encoding"), url.pathname);
    if (method === "GET") refuseLength(declaredLength(answer.header("content-length")), asked.maxBytes);
  } catch (error) {
    await answer.discard();
    throw error;
  }
  if (method === "GET") return answer.body(asked.maxBytes);
  await answer.discard();
  return nothing();
}

async function* nothing(): AsyncGenerator<Uint8Array, void> {}
