// Mirrorlists: one address a line, and what servers send in place of one.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readMirrorlist } from "../../shared/mirrors/formats/mirrorlist.ts";
import { MirrorTrouble } from "../../shared/mirrors/trouble.ts";
import { holds } from "../fleet/seed.ts";
import { refusalOf } from "./streams.ts";

const read = (text: string) => readMirrorlist(Buffer.from(text));

const problem = (text: string | Uint8Array) => refusalOf(() => readMirrorlist(Buffer.from(text)));

describe("a mirrorlist", () => {
  it("gives the bases in its order, each once and with its slash", () => {
    const text = [
      "# repo = baseos-9 arch = x86_64 country = DE",
      "https://a.example.org/9/BaseOS/x86_64/os",
      "",
      "  http://b.example.org/9/BaseOS/x86_64/os/\t",
      "https://a.example.org/9/BaseOS/x86_64/os/",
    ].join("\r\n");
    expect(read(text)).toEqual([
      "https://a.example.org/9/BaseOS/x86_64/os/",
      "http://b.example.org/9/BaseOS/x86_64/os/",
    ]);
  });

  it("leaves out what is not plain http or https", () => {
    const text = [
      "rsync://a.example.org/os/",
      "ftp://a.example.org/os/",
      "file:///os/",
      "https://user:word@a.example.org/os/",
      "https://a.example.org/os/?arch=x86_64",
      "https://b.example.org/os/",
    ].join("\n");
    expect(read(text)).toEqual(["https://b.example.org/os/"]);
  });

  it("takes at most 200", () => {
    const lines = Array.from({ length: 300 }, (_, index) => `https://m${index}.example.org/`);
    expect(read(lines.join("\n"))).toEqual(lines.slice(0, 200));
  });

  it.each([
    ["an HTML page", "<!DOCTYPE html>\n<html>\nhttps://a.example.org/\n</html>", /XML or HTML.*<!DOCTYPE html>/],
    ["a metalink", '\n<?xml version="1.0"?>\n<metalink/>', /XML or HTML/],
    ["empty", "\n\n", /it is empty/],
    ["only comments", "# nothing\n", /it is empty/],
    ["the answer for an unknown repository", "Invalid release/repo/arch combination", /it says "Invalid release/],
    ["nothing but rsync", "rsync://a.example.org/os/", /no http or https address/],
  ])("is refused when it is %s", (_, text, detail) => {
    expect(problem(text)).toMatchObject({ kind: "schema", detail: expect.stringMatching(detail) });
  });

  it("is refused when it is no text, or more than any list has", () => {
    expect(problem(Uint8Array.of(0xff, 0xfe)).kind).toBe("schema");
    expect(problem(new Uint8Array(1024 * 1024 + 1)).kind).toBe("too-large");
  });

  it("is read at once where a line is made to take long", () => {
    expect(problem(`https:${"/".repeat(1_000_000)}`).kind).toBe("schema");
    expect(read(`https://a.example.org/${"/".repeat(900_000)}x`)).toHaveLength(1);
  });

  it("never gives anything but distinct http and https folders, whatever it holds", () => {
    const line = fc.oneof(fc.webUrl({ withQueryParameters: true, withFragments: true }), fc.string(), fc.constant("#"));
    holds(fc.array(line, { maxLength: 20 }), (lines) => {
      let bases: readonly string[] = [];
      try {
        bases = read(lines.join("\n"));
      } catch (error) {
        expect(error).toBeInstanceOf(MirrorTrouble);
      }
      expect(new Set(bases).size).toBe(bases.length);
      for (const base of bases) expect(base).toMatch(/^https?:\/\/[^?#@/]+\/([^?#]*\/)?$/);
    });
  });
});
