// The hub model on sockets, and Toji's own client against it: logins, retries, modes and mishaps.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createCa, type SandboxCa } from "../../sandbox/server/certificates.ts";
import { type HubServer, startHubServer } from "../../sandbox/server/hub.ts";
import { createHub, type Hub } from "../../sandbox/world/hub/index.ts";
import {
  addHost,
  ask,
  askAll,
  connectAnonymously,
  connectWithCertificate,
  disableHost,
  editHost,
  getActiveRefusals,
  getActiveRuns,
  getKojiVersion,
  getLoggedInUser,
  HubFault,
  HubLoginRefused,
  HubOffline,
  HubUnreachable,
  type HubWriter,
  listActiveTasks,
  listChannels,
  listHosts,
  write,
} from "../../shared/hub/index.ts";

/** Pauses of the client take no time. */
const clock = { now: () => 1_800_000_000, sleep: async () => {} };

/** A task that a builder works on, a free one with a build tag, and a refusal of it. */
function seedQueue(hub: Hub): void {
  hub.addTag("el9-build", { arches: "aarch64" });
  const admin = hub.as("kojiadmin");
  const open = admin.makeTask({ method: "sleep", args: [1], arch: "x86_64" });
  admin.makeTask({ method: "rebuildSRPM", args: ["cli-build/1/adder-1.0-1.src.rpm", 1, {}] });
  const builder = hub.connectBuilder("builder-01");
  builder.updateHost(0, true, { maxjobs: 5, methods: ["sleep"] });
  builder.getTasks();
  builder.openTask(open);
  builder.setTaskWeight(open, 0.25);
}

