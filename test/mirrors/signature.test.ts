// repomd.xml.asc against pinned keys. The keys are made here, once; gpg says the same where it is installed.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as openpgp from "openpgp";
import { beforeAll, describe, expect, it } from "vitest";
import { verifySignature } from "../../shared/mirrors/formats/signature.ts";
import { PATH } from "../hosts/commands.ts";
import { noGpg } from "./rpms.ts";

const DOCUMENT = Buffer.from('<repomd xmlns="http://linux.duke.edu/metadata/repo"/>\n');
const AT = new Date("2026-03-01T00:00:00Z");
const MADE = new Date("2026-01-01T00:00:00Z");
const SIGNED = new Date("2026-02-01T00:00:00Z");
const DAY = 24 * 60 * 60;

interface Signer {
  readonly id: string;
  readonly subkeyId: string;
  readonly public: string;
  readonly private: openpgp.PrivateKey;
  readonly revocation: string;
}

async function makeSigner(options: { ends?: number; signingSubkey?: boolean } = {}): Promise<Signer> {
  const { privateKey, publicKey, revocationCertificate } = await openpgp.generateKey({
    type: "ecc",
    userIDs: [{ name: "Repository", email: "repository@example.org" }],
    date: MADE,
    format: "object",
    subkeys: options.signingSubkey ? [{ sign: true }] : [],
    ...(options.ends === undefined ? {} : { keyExpirationTime: options.ends }),
  });
  return {
    id: publicKey.getKeyID().toHex(),
    subkeyId: publicKey.subkeys[0]?.getKeyID().toHex() ?? "",
    public: publicKey.armor(),
    private: privateKey,
    revocation: revocationCertificate,
  };
}

async function sign(document: Uint8Array, signers: readonly Signer[], date = SIGNED): Promise<string> {
  const message = await openpgp.createMessage({ binary: document });
  return openpgp.sign({ message, signingKeys: signers.map((each) => each.private), detached: true, date });
}

let signer: Signer;
let other: Signer;
let signature: string;
beforeAll(async () => {
  [signer, other] = await Promise.all([makeSigner(), makeSigner()]);
  signature = await sign(DOCUMENT, [signer]);
});

const verify = (armored: string, keys: readonly string[], document: Uint8Array = DOCUMENT) =>
  verifySignature(document, armored, keys, AT);
const bad = (detail: RegExp) => ({ state: "bad", detail: expect.stringMatching(detail) });

