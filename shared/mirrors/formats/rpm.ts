// An rpm, read once from end to end: is it what primary.xml lists, and does it hold what its own digests say?
// As `rpm -K` has it (rpm 4.18): every digest that is known must hold, and one of the header and one of the payload
// must be there. What signs them is not looked at: primary.xml names the whole file's checksum.

import { createHash, type Hash } from "node:crypto";
import { MirrorTrouble } from "../trouble.ts";
import type { SampledRpm } from "../types.ts";
import { MAIN_BOUNDS, parseHeader, type RpmHeader, SIGNATURE_BOUNDS, sizesOf, TAG } from "./rpm-header.ts";

const LEAD_BYTES = 96;
const LEAD_MAGIC = Buffer.from([0xed, 0xab, 0xee, 0xdb]);
/** The format's version: 3 is what has been written since rpm 3, 4 is read too. */
const MAJOR_AT = 4;
/** Where the lead says of what kind its signature is, and the one kind that rpm still knows. */
const SIGNATURE_KIND_AT = 78;
const HEADER_SIGNATURE = 5;
const INTRO_BYTES = 16;

/** PAYLOADDIGESTALGO has OpenPGP's numbers (RFC 9580, 9.5). */
const ALGORITHMS: ReadonlyMap<number, string> = new Map([
  [1, "md5"],
  [2, "sha1"],
  [8, "sha256"],
  [9, "sha384"],
  [10, "sha512"],
  [11, "sha224"],
  [12, "sha3-256"],
  [14, "sha3-512"],
]);

/**
 * Reads the body to its end, unless more comes than is listed. Throws MirrorTrouble, in this order: "too-large" before
 * anything is read, "size", "checksum", then what only the rpm itself can tell: "rpm-header", "rpm-payload" and
 * "unknown-form" (a digest). In memory stand one header at a time and a piece of the payload, never all of it.
 */
export async function verifyRpm(
  body: AsyncIterable<Uint8Array>,
  expected: SampledRpm,
  asked: { readonly maxBytes: number } = { maxBytes: Number.POSITIVE_INFINITY },
): Promise<void> {
  if (expected.size > asked.maxBytes) {
    throw new MirrorTrouble("too-large", `${expected.size} bytes are listed, at most ${asked.maxBytes} are read`);
  }
  const file = new Arriving(body, expected);
  try {
    const inner = await innerProblem(file);
    while ((await file.next()) !== null);
    file.compare();
    if (inner) throw inner;
  } finally {
    await file.leave();
  }
}

/** A changed file shows as a checksum, not as the oddity inside that the change led to: so that waits. */
async function innerProblem(file: Arriving): Promise<MirrorTrouble | null> {
  try {
    await readInside(file);
    return null;
  } catch (error) {
    const inner = ["rpm-header", "rpm-payload", "unknown-form"];
    if (error instanceof MirrorTrouble && inner.includes(error.problem.kind)) return error;
    throw error;
  }
}

async function readInside(file: Arriving): Promise<void> {
  const lead = await file.take(LEAD_BYTES, "lead");
  const major = lead.readUInt8(MAJOR_AT);
  const begins = lead.subarray(0, LEAD_MAGIC.length).equals(LEAD_MAGIC) && (major === 3 || major === 4);
  if (!begins || lead.readUInt16BE(SIGNATURE_KIND_AT) !== HEADER_SIGNATURE) {
    throw headerTrouble("it does not begin as an rpm does");
  }
  const signature = await readHeader(file, "signature header");
  await file.take((8 - (signature.bytes.length % 8)) % 8, "signature header");
  const main = await readHeader(file, "header");
  compareHeader(signature, main);
  const digests = payloadDigests(signature, main);
  for (let chunk = await file.next(); chunk !== null; chunk = await file.next()) {
    for (const { hash } of digests) hash.update(chunk);
  }
  for (const { hash, value, what } of digests) {
    if (hash.digest("hex") !== value) throw new MirrorTrouble("rpm-payload", `its ${what} is not as it says`);
  }
}

async function readHeader(file: Arriving, what: "signature header" | "header"): Promise<RpmHeader> {
  const intro = await file.take(INTRO_BYTES, what);
  const { entries, store } = sizesOf(intro, what, what === "header" ? MAIN_BOUNDS : SIGNATURE_BOUNDS);
  const rest = await file.take(entries * INTRO_BYTES + store, what);
  return parseHeader(intro, rest, entries, what);
}

