// The console's server: the page and its parts, the state, its events, and nothing to anybody else.

import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Console, startConsole } from "../../sandbox/console/index.ts";
import { busyState } from "./states.ts";

let console_: Console;
let broken: Error | null;

beforeEach(async () => {
  broken = null;
  console_ = await startConsole({
    port: 0,
    host: "127.0.0.1",
    read() {
      if (broken !== null) throw broken;
      return busyState();
    },
  });
});

afterEach(() => console_.close());

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Raw requests: fetch would tidy the path and the Host header. */
function ask(path: string, { method = "GET", host }: { method?: string; host?: string } = {}): Promise<Answer> {
  return open(path, method, host).then(async (response) => {
    return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
  });
}

function open(path: string, method = "GET", host?: string): Promise<IncomingMessage> {
  const { hostname, port } = new URL(console_.url);
  return new Promise((resolve, reject) => {
    const headers = host === undefined ? {} : { host };
    request({ hostname, port, path, method, headers }, resolve).on("error", reject).end();
  });
}

/** The first event of a stream, parsed. */
async function firstEvent(response: IncomingMessage): Promise<{ readonly name: string; readonly data: unknown }> {
  let received = "";
  for await (const chunk of response.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    received += chunk;
    if (received.includes("\n\n")) break;
  }
  const [event = ""] = received.split("\n\n");
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(event)?.[1];
  return { name: field("event") ?? "message", data: JSON.parse(field("data") ?? "null") };
}

describe("what it answers", () => {
  it.each([
    ["/", "text/html", "<title>Toji</title>"],
    ["/?again", "text/html", "<title>Toji</title>"],
    ["/app.js", "text/javascript", "EventSource"],
    ["/view.js", "text/javascript", "Page"],
    ["/chart.js", "text/javascript", "uPlot"],
    ["/format.js", "text/javascript", "formatClock"],
    ["/colors.css", "text/css", "prefers-color-scheme: dark"],
    ["/style.css", "text/css", "header {"],
    ["/parts.css", "text/css", ".totals dl {"],
    ["/icon.svg", "image/svg+xml", "<svg"],
    ["/modules/preact.js", "text/javascript", "export"],
    ["/modules/htm.js", "text/javascript", "export"],
    ["/modules/uplot.js", "text/javascript", "export"],
    ["/modules/uplot.css", "text/css", ".uplot"],
  ])("%s is %s", async (path, type, part) => {
    const { status, headers, body } = await ask(path);
    expect(status).toBe(200);
    expect(headers["content-type"]).toContain(type);
    expect(body).toContain(part);
  });

  it("/state is the state as JSON", async () => {
    const { headers, body } = await ask("/state");
    expect(headers["content-type"]).toBe("application/json");
    expect(JSON.parse(body)).toEqual(JSON.parse(JSON.stringify(busyState())));
  });

  it("answers HEAD with the same headers and nothing else", async () => {
    const [head, get] = await Promise.all([ask("/style.css", { method: "HEAD" }), ask("/style.css")]);
    expect(head.headers["content-length"]).toBe(get.headers["content-length"]);
    expect(head.body).toBe("");
    expect((await ask("/events", { method: "HEAD" })).status).toBe(200);
  });

  it("every import and link of the page is answered", async () => {
    const sources = await Promise.all(["/", "/app.js", "/view.js", "/chart.js", "/format.js"].map((each) => ask(each)));
    const addresses = sources.flatMap(({ body }) =>
      [...body.matchAll(/(?:from |import |src=|href=)"([^"]+)"/g)].map((match) => match[1] ?? ""),
    );
    expect(addresses).toContain("/modules/preact.js");
    for (const address of new Set(addresses)) expect([address, (await ask(address)).status]).toEqual([address, 200]);
  });

  it("says in one sentence why the state cannot be read", async () => {
    broken = new Error("the hub is gone");
    expect(await ask("/state")).toMatchObject({ status: 500, body: "The state cannot be read: the hub is gone\n" });
  });
});

