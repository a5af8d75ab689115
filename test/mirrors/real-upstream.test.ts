// What proves a real repository: metalinks and mirrorlists as MirrorManager serves them, and repomd.xml.asc by a real key.

import { createHash } from "node:crypto";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as openpgp from "openpgp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mirrorsSchema } from "../../shared/config/index.ts";
import { gather, judge, lookSettings, openFetcher, rulesOf } from "../../shared/mirrors/index.ts";
import {
  bad,
  check,
  DAY,
  detailOf,
  editRepomd,
  FINE,
  found,
  openRealScene,
  REVISION,
  type RealScene,
  repomdIn,
} from "./real-scene.ts";
import { noCreaterepo } from "./rpms.ts";

/** A repomd.xml that upstream had, and when. */
interface Form {
  readonly folder: string;
  readonly timestamp: number;
}

function formXml({ folder, timestamp }: Form): string {
  const bytes = readFileSync(repomdIn(folder));
  const hashes = ["md5", "sha1", "sha256", "sha512"].map(
    (type) => `<hash type="${type}">${createHash(type).update(bytes).digest("hex")}</hash>`,
  );
  return `<mm0:timestamp>${timestamp}</mm0:timestamp><size>${bytes.length}</size><verification>${hashes.join("")}</verification>`;
}

function metalinkOf(newest: Form, alternates: readonly Form[], bases: readonly string[]): string {
  const older = alternates.map((form) => `<mm0:alternate>${formXml(form)}</mm0:alternate>`).join("\n");
  const urls = bases.map(
    (base, index) =>
      `<url protocol="http" type="http" location="DE" preference="${100 - index}">${base}repodata/repomd.xml</url>`,
  );
  return `<?xml version="1.0" encoding="utf-8"?>
<metalink version="3.0" xmlns="http://www.metalinker.org/" type="dynamic" pubdate="Tue, 14 Nov 2023 22:13:20 GMT"
 generator="mirrormanager" xmlns:mm0="http://fedorahosted.org/mirrormanager"><files><file name="repomd.xml">
${formXml(newest)}
<mm0:alternates>${older}</mm0:alternates>
<resources maxconnections="1">${urls.join("\n")}</resources></file></files></metalink>
`;
}

