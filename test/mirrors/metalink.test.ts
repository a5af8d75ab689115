// Metalinks in the shape that MirrorManager gives them.

import { describe, expect, it } from "vitest";
import { baseOf, readMetalink } from "../../shared/mirrors/formats/metalink.ts";
import { refusalOf } from "./streams.ts";

const MM0 = "http://fedorahosted.org/mirrormanager";
const verification = (digit: string) =>
  `<verification>
    <hash type="md5">${digit.repeat(32)}</hash>
    <hash type="sha1">${digit.repeat(40)}</hash>
    <hash type="sha256">${digit.repeat(64)}</hash>
    <hash type="sha512">${digit.repeat(128)}</hash>
  </verification>`;
const NEWEST = `<mm0:timestamp>1700000000</mm0:timestamp><size>4057</size>${verification("a")}`;
const ALTERNATES = `<mm0:alternates>
  <mm0:alternate><mm0:timestamp>1699900000</mm0:timestamp><size>4000</size>${verification("b")}</mm0:alternate>
  <mm0:alternate><mm0:timestamp>1699800000</mm0:timestamp><size>3900</size>${verification("c")}</mm0:alternate>
</mm0:alternates>`;
const url = (address: string, preference: number | string = 100) =>
  `<url protocol="any" type="any" location="DE" preference="${preference}" mm0:private="True">${address}</url>`;
const file = (urls: string, forms = NEWEST + ALTERNATES) =>
  `<file name="repomd.xml">${forms}<resources maxconnections="1">${urls}</resources></file>`;
const metalink = (files: string, mm0 = MM0) =>
  `<?xml version="1.0" encoding="utf-8"?>
<metalink version="3.0" xmlns="http://www.metalinker.org/" type="dynamic" xmlns:mm0="${mm0}"><files>${files}</files></metalink>`;
const read = (text: string) => readMetalink(Buffer.from(text));

const problem = (text: string) => refusalOf(() => read(text));

