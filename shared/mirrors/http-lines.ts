// The few connections that are open to a host at a time, and the queue for them.

import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectTls, type SecureContext, type TLSSocket } from "node:tls";
import { type buildConnector, Client, errors } from "undici";
import { MirrorTrouble } from "./trouble.ts";
import type { TlsFacts } from "./types.ts";

export interface LineOptions {
  /** Knows the CAs; null = those of Node. */
  readonly secureContext: SecureContext | null;
  /** For the name, the connection and the TLS handshake together. */
  readonly connectSeconds: number;
}

/** Of all lines of an answer's head together, and of all lines of a chunked body's trailer. */
const MAX_HEADER_BYTES = 32 * 1024;

const CLOSED = "the fetcher was closed";

/** One connection to one origin: opened when it is first asked, and anew when the server has ended it. */
export class Line {
  readonly origin: string;
  readonly client: Client;
  #socket: Socket | null = null;
  #tls: TlsFacts | null = null;

  constructor(origin: string, options: LineOptions) {
    this.origin = origin;
    this.client = new Client(origin, {
      allowH2: false,
      pipelining: 1,
      maxHeaderSize: MAX_HEADER_BYTES,
      // Whoever asks has its own, which count the time of waiting only.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (target, callback) => void this.#open(target, callback, options),
    });
  }

  /** The open connection; null = the next request opens one. */
  get socket(): Socket | null {
    return this.#socket?.destroyed === false && !this.#socket.connecting ? this.#socket : null;
  }

  /** Of the last connection that was opened. */
  get tls(): TlsFacts | null {
    return this.#tls;
  }

  async #open(target: buildConnector.Options, callback: buildConnector.Callback, options: LineOptions): Promise<void> {
    await closed(this.#socket);
    // Ended meanwhile: the client has told its requests so.
    if (this.client.destroyed) return;
    try {
      this.#socket = dial(target, options, (error, socket) => {
        if (socket === null) return callback(error, null);
        this.#tls = "getPeerX509Certificate" in socket ? tlsFacts(socket) : null;
        callback(null, socket);
      });
    } catch (error) {
      // Node refuses some targets before it tries them.
      callback(new MirrorTrouble("address", `${target.hostname} cannot be connected to`, { cause: error }), null);
    }
  }

  /** Ends what is under way on it; resolves when its connection is closed. */
  async end(): Promise<void> {
    const ending = this.client.destroy(new MirrorTrouble("network", CLOSED));
    this.#socket?.destroy();
    await ending;
    await closed(this.#socket);
  }
}

type Dialled = (...result: [null, Socket | TLSSocket] | [Error, null]) => void;

/** Calls back once. A socket that is destroyed before it is connected calls back with an error too. */
function dial(target: buildConnector.Options, options: LineOptions, dialled: Dialled): Socket {
  const { hostname, protocol } = target;
  const secure = protocol === "https:";
  const port = Number(target.port) || (secure ? 443 : 80);
  const socket = secure
    ? connectTls({
        host: hostname,
        port,
        servername: isIP(hostname) === 0 ? hostname : "",
        ALPNProtocols: ["http/1.1"],
        minVersion: "TLSv1.2",
        // Said although it is the default, which a variable of the environment can turn off.
        rejectUnauthorized: true,
        ...(options.secureContext === null ? {} : { secureContext: options.secureContext }),
      })
    : connectPlain({ host: hostname, port });
  const seconds = options.connectSeconds;
  const late = () =>
    socket.destroy(new errors.ConnectTimeoutError(`no connection to ${hostname}:${port} in ${seconds} s`));
  const timer = setTimeout(late, seconds * 1000);
  let done = false;
  const once: Dialled = (...result) => {
    clearTimeout(timer);
    if (!done) dialled(...result);
    done = true;
  };
  socket.setNoDelay(true);
  socket.once(secure ? "secureConnect" : "connect", () => once(null, socket));
  socket.on("error", (error) => once(error, null));
  socket.once("close", () => once(new MirrorTrouble("network", CLOSED), null));
  return socket;
}