describe.skipIf(noCreaterepo !== "")(
  `a repository of createrepo_c and what upstream says of it ${noCreaterepo}`,
  () => {
    let scene: RealScene;
    const forms = new Map<number, Form>();
    /** The repository as upstream had it so many days before its newest. */
    const daysAgo = (days: number): Form => {
      const timestamp = REVISION - days * DAY;
      const form = forms.get(days) ?? { folder: scene.repository(`before${days}`, timestamp), timestamp };
      forms.set(days, form);
      return form;
    };
    beforeAll(async () => {
      scene = await openRealScene();
      scene.publish("mirror");
    });
    afterAll(() => scene.close());

    const metalinkUrl = () => `${scene.server.url}/metalink?repo=epel-9&arch=x86_64`;
    const listUrl = () => `${scene.server.url}/mirrorlist?repo=epel-9&arch=x86_64`;
    const serveMetalink = (alternates: readonly number[], bases: readonly string[] = []) =>
      scene.server.rules.set("/metalink", { body: metalinkOf(daysAgo(0), alternates.map(daysAgo), bases) });
    const serveList = (body: string) => scene.server.rules.set("/mirrorlist", { body });

    describe("a metalink", () => {
      it.each([
        [0, FINE, /newest that upstream's metalink names/],
        [1, FINE, /an older one of upstream's metalink, 1 d behind/],
        [3, bad("lagging", "lag", /3 d behind upstream, of 2 d allowed/), /an older one/],
        [6, bad("lagging", ["authenticity", "lag"], /more than the 5 d that count/), /an older one/],
        [2, bad("tampered", "authenticity", /names other content/), /names other content/],
      ])("vouches for its newest form and for older ones: %i days old", async (days, expected, detail) => {
        serveMetalink([1, 3, 6]);
        scene.publish("mirror", daysAgo(days).folder);
        const checked = await check(scene.urlOf("mirror"), "--metalink", metalinkUrl());
        expect(found(checked)).toEqual(expected);
        expect(detailOf(checked, "authenticity")).toMatch(detail);
      });

      it("vouches for the newest only, where the site says so", async () => {
        serveMetalink([1]);
        const url = scene.urlOf("mirror");
        const mirrors = mirrorsSchema.parse({
          repos: [{ name: "epel", onlyNewest: true, trust: { metalink: metalinkUrl() } }],
        });
        const rules = rulesOf(mirrors, "epel");
        const order = { url, arch: "x86_64", depth: "full", trust: rules.trust, last: null, live: null } as const;
        const look = async (days: number) => {
          scene.publish("mirror", daysAgo(days).folder);
          const fetcher = openFetcher({});
          try {
            const evidence = await gather(fetcher, { ...order, settings: lookSettings(mirrors), turn: 0 }, REVISION);
            const { verdict, checks } = judge(evidence, null, rules, REVISION);
            return [verdict, ...checks.filter(({ ok }) => !ok).map(({ name }) => name)];
          } finally {
            await fetcher.close();
          }
        };
        expect(await look(0)).toEqual(["ok"]);
        expect(await look(1)).toEqual(["lagging", "authenticity"]);
      });

      it("that is gone proves nothing new, and takes back nothing that it vouched for", async () => {
        serveMetalink([]);
        scene.publish("mirror");
        const ask = (...more: string[]) => check(scene.urlOf("mirror"), "--metalink", metalinkUrl(), ...more);
        const last = scene.write("vouched.json", (await ask()).text);
        scene.server.rules.set("/metalink", { status: 503 });
        expect(found(await ask())).toEqual(bad("partial", "authenticity", /could not be had \(HTTP 503\)/));
        expect(found(await ask("--last", last))).toEqual(FINE);
      });

      it("leads to the first mirror that answers, and vouches for it", async () => {
        scene.publish("mirror");
        serveMetalink([], [scene.urlOf("gone"), scene.urlOf("mirror")]);
        const checked = await check("--metalink", metalinkUrl());
        expect(found(checked)).toEqual(FINE);
        expect(checked.looks).toMatchObject([{ url: metalinkUrl(), arch: "x86_64" }]);
        expect(detailOf(checked, "resolve")).toContain(`names 2 bases, ${scene.urlOf("mirror")} was looked at`);
        expect(detailOf(checked, "authenticity")).toMatch(/newest/);
      });
    });

    describe("a mirrorlist", () => {
      it("leads to the first mirror that answers, and proves nothing", async () => {
        scene.publish("mirror");
        serveList(`# repo = epel-9 arch = x86_64\n${scene.urlOf("gone")}\n${scene.urlOf("mirror").slice(0, -1)}\n`);
        const checked = await check(listUrl());
        expect(found(checked)).toEqual(FINE);
        expect(detailOf(checked, "resolve")).toContain("the mirrorlist names 2 bases");
        expect(detailOf(checked, "authenticity")).toMatch(/^unproven/);
      });

      it("is told when it names nobody, is gone, or names those who have nothing", async () => {
        serveList("# Bad Request\nInvalid release/repo/arch combination\n");
        expect(found(await check(listUrl()))).toEqual(bad("unreachable", "resolve", /Invalid release/));
        scene.server.rules.set("/mirrorlist", { status: 404 });
        expect(found(await check(listUrl()))).toEqual(bad("unreachable", "resolve", /HTTP 404/));
        serveList(`${scene.urlOf("gone")}\n`);
        expect(found(await check(listUrl()))).toEqual(bad("moved", "fetch", /HTTP 404/));
      });
    });

    describe("repomd.xml.asc", () => {
      let key: string;
      let other: string;
      let folder: string;
      beforeAll(async () => {
        const make = () =>
          openpgp.generateKey({
            type: "ecc",
            userIDs: [{ name: "Repository", email: "repository@example.org" }],
            // gpg-made keys too are older than what they sign.
            date: new Date((REVISION - DAY) * 1000),
          });
        const [own, strange] = await Promise.all([make(), make()]);
        key = scene.write("key.asc", own.publicKey);
        other = scene.write("other.asc", strange.publicKey);
        folder = join(scene.folder, "signed");
        cpSync(scene.whole, folder, { recursive: true });
        const message = await openpgp.createMessage({ binary: readFileSync(repomdIn(folder)) });
        const signingKeys = await openpgp.readPrivateKey({ armoredKey: own.privateKey });
        writeFileSync(`${repomdIn(folder)}.asc`, await openpgp.sign({ message, signingKeys, detached: true }));
      });

      it("is good by the key that is given, or by one of them", async () => {
        scene.publish("signed", folder);
        const checked = await check(scene.urlOf("signed"), "--key", key);
        expect(found(checked)).toEqual(FINE);
        expect(detailOf(checked, "authenticity")).toMatch(/^signed by the pinned key [0-9a-f]{16}$/);
        expect(found(await check(scene.urlOf("signed"), "--key", other, "--key", key))).toEqual(FINE);
      });

      it("is bad by another key, for another repomd.xml, and where there is none", async () => {
        const served = scene.publish("signed", folder);
        const ask = async (file: string) => found(await check(scene.urlOf("signed"), "--key", file));
        expect(await ask(other)).toEqual(bad("tampered", "authenticity", /signature does not hold/));
        editRepomd(served, (text) => text.replace("<revision>", "<revision>0"));
        expect(await ask(key)).toEqual(bad("tampered", "authenticity", /signature does not hold/));
        scene.publish("signed", folder);
        rmSync(`${repomdIn(served)}.asc`);
        expect(await ask(key)).toEqual(bad("tampered", "authenticity", /no signature by a pinned key: HTTP 404/));
        writeFileSync(`${repomdIn(served)}.asc`, "<html>no such file</html>");
        expect(await ask(key)).toMatchObject({ verdict: "tampered", failing: ["authenticity"] });
      });
    });
  },
);
