// rpms as rpmbuild makes them, whole and damaged. The checksum that is listed is made to fit the damage, so that only
// what the rpm says of itself can tell; `rpm -K` is asked whether it sees the same.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyRpm } from "../../shared/mirrors/formats/rpm.ts";
import { MirrorTrouble, problemOf } from "../../shared/mirrors/trouble.ts";
import type { Problem, SampledRpm } from "../../shared/mirrors/types.ts";
import { SEED } from "../fleet/seed.ts";
import { PATH } from "../hosts/commands.ts";
import { makeRpm, noRpmbuild } from "./rpms.ts";
import { inChunks } from "./streams.ts";

const sha = (algorithm: string, ...parts: Uint8Array[]) => {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest();
};

function listed(rpm: Uint8Array): SampledRpm {
  const checksum = { type: "sha256", value: sha("sha256", rpm).toString("hex") } as const;
  return { href: "Packages/h/hello.rpm", size: rpm.length, checksum };
}

/** What is wrong; null = nothing. Listed as it came, unless said otherwise. */
const problem = (rpm: Uint8Array, expected = listed(rpm), chunk = 1000): Promise<Problem | null> =>
  verifyRpm(inChunks(rpm, chunk), expected).then(() => null, problemOf);

const found = (kind: string, detail: RegExp) => ({ kind, detail: expect.stringMatching(detail) });

interface Section {
  readonly start: number;
  readonly index: number;
  readonly store: number;
  readonly end: number;
}

/** Where the parts of an rpm lie, read without a check. */
function sections(rpm: Buffer): { signature: Section; main: Section } {
  const at = (start: number): Section => {
    const store = start + 16 + rpm.readUInt32BE(start + 8) * 16;
    return { start, index: start + 16, store, end: store + rpm.readUInt32BE(start + 12) };
  };
  const signature = at(96);
  return { signature, main: at(Math.ceil(signature.end / 8) * 8) };
}

/** Where the 16 bytes of the tag's entry are in the file. */
function entryOf(rpm: Buffer, section: Section, tag: number): number {
  for (let at = section.index; at < section.store; at += 16) if (rpm.readUInt32BE(at) === tag) return at;
  throw new Error(`there is no tag ${tag}`);
}

function valueAt(rpm: Buffer, section: Section, tag: number): number {
  return section.store + rpm.readUInt32BE(entryOf(rpm, section, tag) + 8);
}

/** A copy that was changed, its own digests of header and payload made anew to fit. */
function resealed(rpm: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(rpm);
  const { signature, main } = sections(copy);
  const places = { sha256: valueAt(copy, signature, 273), sha1: valueAt(copy, signature, 269) };
  const md5 = valueAt(copy, signature, 1004);
  change(copy);
  const header = copy.subarray(main.start, main.end);
  for (const [algorithm, place] of Object.entries(places)) copy.write(sha(algorithm, header).toString("hex"), place);
  copy.set(sha("md5", copy.subarray(main.start)), md5);
  return copy;
}

const flipped = (rpm: Buffer, at: number) => {
  const copy = Buffer.from(rpm);
  copy[at] = (copy[at] ?? 0) ^ 0x01;
  return copy;
};

