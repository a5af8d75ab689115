// One request on one line and its answer: bounded in time, in pace and in size, however the server behaves.

import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import type { Line } from "./http-lines.ts";
import { declaredLength, FRESH_PACE, keptPace, refuseLength, type Slowest, troubleOf } from "./http-trouble.ts";
import { MirrorTrouble } from "./trouble.ts";

export interface Patience {
  /** Until a connection is there; the line keeps to it by itself. */
  readonly connectSeconds: number;
  /** Until the whole head of an answer is there, and then without any byte of its body. */
  readonly idleSeconds: number;
  readonly slowest: Slowest;
}

export interface Exchange {
  readonly status: number;
  /** Until the head was there, from when the line was had. */
  readonly milliseconds: number;
  header(name: string): string | null;
  /** To be iterated once. Throws MirrorTrouble or the signal's reason. */
  body(maxBytes: number): AsyncIterable<Uint8Array>;
  /** Reads what is not wanted, for the connection's sake; leaves it if there is much of it or if it takes long. */
  discard(): Promise<void>;
}

export interface Question {
  readonly method: "GET" | "HEAD";
  readonly url: URL;
  readonly headers: { readonly [name: string]: string };
  readonly signal: AbortSignal;
  readonly patience: Patience;
}

/** As much of a body that nobody wants as is read so that the connection can be used again. */
const MAX_DISCARDED_BYTES = 64 * 1024;

/**
 * Throws MirrorTrouble or the signal's reason. `over` is called exactly once, when nothing of the exchange is under way
 * any more: true = its answer was read to the end.
 */
export async function exchange(line: Line, question: Question, over: (whole: boolean) => void): Promise<Exchange> {
  const { method, url, headers, signal, patience } = question;
  const stop = new AbortController();
  const abort = () => stop.abort(signal.reason);
  const done = (whole: boolean) => {
    signal.removeEventListener("abort", abort);
    over(whole);
  };
  signal.addEventListener("abort", abort, { once: true });
  const started = performance.now();
  try {
    signal.throwIfAborted();
    // Without `reset` undici ends a connection after each HEAD, for servers that send a body with it; what comes unasked
    // on an idle connection ends it anyway.
    const options = { method, path: url.pathname + url.search, headers, signal: stop.signal, reset: false };
    const answer = await onceMore(line, () => headOf(line, options, stop, patience));
    const milliseconds = performance.now() - started;
    // What goes wrong with it goes to whoever reads it; without a listener Node would end the process if nobody does.
    answer.body.on("error", () => {});
    answer.body.once("close", () => done(answer.body.readableEnded));
    return answered(answer, question, milliseconds, stop);
  } catch (error) {
    done(false);
    if (signal.aborted) throw signal.reason;
    throw stop.signal.aborted ? stop.signal.reason : troubleOf(error);
  }
}

type Options = Dispatcher.RequestOptions & { readonly signal: AbortSignal };

/** Ends with a "timeout" when the head takes too long, counted from when there is a connection. */
async function headOf(line: Line, options: Options, stop: AbortController, patience: Patience) {
  const { connectSeconds, idleSeconds } = patience;
  const late = () => stop.abort(new MirrorTrouble("timeout", `no answer in ${idleSeconds} s`));
  let timer = setTimeout(late, (line.socket === null ? connectSeconds + idleSeconds : idleSeconds) * 1000);
  const connected = () => {
    clearTimeout(timer);
    timer = setTimeout(late, idleSeconds * 1000);
  };
  line.client.once("connect", connected);
  try {
    // undici heeds the signal only once the request is on a connection.
    return await Promise.race([line.client.request(options), stopped(stop.signal)]);
  } finally {
    clearTimeout(timer);
    line.client.off("connect", connected);
  }
}

function stopped(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/**
 * A server may end an idle connection just when it is asked again. Then, and only then, the question is put once more:
 * undici itself does not once the request is written.
 */
async function onceMore<Answer>(line: Line, ask: () => Promise<Answer>): Promise<Answer> {
  const reused = line.socket;
  const readBefore = reused?.bytesRead;
  try {
    return await ask();
  } catch (error) {
    const unheard = reused?.destroyed === true && reused.bytesRead === readBefore;
    if (unheard && troubleOf(error).problem.kind === "reset") return await ask();
    throw error;
  }
}

function answered(
  answer: Dispatcher.ResponseData,
  question: Question,
  milliseconds: number,
  stop: AbortController,
): Exchange {
  const { method, patience, signal } = question;
  const header = (name: string) => {
    const value = answer.headers[name];
    return (Array.isArray(value) ? value.join(", ") : value) ?? null;
  };
  const declared = method === "HEAD" ? null : declaredLength(header("content-length"));
  const reading = (maxBytes: number) => read(answer.body, { declared, maxBytes, stop, patience });
  return {
    status: answer.statusCode,
    milliseconds,
    header,
    body: (maxBytes) => leavable(reading(maxBytes), () => answer.body.destroy()),
    discard: async () => {
      const timer = setTimeout(() => answer.body.destroy(), patience.idleSeconds * 1000);
      try {
        for await (const _ of reading(MAX_DISCARDED_BYTES));
      } catch (error) {
        // The head said all that is wanted: the body's own trouble is none. But the time may be up.
        if (signal.aborted) throw signal.reason;
        if (!(error instanceof MirrorTrouble)) throw error;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

interface Reading {
  readonly declared: number | null;
  readonly maxBytes: number;
  readonly stop: AbortController;
  readonly patience: Patience;
}

async function* read(body: Readable, reading: Reading): AsyncGenerator<Uint8Array, void> {
  const { declared, maxBytes, stop, patience } = reading;
  const { idleSeconds, slowest } = patience;
  const idle = () => stop.abort(new MirrorTrouble("timeout", `no byte in ${idleSeconds} s`));
  const pieces: AsyncIterable<Uint8Array> = body;
  const wait = () => ({ since: performance.now(), timer: setTimeout(idle, idleSeconds * 1000) });
  let bytes = 0;
  let pace = FRESH_PACE;
  let waiting = wait();
  try {
    refuseLength(declared, maxBytes);
    for await (const piece of pieces) {
      clearTimeout(waiting.timer);
      bytes += piece.length;
      if (bytes > maxBytes) throw new MirrorTrouble("too-large", `more than the ${maxBytes} bytes allowed came`);
      const kept = keptPace(pace, performance.now() - waiting.since, piece.length, slowest);
      if (kept === null)
        throw new MirrorTrouble("timeout", `slower than ${slowest.bytesPerSecond} bytes/s over ${slowest.seconds} s`);
      pace = kept;
      yield piece;
      waiting = wait();
    }
  } catch (error) {
    if (stop.signal.aborted) throw stop.signal.reason;
    const trouble = troubleOf(error);
    if (trouble.problem.kind !== "reset" || declared === null) throw trouble;
    throw new MirrorTrouble("reset", `${bytes} of ${declared} bytes came`, { cause: error });
  } finally {
    clearTimeout(waiting.timer);
    body.destroy();
  }
}

/** A generator that was never started does not notice that it is left: `leave` is called whenever it is. */
function leavable(generator: AsyncGenerator<Uint8Array, void>, leave: () => void): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => generator.next(),
      return: () => {
        leave();
        return generator.return();
      },
    }),
  };
}
