// repomd.xml.asc: a detached OpenPGP signature, held against the keys that are pinned.

import type { Key, KeyID, Signature } from "openpgp";
import type { SignatureSeen } from "../types.ts";

type Verified = Exclude<SignatureSeen, { state: "missing" }>;
type OpenPgp = typeof import("openpgp");

/** A signature has about 1 KB. */
const MAX_ARMORED = 64 * 1024;
const MAX_SIGNATURES = 16;
const KEY_BLOCK = /-----BEGIN PGP PUBLIC KEY BLOCK-----[\s\S]*?-----END PGP PUBLIC KEY BLOCK-----/g;

/**
 * Good when at least one signature in it is by a pinned key, or a subkey of one, that may sign and has not ended or been
 * revoked at `at`; an ended key's signature is refused even if it was made before, as librepo does. `keys` are armored,
 * each may hold several blocks. Whatever is wrong, with the keys too, is told in `detail`; nothing is thrown.
 */
export async function verifySignature(
  document: Uint8Array,
  armored: string,
  keys: readonly string[],
  at: Date,
): Promise<Verified> {
  // 1.2 MB that only those need who have pinned a key.
  const openpgp = await import("openpgp");
  const signature = await readArmored(openpgp, armored);
  if (typeof signature === "string") return bad(signature);
  const { pinned, problems } = await readPinned(openpgp, keys);
  const checked = await openpgp.verify({
    message: await openpgp.createMessage({ binary: document }),
    signature,
    verificationKeys: pinned,
    date: at,
    format: "binary",
    // A pinned key is there to sign; those of old do not say so.
    config: { allowMissingKeyFlags: true },
  });
  const details: string[] = [];
  for (const { keyID, verified } of checked.signatures) {
    const id = keyID.toHex();
    const key = pinned.find((each) => each.getKeys(keyID).length > 0);
    const problem = key
      ? await problemOf(openpgp, verified, key, keyID, at)
      : `it is by key ${id}, which is not pinned`;
    if (problem === null) return { state: "good", keyId: id };
    details.push(problem);
  }
  if (details.length === 0) details.push("it holds no signature of a document");
  return bad([...details, ...problems].join("; "));
}

function bad(detail: string): Verified {
  return { state: "bad", detail };
}

async function readArmored(openpgp: OpenPgp, armored: string): Promise<Signature | string> {
  if (armored.length > MAX_ARMORED) return `it has ${armored.length} characters, more than a signature has`;
  const signature = await attempt(openpgp.readSignature({ armoredSignature: armored.trim() || " " }));
  if (signature instanceof Error) return `it is no readable OpenPGP signature (${reasonOf(signature)})`;
  if (signature.packets.length > MAX_SIGNATURES) return `it holds more than ${MAX_SIGNATURES} signatures`;
  return signature;
}

async function readPinned(openpgp: OpenPgp, keys: readonly string[]) {
  const pinned: Key[] = [];
  const problems: string[] = [];
  for (const [index, text] of keys.entries()) {
    for (const armoredKeys of text.match(KEY_BLOCK) ?? [text]) {
      const read = await attempt(openpgp.readKeys({ armoredKeys }));
      if (read instanceof Error) problems.push(`pinned key ${index + 1} is not readable (${reasonOf(read)})`);
      else pinned.push(...read);
    }
  }
  return { pinned, problems };
}

/** Half a sentence; null = it is good. */
async function problemOf(openpgp: OpenPgp, verified: Promise<true>, key: Key, keyId: KeyID, at: Date) {
  const id = keyId.toHex();
  const outcome = await attempt(verified);
  if (outcome instanceof Error && /digest did not match|verification failed/i.test(outcome.message)) {
    return `it is by key ${id}, but not of this document: one of them was altered`;
  }
  // It was valid when it signed, or `verified` says so; this asks for now.
  const config = { ...openpgp.config, allowMissingKeyFlags: true };
  const usable = await attempt(key.getSigningKey(keyId, at, undefined, config));
  if (!(usable instanceof Error)) return outcome instanceof Error ? `by key ${id}: ${reasonOf(outcome)}` : null;
  const ends = [await key.getExpirationTime(undefined, config)];
  for (const subkey of key.getSubkeys(keyId)) ends.push(await subkey.getExpirationTime(at, config));
  const ended = ends.find((end) => end instanceof Date && end <= at);
  if (ended instanceof Date) return `it is by key ${id}, which ended on ${ended.toISOString().slice(0, 10)}`;
  return `it is by key ${id}, which may not sign: ${reasonOf(usable)}`;
}

/** openpgp throws plain Errors for whatever it does not like; here they are findings. */
async function attempt<T>(asked: Promise<T>): Promise<T | Error> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
}

function reasonOf({ message }: Error): string {
  return message.replace(/\s+/g, " ").slice(0, 200);
}
