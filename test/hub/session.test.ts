// A session with a hub over a wire that fails: what is done once, what is tried again, and what the caller is told.

import { describe, expect, it } from "vitest";
import {
  HubAnswerUnreadable,
  HubFault,
  HubLoginRefused,
  HubOffline,
  HubOutcomeUnknown,
  HubWriteAlreadyDone,
} from "../../shared/hub/faults.ts";
import { connectAnonymously } from "../../shared/hub/session.ts";
import { encodeCall, named } from "../../shared/hub/xmlrpc/encode.ts";
import {
  badGateway,
  badGatewayAfterwards,
  cutReply,
  loseReply,
  loseRequest,
  type Mishap,
  silence,
  truncateReply,
} from "./hub-server.ts";
import { closeLater, failureOf, freeTask, INVALID_SESSION, scene } from "./scene.ts";
import { transcriptOf } from "./transcripts.ts";

describe("the calls of a session", () => {
  it("carry its id, its key and a number that rises", async () => {
    const { hub, writer } = await scene();
    await writer.call("getHost", ["builder-01"]);
    await writer.multiCall([{ method: "enableHost", params: ["builder-01"] }, { method: "getAPIVersion" }]);
    await freeTask(writer);
    const calls = hub.exchanges.slice(1).map(({ headers }) => headers);
    expect(calls.map((headers) => headers["koji-session-callnum"])).toEqual(["0", "1", "2"]);
    for (const headers of calls) {
      expect(headers).toMatchObject({
        "koji-session-id": "1",
        "koji-session-key": "2-SecretOfSession1xyz",
        "user-agent": "koji/1",
        "content-type": "text/xml",
      });
      expect(Number(headers["content-length"])).toBeGreaterThan(0);
    }
    expect(hub.exchanges[0]?.headers).not.toHaveProperty("koji-session-id");
  });

  it("go one after the other, in the order in which they were made", async () => {
    const { hub, writer } = await scene();
    await Promise.all(["a", "b", "c", "d"].map((host) => writer.call("enableHost", [host])));
    expect(hub.mostAtOnce).toBe(1);
    expect(hub.commits).toEqual(["enableHost(a)", "enableHost(b)", "enableHost(c)", "enableHost(d)"]);
    expect(hub.sessions.size).toBe(1);
  });

  it("go on after one that was refused", async () => {
    const { hub, writer } = await scene();
    hub.perform = (method) => {
      if (method === "freeTask") throw new HubFault(1004, "admin permission required (logged in as tester)");
      return 1;
    };
    const [refused, next] = await Promise.allSettled([freeTask(writer), writer.call("getAPIVersion")]);
    expect(refused).toMatchObject({
      status: "rejected",
      reason: {
        kind: "ActionNotAllowed",
        code: 1004,
        message:
          "The hub refused freeTask: admin permission required (logged in as tester) (ActionNotAllowed, fault 1004); give the user the permission.",
      },
    });
    expect(next).toEqual({ status: "fulfilled", value: 1 });
  });

  it("may be many in one multiCall, where each has its own outcome", async () => {
    const { hub, writer } = await scene();
    hub.ahead.push(undefined, ({ response }) => response.end(transcriptOf("multiCall-one-fault").response));
    const { request } = transcriptOf("multiCall-one-fault");
    const outcomes = await writer.multiCall([
      { method: "getHost", params: [1] },
      { method: "getChannel", params: ["nope", true] },
      { method: "listTasks", params: [{ state: [0] }, { countOnly: true }] },
      { method: "getHost", params: named(["builder-x86-02.meadowlark.test"], { strict: true }) },
      { method: "noSuchMethod" },
    ]);
    expect(hub.exchanges[1]?.body).toBe(request);
    expect(outcomes).toMatchObject([
      { ok: true, value: { name: "builder-x86-01.meadowlark.test", capacity: 4 } },
      { ok: false, fault: { code: 1000, faultString: "query returned no rows", method: "getChannel" } },
      { ok: true, value: 5 },
      { ok: true, value: { id: 2 } },
      {
        ok: false,
        fault: { message: "The hub refused noSuchMethod: Invalid method: noSuchMethod (GenericError, fault 1000)." },
      },
    ]);
    expect(await writer.multiCall([])).toEqual([]);
    expect(hub.exchanges).toHaveLength(2);
  });

  it.each<[string, unknown]>([
    ["too few outcomes", [[1]]],
    ["no outcomes", null],
    ["an outcome that is neither", [[1], 2]],
    ["an outcome with two values", [[1], [2, 3]]],
  ])("are not guessed at when a multiCall has %s", async (_what, value) => {
    const { hub, writer } = await scene();
    hub.ahead.push(undefined, ({ response }) =>
      response.end(
        `<methodResponse><params><param>${JSON.stringify(value) === "null" ? "<value><nil/></value>" : arrays(value)}</param></params></methodResponse>`,
      ),
    );
    const error = await failureOf(writer.multiCall([{ method: "getHost" }, { method: "getHost" }]));
    expect(error).toBeInstanceOf(HubAnswerUnreadable);
    expect(error).toMatchObject({ message: expect.stringContaining("answer to multiCall is not of the shape") });
  });
});

