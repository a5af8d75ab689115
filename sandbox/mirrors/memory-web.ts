// Web servers in memory: what lies at which URL, hosts that fail, and how often each was asked; asked as mirrors are.

import type { Answered, Asked, MirrorFetcher } from "../../shared/mirrors/fetcher.ts";
import { MirrorTrouble } from "../../shared/mirrors/trouble.ts";
import type { ProblemKind } from "../../shared/mirrors/types.ts";

/** Of every certificate here: the year 2096. */
const CERTIFICATES_END = 4_000_000_000;
const CHUNK_BYTES = 16 * 1024;

export class MemoryWeb implements MirrorFetcher {
  readonly #files = new Map<string, Uint8Array>();
  readonly #redirects = new Map<string, string>();
  readonly #statuses = new Map<string, number>();
  readonly #failing = new Map<string, ProblemKind>();
  readonly #requests = new Map<string, number>();

  put(url: string, bytes: Uint8Array): void {
    this.#files.set(new URL(url).href, bytes);
  }

  /** All that lies below `base` is what `files` says, by their paths. */
  serve(base: string, files: ReadonlyMap<string, Uint8Array>): void {
    this.dropBelow(base);
    for (const [path, bytes] of files) this.put(new URL(path, base).href, bytes);
  }

  /** 404 from now on; fine when nothing was there. */
  drop(url: string): void {
    this.#files.delete(new URL(url).href);
  }

  dropBelow(base: string): void {
    for (const url of this.#files.keys()) if (url.startsWith(base)) this.#files.delete(url);
  }

  /** Below both is the same, the first leads there. */
  redirect(from: string, to: string): void {
    this.#redirects.set(from, to);
  }

  /** What is asked for below `base` is answered with this status. null = as it is there. */
  answer(base: string, status: number | null): void {
    if (status === null) this.#statuses.delete(base);
    else this.#statuses.set(base, status);
  }

  /** Every request to the host (with its port, if it has one) fails in this way. null = no more. */
  fail(host: string, kind: ProblemKind | null): void {
    if (kind === null) this.#failing.delete(host);
    else this.#failing.set(host, kind);
  }

  has(url: string): boolean {
    return this.#files.has(new URL(url).href);
  }

  bytesAt(url: string): Uint8Array | null {
    return this.#files.get(new URL(url).href) ?? null;
  }

  /** So far; of a host, or of all. */
  requests(host?: string): number {
    if (host !== undefined) return this.#requests.get(host) ?? 0;
    return [...this.#requests.values()].reduce((sum, count) => sum + count, 0);
  }

  async get(url: string, asked: Asked): Promise<Answered> {
    const { bytes, ...answered } = this.#find(url, asked);
    if (bytes.length > asked.maxBytes)
      throw new MirrorTrouble("too-large", `${bytes.length} bytes, at most ${asked.maxBytes} are read`);
    return { ...answered, body: chunks(bytes) };
  }

  async head(url: string, asked: Asked): Promise<Answered> {
    const { bytes: _, ...answered } = this.#find(url, asked);
    return { ...answered, body: chunks(new Uint8Array()) };
  }

  async close(): Promise<void> {}

  #find(address: string, asked: Asked): Omit<Answered, "body"> & { readonly bytes: Uint8Array } {
    asked.signal.throwIfAborted();
    const hops: Answered["hops"][number][] = [];
    let url = new URL(address);
    for (;;) {
      this.#requests.set(url.host, (this.#requests.get(url.host) ?? 0) + 1);
      const failing = this.#failing.get(url.host);
      if (failing !== undefined) throw new MirrorTrouble(failing, `${url.host}: ${failing}`);
      const tls = url.protocol === "https:" ? { protocol: "TLSv1.3", validTo: CERTIFICATES_END } : null;
      if (tls !== null) asked.onTls?.(tls, url.href);
      const to = this.#redirectOf(url.href);
      if (to === null) return { status: 200, url: url.href, hops, tls, milliseconds: 1, ...this.#answerOf(url.href) };
      const hop = { from: url.href, to, status: 302 };
      asked.onHop?.(hop);
      if (hops.length >= 6) throw new MirrorTrouble("redirect-loop", "more than 6 redirects");
      if (url.protocol === "https:" && to.startsWith("http:")) throw new MirrorTrouble("downgrade", `to ${to}`);
      hops.push(hop);
      url = new URL(to);
    }
  }

  #redirectOf(url: string): string | null {
    const [from, to] = [...this.#redirects].find(([base]) => url.startsWith(base)) ?? [];
    return from === undefined || to === undefined ? null : to + url.slice(from.length);
  }

  #answerOf(url: string): { readonly bytes: Uint8Array; readonly contentLength: number } {
    const [, status = 404] = [...this.#statuses].find(([base]) => url.startsWith(base)) ?? [];
    const bytes = this.#files.get(url);
    if (bytes !== undefined && ![...this.#statuses.keys()].some((base) => url.startsWith(base)))
      return { bytes, contentLength: bytes.length };
    throw new MirrorTrouble("status", `HTTP ${status}`, { status });
  }
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  for (let from = 0; from < bytes.length; from += CHUNK_BYTES) yield bytes.subarray(from, from + CHUNK_BYTES);
}
