// The packed index of packages: what it knows, what it finds changed, against the same told with maps.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createIndex, digestOf, openIndex, type PackageIdentity } from "../../shared/mirrors/package-index.ts";

const hex = fc.stringMatching(/^[0-9a-f]{64}$/);
/** Few names and contents, so that the same meet again. */
const identity: fc.Arbitrary<PackageIdentity> = fc
  .record({
    name: fc.constantFrom("bash", "glibc", "kernel"),
    epoch: fc.constantFrom("0", "1"),
    version: fc.constantFrom("5.1", "5.2"),
    release: fc.constantFrom("1.el9", "2.el9"),
    arch: fc.constantFrom("x86_64", "noarch"),
    content: fc.constantFrom("0a", "1b", "ff"),
  })
  .map(({ content, ...rest }) => ({ ...rest, checksum: { type: "sha256", value: content.repeat(32) } }));
const identities = fc.array(identity, { maxLength: 60 });

function keyOf({ name, epoch, version, release, arch }: PackageIdentity): string {
  return JSON.stringify([name, epoch, version, release, arch]);
}

function contentsOf(packages: readonly PackageIdentity[]): Map<string, Set<string>> {
  const contents = new Map<string, Set<string>>();
  for (const each of packages) {
    contents.set(keyOf(each), (contents.get(keyOf(each)) ?? new Set()).add(each.checksum.value));
  }
  return contents;
}

function indexOf(packages: readonly PackageIdentity[], last: Parameters<typeof createIndex>[0] = null) {
  const writer = createIndex(last);
  for (const each of packages) writer.add(each);
  return writer.finish();
}

describe("the package index", () => {
  it("holds exactly what was added, once each, in whatever order it came", () => {
    fc.assert(
      fc.property(identities, identities, (added, others) => {
        const { index } = indexOf(added);
        const reader = openIndex(index);
        const contents = contentsOf(added);
        expect(reader.size).toBe([...contents.values()].reduce((sum, each) => sum + each.size, 0));
        expect(Buffer.from(index.packed, "base64").length).toBe(reader.size * 12);
        for (const each of [...added, ...others]) {
          expect(reader.has(digestOf(each))).toBe(contents.get(keyOf(each))?.has(each.checksum.value) ?? false);
        }
        expect(indexOf([...added].reverse()).index).toEqual(index);
      }),
      { seed: 6 },
    );
  });

  it("names those that are there twice with other content, at most ten", () => {
    fc.assert(
      fc.property(identities, (added) => {
        const many = [...contentsOf(added).values()].filter(({ size }) => size > 1).length;
        expect(indexOf(added).clashes.length).toBe(Math.min(10, many));
      }),
      { seed: 6 },
    );
  });

  it("finds those whose content is none of the last index", () => {
    fc.assert(
      fc.property(identities, identities, (before, added) => {
        const last = contentsOf(before);
        const changed = [...contentsOf(added)].flatMap(([key, values]) =>
          [...values].filter((value) => last.has(key) && !last.get(key)?.has(value)),
        );
        const found = indexOf(added, indexOf(before).index).changed;
        expect(found?.count).toBe(changed.length);
        expect(found?.names.length).toBe(Math.min(10, changed.length));
      }),
      { seed: 6 },
    );
    expect(indexOf([]).changed).toBeNull();
  });

  it("tells names as Koji and rpm write them", () => {
    const one = { name: "bash", epoch: "0", version: "5.1", release: "1.el9", arch: "x86_64" };
    const sum = (digit: string) => ({ checksum: { type: "sha256" as const, value: digit.repeat(64) } });
    const found = indexOf([
      { ...one, ...sum("a") },
      { ...one, ...sum("b") },
      { ...one, epoch: "2", ...sum("a") },
      { ...one, epoch: "2", ...sum("c") },
    ]);
    expect(found.clashes).toEqual(["bash-5.1-1.el9.x86_64", "bash-2:5.1-1.el9.x86_64"]);
  });

  it("grows to many packages and finds each", () => {
    const packages = Array.from(
      { length: 20_000 },
      (_, number): PackageIdentity => ({
        name: `package-${number}`,
        epoch: "0",
        version: "1",
        release: "1",
        arch: "noarch",
        checksum: { type: "sha256", value: (number * 2_654_435_761).toString(16).padStart(64, "0") },
      }),
    );
    const reader = openIndex(indexOf(packages).index);
    expect(reader.size).toBe(packages.length);
    expect(packages.every((each) => reader.has(digestOf(each)))).toBe(true);
  });

  it("refuses what is no index and no digest", () => {
    expect(() => openIndex({ packed: "AAAA" })).toThrow("no package index");
    expect(() => openIndex({ packed: "not base64!" })).toThrow("no package index");
    expect(() => openIndex({ packed: "" }).has("abc")).toThrow("no digest");
    fc.assert(
      fc.property(hex, (value) => !openIndex({ packed: "" }).has(value.slice(0, 24))),
      { seed: 6 },
    );
  });
});
