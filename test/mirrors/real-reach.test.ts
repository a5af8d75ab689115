// What is wrong with the way to a real repository: no answer, redirects, certificates, servers that mean ill.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { bad, check, detailOf, FINE, found, hrefOf, openRealScene, type RealScene } from "./real-scene.ts";
import { noCreaterepo } from "./rpms.ts";
import { makeCertificates, type TestCertificates } from "./web-certificates.ts";
import { hostile } from "./web-hostile.ts";
import { serveFolder, type WebOptions, type WebRule } from "./web-server.ts";

const REPOMD = "repodata/repomd.xml";
const example = new URL("../../toji.example.yml", import.meta.url);

describe.skipIf(noCreaterepo !== "")(`the way to a repository of createrepo_c ${noCreaterepo}`, () => {
  let scene: RealScene;
  let certificates: TestCertificates;
  const closing: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    scene = await openRealScene();
    scene.publish("el9");
    certificates = await makeCertificates(scene.folder);
  });
  afterEach(async () => {
    scene.server.rules.clear();
    for (const close of closing.splice(0)) await close();
  });
  afterAll(() => scene.close());

  const secure = async (tls: WebOptions["tls"], rules: Readonly<Record<string, WebRule>> = {}) => {
    const options = { ...(tls === undefined ? {} : { tls }), rules: new Map(Object.entries(rules)) };
    const server = await serveFolder(join(scene.folder, "www"), options);
    closing.push(() => server.close());
    return `${server.url}/el9/`;
  };
  const raw = async (opening: ReturnType<typeof hostile.endlessBody>) => {
    const server = await opening;
    closing.push(() => server.close());
    return `${server.url}/el9/`;
  };
  const verdict = async (url: string, ...more: readonly string[]) => found(await check(url, ...more));

  describe("that is no way", () => {
    it("nothing there, and nobody there", async () => {
      expect(await verdict(scene.urlOf("el10"))).toEqual(bad("moved", "fetch", /HTTP 404: the host answers/));
      scene.server.rules.set(`/el9/${REPOMD}`, { status: 410 });
      expect(await verdict(scene.urlOf("el9"))).toEqual(bad("moved", "fetch", /HTTP 410/));
      scene.server.rules.set(`/el9/${REPOMD}`, { status: 503 });
      expect(await verdict(scene.urlOf("el9"))).toEqual(bad("unreachable", "fetch", /HTTP 503/));
      const server = await serveFolder(scene.folder);
      await server.close();
      expect(await verdict(`${server.url}/el9/`)).toEqual(bad("unreachable", "fetch", /ECONNREFUSED/));
    });

    it.each([
      ["resets when asked", () => hostile.resetsWhenAsked(), "unreachable"],
      ["speaks no HTTP", () => hostile.garbage(), "unreachable"],
      ["ends in the middle", () => hostile.closedMidBody(4000, 100), "unreachable"],
      ["redirects for ever", () => hostile.endlessRedirects(), "unreachable"],
      ["sends a body without an end", () => hostile.endlessBody(), "tampered"],
      ["sends headers without an end", () => hostile.endlessHeaders(), "tampered"],
      ["declares 10 GB", () => hostile.declaredHuge(), "tampered"],
    ] as const)("a server that %s", async (_, open, expected) => {
      expect(await verdict(await raw(open()))).toEqual(bad(expected, "fetch"));
    });

    it.each([
      ["sends a byte now and then", () => hostile.slowDrip(50)],
      ["never answers", () => hostile.neverAnswers()],
    ] as const)("a server that %s, for the time of the look", async (_, open) => {
      expect(await verdict(await raw(open()), "--timeout", "0.5")).toEqual(bad("unreachable", "fetch"));
    });

    it("a record that is declared to be of 10 GB, or comes a byte now and then", async () => {
      const path = `/el9/${hrefOf(scene.whole, "primary")}`;
      const head = { "content-length": "10000000000" };
      scene.server.rules.set(path, (_, response) => response.writeHead(200, head).flushHeaders());
      expect(await verdict(scene.urlOf("el9"))).toEqual(bad("partial", "records", /10000000000 bytes declared/));
      scene.server.rules.set(path, (_, response) => response.writeHead(200).write("x"));
      const slow = await verdict(scene.urlOf("el9"), "--timeout", "2");
      expect(slow).toMatchObject({ code: 1, verdict: "partial", failing: expect.arrayContaining(["records"]) });
    });
  });

  describe("that leads elsewhere", () => {
    const rules = (name: string, rule: WebRule) => scene.server.rules.set(`/old/${name}`, rule);
    const elsewhere = () => scene.urlOf("el9").replace("127.0.0.1", "localhost");

    it("to another host is moved, unless the site allows that host", async () => {
      rules(REPOMD, { redirect: `${elsewhere()}${REPOMD}` });
      for (const type of ["primary", "filelists", "other"])
        rules(hrefOf(scene.whole, type), { redirect: `${elsewhere()}${hrefOf(scene.whole, type)}` });
      const old = scene.urlOf("old");
      const depth = ["--depth", "metadata"];
      expect(await verdict(old, ...depth)).toEqual(bad("moved", "redirects", /end at localhost, which no rule allows/));
      const text = readFileSync(example, "utf8").replace("redirectHosts: []", "redirectHosts: [localhost]");
      expect(await verdict(old, ...depth, "--config", scene.write("toji.yml", text))).toEqual(FINE);
    });

    it("for good on the same host is ok, and the new address is told", async () => {
      rules(REPOMD, { redirect: `/el9/${REPOMD}`, status: 301 });
      for (const type of ["primary", "filelists", "other"])
        rules(hrefOf(scene.whole, type), { redirect: `/el9/${hrefOf(scene.whole, type)}`, status: 301 });
      const checked = await check(scene.urlOf("old"), "--depth", "metadata");
      expect(found(checked)).toEqual(FINE);
      expect(detailOf(checked, "redirects")).toContain(`write ${scene.urlOf("el9")} instead`);
    });

    it("in a circle is unreachable", async () => {
      rules(REPOMD, { redirect: "/old/a" });
      rules("a", { redirect: `/old/${REPOMD}` });
      expect(await verdict(scene.urlOf("old"))).toEqual(bad("unreachable", "fetch"));
    });

    it("from https to http is tampered with", async () => {
      const url = await secure(certificates.good, {
        [`/el9/${REPOMD}`]: { redirect: `${scene.urlOf("el9")}${REPOMD}` },
      });
      expect(await verdict(url, "--ca", certificates.caFile)).toMatchObject({
        ...{ code: 1, verdict: "tampered" },
        failing: expect.arrayContaining(["fetch"]),
      });
    });

    it("of one record from https to http as well", async () => {
      const href = hrefOf(scene.whole, "other");
      const url = await secure(certificates.good, { [`/el9/${href}`]: { redirect: `${scene.urlOf("el9")}${href}` } });
      expect(await verdict(url, "--ca", certificates.caFile)).toMatchObject({
        ...{ code: 1, verdict: "tampered" },
        failing: expect.arrayContaining(["records"]),
      });
    });
  });

  describe("over TLS", () => {
    it.each([
      ["expired", /expired|ended/],
      ["otherName", /name|altname/i],
      ["otherCa", /certificate/],
    ] as const)("with a certificate that nobody should accept: %s", async (which, detail) => {
      const url = await secure(certificates[which]);
      const ca = ["--ca", certificates.caFile];
      expect(await verdict(url, ...ca)).toEqual(bad("unreachable", ["fetch", "tls"], detail));
    });

    it("by an old version", async () => {
      const url = await secure({ ...certificates.good, maxVersion: "TLSv1.1" });
      expect(await verdict(url, "--ca", certificates.caFile)).toEqual(bad("unreachable", ["fetch", "tls"]));
    });

    it("is ok with the CA that is given, and not without", async () => {
      const url = await secure(certificates.good);
      expect(await verdict(url, "--ca", certificates.caFile)).toEqual(FINE);
      expect(await verdict(url)).toEqual(bad("unreachable", ["fetch", "tls"]));
    });
  });
});
