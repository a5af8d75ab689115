// Sessions of the hub model: credentials, the numbering of calls, expiry and renewal, the exclusive lock.

import { describe, expect, it } from "vitest";
import { encodeCall, named } from "../../shared/hub/xmlrpc/encode.ts";
import type { XmlRpcValue } from "../../shared/hub/xmlrpc/values.ts";
import { read } from "./hub-shapes.ts";
import { createMeadow, headersOf, type Meadow, resultOf, transcriptOf } from "./hub-world.ts";

const SCALER = 2;
const host = "builder-x86-01.meadowlark.test";

/** A call of the user's session with a number of one's own, or none. */
function numbered(
  meadow: Meadow,
  callnum: number | string | null,
  method: string,
  params: readonly XmlRpcValue[] = [],
) {
  const { "koji-session-callnum": _, ...headers } = headersOf(meadow.sessionOf(SCALER));
  const number = callnum === null ? undefined : String(callnum);
  return meadow.post(null, encodeCall(method, params), {
    headers: number === undefined ? headers : { ...headers, "koji-session-callnum": number },
  });
}

const faultOf = (answer: { readonly body: string }) => {
  const reading = read(answer.body);
  return "code" in reading ? reading : null;
};
const write = (comment: string) => named([host], { comment });

describe("numbers of calls", () => {
  it("keeps a number only with a call that wrote", () => {
    const meadow = createMeadow();
    expect(faultOf(numbered(meadow, 50, "editHost", write("first")))).toBeNull();
    expect(faultOf(numbered(meadow, 60, "getLoggedInUser"))).toBeNull();
    expect(faultOf(numbered(meadow, 55, "getLoggedInUser"))).toBeNull();
    expect(faultOf(numbered(meadow, 49, "getLoggedInUser"))).toEqual({ code: 1008, text: "50 > 49 (session 1)" });
  });

  it("does not keep the number of a write that changed nothing, nor of one that was refused", () => {
    const meadow = createMeadow();
    numbered(meadow, 50, "editHost", named([host], { capacity: 4 }));
    numbered(meadow, 51, "editHost", named([host], { capacity: 1 }));
    expect(faultOf(numbered(meadow, 0, "getLoggedInUser"))).toBeNull();
  });

  it("refuses a repeated write with fault 1009, and does it only once", () => {
    const meadow = createMeadow();
    numbered(meadow, 50, "editHost", write("first"));
    const again = faultOf(numbered(meadow, 50, "editHost", write("second")));
    expect(again).toEqual({ code: 1009, text: "unable to retry call 50 (method editHost) for session 1" });
    expect(meadow.hub.host(host).comment).toBe("first");
  });

  it("keeps the number of a multiCall when one of its members wrote, though another was refused", () => {
    const meadow = createMeadow();
    const member = (methodName: string, params: readonly XmlRpcValue[]) => ({ methodName, params });
    const calls = [member("editHost", write("kept")), member("editHost", named([host], { capacity: 0.5 }))];
    numbered(meadow, 7, "multiCall", [calls]);
    expect(meadow.hub.host(host).comment).toBe("kept");
    expect(faultOf(numbered(meadow, 6, "getLoggedInUser"))?.code).toBe(1008);
  });

  it("makes no checks without a number", () => {
    const meadow = createMeadow();
    numbered(meadow, 50, "editHost", write("first"));
    expect(faultOf(numbered(meadow, null, "editHost", write("second")))).toBeNull();
  });

  it("calls a number that is none by Python's name", () => {
    expect(faultOf(numbered(createMeadow(), "x", "getLoggedInUser"))).toEqual(
      read(transcriptOf("callnum-garbage").response),
    );
  });
});

describe("credentials", () => {
  it.each([["session-bad-key"], ["session-unknown-id"]])("%s", (name) => {
    const meadow = createMeadow();
    const session = meadow.sessionOf(SCALER);
    const wrong =
      name === "session-bad-key" ? { ...session, key: "2-AAAAAAAAAAAAAAAAAAA" } : { ...session, id: 999999 };
    const { request, response } = transcriptOf(name);
    expect(read(meadow.post(null, request, { headers: headersOf(wrong) }).body)).toEqual(read(response));
  });

  it("session-id-header-without-key and session-id-not-a-number are Python's errors", () => {
    const meadow = createMeadow();
    const post = (headers: { [name: string]: string }) => read(meadow.post(null, encodeCall("echo"), { headers }).body);
    expect(post({ "koji-session-id": "27" })).toEqual(read(transcriptOf("session-id-header-without-key").response));
    expect(post({ "koji-session-id": "abc", "koji-session-key": "2-A" })).toEqual(
      read(transcriptOf("session-id-not-a-number").response),
    );
  });

  it("accepts a session in the query of the address", () => {
    const meadow = createMeadow();
    const { id, key } = meadow.sessionOf(SCALER);
    const path = `/kojihub?session-id=${id}&session-key=${key}&callnum=3`;
    expect(resultOf(meadow.post(null, encodeCall("getLoggedInUser"), { path }))).toMatchObject({ name: "toji-scaler" });
  });

  it("ends a session and its subsessions with logout", () => {
    const meadow = createMeadow();
    const sub = resultOf(meadow.call(SCALER, "subsession"));
    expect(sub).toMatchObject({ "header-auth": true });
    expect(faultOf(meadow.call(SCALER, "logout"))).toBeNull();
    const afterwards = read(transcriptOf("session-after-logout").response);
    expect(read(meadow.call(SCALER, "getLoggedInUser").body)).toEqual(afterwards);
    const credentials = Object.values(Object(sub));
    const headers = headersOf({ id: Number(credentials[0]), key: String(credentials[1]), callnum: 0 });
    expect(read(meadow.post(null, encodeCall("getLoggedInUser"), { headers }).body)).toEqual(afterwards);
  });

  it("refuses the calls of a user who was blocked since the login", () => {
    const meadow = createMeadow();
    meadow.sessionOf(SCALER);
    meadow.hub.blockUser("toji-scaler");
    expect(faultOf(meadow.call(SCALER, "getAPIVersion"))).toEqual({
      code: 1002,
      text: "logins by toji-scaler are not allowed",
    });
  });

  it("creates an unknown user at the first login, unless hub.conf says no", () => {
    const login = (meadow: Meadow) =>
      meadow.post(null, encodeCall("sslLogin"), {
        path: "/kojihub/ssllogin",
        ssl: { verify: "SUCCESS", commonName: "newcomer" },
      });
    expect(faultOf(login(createMeadow()))).toEqual({ code: 1002, text: "Unknown user: newcomer" });
    const open = createMeadow();
    open.hub.settings.loginCreatesUser = true;
    expect(faultOf(login(open))).toBeNull();
    expect(resultOf(open.call(null, "getUser", ["newcomer"]))).toMatchObject({ usertype: 0 });
  });
});