function arrays(value: unknown): string {
  if (!Array.isArray(value)) return `<value><int>${value}</int></value>`;
  return `<value><array><data>${value.map(arrays).join("")}</data></array></value>`;
}

describe("a write whose reply is lost", () => {
  it.each<[string, Mishap]>([
    ["by a reset", loseReply],
    ["half-way", cutReply],
    ["in its second half, unseen by HTTP", truncateReply],
    ["to an HTTP 502", badGatewayAfterwards],
  ])("%s is sent again as it was, and recognised as done", async (_how, mishap) => {
    const { hub, clock, writer } = await scene();
    hub.ahead.push(undefined, mishap);
    const error = await failureOf(freeTask(writer));
    expect(error).toBeInstanceOf(HubWriteAlreadyDone);
    expect(error).toMatchObject({ method: "freeTask" });
    expect(hub.commits).toEqual(["freeTask(7)"]);
    const [first, second] = hub.exchanges.slice(1);
    expect(second).toEqual(first);
    expect(clock.slept).toEqual([1]);
    await writer.call("enableHost", ["next"]);
    expect(hub.commits).toEqual(["freeTask(7)", "enableHost(next)"]);
  });

  it("is recognised in a multiCall too", async () => {
    const { hub, writer } = await scene();
    hub.ahead.push(undefined, loseReply);
    const error = await failureOf(
      writer.multiCall([
        { method: "getHost", params: ["a"] },
        { method: "enableHost", params: ["a"] },
      ]),
    );
    expect(error).toBeInstanceOf(HubWriteAlreadyDone);
    expect(hub.commits).toEqual(["enableHost(a)"]);
  });

  it("and was refused, is refused again", async () => {
    const { hub, writer } = await scene();
    hub.perform = () => {
      throw new HubFault(1000, "No such task: 7");
    };
    hub.ahead.push(undefined, loseReply);
    expect(await failureOf(freeTask(writer))).toMatchObject({ code: 1000 });
    expect(hub.commits).toEqual([]);
  });

  it("and whose session then ends is not sent in another one", async () => {
    const { hub, writer } = await scene();
    hub.ahead.push(undefined, (exchange) => {
      loseReply(exchange);
      hub.endSessions(1002, INVALID_SESSION);
    });
    const error = await failureOf(freeTask(writer));
    expect(error).toBeInstanceOf(HubOutcomeUnknown);
    expect(error).toMatchObject({ method: "freeTask", retryable: false, cause: { code: 1002 } });
    expect(hub.commits).toEqual(["freeTask(7)"]);
    await writer.call("enableHost", ["next"]);
    expect(hub.sessions.size).toBe(2);
  });

  it("and after which the hub is offline, or gone, is not known to be done or not", async () => {
    const { hub, writer } = await scene();
    hub.ahead.push(undefined, (exchange) => {
      loseReply(exchange);
      hub.offline = "server is offline";
    });
    expect(await failureOf(freeTask(writer))).toMatchObject({
      name: "HubOutcomeUnknown",
      cause: { name: "HubOffline" },
    });
    hub.offline = null;
    hub.ahead.push(loseReply, loseRequest, badGateway, truncateReply);
    expect(await failureOf(freeTask(writer))).toMatchObject({
      name: "HubOutcomeUnknown",
      cause: { name: "HubAnswerUnreadable" },
    });
  });
});