describe("a metalink", () => {
  it("names repomd.xml as it is now and as it was, with every hash", () => {
    const { newest, alternates } = read(metalink(file("")));
    expect(newest).toMatchObject({ timestamp: 1700000000, size: 4057 });
    expect(newest.hashes.map(({ type }) => type)).toEqual(["md5", "sha1", "sha256", "sha512"]);
    expect(newest.hashes[2]).toEqual({ type: "sha256", value: "a".repeat(64) });
    expect(alternates.map(({ timestamp, size, hashes }) => [timestamp, size, hashes[2]?.value])).toEqual([
      [1699900000, 4000, "b".repeat(64)],
      [1699800000, 3900, "c".repeat(64)],
    ]);
  });

  it("is read where a fork of MirrorManager has a namespace of its own", () => {
    expect(read(metalink(file(""), "https://mirrors.example.org/"))).toMatchObject({
      newest: { timestamp: 1700000000 },
      alternates: [{ timestamp: 1699900000 }, { timestamp: 1699800000 }],
    });
  });

  it("may have neither alternates, nor a time, nor a size, nor addresses", () => {
    const bare = `<file name="repomd.xml">${verification("a")}</file>`;
    expect(read(metalink(bare))).toMatchObject({ newest: { timestamp: null, size: null }, alternates: [], urls: [] });
  });

  it("gives https before http, then what is preferred, then what stands first; each once", () => {
    const at = (name: string, scheme = "https") => `${scheme}://${name}.example.org/os/repodata/repomd.xml`;
    const urls = [
      url(at("plain", "http")),
      url(at("far"), 60),
      url(at("near"), 99),
      url(at("beside"), 99),
      url(at("near"), 10),
      `<url>${at("last")}</url>`,
    ];
    const expected = [at("near"), at("beside"), at("far"), at("last"), at("plain", "http")];
    expect(read(metalink(file(urls.join("")))).urls).toEqual(expected);
  });

  it("leaves out what is neither http nor https, no address, or has a password", () => {
    const urls = [
      "rsync://a.example.org/os/repodata/repomd.xml",
      "ftp://a.example.org/os/repodata/repomd.xml",
      "file:///os/repodata/repomd.xml",
      "https://user:word@a.example.org/os/repodata/repomd.xml",
      "a.example.org",
      "",
    ];
    expect(read(metalink(file(urls.map((each) => url(each)).join("")))).urls).toEqual([]);
  });

  it("passes over hashes of unknown kinds as long as one is known", () => {
    const more = NEWEST.replace("<hash", '<hash type="crc32">00</hash><hash');
    expect(read(metalink(file("", more))).newest.hashes).toHaveLength(4);
    const unknown = '<verification><hash type="crc32">00</hash></verification>';
    expect(problem(metalink(file("", unknown)))).toMatchObject({ kind: "unknown-form" });
    expect(problem(metalink(file("", "")))).toMatchObject({ kind: "unknown-form" });
  });

  it("takes the file named repomd.xml among others, and refuses two of them", () => {
    const other = file("").replace("repomd.xml", "other.xml").replaceAll("a".repeat(32), "f".repeat(32));
    expect(read(metalink(other + file(""))).newest.hashes[0]?.value).toBe("a".repeat(32));
    expect(problem(metalink(file("") + file("")))).toMatchObject({ kind: "schema" });
    expect(problem(metalink(other))).toMatchObject({
      kind: "schema",
      detail: expect.stringContaining("no repomd.xml"),
    });
  });

  it.each([
    ["an HTML page", "<html><body>gone</body></html>", "schema", /it is a <html>, not a metalink/],
    ["cut off", metalink(file("")).slice(0, -30), "schema", /unclosed tag/],
    [
      "of version 4",
      metalink(file("")).replace("http://www.metalinker.org/", "urn:ietf:params:xml:ns:metalink"),
      "unknown-form",
      /not version 3.0/,
    ],
    ["of a wrong hash", metalink(file("", NEWEST.replace("aaaa", "a"))), "schema", /is no md5: 32 digits/],
    ["of a hash that is none", metalink(file("", NEWEST.replace("aaaa", "zzzz"))), "schema", /is no md5/],
    [
      "with two hashes of one type",
      metalink(file("", NEWEST.replace('"sha1">', '"md5">').replace("a".repeat(40), "b".repeat(32)))),
      "schema",
      /two hashes of one type/,
    ],
    [
      "with two times",
      metalink(file("", `<mm0:timestamp>1</mm0:timestamp>${NEWEST}`)),
      "schema",
      /more than one <timestamp>/,
    ],
    ["of no time", metalink(file("", NEWEST.replace("1700000000", "today"))), "schema", /"today" is no time/],
    ["of no size", metalink(file("", NEWEST.replace("4057", "4 KB"))), "schema", /"4 KB" is no whole number/],
    ["of no preference", metalink(file(url("https://a.example.org/", "high"))), "schema", /"high" is no whole number/],
    ["of no files", metalink("").replace("<files></files>", ""), "schema", /has no <files>/],
    [
      "an entity bomb",
      metalink(file("")).replace("<metalink", '<!DOCTYPE m [<!ENTITY a "b">]><metalink'),
      "entities",
      /document type/,
    ],
  ])("is refused when it is %s", (_, text, kind, detail) => {
    expect(problem(text)).toMatchObject({ kind, detail: expect.stringMatching(detail) });
  });
});

describe("the base of a repository", () => {
  it("is what stands before repodata/repomd.xml", () => {
    expect(baseOf("https://a.example.org/os/x86_64/repodata/repomd.xml")).toBe("https://a.example.org/os/x86_64/");
    expect(baseOf("http://a.example.org:8080/repodata/repomd.xml")).toBe("http://a.example.org:8080/");
  });

  it.each([
    "https://a.example.org/os/",
    "https://a.example.org/os/repodata/repomd.xml.asc",
    "https://a.example.org/os/xrepodata/repomd.xml",
    "https://a.example.org/os/?x=/repodata/repomd.xml",
    "https://a.example.org/os#/repodata/repomd.xml",
    "ftp://a.example.org/os/repodata/repomd.xml",
    "repodata/repomd.xml",
  ])("is not in %j", (address) => {
    expect(baseOf(address)).toBeNull();
  });
});
