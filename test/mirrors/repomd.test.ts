// repomd.xml: what createrepo_c writes is read, what no reader should take is refused.

import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readRepomd } from "../../shared/mirrors/formats/repomd.ts";
import { MirrorTrouble } from "../../shared/mirrors/trouble.ts";
import { holds } from "../fleet/seed.ts";
import { createRepository, makeRpm, noCreaterepo } from "./rpms.ts";
import { refusalOf } from "./streams.ts";

const SHA256 = "5".repeat(64);
const NAMESPACE = "http://linux.duke.edu/metadata/repo";

interface Data {
  type?: string;
  location?: string;
  checksum?: string;
  timestamp?: string;
  more?: string;
}

function data({ type = "primary", location, checksum, timestamp, more = "" }: Data = {}): string {
  return [
    `<data type="${type}">`,
    checksum ?? `<checksum type="sha256">${SHA256}</checksum>`,
    location ?? `<location href="repodata/${type}.xml.gz"/>`,
    timestamp ?? "<timestamp>1700000000</timestamp>",
    more,
    "</data>",
  ].join("\n");
}

const repomd = (...records: string[]) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<repomd xmlns="${NAMESPACE}"><revision>7</revision>${records.join("")}</repomd>`;

const read = (text: string) => readRepomd(Buffer.from(text));

const problem = (text: string | Uint8Array) => refusalOf(() => readRepomd(Buffer.from(text)));

const located = (href: string, more = "") => problem(repomd(data({ location: `<location href="${href}"${more}/>` })));

describe.skipIf(noCreaterepo)(`repomd.xml of createrepo_c${noCreaterepo}`, () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "toji-repomd-"));
    makeRpm(folder, { name: "hello", version: "1.0", release: "1" });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    { kind: "gz", suffix: ".gz", options: [] },
    { kind: "xz", suffix: ".xz", options: ["--general-compress-type=xz"] },
    { kind: "sha512 checksums", suffix: ".gz", options: ["--checksum=sha512"] },
    { kind: "sha1 checksums, as yum calls them", suffix: ".gz", options: ["--checksum=sha"] },
  ])("is read with $kind, and every record is as it says", ({ suffix, options }) => {
    createRepository(folder, "--revision=42 of a kind", ...options);
    const { revision, timestamp, records } = readRepomd(readFileSync(join(folder, "repodata/repomd.xml")));
    expect(revision).toBe("42 of a kind");
    expect(records.map(({ type }) => type)).toEqual(["primary", "filelists", "other"]);
    expect(timestamp).toBe(Math.max(...records.map((record) => record.timestamp)));
    for (const record of records) {
      const bytes = readFileSync(join(folder, record.href));
      expect(record.href.endsWith(suffix)).toBe(true);
      expect(record.size).toBe(bytes.length);
      expect(createHash(record.checksum.type).update(bytes).digest("hex")).toBe(record.checksum.value);
      expect(record.openSize).toBeGreaterThan(0);
      expect(record.openChecksum?.type).toBe(record.checksum.type);
      expect(record.headerChecksum).toBeNull();
    }
  });
});

describe("repomd.xml", () => {
  it("takes the age of the repository from its youngest record", () => {
    const old = data({ timestamp: "<timestamp>1600000000</timestamp>" });
    const young = data({ type: "group", timestamp: "<timestamp>1700000000.25</timestamp>" });
    expect(read(repomd(old, young))).toMatchObject({ revision: "7", timestamp: 1700000000.25 });
  });

  it("knows what zchunk adds, and a record without sizes", () => {
    const more = `<header-checksum type="sha256">${"a".repeat(64)}</header-checksum><header-size>120</header-size>`;
    const [plain, zck] = read(repomd(data(), data({ type: "primary_zck", more }))).records;
    expect(plain).toMatchObject({ size: null, openSize: null, headerSize: null, openChecksum: null });
    expect(zck).toMatchObject({ headerSize: 120, headerChecksum: { type: "sha256", value: "a".repeat(64) } });
  });

  it("is read whatever prefix its namespace has, and past elements of others", () => {
    const prefixed = repomd(data({ more: '<x:size xmlns:x="urn:other">many</x:size>' }))
      .replaceAll(/<(\/?)(?=repomd|revision|data|checksum|location|timestamp)/g, "<$1r:")
      .replace("xmlns=", "xmlns:r=");
    expect(read(prefixed).records).toHaveLength(1);
  });

  it("has no revision where none is written", () => {
    expect(read(repomd(data()).replace("<revision>7</revision>", "")).revision).toBe("");
  });

  it("joins an xml:base and its location as librepo does", () => {
    const based = (base: string) => repomd(data({ location: `<location xml:base="${base}" href="r/p.gz"/>` }));
    for (const base of ["https://a.example.org/x", "https://a.example.org/x/"]) {
      expect(read(based(base)).records[0]?.href).toBe("https://a.example.org/x/r/p.gz");
    }
    const own = repomd(data({ location: '<location href="https://b.example.org/p.gz"/>' }));
    expect(read(own).records[0]?.href).toBe("https://b.example.org/p.gz");
  });

  it.each([
    ["../primary.gz", "climbs out by .."],
    ["repodata/../../primary.gz", "climbs out by .."],
    ["repodata/%2E%2e/x", "climbs out by .."],
    ["repodata/..%2fx", "climbs out by .."],
    ["https://a.example.org/../x", "climbs out by .."],
    ["/etc/passwd", "leaves the repository"],
    ["//other.example.org/x", "leaves the repository"],
    ["file:///etc/passwd", "is no http or https address"],
    ["ftp://a.example.org/x", "is no http or https address"],
    ["javascript:x", "is no http or https address"],
    ["https://user:word@a.example.org/x", "has a user and password"],
    ["repodata\\..\\x", "backslash"],
    ["repodata/.&#9;./x", "control character"],
    [" https://a.example.org/x", "a space"],
    ["repodata/p.gz?../", "no plain path"],
    ["", "is empty"],
  ])("refuses the location %j", (href, detail) => {
    expect(located(href)).toMatchObject({ kind: "schema", detail: expect.stringContaining(detail) });
  });

  it.each(["../", "/x/", "file:///x/", "https://a.example.org/x?y=", "https://a.example.org/.."])(
    "refuses the xml:base %j",
    (base) => {
      expect(located("p.gz", ` xml:base="${base}"`)).toMatchObject({
        kind: "schema",
        detail: expect.stringContaining("the xml:base"),
      });
    },
  );

  it("refuses a document type declaration, and with it every entity bomb", () => {
    const bomb = `<!DOCTYPE repomd [<!ENTITY a "xxxxxxxxxx"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>`;
    const text = repomd(data()).replace("<repomd", `${bomb}<repomd`).replace(">7<", ">&b;<");
    expect(problem(text)).toEqual({
      kind: "entities",
      detail: "it has a document type declaration, where entities can be declared",
    });
    expect(problem(repomd(data()).replace("<repomd", "<!DOCTYPE repomd><repomd")).kind).toBe("entities");
  });

  it.each([
    ["cut off", repomd(data()).slice(0, -20), /^line \d+: unclosed tag/],
    ["an HTML page", "<!-- down --><html><body>Be back soon</body></html>", /it is a <html> of the namespace ""/],
    ["empty", "", /there is no element|must contain a root/],
    ["no XML", "\x1f\x8b\b", /^line 1: /],
    ["of another namespace", repomd(data()).replace(NAMESPACE, "urn:other"), /namespace "urn:other"/],
    ["of no namespace", repomd(data()).replace(` xmlns="${NAMESPACE}"`, ""), /namespace ""/],
    ["without primary", repomd(data({ type: "other" })), /lists no primary/],
    ["with primary twice", repomd(data(), data()), /lists primary twice/],
    ["with an unknown entity", repomd(data()).replace(">7<", ">&nbsp;<"), /entity/],
    ["not in UTF-8, as it says", repomd(data()).replace("UTF-8", "UTF-16"), /"UTF-16", not in UTF-8/],
    [
      "with two checksums",
      repomd(data({ more: `<checksum type="md5">${"0".repeat(32)}</checksum>` })),
      /more than one/,
    ],
    ["with a short checksum", repomd(data({ checksum: '<checksum type="sha256">abc</checksum>' })), /64 digits/],
    ["with an untyped checksum", repomd(data({ checksum: "<checksum>abc</checksum>" })), /has no type/],
    ["with no checksum", repomd(data({ checksum: "" })), /<data> has no <checksum>/],
    ["with no location", repomd(data({ location: "" })), /<data> has no <location>/],
    ["with no timestamp", repomd(data({ timestamp: "" })), /<data> has no <timestamp>/],
    ["of the time before 1970", repomd(data({ timestamp: "<timestamp>-1</timestamp>" })), /"-1" is no time/],
    ["of no time", repomd(data({ timestamp: "<timestamp>1e9</timestamp>" })), /"1e9" is no time/],
    ["with a size below 0", repomd(data({ more: "<size>-5</size>" })), /the size "-5" is no whole number/],
    ["with a size above all", repomd(data({ more: "<size>9999999999999999</size>" })), /is no whole number/],
    ["with a strange type", repomd(data(), data({ type: "a b" })), /"a b" is no type/],
    ["with a revision without end", repomd(data()).replace(">7<", `>${"7".repeat(2000)}<`), /longer than 1024/],
    ["too deep", repomd(data({ more: `${"<a>".repeat(70)}${"</a>".repeat(70)}` })), /more than 64 elements inside/],
    ["with an attribute too long", repomd(data({ more: `<a b="${"c".repeat(20_000)}"/>` })), /characters in an attr/],
    ["with a text too long", repomd(data({ more: `<a>${"c".repeat(70_000)}</a>` })), /characters in one element/],
    [
      "with too many attributes",
      repomd(`<a ${Array.from({ length: 70 }, (_, i) => `b${i}=""`).join(" ")}/>`),
      /attributes/,
    ],
    ["of too many elements", repomd(data({ more: "<a/>".repeat(50_001) })), /more than 50000 elements/],
  ])("refuses one that is %s", (_, text, detail) => {
    expect(problem(text)).toMatchObject({ kind: "schema", detail: expect.stringMatching(detail) });
  });

  it("refuses more records than a repository has", () => {
    const many = Array.from({ length: 200 }, (_, index) => data({ type: index === 0 ? "primary" : `r${index}` }));
    expect(read(repomd(...many)).records).toHaveLength(200);
    expect(problem(repomd(...many, data({ type: "more" })))).toMatchObject({
      kind: "schema",
      detail: expect.stringContaining("it lists 201 records, more than 200"),
    });
  });

  it("refuses bytes that are no UTF-8", () => {
    const bytes = Buffer.from(repomd(data()));
    bytes[bytes.indexOf(">7<") + 1] = 0xff;
    expect(problem(bytes)).toMatchObject({ kind: "schema" });
  });

  it("says that a checksum's type is unknown here", () => {
    const checksum = '<checksum type="blake3">00</checksum>';
    expect(problem(repomd(data({ checksum })))).toMatchObject({
      kind: "unknown-form",
      detail: expect.stringContaining('"blake3"'),
    });
  });

  it("refuses a document longer than any, unread", () => {
    expect(problem(new Uint8Array(8 * 1024 * 1024 + 1)).kind).toBe("too-large");
  });

  it("never fails otherwise than by saying what is wrong, wherever a byte is changed", () => {
    const whole = Buffer.from(repomd(data(), data({ type: "other", more: "<size>5</size>" })));
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    holds(damage, (changes) => {
      const bytes = Buffer.from(whole);
      for (const [at, byte] of changes) bytes[at] = byte;
      try {
        for (const { href } of readRepomd(bytes).records) expect(href).not.toMatch(/\.\.\/|\s/);
      } catch (error) {
        expect(error).toBeInstanceOf(MirrorTrouble);
      }
    });
  });
});
