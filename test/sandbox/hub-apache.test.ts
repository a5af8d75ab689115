// A real Apache in front of the hub model, set up as Koji documents it: the client certificate is asked for by the
// login address only, after the handshake. TLS 1.2 can do that (renegotiation); TLS 1.3 cannot for Node's clients.

import { spawn } from "node:child_process";
import { watch } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SecureVersion } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCa, type SandboxCa } from "../../sandbox/server/certificates.ts";
import { type HubServer, startHubServer } from "../../sandbox/server/hub.ts";
import { createHub } from "../../sandbox/world/hub/index.ts";
import { ask, connectWithCertificate, getLoggedInUser } from "../../shared/hub/index.ts";
import { encodeCall } from "../../shared/hub/xmlrpc/encode.ts";
import { missing } from "../hosts/commands.ts";

const clock = { now: () => 1_800_000_000, sleep: async () => {} };
const MODULES = ["mpm_event", "authz_core", "ssl", "headers", "proxy", "proxy_http"];

/** Koji's docs/source/server_howto.rst and hub/httpd.conf, with mod_proxy in the place of mod_wsgi. */
function httpdConf(folder: string, port: number, hubUrl: string): string {
  return `
ServerRoot "${folder}"
PidFile httpd.pid
Mutex posixsem
ServerName localhost
Listen 127.0.0.1:${port}
${process.getuid?.() === 0 ? "User www-data\nGroup www-data" : ""}
${MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join("\n")}
ErrorLog error.log
SSLSessionCache none
SSLEngine on
SSLCertificateFile server.crt
SSLCertificateKeyFile server.key
SSLCACertificateFile ca.crt
SSLProtocol -all +TLSv1.2 +TLSv1.3
RequestHeader unset X-SSL-Client-Verify early
RequestHeader unset X-SSL-Client-CN early
ProxyPass /kojihub ${hubUrl}
<Location /kojihub/ssllogin>
  SSLVerifyClient require
  SSLVerifyDepth 10
  SSLOptions +StdEnvVars
  RequestHeader set X-SSL-Client-Verify "%{SSL_CLIENT_VERIFY}s"
  RequestHeader set X-SSL-Client-CN "%{SSL_CLIENT_S_DN_CN}s"
</Location>
`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address: AddressInfo | string | null = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** In the foreground and on a port of its own; ends with `stop`, by its own pid. */
async function startHttpd(folder: string): Promise<{ stop(): Promise<void> }> {
  const files = watch(folder);
  const httpd = spawn("/usr/sbin/apache2", ["-f", join(folder, "httpd.conf"), "-D", "FOREGROUND"], {
    stdio: "inherit",
  });
  const exited = new Promise<void>((resolve) => httpd.once("exit", () => resolve()));
  try {
    await new Promise<void>((resolve, reject) => {
      httpd.once("error", reject);
      // Written when the sockets are open.
      files.on("change", (_event, name) => name === "httpd.pid" && resolve());
      void exited.then(() => reject(new Error(`httpd ended before it listened: see its words above`)));
    });
  } finally {
    files.close();
  }
  return {
    stop: async () => {
      httpd.kill("SIGTERM");
      await exited;
    },
  };
}

const noApache = missing("apache2", "apache2");

describe.skipIf(noApache)(`the hub behind Apache${noApache}`, () => {
  let folder: string;
  let ca: SandboxCa;
  let server: HubServer;
  let httpd: { stop(): Promise<void> };
  let url: string;
  let certificate: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "toji-httpd-"));
    ca = await createCa("Toji sandbox CA");
    certificate = await ca.issueClient("toji");
    const hub = createHub({ clock });
    hub.addUser("toji", ["host"]);
    server = await startHubServer({ hub, clock, trustProxy: true });
    const port = await freePort();
    const own = await ca.issueServer();
    await writeFile(join(folder, "server.crt"), own.certificate);
    await writeFile(join(folder, "server.key"), own.key, { mode: 0o600 });
    await writeFile(join(folder, "ca.crt"), ca.certificate);
    await writeFile(join(folder, "httpd.conf"), httpdConf(folder, port, server.url));
    httpd = await startHttpd(folder);
    url = `https://127.0.0.1:${port}/kojihub`;
  });

  afterAll(async () => {
    await httpd?.stop();
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** One login with Node's own client, by one version of TLS. */
  const login = (version: SecureVersion): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      const tls = { ca: ca.certificate, cert: certificate, key: certificate, agent: false };
      const options = { ...tls, method: "POST", minVersion: version, maxVersion: version };
      const exchange = request(`${url}/ssllogin`, options, async (response) => {
        const pieces: Buffer[] = [];
        for await (const piece of response) pieces.push(Buffer.from(piece));
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces).toString() });
      });
      exchange.once("error", reject);
      exchange.end(encodeCall("sslLogin"));
    });

  it("lets Toji's client in, and its calls go on without the certificate", async () => {
    const toji = connectWithCertificate({ url, serverCa: ca.certificate, certificate, clock, retries: 0 });
    try {
      expect(await ask(toji, getLoggedInUser())).toMatchObject({ name: "toji" });
    } finally {
      await toji.close();
    }
  });

  it("lets a client in that speaks TLS 1.2", async () => {
    expect(await login("TLSv1.2")).toMatchObject({ status: 200, body: expect.stringContaining("session-key") });
  });

  it("answers a client that speaks only TLS 1.3 with the recorded 403", async () => {
    const answer = await login("TLSv1.3");
    expect(answer.status).toBe(403);
    expect(answer.body).toContain("Cannot perform Post-Handshake Authentication");
  });
});
