// What one look may cost: its time, and what it has read so far; every request goes through here and is counted.

import type { Answered, MirrorFetcher } from "./fetcher.ts";
import { MirrorTrouble, problemOf } from "./trouble.ts";
import type { Hop, Problem, TlsFacts } from "./types.ts";

/** The requests of one look. Throws MirrorTrouble as the fetcher does, "budget" once the time is used up. */
export interface Account {
  get(url: string, maxBytes: number): Promise<Answered>;
  head(url: string): Promise<Answered>;
  /** The whole body of a small document. */
  read(url: string, maxBytes: number): Promise<Uint8Array>;
  /** Redirects met so far, each once. */
  readonly hops: readonly Hop[];
  /** Of each host that spoke TLS, by host and port. */
  readonly tls: ReadonlyMap<string, TlsFacts>;
  readonly bytes: number;
  readonly requests: number;
  readonly latencyMilliseconds: number | null;
  readonly milliseconds: number;
  /** Aborted once the time is used up, with the trouble as its reason: for work on what has already come. */
  readonly signal: AbortSignal;
  close(): void;
}

/** The time runs from now on, in real seconds: a mirror is no part of a simulated world. */
export function openAccount(fetcher: MirrorFetcher, budgetSeconds: number): Account {
  const end = new AbortController();
  const used = () => new MirrorTrouble("budget", `the ${budgetSeconds} s for the whole look were used up`);
  const timer = setTimeout(() => end.abort(used()), budgetSeconds * 1000);
  const begun = performance.now();
  const hops = new Map<string, Hop>();
  const tls = new Map<string, TlsFacts>();
  const count = { bytes: 0, requests: 0, latency: null as number | null };
  const ask = async (method: "get" | "head", url: string, maxBytes: number): Promise<Answered> => {
    count.requests += 1;
    const answered = await fetcher[method](url, {
      signal: end.signal,
      maxBytes,
      onHop: (hop) => hops.set(`${hop.from} ${hop.to}`, hop),
      onTls: (facts, at) => tls.set(new URL(at).host, facts),
    });
    count.latency ??= answered.milliseconds;
    return { ...answered, body: counted(answered.body) };
  };
  async function* counted(body: AsyncIterable<Uint8Array>) {
    for await (const chunk of body) {
      count.bytes += chunk.length;
      yield chunk;
    }
  }
  return {
    get: (url, maxBytes) => ask("get", url, maxBytes),
    head: (url) => ask("head", url, 0),
    async read(url, maxBytes) {
      const { body } = await ask("get", url, maxBytes);
      const chunks: Uint8Array[] = [];
      for await (const chunk of body) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    get hops() {
      return [...hops.values()];
    },
    tls,
    get bytes() {
      return count.bytes;
    },
    get requests() {
      return count.requests;
    },
    get latencyMilliseconds() {
      return count.latency;
    },
    get milliseconds() {
      return Math.round(performance.now() - begun);
    },
    signal: end.signal,
    close: () => clearTimeout(timer),
  };
}

/** The problem that `run` met; null = none. */
export async function problemIn(run: () => Promise<unknown>): Promise<Problem | null> {
  try {
    await run();
    return null;
  } catch (error) {
    return problemOf(error);
  }
}
