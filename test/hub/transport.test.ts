// One HTTP exchange: every way in which it can go wrong ends, soon, with a name and a sentence.

import { once } from "node:events";
import { createServer, type Server as TcpServer } from "node:net";
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HubAnswerUnreadable, HubUnreachable } from "../../shared/hub/faults.ts";
import { connectAnonymously, type HubReader } from "../../shared/hub/session.ts";
import { type HubEndpoint, openTransport } from "../../shared/hub/transport.ts";
import { encodeResponse } from "../../shared/hub/xmlrpc/encode.ts";
import { answer, cutReply, instantClock, loseRequest, type Mishap, silence, TestHub } from "./hub-server.ts";
import { transcripts } from "./transcripts.ts";

const document = encodeResponse("kettle ".repeat(1000));
const opened: { close(): Promise<void> | void }[] = [];
let hub: TestHub;

beforeEach(async () => {
  hub = await TestHub.start();
  opened.push({ close: () => hub.stop() });
});
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

/** One try, whose failure is the result. */
async function asked(endpoint: Partial<HubEndpoint> = {}): Promise<unknown> {
  const reader: HubReader = connectAnonymously({ url: hub.url, clock: instantClock(), retries: 0, ...endpoint });
  opened.push(reader);
  return reader.call("getKojiVersion").catch((error: unknown) => error);
}

