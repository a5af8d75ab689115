// How many connections a host sees, who gets one, when they end, and how slowly a body may come.

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { FRESH_PACE, keptPace, type Pace } from "../../shared/mirrors/http-trouble.ts";
import { MirrorTrouble } from "../../shared/mirrors/trouble.ts";
import { makeCertificates, type TestCertificates } from "./web-certificates.ts";
import { asked, bytesOf, folder, kindOf, large, open, read, serve } from "./web-scene.ts";
import type { WebRule } from "./web-server.ts";

let certificates: TestCertificates;
beforeAll(async () => {
  certificates = await makeCertificates(folder);
});

describe("Connections to a host", () => {
  it("are at most eight, whatever is asked at once, and are used again", async () => {
    const server = await serve({}, { latencyMilliseconds: 5 });
    const fetcher = open();
    const one = (i: number) =>
      i % 2 === 0
        ? fetcher.head(`${server.url}/primary.xml.gz`, asked()).then(() => 0)
        : read(fetcher, `${server.url}/primary.xml.gz`).then((bytes) => bytes.length);
    const lengths = await Promise.all(Array.from({ length: 60 }, (_, i) => one(i)));
    expect(lengths.filter((length) => length === large.length)).toHaveLength(30);
    expect(server.requests).toHaveLength(60);
    expect(server.maxConnections).toBe(8);
    expect(server.connections).toBe(8);
  });

  it("are counted over all its ports and schemes", async () => {
    let now = 0;
    let most = 0;
    const slow: WebRule = (_, response) => {
      now += 1;
      most = Math.max(most, now);
      setTimeout(() => {
        now -= 1;
        response.end("x");
      }, 5);
    };
    const plain = await serve({ "/": slow });
    const other = await serve({ "/": slow });
    const secure = await serve({ "/": slow }, { tls: certificates.good });
    const fetcher = open({ ca: certificates.ca, connectionsPerHost: 3 });
    const urls = Array.from({ length: 30 }, (_, i) => [plain.url, other.url, secure.url][i % 3] ?? "");
    await Promise.all(urls.map((url) => read(fetcher, url)));
    expect(most).toBe(3);
    expect(Math.max(plain.maxConnections, other.maxConnections, secure.maxConnections)).toBeLessThanOrEqual(3);
  });

  it("are given in turn", async () => {
    const server = await serve();
    const fetcher = open({ connectionsPerHost: 1 });
    const paths = Array.from({ length: 20 }, (_, i) => `/${i}`);
    await Promise.all(paths.map((path) => kindOf(fetcher.head(server.url + path, asked()))));
    expect(server.requests.map(({ path }) => path)).toEqual(paths);
    expect(server.connections).toBe(1);
  });

  it("are free again after whatever ends an exchange", async () => {
    const server = await serve({
      "/short.gz": { redirect: "/repomd.xml" },
      "/reset": (request) => request.socket.destroy(),
    });
    const fetcher = open({ connectionsPerHost: 1 });
    const url = `${server.url}/primary.xml.gz`;
    for await (const _ of (await fetcher.get(url, asked())).body) break;
    expect(await kindOf(fetcher.get(url, asked({ maxBytes: 10 })))).toBe("too-large");
    expect(await kindOf(fetcher.get(`${server.url}/missing`, asked()))).toBe("status");
    expect(await kindOf(fetcher.get(`${server.url}/reset`, asked()))).toBe("reset");
    await fetcher.get(`${server.url}/short.gz`, asked()).then(bytesOf);
    const unread = await fetcher.get(url, asked());
    await unread.body[Symbol.asyncIterator]().return?.();
    const thrown = async () => {
      for await (const _ of (await fetcher.get(url, asked())).body) throw new RangeError("the reader's own");
    };
    await expect(thrown()).rejects.toThrow(RangeError);
    const ending = new AbortController();
    await fetcher.get(url, asked({ signal: ending.signal }));
    ending.abort(new MirrorTrouble("budget", "the time was used up"));
    expect(await read(fetcher, url)).toEqual(large);
    expect(server.maxConnections).toBe(1);
  });

  it.each(["http", "https"])(
    "that the server ends just when they are used again are opened anew, once (%s)",
    async (scheme) => {
      const known = new Set<unknown>();
      const once: WebRule = (request, response) => {
        if (known.has(request.socket)) return void request.socket.destroy();
        known.add(request.socket);
        response.end("ok");
      };
      const server = await serve({ "/": once }, scheme === "http" ? {} : { tls: certificates.good });
      const fetcher = open({ ca: certificates.ca, connectionsPerHost: 1 });
      expect(String(await read(fetcher, server.url))).toBe("ok");
      expect(String(await read(fetcher, server.url))).toBe("ok");
      expect(server.requests).toHaveLength(3);
      expect(server.connections).toBe(2);
    },
  );

  it("that the server ends in the middle of an answer are not", async () => {
    const server = await serve({ "/": (_, response) => void response.write("s", () => response.destroy()) });
    const fetcher = open({ connectionsPerHost: 1 });
    await read(fetcher, `${server.url}/repomd.xml`);
    expect(await kindOf(read(fetcher, server.url))).toBe("reset");
    expect(server.requests).toHaveLength(2);
  });
});