/** Both digests are over the whole of the main header, from its magic on. */
function compareHeader(signature: RpmHeader, main: RpmHeader): void {
  const held = [
    { algorithm: "sha256", value: signature.text(TAG.SHA256HEADER) },
    { algorithm: "sha1", value: signature.text(TAG.SHA1HEADER) },
  ].filter(({ value }) => value !== null);
  if (held.length === 0) throw headerTrouble("it holds no digest of its header");
  for (const { algorithm, value } of held) {
    const is = createHash(algorithm).update(main.intro).update(main.bytes).digest("hex");
    if (is !== value?.toLowerCase()) throw headerTrouble(`the ${algorithm} of its header is not as it says`);
  }
}

interface Awaited {
  readonly hash: Hash;
  readonly value: string;
  readonly what: string;
}

/** PAYLOADDIGEST is over the compressed payload (rpm 4.14 and later), SIGMD5 over header and payload. */
function payloadDigests(signature: RpmHeader, main: RpmHeader): readonly Awaited[] {
  const digests: Awaited[] = [];
  const value = main.text(TAG.PAYLOADDIGEST);
  if (value !== null) {
    const number = main.number(TAG.PAYLOADDIGESTALGO);
    const algorithm = number === null ? undefined : ALGORITHMS.get(number);
    if (!algorithm)
      throw new MirrorTrouble("unknown-form", `its payload has a digest of a kind not known here: ${number}`);
    digests.push({ hash: createHash(algorithm), value: value.toLowerCase(), what: `payload's ${algorithm}` });
  }
  const md5 = signature.binary(TAG.SIGMD5);
  if (md5 !== null) {
    const hash = createHash("md5").update(main.intro).update(main.bytes);
    digests.push({ hash, value: md5.toString("hex"), what: "header's and payload's md5" });
  }
  if (digests.length === 0) throw new MirrorTrouble("rpm-payload", "it holds no digest of its payload");
  return digests;
}

function headerTrouble(problem: string): MirrorTrouble {
  return new MirrorTrouble("rpm-header", problem);
}

/** The file as it comes: counted and hashed as a whole, and handed out in pieces. */
class Arriving {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #expected: SampledRpm;
  readonly #hash: Hash;
  #came = 0;
  #left: Uint8Array = new Uint8Array();

  constructor(body: AsyncIterable<Uint8Array>, expected: SampledRpm) {
    this.#chunks = body[Symbol.asyncIterator]();
    this.#expected = expected;
    this.#hash = createHash(expected.checksum.type);
  }

  /** What comes next; null = that was all. */
  async next(): Promise<Uint8Array | null> {
    if (this.#left.length > 0) {
      const left = this.#left;
      this.#left = new Uint8Array();
      return left;
    }
    const { done, value } = await this.#chunks.next();
    if (done) return null;
    this.#came += value.length;
    this.#hash.update(value);
    const { size } = this.#expected;
    if (this.#came > size) throw new MirrorTrouble("size", `more than the ${size} bytes came that are listed`);
    return value;
  }

  /** Exactly so many bytes; "rpm-header" when there cannot be as many. */
  async take(count: number, what: string): Promise<Buffer> {
    // Nothing is set aside for what a few bytes only claim.
    const most = this.#expected.size - this.#came + this.#left.length;
    if (count > most) throw headerTrouble(`it ends within its ${what}`);
    const taken = Buffer.allocUnsafe(count);
    let filled = 0;
    while (filled < count) {
      const chunk = await this.next();
      if (chunk === null) throw headerTrouble(`it ends within its ${what}`);
      const part = chunk.subarray(0, count - filled);
      taken.set(part, filled);
      filled += part.length;
      this.#left = chunk.subarray(part.length);
    }
    return taken;
  }

  compare(): void {
    const { size, checksum } = this.#expected;
    if (this.#came !== size) throw new MirrorTrouble("size", `${this.#came} of ${size} bytes came`);
    const is = this.#hash.digest("hex");
    if (is !== checksum.value)
      throw new MirrorTrouble("checksum", `its ${checksum.type} is ${is}, not ${checksum.value}`);
  }

  /** Lets go of a body that was not read to its end. */
  async leave(): Promise<void> {
    await this.#chunks.return?.();
  }
}
