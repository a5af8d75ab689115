// A mirror that means ill costs its time and some bytes, and never memory; what it did has a name.

import { afterEach, describe, expect, it } from "vitest";
import type { Answered, Asked, MirrorFetcher } from "../../shared/mirrors/fetcher.ts";
import { type FetcherOptions, openFetcher } from "../../shared/mirrors/http.ts";
import { MirrorTrouble, problemOf } from "../../shared/mirrors/trouble.ts";
import type { Problem } from "../../shared/mirrors/types.ts";
import { hostile } from "./web-hostile.ts";
import { serveRaw } from "./web-server.ts";

type Raw = Awaited<ReturnType<typeof serveRaw>>;

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** For those that would take all the time they get. */
const IMPATIENT = { idleSeconds: 0.25 } as const;

async function meet(
  server: Promise<Raw>,
  options: FetcherOptions = {},
): Promise<{ url: string; fetcher: MirrorFetcher; server: Raw }> {
  const fetcher = openFetcher(options);
  const opened = await server;
  closing.push(
    () => opened.close(),
    () => fetcher.close(),
  );
  return { url: opened.url, fetcher, server: opened };
}

const asked = (more: Partial<Asked> = {}): Asked => ({
  signal: new AbortController().signal,
  maxBytes: 1_000_000,
  ...more,
});

/** The problem of asking and reading, and how many bytes were handed out before it. */
async function outcome(ask: Promise<Answered>): Promise<{ readonly problem: Problem; readonly bytes: number }> {
  let bytes = 0;
  try {
    for await (const piece of (await ask).body) bytes += piece.length;
  } catch (error) {
    return { problem: problemOf(error), bytes };
  }
  throw new Error(`nothing went wrong in ${bytes} bytes`);
}