describe("a call whose request is lost", () => {
  it("is sent again, after longer and longer pauses", async () => {
    const { hub, clock, writer } = await scene();
    hub.ahead.push(undefined, loseRequest, badGateway, loseRequest);
    await expect(freeTask(writer)).resolves.toBeNull();
    expect(hub.commits).toEqual(["freeTask(7)"]);
    expect(clock.slept).toEqual([1, 2, 4]);
    expect(hub.exchanges.slice(1).map(({ headers }) => headers["koji-session-callnum"])).toEqual(["0", "0", "0", "0"]);
  });

  it("is given up after the tries that the configuration allows", async () => {
    const { hub, clock, writer } = await scene({ retries: 1 });
    hub.ahead.push(undefined, loseRequest, loseRequest);
    expect(await failureOf(writer.call("getHost", ["a"]))).toMatchObject({
      name: "HubUnreachable",
      reason: "reset",
      retryable: true,
    });
    expect(clock.slept).toEqual([1]);
    hub.ahead.push(loseRequest, loseRequest);
    expect(await failureOf(freeTask(writer))).toMatchObject({ name: "HubOutcomeUnknown", cause: { reason: "reset" } });
  });

  it("was not done when there was nobody to take it", async () => {
    const { hub, clock, writer } = await scene();
    await writer.call("getHost", ["a"]);
    await hub.stop();
    expect(await failureOf(freeTask(writer))).toMatchObject({
      name: expect.stringMatching(/HubUnreachable|HubOutcomeUnknown/),
    });
    expect(await failureOf(freeTask(writer))).toMatchObject({
      name: "HubUnreachable",
      reason: "refused",
      retryable: true,
    });
    expect(clock.slept).toEqual([1, 2, 4, 1, 2, 4]);
  });

  it("is read again without ado when it only reads", async () => {
    const { hub, writer } = await scene();
    hub.perform = () => 35;
    hub.ahead.push(undefined, loseReply, truncateReply, cutReply);
    expect(await writer.call("getTaskInfo", [7])).toBe(35);
    hub.ahead.push((exchange) => {
      loseReply(exchange);
      hub.endSessions(1007, `session "1" has expired`);
    });
    expect(await writer.call("getTaskInfo", [7])).toBe(35);
  });

  it("ends in time when the hub says nothing", async () => {
    const { hub, writer } = await scene({ timeoutSeconds: 0.1, retries: 0 });
    hub.ahead.push(undefined, silence);
    await writer.call("getHost", ["a"]).catch(() => {});
    hub.ahead.push(silence);
    expect(await failureOf(writer.call("getHost", ["a"]))).toMatchObject({ name: "HubUnreachable", reason: "timeout" });
  });
});