describe("The signal", () => {
  const reason = new MirrorTrouble("budget", "the time was used up");

  it("ends what waits in the queue, what waits for a head and what is being read, with its reason", async () => {
    const server = await serve({ "/never": () => {} });
    const fetcher = open({ connectionsPerHost: 2 });
    const ending = new AbortController();
    const more = asked({ signal: ending.signal });
    const reading = (await fetcher.get(`${server.url}/primary.xml.gz`, more)).body[Symbol.asyncIterator]();
    await reading.next();
    const heads = ["/never", "/queued"].map((path) => fetcher.get(server.url + path, more));
    const outcomes = Promise.allSettled(heads);
    ending.abort(reason);
    expect(await outcomes).toEqual(heads.map(() => ({ status: "rejected", reason })));
    const rest = async () => {
      while ((await reading.next()).done !== true);
    };
    await expect(rest()).rejects.toBe(reason);
    expect(server.requests.map(({ path }) => path)).not.toContain("/queued");
  });

  it("that has come already lets nothing be asked", async () => {
    const server = await serve();
    await expect(open().get(server.url, asked({ signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    expect(server.connections).toBe(0);
  });
});

describe("Closing", () => {
  it("ends everything that is under way or waits, and lets nothing more be asked", async () => {
    const server = await serve({ "/never": () => {} });
    const fetcher = open({ connectionsPerHost: 1 });
    const under = [kindOf(fetcher.get(`${server.url}/never`, asked())), kindOf(fetcher.get(server.url, asked()))];
    await fetcher.close();
    expect(await Promise.all(under)).toEqual(["network", "network"]);
    expect(await kindOf(fetcher.get(server.url, asked()))).toBe("network");
  });
});

describe("The pace of a body", () => {
  const slowest = { bytesPerSecond: 1000, seconds: 30 };
  const pieces = fc.array(fc.record({ waited: fc.integer({ min: 1, max: 20_000 }), bytes: fc.nat(100_000) }));
  const run = (list: readonly { readonly waited: number; readonly bytes: number }[]) =>
    list.reduce<Pace | null>((pace, { waited, bytes }) => pace && keptPace(pace, waited, bytes, slowest), FRESH_PACE);

  it("is never too slow when each piece keeps to it", () => {
    fc.assert(
      fc.property(pieces, (list) => {
        expect(run(list.map(({ waited, bytes }) => ({ waited, bytes: bytes + waited })))).not.toBeNull();
      }),
      { seed: 6 },
    );
  });

  it("is too slow within two windows when no piece keeps to it", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 2, max: 20_000 }), { minLength: 1 }), (waits) => {
        const slow = waits.map((waited) => ({ waited, bytes: waited - 2 }));
        const total = waits.reduce((sum, waited) => sum + waited, 0);
        expect(run(slow) === null).toBe(total >= 30_000);
      }),
      { seed: 6 },
    );
  });

  it("counts only the time of waiting: who reads slowly blames nobody", () => {
    expect(run(Array.from({ length: 1000 }, () => ({ waited: 1, bytes: 1 })))).not.toBeNull();
  });
});