describe("the hub's server", () => {
  let ca: SandboxCa;
  let other: SandboxCa;
  let hub: Hub;
  let server: HubServer;
  let certificate: string;
  const open: { close(): Promise<void> }[] = [];

  const connect = (pem = certificate): HubWriter => {
    const url = server.httpsUrl ?? "";
    const writer = connectWithCertificate({ url, serverCa: ca.certificate, certificate: pem, clock, retries: 1 });
    open.push(writer);
    return writer;
  };
  const anonymous = (url = server.url) => {
    const reader = connectAnonymously({ url, serverCa: ca.certificate, clock, retries: 1 });
    open.push(reader);
    return reader;
  };

  beforeAll(async () => {
    [ca, other] = await Promise.all([createCa("Toji sandbox CA"), createCa("Another CA")]);
    certificate = await ca.issueClient("toji");
  });

  beforeEach(async () => {
    hub = createHub({ clock });
    hub.addUser("toji", ["host"]);
    hub.addHost("builder-01", { arches: "x86_64", capacity: 4 });
    const tls = { ...(await ca.issueServer()), clientCa: ca.certificate };
    server = await startHubServer({ hub, clock, tls });
    open.push(server);
    return async () => {
      for (const each of open.splice(0).reverse()) await each.close();
    };
  });

  afterAll(() => expect(open).toEqual([]));

  it("lets the user in whose name the certificate has, and shows the hub's state to Toji's client", async () => {
    const toji = connect();
    expect(await ask(toji, getLoggedInUser())).toMatchObject({ name: "toji" });
    seedQueue(hub);
    const questions = {
      tasks: listActiveTasks(),
      hosts: listHosts(),
      channels: listChannels(),
      runs: getActiveRuns(),
      refusals: getActiveRefusals(),
    };
    const answers = await askAll(toji, questions);
    const state = hub.state();
    expect(answers.tasks).toEqual(state.tasks.toSorted((a, b) => a.id - b.id));
    expect(answers.hosts).toMatchObject(state.hosts.map(({ channels: _, data: _data, ...host }) => host));
    expect(answers.channels).toEqual(state.channels);
    expect(answers.runs).toEqual(state.runs);
    expect(answers.refusals).toEqual(state.refusals);
    expect([state.tasks.length, state.runs.length, state.refusals.length]).toEqual([2, 1, 1]);
    expect(toji.version).toBe("1.35.3");
  });

  it("answers anonymous readers over plain HTTP", async () => {
    const reader = anonymous();
    expect(await ask(reader, getKojiVersion())).toBe("1.35.3");
    expect(await ask(reader, getLoggedInUser())).toBeNull();
    await expect(write(reader, disableHost("builder-01"))).rejects.toMatchObject({ code: 1004 });
  });

  it("does what it is told once", async () => {
    const toji = connect();
    expect(await write(toji, addHost("builder-02", ["x86_64"]))).toBe("done");
    expect(await write(toji, addHost("builder-02", ["x86_64"]))).toBe("already");
    expect(hub.host("builder-02")).toMatchObject({ arches: "x86_64", capacity: 2, enabled: true });
  });

  it("does a write once whose reply is lost, and the client finds out", async () => {
    const toji = connect();
    server.inject({ kind: "drop-reply", method: "editHost" });
    expect(await write(toji, editHost("builder-01", { comment: "kept" }))).toBe("done");
    expect(hub.host("builder-01").comment).toBe("kept");
    server.inject({ kind: "truncate", method: "addHost" });
    expect(await write(toji, addHost("builder-03", ["x86_64"]))).toBe("done");
  });

  it("gives a page of the web server, a cut connection, and after that an answer", async () => {
    const reader = anonymous();
    server.inject({ kind: "respond", status: 503, html: "<html><title>503 Service Unavailable</title></html>" });
    expect(await ask(reader, getKojiVersion())).toBe("1.35.3");
    server.inject({ kind: "reset" });
    expect(await ask(reader, getKojiVersion())).toBe("1.35.3");
    server.inject({ kind: "delay", seconds: 30 });
    expect(await ask(reader, getKojiVersion())).toBe("1.35.3");
  });

  it("is offline for everyone, and locked out for all but administrators, who may still log in", async () => {
    const toji = connect();
    hub.setLockOut(true);
    await expect(ask(toji, listHosts())).rejects.toBeInstanceOf(HubOffline);
    hub.setLockOut(false);
    expect(await ask(toji, listHosts())).toHaveLength(1);
    hub.setOffline("back at 14:00");
    await expect(ask(toji, listHosts())).rejects.toMatchObject({ faultString: "back at 14:00" });
    await expect(ask(connect(), listHosts())).rejects.toBeInstanceOf(HubOffline);
  });

  it("refuses a login without a certificate as Koji does: NONE where one is asked for, None elsewhere", async () => {
    const reader = anonymous(`${server.httpsUrl}/ssllogin`);
    await expect(reader.call("sslLogin")).rejects.toMatchObject({ faultString: "could not verify client: NONE" });
    const elsewhere = anonymous(server.httpsUrl ?? "");
    await expect(elsewhere.call("sslLogin")).rejects.toMatchObject({ faultString: "could not verify client: None" });
  });

  it("cuts the connection of a certificate that its CA did not sign", async () => {
    const stranger = await other.issueClient("kojiadmin");
    await expect(ask(connect(stranger), listHosts())).rejects.toBeInstanceOf(HubUnreachable);
  });

  it("refuses the login of a blocked user", async () => {
    hub.blockUser("toji");
    await expect(ask(connect(), listHosts())).rejects.toBeInstanceOf(HubLoginRefused);
  });

  it("believes a web server's headers only when it is told to", async () => {
    const login = (url: string) =>
      fetch(`${url}/ssllogin`, {
        method: "POST",
        headers: { "x-ssl-client-verify": "SUCCESS", "x-ssl-client-cn": "toji" },
        body: "<methodCall><methodName>sslLogin</methodName><params></params></methodCall>",
      }).then((response) => response.text());
    expect(await login(server.url)).toContain("could not verify client: None");
    const trusting = await startHubServer({ hub, clock, trustProxy: true });
    open.push(trusting);
    expect(await login(trusting.url)).toContain("session-key");
  });

  it("speaks HTTP as the hub does: 405 for GET, 400 for what is too long, 404 elsewhere", async () => {
    const get = await fetch(server.url);
    expect([get.status, get.headers.get("allow"), get.headers.get("koji-version")]).toEqual([405, "POST", "1.35.3"]);
    hub.settings.maxRequestLength = 1000;
    const long = await fetch(server.url, { method: "POST", body: "x".repeat(200_000) });
    expect([long.status, await long.text()]).toEqual([400, "Invalid request: Request too long\n"]);
    const elsewhere = await fetch(server.url.replace("/kojihub", "/koji"), { method: "POST", body: "x" });
    expect(elsewhere.status).toBe(404);
  });

  it("gives builders their calls", async () => {
    const builder = connect(await ca.issueClient("builder-01"));
    await builder.call("exclusiveSession", [true]);
    await builder.call("host.updateHost", [0, true, { methods: ["sleep"], maxjobs: 4 }]);
    const id = hub.as("kojiadmin").makeTask({ method: "sleep", args: [1], arch: "x86_64" });
    expect(await builder.call("host.getTasks")).toMatchObject([{ id, state: 4 }]);
    expect(await builder.call("host.openTask", [id])).toMatchObject({ id, state: 1 });
    await builder.call("host.closeTask", [
      id,
      "<methodResponse><params><param><value><nil/></value></param></params></methodResponse>",
    ]);
    expect(hub.task(id).state).toBe(2);
    await expect(builder.call("host.openTask", [99])).rejects.toBeInstanceOf(HubFault);
  });
});
