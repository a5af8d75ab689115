// How a mirror is asked: the port that HTTP fills, and that a simulation may fill.

import type { Hop, TlsFacts } from "./types.ts";

export interface Asked {
  /** Ends the exchange at once, body included: the reason given is thrown (a MirrorTrouble "budget"). */
  readonly signal: AbortSignal;
  /** A body that is longer, declared or come, is a MirrorTrouble "too-large". */
  readonly maxBytes: number;
  /** Told of each redirect before it is followed or refused. */
  readonly onHop?: (hop: Hop) => void;
  /** Told of the connection's TLS, with the URL that was asked over it. */
  readonly onTls?: (facts: TlsFacts, url: string) => void;
}

export interface Answered {
  /** Always 200: anything else is thrown, a MirrorTrouble with its status. */
  readonly status: 200;
  /** Where the last redirect ended. */
  readonly url: string;
  readonly hops: readonly Hop[];
  readonly tls: TlsFacts | null;
  /** As declared; null = not. */
  readonly contentLength: number | null;
  /** Until the head of the first answer was there. */
  readonly milliseconds: number;
  /** Empty for HEAD. Bytes as they are on the server: no content coding. Must be read to its end or be left by `break`. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** At most 8 requests at a time to any one host; follows at most 6 redirects; throws MirrorTrouble. */
export interface MirrorFetcher {
  get(url: string, asked: Asked): Promise<Answered>;
  head(url: string, asked: Asked): Promise<Answered>;
  close(): Promise<void>;
}