/** null = the certificate's end cannot be read, which a verified one's always can. */
function tlsFacts(socket: TLSSocket): TlsFacts | null {
  const validTo = Date.parse(socket.getPeerX509Certificate()?.validTo ?? "") / 1000;
  return Number.isFinite(validTo) ? { protocol: socket.getProtocol() ?? "unknown", validTo } : null;
}

/** When the system has closed it, so that no other connection is open beside it. */
function closed(socket: Socket | null): Promise<void> {
  if (socket === null || !socket.destroyed || socket.closed) return Promise.resolve();
  return new Promise((resolve) => void socket.once("close", () => resolve()));
}

interface Waiting {
  readonly origin: string;
  readonly take: (line: Line) => void;
  readonly refuse: (reason: unknown) => void;
}

interface Host {
  taken: number;
  readonly idle: Line[];
  readonly waiting: Waiting[];
}

/** The lines to every host; by its name, whatever the scheme and port. First come, first served. */
export class Lines {
  readonly #options: LineOptions;
  readonly #perHost: number;
  readonly #hosts = new Map<string, Host>();
  readonly #all = new Set<Line>();
  #closed = false;

  constructor(perHost: number, options: LineOptions) {
    this.#perHost = perHost;
    this.#options = options;
  }

  /** A line of one's own until it is given back. Throws the signal's reason, also while waiting for one. */
  async take(url: URL, signal: AbortSignal): Promise<Line> {
    signal.throwIfAborted();
    if (this.#closed) throw new MirrorTrouble("network", CLOSED);
    const host = this.#hostOf(url);
    const same = host.idle.findIndex((line) => line.origin === url.origin);
    const [idle] = host.idle.splice(same, host.idle.length === 0 || same < 0 ? 0 : 1);
    if (idle === undefined && host.taken + host.idle.length >= this.#perHost) {
      const other = host.idle.shift();
      if (other === undefined) return this.#wait(host, url.origin, signal);
      host.taken += 1;
      await this.#end(other);
      return this.#open(url.origin);
    }
    host.taken += 1;
    return idle ?? this.#open(url.origin);
  }

  /** `whole`: the last answer on it was read to its end, so that it can be asked again. */
  async giveBack(line: Line, whole: boolean): Promise<void> {
    const host = this.#hostOf(new URL(line.origin));
    const first = host.waiting[0];
    const kept = whole && !this.#closed && (first === undefined || first.origin === line.origin);
    if (!kept) await this.#end(line);
    const next = host.waiting.shift();
    if (next !== undefined) return next.take(kept ? line : this.#open(next.origin));
    host.taken -= 1;
    if (kept) host.idle.push(line);
  }

  /** Ends what is under way and refuses what waits, each with a MirrorTrouble "network". */
  async close(): Promise<void> {
    this.#closed = true;
    for (const host of this.#hosts.values()) {
      for (const { refuse } of host.waiting.splice(0)) refuse(new MirrorTrouble("network", CLOSED));
    }
    await Promise.all([...this.#all].map((line) => this.#end(line)));
  }

  #wait(host: Host, origin: string, signal: AbortSignal): Promise<Line> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        host.waiting.splice(host.waiting.indexOf(waiting), 1);
        reject(signal.reason);
      };
      const over = () => signal.removeEventListener("abort", abort);
      const waiting: Waiting = {
        origin,
        take: (line) => {
          over();
          resolve(line);
        },
        refuse: (reason) => {
          over();
          reject(reason);
        },
      };
      signal.addEventListener("abort", abort, { once: true });
      host.waiting.push(waiting);
    });
  }

  #hostOf(url: URL): Host {
    const name = url.hostname.replace(/\.$/, "");
    const known = this.#hosts.get(name) ?? { taken: 0, idle: [], waiting: [] };
    this.#hosts.set(name, known);
    return known;
  }

  #open(origin: string): Line {
    if (this.#closed) throw new MirrorTrouble("network", CLOSED);
    const line = new Line(origin, this.#options);
    this.#all.add(line);
    return line;
  }

  async #end(line: Line): Promise<void> {
    await line.end();
    this.#all.delete(line);
  }
}