describe("what it refuses", () => {
  it.each([
    "/../server.ts",
    "/%2e%2e/server.ts",
    "/page/../../../package.json",
    "//etc/passwd",
    "/modules/../../package.json",
    "/modules/preact.js/../uplot.js",
    "/app.js%00",
    "/constructor",
    "/page/app.js",
  ])("%s is not there", async (path) => {
    expect(await ask(path)).toMatchObject({ status: 404, body: "There is nothing at this address.\n" });
  });

  it.each([
    "toji.example.org",
    "127.0.0.1.example.org",
    "localhost.example.org:80",
    "127.0.0.1@evil",
    "[::1]",
    "0.0.0.0",
  ])("a request that names the host %j", async (host) => {
    expect((await ask("/state", { host })).status).toBe(421);
    expect((await ask("/events", { host })).status).toBe(421);
  });

  it.each(["127.0.0.1", "localhost", "LOCALHOST:8080"])("but not one that names %s", async (host) => {
    expect((await ask("/state", { host })).status).toBe(200);
  });

  it.each(["POST", "PUT", "DELETE", "OPTIONS"])("%s", async (method) => {
    const { status, headers } = await ask("/state", { method });
    expect([status, headers.allow]).toEqual([405, "GET, HEAD"]);
  });

  it("scripts and styles that are not its own, by the headers of every answer", async () => {
    for (const path of ["/", "/state", "/nowhere"]) {
      const { headers } = await ask(path);
      const policy = headers["content-security-policy"] ?? "";
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
      expect(policy).not.toContain("unsafe");
      expect(headers["x-content-type-options"]).toBe("nosniff");
    }
    expect((await ask("/")).body).not.toMatch(/<script(?![^>]*src=)|<style|style=|onload=/);
  });

  it("a port that is in use, with one sentence", async () => {
    const port = Number(new URL(console_.url).port);
    await expect(startConsole({ port, host: "127.0.0.1", read: () => busyState() })).rejects.toThrow(
      `the console has no page: port ${port} of 127.0.0.1 is in use: choose another one, or stop what listens there`,
    );
  });
});

describe("events", () => {
  it("begin with the state, at once, and come again", async () => {
    const response = await open("/events");
    expect(response.headers["content-type"]).toBe("text/event-stream");
    expect(response.headers["content-security-policy"]).toBeDefined();
    const expected = { name: "message", data: JSON.parse(JSON.stringify(busyState())) };
    expect(await firstEvent(response)).toEqual(expected);
    expect(await firstEvent(response)).toEqual(expected);
    response.destroy();
  });

  it("say so when the state cannot be read, and go on", async () => {
    broken = new Error("the hub is gone");
    const response = await open("/events");
    expect(await firstEvent(response)).toEqual({ name: "trouble", data: "the hub is gone" });
    broken = null;
    expect((await firstEvent(response)).name).toBe("message");
    response.destroy();
  });

  it("go to sixteen at most, and to one more when one has left", async () => {
    const responses = await Promise.all(Array.from({ length: 16 }, () => open("/events")));
    expect((await ask("/events")).status).toBe(503);
    const left = new Promise((resolve) => responses[0]?.once("close", resolve));
    responses[0]?.destroy();
    await left;
    const later = await openWhenFree();
    expect(later.statusCode).toBe(200);
    for (const each of [...responses, later]) each.destroy();
  });

  it("end when the console is closed", async () => {
    const response = await open("/events");
    const rest = text(response);
    await console_.close();
    expect(await rest).toContain("data: ");
  });

  /** The server hears of a closed connection a moment after the client. */
  async function openWhenFree(): Promise<IncomingMessage> {
    for (;;) {
      const response = await open("/events");
      if (response.statusCode === 200) return response;
      await text(response);
    }
  }
});