const CLAIMS: readonly (readonly [string, (copy: Buffer, at: Section) => number, RegExp])[] = [
  ["as many entries as it likes", (copy, at) => copy.writeUInt32BE(0x10000, at.start + 8), /claims 65536/],
  ["no entry", (copy, at) => copy.writeUInt32BE(0, at.start + 8), /claims 0 entries/],
  ["a store of gigabytes", (copy, at) => copy.writeUInt32BE(0xffffffff, at.start + 12), /claims 42/],
  ["a store beyond the file", (copy, at) => copy.writeUInt32BE(0x100000, at.start + 12), /ends within/],
  ["a value beyond the store", (copy, at) => copy.writeUInt32BE(0xfffff0, at.index + 24), /broken entry/],
  ["a type that there is not", (copy, at) => copy.writeUInt32BE(77, at.index + 20), /broken entry/],
  ["more values than fit", (copy, at) => copy.writeUInt32BE(0xffffff, at.index + 28), /broken entry/],
  ["no value", (copy, at) => copy.writeUInt32BE(0, at.index + 28), /broken entry/],
  ["a tag that there is not", (copy, at) => copy.writeUInt32BE(0xf0000000, at.index + 16), /broken entry/],
  ["another region", (copy, at) => copy.writeUInt32BE(62, at.index), /broken region/],
  ["a region of no type", (copy, at) => copy.writeUInt32BE(4, at.index + 4), /broken region/],
  ["more in its region than it has", (copy, at) => copy.writeUInt32BE(0xfff00000, at.end - 8), /broken region/],
  ["a region that ends in no trailer", (copy, at) => copy.writeUInt32BE(0, at.index + 8), /broken region/],
  ["values over each other", (copy, at) => copy.writeUInt32BE(0, at.index + 40), /over each other/],
];

