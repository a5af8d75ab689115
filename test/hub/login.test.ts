// Who is let in, what is kept secret, and how a session ends.
import { createSecureServer } from "node:http2";
import { describe, expect, it } from "vitest";
import { HubAnswerUnreadable, HubFault, HubLoginRefused, HubUnreachable } from "../../shared/hub/faults.ts";
import { connectAnonymously, connectWithCertificate } from "../../shared/hub/session.ts";
import { createCa } from "./certificates.ts";
import { answer, badGateway, instantClock, loseReply, loseRequest, truncateReply } from "./hub-server.ts";
import { ca, certificate, closeLater, failureOf, freeTask, methodOf, scene, secureScene } from "./scene.ts";
import { transcriptOf } from "./transcripts.ts";

describe("a session over TLS", () => {
  it("shows the certificate at the login, over TLS 1.2, and nowhere else", async () => {
    const { hub, connection } = await secureScene();
    const writer = connectWithCertificate({ ...connection, certificate });
    closeLater(writer);
    expect(hub.exchanges).toHaveLength(0);
    await writer.call("getAPIVersion");
    expect(hub.exchanges).toMatchObject([
      {
        path: "/kojihub/ssllogin",
        tls: "TLSv1.2",
        clientName: "toji-scaler",
        body: transcriptOf("sslLogin-ok").request,
      },
      { path: "/kojihub", tls: "TLSv1.3", clientName: null, body: transcriptOf("getAPIVersion").request },
    ]);
    expect(writer.version).toBe("1.35.3");
  });

  it("is HTTP/1.1 even with a server that would rather speak HTTP/2, which cannot ask for a certificate later", async () => {
    const own = await ca.issue("hub.meadowlark.test");
    const versions: string[] = [];
    const server = createSecureServer({ cert: own, key: own, allowHTTP1: true }, (request, response) => {
      versions.push(request.httpVersion);
      response.end(transcriptOf("sslLogin-ok").response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closeLater({ close: async () => void server.close() });
    const url = `https://127.0.0.1:${Object(server.address()).port}/kojihub`;
    const writer = connectWithCertificate({ url, clock: instantClock(), serverCa: ca.certificate, certificate });
    closeLater(writer);
    await writer.call("getAPIVersion");
    expect(versions).toEqual(["1.1", "1.1"]);
  });

  it("takes a certificate whose key stands first, as some tools write it", async () => {
    const { connection } = await secureScene();
    const [cert, key] = certificate.split(/(?=-----BEGIN PRIVATE)/);
    const writer = connectWithCertificate({ ...connection, certificate: `${key}${cert}` });
    closeLater(writer);
    await expect(writer.call("getAPIVersion")).resolves.toBeNull();
  });

  it("is refused a login without a certificate that the hub knows", async () => {
    const { connection } = await secureScene();
    const stranger = await (await createCa("Another CA")).issue("rogue");
    const writer = connectWithCertificate({ ...connection, certificate: stranger });
    closeLater(writer);
    const error = await failureOf(writer.call("getAPIVersion"));
    expect(error).toBeInstanceOf(HubLoginRefused);
    expect(error).toMatchObject({
      code: 1002,
      again: false,
      isAuthError: true,
      message:
        "The hub refused the login: could not verify client: NONE (AuthError, fault 1002); check the certificate and the user that it names.",
    });
  });

  it("does not begin with a hub whose own certificate nobody vouches for, and does not ask twice", async () => {
    const { hub, clock, connection } = await secureScene();
    const { serverCa: _left, ...trustingNode } = connection;
    const reader = connectAnonymously(trustingNode);
    closeLater(reader);
    const error = await failureOf(reader.call("getAPIVersion"));
    expect(error).toBeInstanceOf(HubUnreachable);
    expect(error).toMatchObject({ reason: "certificate", retryable: false });
    expect(clock.slept).toEqual([]);
    expect(hub.exchanges).toEqual([]);
  });

  it("needs PEM text with both parts", () => {
    for (const part of certificate.split(/(?=-----BEGIN PRIVATE)/)) {
      expect(() =>
        connectWithCertificate({ url: "https://hub/kojihub", clock: instantClock(), certificate: part }),
      ).toThrow("The login certificate must be PEM text that holds a certificate and its private key.");
    }
  });

  it("says that PEM text it cannot use is the certificate's fault", async () => {
    const { connection } = await secureScene();
    const broken = certificate.replace(/(BEGIN PRIVATE KEY-----\n)[^-]*/, "$1bm90IGEga2V5\n");
    const writer = connectWithCertificate({ ...connection, certificate: broken });
    closeLater(writer);
    const error = await failureOf(writer.call("getAPIVersion"));
    expect(error).toMatchObject({ name: "HubUnreachable", reason: "certificate" });
  });
});

describe("the login", () => {
  it("is tried again when its request or reply is lost", async () => {
    const { hub, clock, writer } = await scene();
    hub.ahead.push(loseRequest, loseReply, badGateway);
    await freeTask(writer);
    expect(hub.commits).toEqual(["freeTask(7)"]);
    expect(clock.slept).toEqual([1, 2, 4]);
  });

  it("that is cut off may be so for its certificate, and says that", async () => {
    const { hub, writer } = await scene({ retries: 0 });
    hub.ahead.push(loseRequest);
    expect(String(await failureOf(freeTask(writer)))).toContain("when our certificate is not accepted");
  });

  it.each([
    ["no session", { "header-auth": true }],
    ["an empty key", { "session-id": 1, "session-key": "", "header-auth": true }],
    ["an id that is no number", { "session-id": "1", "session-key": "2-SecretOfSession1xyz", "header-auth": true }],
    ["a session for URLs only, as hubs before 1.31 give", { "session-id": 1, "session-key": "2-SecretOfSession1xyz" }],
    ["nil", null],
  ])("does not take %s for one", async (_what, answerOfHub) => {
    const { hub, writer } = await scene();
    hub.loginAnswer = () => answerOfHub;
    const error = await failureOf(freeTask(writer));
    expect(error).toBeInstanceOf(HubAnswerUnreadable);
    expect(String(error)).toMatch(/answer to sslLogin is not of the shape/);
    expect(String(error)).not.toContain("Secret");
  });
});

describe("a session key", () => {
  it("stands in no error, whatever the hub and the web server put into theirs", async () => {
    const { hub, writer } = await scene({ retries: 0 });
    const key = "2-SecretOfSession1xyz";
    const page = `<html><pre>headers: ${key}</pre></html>`;
    const errors: unknown[] = [];
    hub.ahead.push(truncateReply, answer(200, `<?xml version='1.0'?><methodResponse><params><param><value>${key}`));
    errors.push(await failureOf(freeTask(writer)), await failureOf(freeTask(writer)));
    hub.ahead.push(({ response }) => response.end(`<methodResponse>${key}`));
    errors.push(await failureOf(freeTask(writer)));
    hub.sessions.clear();
    hub.perform = () => {
      throw new HubFault(1, `Traceback (most recent call last):\n  key = '${key}'\nValueError: ${key}`);
    };
    errors.push(await failureOf(freeTask(writer)));
    hub.ahead.push(answer(403, page), answer(200, page));
    errors.push(await failureOf(writer.call("getHost")), await failureOf(writer.call("getHost")));
    expect(errors.map((error) => Object(error).name)).toEqual([
      "HubAnswerUnreadable",
      "HubAnswerUnreadable",
      "HubAnswerUnreadable",
      "HubFault",
      "HubAnswerUnreadable",
      "HubAnswerUnreadable",
    ]);
    for (const error of errors) {
      expect(JSON.stringify(error)).not.toContain("Secret");
      expect(String(error)).not.toContain("Secret");
      expect(Object(error).stack).not.toContain("Secret");
    }
    expect(String(errors[4])).toContain("headers: [session key]");
  });
});

describe("closing", () => {
  it("logs out, and makes later calls errors", async () => {
    const { hub, writer } = await scene();
    await writer.call("getHost", ["a"]);
    await writer.close();
    expect(hub.exchanges.map(({ body }) => methodOf(body))).toEqual(["sslLogin", "getHost", "logout"]);
    expect(hub.exchanges[2]?.headers["koji-session-callnum"]).toBe("1");
    await expect(freeTask(writer)).rejects.toThrow("freeTask was called after the connection to the hub was closed.");
  });

  it("waits for the calls before it", async () => {
    const { hub, writer } = await scene();
    const call = freeTask(writer);
    await writer.close();
    await call;
    expect(hub.commits).toEqual(["freeTask(7)"]);
  });

  it("does not log in only to log out, and does not fail when the logout does", async () => {
    const { hub, clock, writer } = await scene();
    await writer.close();
    expect(hub.exchanges).toEqual([]);
    const second = connectWithCertificate({ url: hub.url, clock, certificate });
    await second.call("getHost", ["a"]);
    hub.ahead.push(loseRequest);
    await second.close();
    expect(clock.slept).toEqual([]);
  });

  it("is not needed between sessions: after a logout the next call logs in", async () => {
    const { hub, writer } = await scene();
    await freeTask(writer);
    await writer.logout();
    await writer.logout();
    await freeTask(writer);
    expect(hub.exchanges.map(({ body }) => methodOf(body))).toEqual([
      "sslLogin",
      "freeTask",
      "logout",
      "sslLogin",
      "freeTask",
    ]);
  });
});