describe("logins that the hub refuses", () => {
  const login = (meadow: Meadow, more: Parameters<Meadow["post"]>[2]) =>
    read(
      meadow.post(null, encodeCall("sslLogin", named([], { proxyuser: null })), { path: "/kojihub/ssllogin", ...more })
        .body,
    );

  it("sslLogin-no-cert-optional-verify", () => {
    const reading = login(createMeadow(), { ssl: { verify: "NONE", commonName: null } });
    expect(reading).toEqual(read(transcriptOf("sslLogin-no-cert-optional-verify").response));
  });

  it("sslLogin-already-logged-in", () => {
    const meadow = createMeadow();
    const headers = headersOf(meadow.sessionOf(SCALER));
    expect(login(meadow, { headers, ssl: { verify: "SUCCESS", commonName: "toji-scaler" } })).toEqual(
      read(transcriptOf("sslLogin-already-logged-in").response),
    );
  });

  it("sslLogin-proxyuser-denied", () => {
    const { request, response } = transcriptOf("sslLogin-proxyuser-denied");
    const subject = "CN=toji-scaler,O=Meadowlark Test Org";
    const ssl = { verify: "SUCCESS", commonName: "toji-scaler", subject };
    expect(read(createMeadow().post(null, request, { path: "/kojihub/ssllogin", ssl }).body)).toEqual(read(response));
  });
});

describe("expiry", () => {
  const DAY = 86_400;
  const renew = (meadow: Meadow) =>
    meadow.post(null, encodeCall("sslLogin", named([], { proxyuser: null, renew: true })), {
      path: "/kojihub/ssllogin",
      headers: headersOf(meadow.sessionOf(SCALER)),
      ssl: { verify: "SUCCESS", commonName: "toji-scaler" },
    });

  it("comes a day after the login, not after the last use", () => {
    const meadow = createMeadow();
    meadow.sessionOf(SCALER);
    meadow.clock.time += DAY - 1;
    expect(faultOf(meadow.call(SCALER, "getLoggedInUser"))).toBeNull();
    meadow.clock.time += 2;
    expect(faultOf(meadow.call(SCALER, "getLoggedInUser"))).toEqual({ code: 1007, text: 'session "1" has expired' });
  });

  it("ends with a renewal: same id, new key, and the stored number stays", () => {
    const meadow = createMeadow();
    const session = meadow.sessionOf(SCALER);
    numbered(meadow, 40, "editHost", write("before"));
    meadow.clock.time += DAY + 1;
    session.callnum = 41;
    const renewed = resultOf(renew(meadow));
    expect(renewed).toMatchObject({ "session-id": session.id });
    expect(faultOf(meadow.call(SCALER, "getLoggedInUser"))?.code).toBe(1002);
    session.key = String(Object(renewed)["session-key"]);
    expect(faultOf(numbered(meadow, 0, "getLoggedInUser"))).toEqual({ code: 1008, text: "40 > 0 (session 1)" });
    expect(faultOf(numbered(meadow, 41, "getLoggedInUser"))).toBeNull();
  });
});

describe("the exclusive session of a user", () => {
  it("locks the user's other sessions out, and is closed by a forced one", () => {
    const meadow = createMeadow();
    const { hub } = meadow;
    meadow.sessionOf(6);
    const first = hub.connectBuilder(host);
    expect(faultOf(meadow.call(6, "getLoggedInUser"))).toEqual(read(transcriptOf("exclusive-locked-out").response));
    expect(faultOf(meadow.call(6, "exclusiveSession"))).toEqual(
      read(transcriptOf("exclusiveSession-not-forced").response),
    );
    expect(faultOf(meadow.call(6, "exclusiveSession", [true]))).toBeNull();
    expect(() => first.updateHost(0, true)).toThrow("Invalid session or bad credentials");
    expect(faultOf(meadow.call(6, "host.getID"))).toBeNull();
    expect(faultOf(meadow.call(6, "sharedSession"))).toBeNull();
    expect(faultOf(meadow.call(6, "host.getID"))?.text).toBe("This method requires an exclusive session");
  });
});