describe("a detached signature", () => {
  it("is good by any one of the pinned keys", async () => {
    const good = { state: "good", keyId: signer.id };
    expect(await verify(signature, [signer.public])).toEqual(good);
    expect(await verify(signature, [other.public, signer.public])).toEqual(good);
    expect(await verify(signature, [`${other.public}\n${signer.public}`])).toEqual(good);
    expect(await verify(`\n${signature.replaceAll("\n", "\r\n")}\n\n`, [signer.public])).toEqual(good);
  });

  it("is good by a subkey of a pinned key", async () => {
    const withSubkey = await makeSigner({ signingSubkey: true });
    const bySubkey = await sign(DOCUMENT, [withSubkey]);
    expect(await verify(bySubkey, [withSubkey.public])).toEqual({ state: "good", keyId: withSubkey.subkeyId });
  });

  it("is good when one of two signers is pinned, in either order", async () => {
    for (const both of [await sign(DOCUMENT, [signer, other]), await sign(DOCUMENT, [other, signer])]) {
      expect(await verify(both, [signer.public])).toEqual({ state: "good", keyId: signer.id });
    }
  });

  it("is bad when the document was altered", async () => {
    const altered = Buffer.from(DOCUMENT);
    altered[10] = 0x21;
    expect(await verify(signature, [signer.public], altered)).toEqual(bad(/one of them was altered$/));
    expect(await verify(signature, [signer.public], DOCUMENT.subarray(1))).toEqual(bad(/altered/));
  });

  it("is bad by a key that is not pinned, which it names", async () => {
    const detail = `it is by key ${signer.id}, which is not pinned`;
    expect(await verify(signature, [other.public])).toEqual({ state: "bad", detail });
    expect(await verify(signature, [])).toEqual({ state: "bad", detail });
  });

  it("is bad by a key that has ended, even if it had not when it signed", async () => {
    const short = await makeSigner({ ends: 40 * DAY });
    const made = await sign(DOCUMENT, [short]);
    expect(await verify(made, [short.public])).toEqual(bad(/, which ended on 2026-02-10$/));
    const before = new Date("2026-02-02T00:00:00Z");
    expect(await verifySignature(DOCUMENT, made, [short.public], before)).toMatchObject({ state: "good" });
  });

  it("is bad by a key that was revoked", async () => {
    const key = await openpgp.readKey({ armoredKey: signer.public });
    const { publicKey } = await openpgp.revokeKey({ key, revocationCertificate: signer.revocation });
    expect(await verify(signature, [publicKey])).toEqual(bad(/revoked/));
  });

  it("is bad when it was made later than now", async () => {
    const later = await sign(DOCUMENT, [signer], new Date("2026-03-02T00:00:00Z"));
    expect(await verify(later, [signer.public])).toEqual(bad(/future/));
  });

  it.each([
    ["empty", ""],
    ["an HTML page", "<html>404</html>"],
    ["cut off", "-----BEGIN PGP SIGNATURE-----\n\nwnUEARYK"],
    ["too long", "-".repeat(70_000)],
  ])("is bad when it is %s", async (_, armored) => {
    expect(await verify(armored, [signer.public])).toEqual(bad(/^it (is no readable OpenPGP signature|has 70000)/));
  });

  it("is bad when it is a key, or a signature of a key", async () => {
    expect(await verify(signer.public, [signer.public])).toEqual(bad(/no readable OpenPGP signature/));
    const key = await openpgp.readKey({ armoredKey: signer.public });
    const certification = key.users[0]?.selfCertifications[0];
    if (!certification) throw new Error("the key has no self-certification");
    const list = new openpgp.PacketList<openpgp.SignaturePacket>();
    list.push(certification);
    const detached = new openpgp.Signature(list).armor();
    expect(await verify(detached, [signer.public])).toEqual(bad(/it holds no signature of a document/));
  });

  it("tells of a pinned key that cannot be read, and takes the others", async () => {
    const broken = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxxxx\n-----END PGP PUBLIC KEY BLOCK-----";
    expect(await verify(signature, [broken])).toEqual(bad(/not pinned; pinned key 1 is not readable/));
    expect(await verify(signature, [broken, signer.public])).toMatchObject({ state: "good" });
  });
});

describe.skipIf(noGpg)(`a signature made by gpg${noGpg}`, () => {
  it("is good, and bad of another document", async () => {
    const home = mkdtempSync(join(tmpdir(), "toji-gpg-"));
    const gpg = (...options: string[]) =>
      execFileSync("gpg", ["--homedir", home, "--batch", "--quiet", "--passphrase", "", ...options], {
        env: { PATH },
        stdio: ["ignore", "pipe", "pipe"],
      });
    try {
      gpg("--quick-generate-key", "repository@example.org", "rsa2048", "sign", "never");
      const file = join(home, "repomd.xml");
      writeFileSync(file, DOCUMENT);
      gpg("--detach-sign", "--armor", file);
      const armored = readFileSync(`${file}.asc`, "utf8");
      const key = gpg("--armor", "--export").toString();
      const at = new Date(Date.now() + 60_000);
      expect(await verifySignature(DOCUMENT, armored, [key], at)).toMatchObject({ state: "good" });
      expect(await verifySignature(Buffer.from("x"), armored, [key], at)).toEqual(bad(/altered/));
    } finally {
      execFileSync("gpgconf", ["--homedir", home, "--kill", "all"], { env: { PATH }, stdio: "ignore" });
      rmSync(home, { recursive: true, force: true });
    }
  });
});