describe("a session that ends in mid-run", () => {
  it.each([
    [1002, INVALID_SESSION],
    [1007, 'session "1" has expired'],
    [1008, "50 > 49 (session 1)"],
  ])("with fault %i is begun anew, and the call is done once", async (code, text) => {
    const { hub, clock, writer } = await scene();
    await writer.call("enableHost", ["a"]);
    hub.endSessions(code, text);
    await freeTask(writer);
    await writer.call("enableHost", ["b"]);
    expect(hub.commits).toEqual(["enableHost(a)", "freeTask(7)", "enableHost(b)"]);
    expect(hub.sessions.size).toBe(2);
    expect(hub.exchanges.map(({ headers }) => headers["koji-session-callnum"])).toEqual([
      undefined,
      "0",
      "1",
      undefined,
      "0",
      "1",
    ]);
    expect(clock.slept).toEqual([]);
  });

  it("says so when the hub refuses the fresh login", async () => {
    const { hub, writer } = await scene();
    await writer.call("getHost", ["a"]);
    hub.endSessions(1002, INVALID_SESSION);
    hub.refuseLogins = "logins by tester are not allowed";
    const error = await failureOf(freeTask(writer));
    expect(error).toBeInstanceOf(HubLoginRefused);
    expect(error).toMatchObject({
      again: true,
      message:
        "The session ended in mid-run and the hub refused a fresh login: logins by tester are not allowed (AuthError, fault 1002); check the certificate and the user that it names.",
    });
    hub.refuseLogins = null;
    await freeTask(writer);
    expect(hub.commits).toEqual(["freeTask(7)"]);
  });

  it("is begun anew once for a call, not for ever", async () => {
    const { hub, writer } = await scene();
    const end: Mishap = ({ act, response }) => {
      hub.endSessions(1002, INVALID_SESSION);
      response.end(act());
    };
    hub.ahead.push(undefined, end, undefined, end);
    expect(await failureOf(freeTask(writer))).toMatchObject({ name: "HubFault", code: 1002 });
    await freeTask(writer);
    expect(hub.commits).toEqual(["freeTask(7)"]);
  });

  it.each([
    [1002, "User 2 is not a host"],
    [1006, "User locked by another session"],
    [1004, "host permission required"],
    [1009, "unable to retry call 0 (method freeTask) for session 1"],
  ])("is not what fault %i (%s) means", async (code, text) => {
    const { hub, writer } = await scene();
    hub.perform = () => {
      throw new HubFault(code, text);
    };
    expect(await failureOf(freeTask(writer))).toMatchObject({ name: "HubFault", code, faultString: text });
    expect(hub.exchanges).toHaveLength(2);
  });
});

describe("a hub that is offline", () => {
  it("is told from all else, and left alone", async () => {
    const { hub, clock, writer } = await scene();
    hub.offline = "server is offline";
    const error = await failureOf(freeTask(writer));
    expect(error).toBeInstanceOf(HubOffline);
    expect(error).toBeInstanceOf(HubFault);
    expect(error).toMatchObject({
      code: 1014,
      retryable: true,
      message: 'The hub answered "server is offline" (fault 1014); wait until it is back.',
    });
    hub.offline = null;
    await writer.call("getHost", ["a"]);
    hub.offline = "database outage";
    expect(await failureOf(freeTask(writer))).toBeInstanceOf(HubOffline);
    expect(await failureOf(writer.multiCall([{ method: "getHost" }]))).toBeInstanceOf(HubOffline);
    expect(clock.slept).toEqual([]);
  });
});

describe("an anonymous connection", () => {
  it("has no session, and tries again what was lost", async () => {
    const { hub, clock } = await scene();
    hub.perform = () => [35];
    hub.ahead.push(loseRequest, truncateReply, badGateway);
    const reader = connectAnonymously({ url: `${hub.url}/`, clock });
    closeLater(reader);
    expect(reader.version).toBeNull();
    expect(await reader.call("listTasks", [])).toEqual([35]);
    expect(clock.slept).toEqual([1, 2, 4]);
    expect(reader.version).toBe("1.35.3");
    expect(hub.exchanges.at(-1)).toMatchObject({ path: "/kojihub", body: encodeCall("listTasks") });
    expect(hub.exchanges.at(-1)?.headers).not.toHaveProperty("koji-session-id");
    expect(await reader.multiCall([{ method: "getHost" }])).toEqual([{ ok: true, value: [35] }]);
  });
});