async function rawServer(onBytes: (socket: import("node:net").Socket) => void): Promise<string> {
  const server: TcpServer = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => onBytes(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  opened.push({ close: () => void server.close() });
  return `127.0.0.1:${Object(server.address()).port}/kojihub`;
}

describe("a compressed answer", () => {
  it.each([
    ["gzip", gzipSync(document)],
    ["x-gzip", gzipSync(document)],
    ["deflate", deflateSync(document)],
    ["deflate", deflateRawSync(document)],
    ["deflate, gzip", gzipSync(deflateSync(document))],
    ["identity", Buffer.from(document)],
  ])("of content-encoding %s is read", async (encoding, body) => {
    hub.ahead.push(answer(200, body, { "content-encoding": encoding }));
    expect(await asked()).toBe("kettle ".repeat(1000));
    expect(hub.exchanges[0]?.headers["accept-encoding"]).toBe("gzip, deflate");
  });

  it.each<[string, string, Buffer, boolean]>([
    ["stops too soon", "gzip", gzipSync(document).subarray(0, 60), true],
    ["is not compressed at all", "gzip", Buffer.from(document), false],
    ["is of a kind that was not asked for", "br", Buffer.from(document), false],
  ])("that %s is unreadable", async (_what, encoding, body, retryable) => {
    hub.ahead.push(answer(200, body, { "content-encoding": encoding }));
    const error = await asked();
    expect(error).toBeInstanceOf(HubAnswerUnreadable);
    expect(error).toMatchObject({
      status: 200,
      retryable,
      message: expect.stringContaining(`cannot be decompressed (content-encoding ${encoding})`),
    });
  });
});

describe("an answer over the limit", () => {
  const limit = { maxAnswerBytes: 10_000 };
  it("is not read on, announced or not, plain or compressed", async () => {
    const long = "x".repeat(10_001);
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    hub.ahead.push(
      answer(200, long, { "content-length": String(long.length) }),
      ({ response }) => {
        const more = () => void (response.destroyed || response.write("x".repeat(5000), more));
        response.writeHead(200);
        more();
      },
      answer(200, bomb.subarray(0, 9_000), { "content-encoding": "gzip" }),
    );
    for (let time = 0; time < 3; time++) {
      expect(await asked(limit)).toMatchObject({
        name: "HubAnswerUnreadable",
        retryable: false,
        message: `The answer of ${hub.url} is longer than 10000 bytes; ask for less or raise the limit.`,
      });
    }
  });

  it("is fine up to it", async () => {
    hub.ahead.push(answer(200, document));
    expect(await asked({ maxAnswerBytes: document.length })).toBe("kettle ".repeat(1000));
  });
});

describe("an answer that is not the hub's", () => {
  const postHandshake = transcripts.find(({ name }) => name.startsWith("sslLogin-tls13"))?.response ?? "";
  it.each<[number, string, boolean, RegExp]>([
    [
      403,
      postHandshake,
      false,
      /answered HTTP 403 \(“403 Forbidden Forbidden You don't have .*”\); it wants a certificate after the TLS 1\.3 handshake, which Node cannot give: use TLS 1\.2 for the login/,
    ],
    [403, "<h1>Forbidden</h1>", false, /HTTP 403 \(“Forbidden”\); the web server does not let us in/],
    [404, "<h1>Not Found</h1>", false, /HTTP 404 .*; that is no hub, check that the address ends in \/kojihub\.$/],
    [405, "Method Not Allowed", false, /HTTP 405/],
    [
      400,
      "Invalid request: Request too long",
      false,
      /HTTP 400 \(“Invalid request: Request too long”\); the hub could not read the call/,
    ],
    [408, "", true, /HTTP 408; try again later/],
    [429, "", true, /HTTP 429/],
    [
      500,
      "<title>500</title><script>alert(1)</script><p>Internal\n\tServer Error",
      true,
      /HTTP 500 \(“500 Internal Server Error”\)/,
    ],
    [502, `<p>${"Proxy Error ".repeat(10_000)}</p>`, true, /HTTP 502 \(“Proxy Error .*…”\)/],
    [503, "", true, /HTTP 503; the hub or its web server is in trouble, try again later\.$/],
    [204, "", false, /HTTP 204; check the address/],
  ])("with HTTP %i says so", async (status, body, retryable, sentence) => {
    hub.ahead.push(answer(status, body, { "content-type": "text/html" }));
    const error = await asked();
    expect(error).toBeInstanceOf(HubAnswerUnreadable);
    expect(error).toMatchObject({ status, retryable, message: expect.stringMatching(sentence) });
    if (error instanceof HubAnswerUnreadable) {
      expect(error.excerpt.length).toBeLessThan(200);
      expect(error.excerpt).not.toMatch(/[<>\n]|alert/);
    }
  });

  it("is told by its status even when it cannot be decompressed", async () => {
    hub.ahead.push(answer(502, "no gzip", { "content-encoding": "gzip" }));
    expect(await asked()).toMatchObject({ name: "HubAnswerUnreadable", status: 502, retryable: true });
  });

  it.each<[string, string | undefined]>([
    ["https://koji.meadowlark.test", "https://koji.meadowlark.test/kojihub?secret=1"],
    ["http://127.0.0.1", "/elsewhere"],
    ["nowhere", undefined],
    ["nowhere", "https://"],
  ])("but a redirect to %s is not followed", async (destination, location) => {
    hub.ahead.push(answer(302, "", location === undefined ? {} : { location }));
    const error = await asked();
    expect(error).toMatchObject({ name: "HubAnswerUnreadable", status: 302, retryable: false });
    expect(String(error)).toContain(`redirects to ${destination}`);
    expect(String(error)).not.toContain("secret");
    expect(hub.exchanges).toHaveLength(1);
  });

  it.each<[string, string, boolean, RegExp]>([
    [
      "a page",
      "<html><body>Log in to the network</body></html>",
      false,
      /not XML-RPC: <html> stands in its place \(“Log in to the network”\); check that this is the hub's address/,
    ],
    ["nothing", "", true, /stops too soon .*; try again\.$/],
    [
      "half a document",
      document.slice(0, 3000),
      true,
      /The answer to getKojiVersion is not XML-RPC: it stops too soon/,
    ],
    [
      "a document with an entity",
      "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><methodResponse/>",
      false,
      /document type declaration/,
    ],
  ])("with HTTP 200 and %s says so", async (_what, body, retryable, sentence) => {
    hub.ahead.push(answer(200, body));
    expect(await asked()).toMatchObject({
      name: "HubAnswerUnreadable",
      status: 200,
      retryable,
      message: expect.stringMatching(sentence),
    });
  });

  it("nor HTTP says so", async () => {
    const address = await rawServer((socket) => void socket.end("SSH-2.0-OpenSSH_9.2p1\r\n"));
    expect(await asked({ url: `http://${address}` })).toMatchObject({
      name: "HubAnswerUnreadable",
      status: 0,
      message: expect.stringContaining(
        `What answers at http://${address} does not speak HTTP (Response does not match`,
      ),
    });
  });
});

describe("a hub that cannot be reached", () => {
  it.each([
    ["drops the connection", loseRequest],
    ["drops it half-way through its answer", cutReply],
  ])("because it %s, is a reset", async (_what, mishap) => {
    hub.ahead.push(mishap);
    const error = await asked();
    expect(error).toBeInstanceOf(HubUnreachable);
    expect(error).toMatchObject({ reason: "reset", retryable: true, url: hub.url });
    expect(String(error)).toMatch(
      /^HubUnreachable: The hub at http:.* cannot be reached: the connection was cut .*\.$/,
    );
  });

  it("because nobody listens, refused", async () => {
    const address = await rawServer(() => {});
    await opened.pop()?.close();
    expect(await asked({ url: `http://${address}` })).toMatchObject({
      name: "HubUnreachable",
      reason: "refused",
      retryable: true,
    });
  });

  it("because it has no address, is a matter of DNS", async () => {
    // Longer than a label may be, so no name server is asked.
    expect(await asked({ url: `http://${"a".repeat(64)}.invalid/kojihub` })).toMatchObject({
      name: "HubUnreachable",
      reason: "dns",
      retryable: true,
    });
  });

  it.each<[string, Mishap]>([
    ["says nothing", silence],
    [
      "says something for ever",
      ({ response }) => {
        const more = () => void (response.destroyed || response.write("<!-- -->", () => setImmediate(more)));
        response.writeHead(200);
        more();
      },
    ],
    ["stops in the middle", ({ response }) => void response.writeHead(200, { "content-length": 100 }).write("<?xml")],
    ["stops in its headers", ({ response }) => void response.socket?.write("HTTP/1.1 200 OK\r\nContent-")],
  ])("in time because it %s, is a timeout", async (_what, mishap) => {
    hub.ahead.push(mishap);
    expect(await asked({ timeoutSeconds: 0.15 })).toMatchObject({
      name: "HubUnreachable",
      reason: "timeout",
      retryable: true,
      message: `The hub at ${hub.url} cannot be reached: it did not answer in time; try again or raise the timeout (after 0.15 s).`,
    });
  });

  // TLS alerts as a hub behind Apache sends them: record type 21, fatal (2), number (RFC 8446, 6).
  it.each<[string, number, string, boolean]>([
    ["handshake_failure (TLS 1.2 without a certificate)", 40, "tls", true],
    ["protocol_version", 70, "tls", true],
    ["bad_certificate", 42, "certificate", false],
    ["certificate_expired", 45, "certificate", false],
    ["unknown_ca (transcript sslLogin-untrusted-cert)", 48, "certificate", false],
    ["certificate_required (transcript sslLogin-no-cert-required-verify)", 116, "certificate", false],
  ])("because its TLS says %s", async (_what, alert, reason, retryable) => {
    const address = await rawServer((socket) => void socket.end(Buffer.from([21, 3, 3, 0, 2, 2, alert])));
    expect(await asked({ url: `https://${address}` })).toMatchObject({ name: "HubUnreachable", reason, retryable });
  });

  it("because it speaks no TLS at all", async () => {
    expect(await asked({ url: hub.url.replace("http:", "https:") })).toMatchObject({
      name: "HubUnreachable",
      reason: "tls",
    });
  });
});

describe("the address of a hub", () => {
  it.each([
    "",
    "koji.meadowlark.test",
    "ftp://koji/kojihub",
    "https://user:secret@koji/kojihub",
    "https://koji/kojihub?x=1",
    "https://koji/kojihub#x",
  ])("is not %j", (url) => {
    expect(() => openTransport({ url })).toThrow(
      "The hub's address must look like https://HOST/kojihub, without user, query or fragment.",
    );
  });
});
