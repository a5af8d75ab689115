import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BUILDER, type FakeServer, Host, noScriptTools, serveHttp } from "./builder-host.ts";
import { type Outcome, run } from "./commands.ts";

const NOTICE = JSON.stringify({ action: "terminate", time: "2026-11-22T08:22:00Z" });

/** The metadata service: version 2 only, so nothing without a token that is still good. */
class FakeMetadataService {
  tokensIssued = 0;
  /** Requests that one token is good for. */
  tokenUses = Number.POSITIVE_INFINITY;
  /** Answers to spot/instance-action, one entry a look; the last one stays. */
  notices: [status: number, body: string][] = [[404, ""]];
  rebalance: [status: number, body: string] = [404, ""];
  /** Requests in order, as "METHOD path status". */
  readonly log: string[] = [];
  #usesLeft = 0;

  answer(method: string, path: string, headers: Record<string, unknown>): [number, string] {
    if (path === "/latest/api/token") {
      if (method !== "PUT" || headers["x-aws-ec2-metadata-token-ttl-seconds"] === undefined) return [400, ""];
      this.tokensIssued += 1;
      this.#usesLeft = this.tokenUses;
      return [200, `token-${this.tokensIssued}==`];
    }
    if (headers["x-aws-ec2-metadata-token"] !== `token-${this.tokensIssued}==` || this.#usesLeft <= 0) return [401, ""];
    this.#usesLeft -= 1;
    if (path === "/latest/meta-data/events/recommendations/rebalance") return this.rebalance;
    if (path !== "/latest/meta-data/spot/instance-action") return [404, ""];
    return (this.notices.length > 1 ? this.notices.shift() : this.notices[0]) ?? [404, ""];
  }

  serve(): Promise<FakeServer> {
    return serveHttp((request, response) => {
      const [status, body] = this.answer(request.method ?? "", request.url ?? "", request.headers);
      this.log.push(`${request.method} ${request.url} ${status}`);
      response.writeHead(status).end(body);
    });
  }
}

let host: Host;
let metadata: FakeMetadataService;
let server: FakeServer;

beforeEach(async (context) => {
  context.skip(noScriptTools !== "", noScriptTools);
  host = new Host();
  metadata = new FakeMetadataService();
  server = await metadata.serve();
});

afterEach(() => {
  server.close();
  host.remove();
});

function watch(rounds: number, changes: Record<string, string> = {}): Promise<Outcome> {
  return run("sh", [join(BUILDER, "spot-watcher")], {
    ...host.environment,
    TOJI_IMDS_URL: server.url,
    TOJI_WATCH_INTERVAL: "0",
    TOJI_WATCH_ROUNDS: String(rounds),
    ...changes,
  });
}

describe("a spot notice", () => {
  it.each(["terminate", "stop", "hibernate"])(
    "to %s asks for kojid to be stopped, and ends the watch",
    async (action) => {
      metadata.notices = [
        [404, ""],
        [404, ""],
        [200, JSON.stringify({ action, time: "2026-11-22T08:22:00Z" })],
      ];
      const outcome = await watch(10);
      expect(outcome.exit).toBe(0);
      expect(outcome.stderr).toBe("");
      expect(JSON.parse(outcome.lastLine)).toEqual({ notice: action, time: "2026-11-22T08:22:00Z" });
      expect(host.read("run/toji/spot-notice")).toBe(`${action} 2026-11-22T08:22:00Z\n`);
      expect(metadata.log.filter((line) => line.includes("instance-action"))).toHaveLength(3);
    },
  );

  it("is read however the JSON is laid out", async () => {
    metadata.notices = [[200, '{ "time" : "2026-11-22T08:22:00Z",  "action" : "terminate" }']];
    expect(JSON.parse((await watch(1)).lastLine)).toEqual({ notice: "terminate", time: "2026-11-22T08:22:00Z" });
  });

  it("without a time is as good a notice", async () => {
    metadata.notices = [[200, '{"action":"stop"}']];
    expect(JSON.parse((await watch(1)).lastLine)).toEqual({ notice: "stop", time: "unknown" });
  });

  it.each([
    "",
    "<html>terminate</html>",
    '{"action":"celebrate","time":"2026-11-22T08:22:00Z"}',
    '{"action":"stop; reboot"}',
  ])("that says %j stops nothing and is reported", async (body) => {
    metadata.notices = [[200, body]];
    const outcome = await watch(3);
    expect(outcome.exit).toBe(0);
    expect(outcome.stdout).toContain("spot/instance-action holds no action that this watcher knows");
    expect(host.has("run/toji/spot-notice")).toBe(false);
  });
});

describe("without a notice", () => {
  it("the watch goes on, with one token", async () => {
    const outcome = await watch(4);
    expect(JSON.parse(outcome.lastLine)).toEqual({ notice: null, rounds: 4 });
    expect(outcome.stdout.trimEnd()).toBe(outcome.lastLine);
    expect(metadata.tokensIssued).toBe(1);
    expect(host.has("run/toji")).toBe(false);
  });

  it("a rebalance recommendation is told once and changes nothing", async () => {
    metadata.rebalance = [200, '{"noticeTime":"2026-11-22T08:00:00Z"}'];
    const outcome = await watch(5);
    expect(outcome.stdout.match(/recommends to rebalance \(notice time 2026-11-22T08:00:00Z\)/g)).toHaveLength(1);
    expect(host.has("run/toji/spot-notice")).toBe(false);
  });
});

describe("trouble with the metadata service", () => {
  it("an expired token is replaced within the same look", async () => {
    metadata.tokenUses = 3;
    metadata.notices = [
      [404, ""],
      [404, ""],
      [404, ""],
      [200, NOTICE],
    ];
    const outcome = await watch(10);
    expect(JSON.parse(outcome.lastLine)).toMatchObject({ notice: "terminate" });
    expect(outcome.stdout).not.toContain("cannot look");
    expect(metadata.tokensIssued).toBe(3);
    expect(metadata.log.filter((line) => line.endsWith(" 401"))).toHaveLength(2);
  });

  it("errors are reported once, survived, and their end is reported", async () => {
    metadata.notices = [
      [500, "oops"],
      [503, ""],
      [404, ""],
      [200, NOTICE],
    ];
    const outcome = await watch(10);
    expect(outcome.exit).toBe(0);
    expect(outcome.stdout.match(/cannot look for a spot notice: .+ answered HTTP 500/g)).toHaveLength(1);
    expect(outcome.stdout).toContain("the metadata service answers again after 2 failures");
    expect(JSON.parse(outcome.lastLine)).toMatchObject({ notice: "terminate" });
  });

  it("no answer at all is survived, and repeated in the journal only every 60th time", async () => {
    const outcome = await watch(61, { TOJI_IMDS_URL: "http://127.0.0.1:1" });
    expect(outcome.exit).toBe(0);
    expect(outcome.stdout.match(/answered HTTP 000 \(failure \d+\)/g)).toEqual([
      "answered HTTP 000 (failure 1)",
      "answered HTTP 000 (failure 61)",
    ]);
  });
});

it.each(["TOJI_WATCH_INTERVAL", "TOJI_WATCH_ROUNDS"])("names %s when it is ill-formed", async (name) => {
  const outcome = await watch(1, { [name]: "often" });
  expect(outcome.exit).toBe(2);
  expect(outcome.stderr).toBe(`spot-watcher: ${name} is ill-formed: it must hold a whole number.\n`);
});

describe("stop-kojid", () => {
  const stopKojid = () => run("sh", [join(BUILDER, "stop-kojid")], host.environment);

  it("stops kojid on the notice that the watcher wrote", async () => {
    host.addUnit("kojid.service");
    metadata.notices = [[200, NOTICE]];
    await watch(1);
    const outcome = await stopKojid();
    expect(outcome.exit).toBe(0);
    expect(host.isActive("kojid.service")).toBe(false);
    expect(JSON.parse(outcome.lastLine)).toEqual({
      kojid: "stopped",
      notice: "terminate",
      time: "2026-11-22T08:22:00Z",
    });
  });

  it("stops kojid without a notice too, and a second time", async () => {
    host.addUnit("kojid.service");
    await stopKojid();
    expect(JSON.parse((await stopKojid()).lastLine)).toEqual({ kojid: "stopped", notice: "unknown", time: "unknown" });
  });

  it("repeats nothing of a notice that is not the watcher's", async () => {
    host.write("run/toji/spot-notice", 'terminate","x":"$(reboot)\u001b[31m');
    const outcome = await stopKojid();
    expect(JSON.parse(outcome.lastLine)).toEqual({ kojid: "stopped", notice: "unknown", time: "unknown" });
    expect(outcome.stdout).not.toContain("reboot");
  });

  it("says what will happen to the tasks when systemd cannot stop kojid", async () => {
    host.refuse("stop");
    const outcome = await stopKojid();
    expect(outcome.exit).toBe(1);
    expect(outcome.stderr).toMatch(/^stop-kojid: systemd could not stop kojid: the hub frees its tasks .+\.\n$/);
  });
});
