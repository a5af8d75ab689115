// A builder's identity as openssl sees it: signed by its CA, for one slot, for a while, for nothing but logging in.

import { execFileSync } from "node:child_process";
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { IdentityCaUnusable, issueIdentity } from "../../shared/fleet/identity.ts";
import { missing } from "../hosts/commands.ts";

const NOW = Math.floor(Date.now() / 1000);
const SLOT = "builder-x86-01.example.org";
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "toji-identity-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const openssl = (...args: string[]) =>
  execFileSync("openssl", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

/** A CA as an administrator makes it: certificate and key in one text, in either order. */
function makeCa(
  name: string,
  ...newKey: string[]
): { readonly pem: string; readonly certificate: string; readonly key: string } {
  const key = join(folder, `${name}.key`);
  const subject = ["-x509", "-nodes", "-days", "30", "-subj", `/CN=${name}`];
  const certificate = openssl("req", ...subject, ...newKey, "-keyout", key);
  const keyText = openssl("pkey", "-in", key);
  return { pem: certificate + keyText, certificate, key: keyText };
}

const EC = (curve: string) => ["-newkey", "ec", "-pkeyopt", `ec_paramgen_curve:${curve}`];
const certificateOf = (pem: string) => new X509Certificate(/-----BEGIN CERT[\s\S]+/.exec(pem)?.[0] ?? "");
const seconds = (date: string) => Date.parse(date) / 1000;

const noOpenssl = missing("the package openssl", "openssl");
describe.skipIf(noOpenssl)(`identities, seen with openssl${noOpenssl}`, () => {
  describe.each([
    ["RSA", ["-newkey", "rsa:2048"]],
    ["P-256", EC("P-256")],
    ["P-384", EC("P-384")],
  ])("an identity signed by a CA with a %s key", (name, newKey) => {
    it("verifies as a client's certificate, and as nothing else", async () => {
      const ca = makeCa(`ca-${name}`, ...newKey, "-addext", "keyUsage=critical,keyCertSign");
      const identity = file("identity.pem", await issueIdentity(ca.pem, SLOT, 24, NOW));
      const trusted = file("ca.pem", ca.certificate);
      expect(openssl("verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", trusted, identity)).toContain("OK");
      expect(() => openssl("verify", "-purpose", "sslserver", "-CAfile", trusted, identity)).toThrow(/purpose/);
      const stranger = file("other.pem", makeCa("other", ...newKey).certificate);
      expect(() => openssl("verify", "-CAfile", stranger, identity)).toThrow();
    });
  });

  describe("an identity", () => {
    it("names the slot and nothing else, which is the hub's name for the host", async () => {
      const { pem } = makeCa("ca", ...EC("P-256"));
      expect(certificateOf(await issueIdentity(pem, SLOT, 24, NOW)).subject).toBe(`CN=${SLOT}`);
    });

    it("lives from five minutes ago, for clocks differ, as many hours as the config says", async () => {
      const { pem } = makeCa("ca", ...EC("P-256"));
      const certificate = certificateOf(await issueIdentity(pem, SLOT, 2.5, NOW));
      expect(seconds(certificate.validFrom)).toBe(NOW - 300);
      expect(seconds(certificate.validTo)).toBe(NOW + 9000);
    });

    it("holds its own key, the one that its certificate is for, before the certificate, as kojid wants it", async () => {
      const { pem } = makeCa("ca", ...EC("P-256"));
      const identity = await issueIdentity(pem, SLOT, 24, NOW);
      expect(identity).toMatch(
        /^-----BEGIN PRIVATE KEY-----\n[\s\S]+-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----/,
      );
      expect(certificateOf(identity).checkPrivateKey(createPrivateKey(identity))).toBe(true);
      expect(identity).not.toContain(pem.slice(-200, -40));
    });

    it("is another one every time: key and serial number, which is positive", async () => {
      const { pem } = makeCa("ca", ...EC("P-256"));
      const issued = await Promise.all(Array.from({ length: 20 }, () => issueIdentity(pem, SLOT, 24, NOW)));
      const certificates = issued.map(certificateOf);
      expect(new Set(certificates.map((each) => each.serialNumber)).size).toBe(20);
      const keys = issued.map((each) =>
        createPublicKey(createPrivateKey(each)).export({ type: "spki", format: "pem" }),
      );
      expect(new Set(keys).size).toBe(20);
      for (const { serialNumber } of certificates) expect(serialNumber).toMatch(/^[0-9A-F]{2,40}$/);
    });

    it("may not sign others", async () => {
      const { pem } = makeCa("ca", ...EC("P-256"));
      expect(certificateOf(await issueIdentity(pem, SLOT, 24, NOW)).ca).toBe(false);
    });
  });

  describe("a CA parameter", () => {
    it("may hold the key first, and an older form of it", async () => {
      const { key, certificate } = makeCa("ca", "-newkey", "rsa:2048");
      const traditional = openssl("rsa", "-traditional", "-in", file("rsa.key", key));
      const identity = await issueIdentity(traditional + certificate, SLOT, 24, NOW);
      expect(certificateOf(identity).issuer).toBe("CN=ca");
    });

    const good = () => makeCa("good", ...EC("P-256"));
    const unusable: readonly (readonly [string, () => string])[] = [
      ["is empty", () => ""],
      ["has no key", () => good().certificate],
      ["has no certificate", () => good().key],
      [
        "has an encrypted key",
        () => good().certificate + openssl("pkey", "-aes256", "-passout", "pass:x", "-in", file("k", good().key)),
      ],
      ["has a key of another certificate", () => good().certificate + makeCa("other", ...EC("P-256")).key],
      ["has a key of a kind that Koji's hub may not know", () => makeCa("ed", "-newkey", "ed25519").pem],
      [
        "has a certificate that is no CA's",
        () => makeCa("leaf", ...EC("P-256"), "-addext", "basicConstraints=critical,CA:FALSE").pem,
      ],
      ["is cut off", () => good().pem.slice(0, -60)],
    ];

    it.each(unusable)("that %s is refused with what to do, and never with its content", async (_, makePem) => {
      const pem = makePem();
      const error = await issueIdentity(pem, SLOT, 24, NOW).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(IdentityCaUnusable);
      if (!(error instanceof IdentityCaUnusable)) return;
      expect(error.message).toBe(
        "the builder CA parameter must hold a CA's PEM certificate and its unencrypted private key: make it as `npx toji config init` says",
      );
      const told = `${error.message} ${error.cause instanceof Error ? `${error.cause.message} ${error.cause.stack}` : ""}`;
      for (const line of pem.split("\n").filter((each) => each.length > 20 && !each.startsWith("-----"))) {
        expect(told).not.toContain(line);
      }
    });
  });
});