describe.skipIf(noRpmbuild)(`an rpm${noRpmbuild}`, () => {
  let folder = "";
  let rpm = Buffer.alloc(0);
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "toji-rpm-"));
    rpm = readFileSync(makeRpm(folder, { name: "hello", version: "1.0", release: "1", requires: ["/bin/sh"] }));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Which of them `rpm -K` finds whole: all asked at once, for a call takes long. */
  const rpmAccepts = (...all: readonly Buffer[]): boolean[] => {
    const files = all.map((bytes, index) => {
      const file = join(folder, `asked-${index}.rpm`);
      writeFileSync(file, bytes);
      return file;
    });
    const asked = spawnSync("rpm", ["-K", "--nosignature", ...files], {
      env: { PATH, LC_ALL: "C.UTF-8" },
      encoding: "utf8",
    });
    // A line of its own or not: what it says of a file that is no rpm has no end.
    return files.map((file) => asked.stdout.includes(`${file}: digests OK\n`));
  };

  it("is found whole, in whatever pieces it comes", async () => {
    expect(rpmAccepts(rpm)).toEqual([true]);
    for (const chunk of [1, 7, 96, 4096, rpm.length]) expect(await problem(rpm, listed(rpm), chunk)).toBeNull();
  });

  it.each(["w2.xzdio", "w3.zstdio", "w9.bzdio"])(
    "is found whole with a payload of %s, and of an arch",
    async (payload) => {
      const wanted = { name: "packed", version: "2", release: "1.el9", arch: "x86_64", payload };
      expect(await problem(readFileSync(makeRpm(folder, wanted)))).toBeNull();
    },
  );

  it("is compared with the checksum of any kind that primary.xml has", async () => {
    for (const type of ["sha1", "sha512", "md5"] as const) {
      const right = { ...listed(rpm), checksum: { type, value: sha(type, rpm).toString("hex") } };
      expect(await problem(rpm, right)).toBeNull();
      expect(await problem(flipped(rpm, 3000), right)).toEqual(found("checksum", new RegExp(`^its ${type} is `)));
    }
  });

  it("is told by its size first, then by its checksum, before what is inside", async () => {
    expect(await problem(rpm.subarray(0, 2000), listed(rpm))).toEqual(found("size", /^2000 of \d+ bytes came$/));
    expect(await problem(rpm.subarray(0, 50), listed(rpm))).toEqual(found("size", /^50 of/));
    expect(await problem(new Uint8Array(), listed(rpm))).toEqual(found("size", /^0 of/));
    expect(await problem(flipped(rpm, 0), listed(rpm))).toEqual(
      found("checksum", /is [0-9a-f]{64}, not [0-9a-f]{64}$/),
    );
  });

  it("is let go of as soon as more comes than is listed", async () => {
    let left = false;
    let came = 0;
    async function* endless() {
      try {
        for (;;) {
          came += 1000;
          yield Buffer.alloc(1000);
        }
      } finally {
        left = true;
      }
    }
    await expect(verifyRpm(endless(), listed(rpm))).rejects.toMatchObject({ problem: found("size", /^more than the/) });
    expect(left).toBe(true);
    expect(came).toBeLessThanOrEqual(rpm.length + 1000);
  });

  it("is not begun when it is larger than may be read", async () => {
    async function* untouched(): AsyncGenerator<Uint8Array> {
      yield await Promise.reject(new Error("it was read"));
    }
    const asked = verifyRpm(untouched(), listed(rpm), { maxBytes: 100 });
    await expect(asked).rejects.toMatchObject({ problem: { kind: "too-large" } });
  });

  it("hands on what the mirror broke off with", async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield rpm.subarray(0, 500);
      throw new MirrorTrouble("reset", "the connection was reset");
    }
    await expect(verifyRpm(broken(), listed(rpm))).rejects.toMatchObject({ problem: { kind: "reset" } });
  });

  it("is refused for one flipped bit in its lead, signature header, header or payload", async () => {
    const { signature, main } = sections(rpm);
    expect(await problem(flipped(rpm, 2))).toEqual(found("rpm-header", /does not begin as an rpm does/));
    expect(await problem(flipped(rpm, 4))).toEqual(found("rpm-header", /does not begin as an rpm does/));
    expect(await problem(flipped(rpm, 79))).toEqual(found("rpm-header", /does not begin as an rpm does/));
    expect(await problem(flipped(rpm, signature.start))).toEqual(found("rpm-header", /its signature header does not/));
    const digest = valueAt(rpm, signature, 273);
    expect(await problem(flipped(rpm, digest + 5))).toEqual(found("rpm-header", /sha256 of its header/));
    expect(await problem(flipped(rpm, valueAt(rpm, signature, 269)))).toEqual(
      found("rpm-header", /sha1 of its header/),
    );
    expect(await problem(flipped(rpm, valueAt(rpm, signature, 1004)))).toEqual(found("rpm-payload", /payload's md5/));
    expect(await problem(flipped(rpm, main.store + 20))).toEqual(found("rpm-header", /sha256 of its header/));
    expect(await problem(flipped(rpm, main.end + 10))).toEqual(found("rpm-payload", /payload's sha256/));
    expect(await problem(flipped(rpm, rpm.length - 1))).toEqual(found("rpm-payload", /payload's sha256/));
  });

  it("is refused when it was cut off, wherever, although it is listed so", async () => {
    const { main } = sections(rpm);
    for (const length of [0, 50, 96, 100, 2000, main.start, main.start + 20, main.end - 1]) {
      const detail = /^it ends within its (lead|signature header|header)$/;
      expect(await problem(rpm.subarray(0, length))).toEqual(found("rpm-header", detail));
    }
    for (const length of [main.end, rpm.length - 1]) {
      expect(await problem(rpm.subarray(0, length))).toEqual(found("rpm-payload", /payload's sha256 is not/));
    }
  });

  it("is refused when more stands after its payload", async () => {
    const longer = Buffer.concat([rpm, Buffer.from("more")]);
    expect(await problem(longer)).toEqual(found("rpm-payload", /payload's sha256/));
  });

  it("is refused when its header was exchanged, its digests made to fit, and the payload is another", async () => {
    const wanted = { name: "hello", version: "1.0", release: "1", requires: ["/bin/sh"], content: "something else" };
    const other = readFileSync(makeRpm(join(folder, "other"), wanted));
    const mixed = Buffer.concat([rpm.subarray(0, sections(rpm).main.end), other.subarray(sections(other).main.end)]);
    expect(await problem(resealed(mixed, () => {}))).toEqual(found("rpm-payload", /payload's sha256/));
  });

  it("of old has no payload digest: there the MD5 of header and payload stands for it", async () => {
    const old = resealed(rpm, (copy) => {
      const { main } = sections(copy);
      for (const tag of [5092, 5093, 5097]) copy.writeUInt32BE(tag + 90_000, entryOf(copy, main, tag));
    });
    expect(rpmAccepts(old)).toEqual([true]);
    expect(await problem(old)).toBeNull();
    expect(await problem(flipped(old, old.length - 1))).toEqual(found("rpm-payload", /header's and payload's md5/));
    const bare = Buffer.from(old);
    bare.writeUInt32BE(91_004, entryOf(bare, sections(bare).signature, 1004));
    expect(await problem(bare)).toEqual(found("rpm-payload", /no digest of its payload/));
  });

  it("needs one digest of its header, the new or the old", async () => {
    const without = (...tags: number[]) => {
      const copy = Buffer.from(rpm);
      const { signature } = sections(copy);
      for (const tag of tags) copy.writeUInt32BE(tag + 90_000, entryOf(copy, signature, tag));
      return copy;
    };
    expect(await problem(without(269))).toBeNull();
    expect(await problem(without(273))).toBeNull();
    expect(await problem(without(269, 273))).toEqual(found("rpm-header", /no digest of its header/));
  });

  it("says so when the payload's digest is of a kind that is not known here", async () => {
    const strange = resealed(rpm, (copy) => copy.writeUInt32BE(99, valueAt(copy, sections(copy).main, 5093)));
    expect(await problem(strange)).toEqual(found("unknown-form", /not known here: 99/));
  });

  it.each(CLAIMS)("is refused when its header claims %s", async (_, change, detail) => {
    const damaged = Buffer.from(rpm);
    change(damaged, sections(rpm).main);
    expect(await problem(damaged)).toEqual(found("rpm-header", detail));
  });

  it("is refused by `rpm -K` too when its header claims any of that", () => {
    const all = CLAIMS.map(([, change]) => {
      const damaged = Buffer.from(rpm);
      change(damaged, sections(rpm).main);
      return damaged;
    });
    expect(rpmAccepts(rpm, ...all)).toEqual([true, ...all.map(() => false)]);
  });

  it("is refused when a digest stands in it twice, or as another type", async () => {
    const twice = Buffer.from(rpm);
    const { signature } = sections(twice);
    twice.writeUInt32BE(273, entryOf(twice, signature, 269));
    expect(await problem(twice)).toEqual(found("rpm-header", /tag 273 twice/));
    const typed = Buffer.from(rpm);
    typed.writeUInt32BE(9, entryOf(typed, signature, 273) + 4);
    expect(await problem(typed)).toEqual(found("rpm-header", /tag 273 with the type 9/));
  });

  it("is refused where `rpm -K` refuses it, and for a digest of a doubtful entry, for any one changed byte", async () => {
    const { main } = sections(rpm);
    // Half of them in the payload would teach nothing: most are where the structure is.
    const place = fc.oneof(
      { weight: 4, arbitrary: fc.nat(400) },
      { weight: 4, arbitrary: fc.integer({ min: main.start, max: main.end }) },
      fc.nat(rpm.length - 1),
    );
    const changes = fc.sample(fc.tuple(place, fc.integer({ min: 1, max: 255 })), { numRuns: 60, seed: SEED });
    const all = changes.map(([at, mask]) => {
      const damaged = Buffer.from(rpm);
      damaged[at] = (damaged[at] ?? 0) ^ mask;
      return damaged;
    });
    const accepted = rpmAccepts(...all);
    for (const [index, [at, mask]] of changes.entries()) {
      const ours = await problem(all[index] ?? Buffer.alloc(0));
      const sentence = `byte ${at} changed by ${mask} (TOJI_SEED=${SEED}): ${JSON.stringify(ours)}`;
      if (accepted[index]) expect(ours?.detail ?? "with the type", sentence).toMatch(/ twice$|with the type/);
      else expect(ours, sentence).not.toBeNull();
    }
  });
});