describe("A hostile mirror", () => {
  it("whose body has no end is left when it is over the limit, and no later", async () => {
    const { url, fetcher } = await meet(hostile.endlessBody());
    const { problem, bytes } = await outcome(fetcher.get(url, asked()));
    expect(problem.kind).toBe("too-large");
    expect(bytes).toBeLessThanOrEqual(1_000_000);
  });

  it("sends no more than the reader takes, but for what the buffers hold", async () => {
    let written = 0;
    const server = serveRaw((socket) => {
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n");
        const more = () => {
          while (!socket.destroyed && socket.write("x".repeat(65_536)));
          written = socket.bytesWritten;
        };
        socket.on("drain", more);
        more();
      });
    });
    const { url, fetcher } = await meet(server);
    const answer = await fetcher.get(url, asked({ maxBytes: 1e9 }));
    const reading = answer.body[Symbol.asyncIterator]();
    expect((await reading.next()).done).toBe(false);
    // As many turns of the loop as would move tens of megabytes, if anybody took them.
    for (let turn = 0; turn < 2000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(written).toBeLessThan(32 * 1024 * 1024);
    await reading.return?.();
  });

  it("whose chunks are all extension is left when no byte comes of it", async () => {
    const { url, fetcher } = await meet(hostile.endlessExtensions(), IMPATIENT);
    const { problem, bytes } = await outcome(fetcher.get(url, asked()));
    expect(problem).toEqual({ kind: "timeout", detail: "no byte in 0.25 s" });
    expect(bytes).toBe(0);
  });

  it("that drips is too slow, although it is never silent for long", async () => {
    const slowest = { bytesPerSecond: 1000, seconds: 0.2 };
    const { url, fetcher } = await meet(hostile.slowDrip(10), { idleSeconds: 10, slowest });
    const { problem, bytes } = await outcome(fetcher.get(url, asked()));
    expect(problem).toEqual({ kind: "timeout", detail: "slower than 1000 bytes/s over 0.2 s" });
    expect(bytes).toBeLessThan(200);
  });

  it("that falls silent in its body is left", async () => {
    const { url, fetcher } = await meet(hostile.slowDrip(60_000), IMPATIENT);
    expect((await outcome(fetcher.get(url, asked()))).problem).toEqual({
      kind: "timeout",
      detail: "no byte in 0.25 s",
    });
  });

  it("that declares 10 GB is not read", async () => {
    const { url, fetcher } = await meet(hostile.declaredHuge());
    expect(await outcome(fetcher.get(url, asked()))).toEqual({
      problem: { kind: "too-large", detail: "10000000000 bytes declared, 1000000 allowed" },
      bytes: 0,
    });
  });

  it("that redirects for ever is asked seven times", async () => {
    const { url, fetcher } = await meet(hostile.endlessRedirects());
    let hops = 0;
    const { problem } = await outcome(fetcher.get(url, asked({ onHop: () => (hops += 1) })));
    expect(problem).toEqual({ kind: "redirect-loop", detail: "more than 6 redirects", status: 302 });
    expect(hops).toBe(7);
  });

  it.each([302, 404, 500])("whose body of a %i has no end is known by its status", async (status) => {
    const { url, fetcher } = await meet(hostile.endlessErrorBody(status));
    expect((await outcome(fetcher.get(url, asked()))).problem).toMatchObject({ kind: "status", status });
  });

  it("whose body of a 404 never comes is known by its status", async () => {
    const server = serveRaw(
      (socket) => void socket.once("data", () => socket.write("HTTP/1.1 404 No\r\ncontent-length: 10\r\n\r\n")),
    );
    const { url, fetcher } = await meet(server, IMPATIENT);
    expect((await outcome(fetcher.get(url, asked()))).problem).toEqual({
      kind: "status",
      detail: "HTTP 404",
      status: 404,
    });
  });

  it("whose head has no end is left", async () => {
    const { url, fetcher } = await meet(hostile.endlessHeaders());
    expect((await outcome(fetcher.get(url, asked()))).problem.kind).toBe("too-large");
  });

  it.each([
    ["drips its head", hostile.slowHeaders],
    ["sends hints for ever", hostile.endlessHints],
  ])("that %s has not answered in time", async (_, serve) => {
    const { url, fetcher } = await meet(serve(10), IMPATIENT);
    const { problem } = await outcome(fetcher.get(url, asked()));
    expect(problem).toEqual({ kind: "timeout", detail: "no answer in 0.25 s" });
  });

  it("that ends in the middle is known by how much came", async () => {
    const { url, fetcher } = await meet(hostile.closedMidBody(5000, 1234));
    expect(await outcome(fetcher.get(url, asked()))).toEqual({
      problem: { kind: "reset", detail: "1234 of 5000 bytes came" },
      bytes: 1234,
    });
  });

  it("that does not speak HTTP is told so", async () => {
    const { url, fetcher } = await meet(hostile.garbage());
    const { problem } = await outcome(fetcher.get(url, asked()));
    expect(problem.kind).toBe("network");
    expect(problem.detail).toMatch(/does not speak HTTP/);
  });

  it.each([
    ["never answers", hostile.neverAnswers],
    ["never reads", hostile.neverReads],
  ])("that %s is left, and asked once", async (_, serve) => {
    const { url, fetcher, server } = await meet(serve(), IMPATIENT);
    expect((await outcome(fetcher.get(url, asked()))).problem.kind).toBe("timeout");
    expect((await outcome(fetcher.head(url, asked()))).problem.kind).toBe("timeout");
    expect(server.connections).toBe(2);
  });

  it.each([
    ["closes at once", hostile.closesAtOnce],
    ["resets when it is asked", hostile.resetsWhenAsked],
  ])("that %s has reset the connection, and is not asked again", async (_, serve) => {
    const { url, fetcher, server } = await meet(serve());
    expect((await outcome(fetcher.get(url, asked()))).problem.kind).toBe("reset");
    expect(server.connections).toBe(1);
  });

  it("that never shakes hands is no connection in time", async () => {
    const { fetcher, server } = await meet(hostile.neverAnswers(), { connectSeconds: 0.1, idleSeconds: 10 });
    const { problem } = await outcome(fetcher.get(`https://127.0.0.1:${server.port}/`, asked()));
    expect(problem).toEqual({ kind: "timeout", detail: `no connection to 127.0.0.1:${server.port} in 0.1 s` });
  });

  it("sends a body with HEAD: neither it nor what follows is taken for the next answer", async () => {
    const two = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
    const server = serveRaw((socket) => {
      socket.on("data", (request) => {
        const head = String(request).startsWith("HEAD");
        socket.write(head ? `${two}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil` : `${two}right`);
      });
    });
    const { url, fetcher } = await meet(server, { connectionsPerHost: 1 });
    expect((await fetcher.head(url, asked())).contentLength).toBe(5);
    let text = "";
    for await (const piece of (await fetcher.get(url, asked())).body) text += Buffer.from(piece).toString();
    expect(text).toBe("right");
  });

  it("takes no place of its host for longer than it is asked", async () => {
    const { url, fetcher } = await meet(hostile.neverAnswers(), { ...IMPATIENT, connectionsPerHost: 2 });
    const all = Array.from({ length: 6 }, () => outcome(fetcher.get(url, asked())));
    for (const { problem } of await Promise.all(all)) expect(problem.kind).toBe("timeout");
  });

  it("ends with the time of the look while it never shakes hands", async () => {
    const { fetcher, server } = await meet(hostile.neverAnswers(), { connectSeconds: 1000 });
    const ending = new AbortController();
    const ask = outcome(fetcher.get(`https://127.0.0.1:${server.port}/`, asked({ signal: ending.signal })));
    setTimeout(() => ending.abort(new MirrorTrouble("budget", "the time was used up")), 20);
    expect((await ask).problem.kind).toBe("budget");
  });

  it("ends with the time of the look, whatever it does", async () => {
    const servers = [
      hostile.endlessBody(),
      hostile.slowDrip(5),
      hostile.neverAnswers(),
      hostile.endlessHints(5),
      hostile.slowHeaders(5),
    ];
    const ending = new AbortController();
    const more = asked({ signal: ending.signal, maxBytes: Number.MAX_SAFE_INTEGER });
    const patient = { idleSeconds: 1000, connectSeconds: 1000 };
    const outcomes: Promise<{ readonly problem: Problem }>[] = [];
    for (const server of servers) {
      const { url, fetcher } = await meet(server, patient);
      outcomes.push(outcome(fetcher.get(url, more)));
    }
    setTimeout(() => ending.abort(new MirrorTrouble("budget", "the time was used up")), 50);
    const kinds = (await Promise.all(outcomes)).map(({ problem }) => problem.kind);
    expect(kinds).toEqual(servers.map(() => "budget"));
  });
});
