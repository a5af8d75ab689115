// From the site document to the rules of one repo, and how spans and lists are worded.

import { describe, expect, it } from "vitest";
import { mirrorsSchema } from "../../shared/config/index.ts";
import { DEFAULT_RULES, defaultMirrors, expandArch, rulesOf } from "../../shared/mirrors/rules.ts";
import { countText, someOf, spanText } from "../../shared/mirrors/words.ts";

const KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n-----END PGP PUBLIC KEY BLOCK-----";
const SHA = "ab".repeat(32);

const MIRRORS = mirrorsSchema.parse({
  lagHours: 12,
  alternateDays: 2,
  redirectHosts: [".cdn.example.org"],
  certificateWarningDays: 30,
  repos: [
    { name: "plain" },
    {
      name: "strict",
      trust: { keys: [KEY], metalink: "https://upstream.example.net/metalink?arch=$arch" },
      lagHours: 1,
      maxPackageDropPercent: 2,
      redirectHosts: ["other.example.org"],
      onlyNewest: true,
      accepted: [SHA],
    },
    { name: "compared", trust: { reference: "https://upstream.example.net/$arch/" } },
  ],
});

describe("the rules of a repo", () => {
  it("are the defaults, without any trust, where no config is", () => {
    expect(DEFAULT_RULES).toEqual({
      trust: { keys: [], metalink: null, reference: null },
      redirectHosts: [],
      lagBudgetSeconds: 48 * 3600,
      alternateAgeSeconds: 5 * 86_400,
      onlyNewest: false,
      maxPackageDropPercent: 20,
      acceptedByHand: [],
      certificateWarningDays: 14,
    });
    expect(rulesOf(defaultMirrors(), "plain")).toEqual(DEFAULT_RULES);
  });

  it.each([[null], ["unheard-of"], ["plain"]])("are those of all for %s, which says nothing of its own", (name) => {
    expect(rulesOf(MIRRORS, name)).toEqual({
      ...DEFAULT_RULES,
      redirectHosts: [".cdn.example.org"],
      lagBudgetSeconds: 12 * 3600,
      alternateAgeSeconds: 2 * 86_400,
      certificateWarningDays: 30,
    });
  });

  it("are its own where it has some", () => {
    expect(rulesOf(MIRRORS, "strict")).toEqual({
      trust: { keys: [KEY], metalink: "https://upstream.example.net/metalink?arch=$arch", reference: null },
      redirectHosts: ["other.example.org"],
      lagBudgetSeconds: 3600,
      alternateAgeSeconds: 2 * 86_400,
      onlyNewest: true,
      maxPackageDropPercent: 2,
      acceptedByHand: [SHA],
      certificateWarningDays: 30,
    });
    expect(rulesOf(MIRRORS, "compared").trust.reference).toBe("https://upstream.example.net/$arch/");
  });
});

describe("an address", () => {
  it.each([
    ["https://m.example.org/$arch/os/", "x86_64", "https://m.example.org/x86_64/os/"],
    ["https://m.example.org/$arch/$arch/", "aarch64", "https://m.example.org/aarch64/aarch64/"],
    ["https://m.example.org/$basearch/", "x86_64", "https://m.example.org/$basearch/"],
    ["https://m.example.org/os/", "x86_64", "https://m.example.org/os/"],
    ["https://m.example.org/$arch/", "$&", "https://m.example.org/$&/"],
  ])("%s for %s is %s", (url, arch, expanded) => {
    expect(expandArch(url, arch)).toBe(expanded);
  });
});

describe("words", () => {
  it.each([
    [-5, "0 s"],
    [0, "0 s"],
    [0.6, "1 s"],
    [59, "59 s"],
    [60, "1 min"],
    [3599, "59 min 59 s"],
    [3600, "1 h"],
    [3605, "1 h"],
    [86_399, "23 h 59 min"],
    [86_400, "1 d"],
    [2 * 86_400 + 4 * 3600 + 59, "2 d 4 h"],
  ])("%d seconds are %s", (seconds, text) => {
    expect(spanText(seconds)).toBe(text);
  });

  it("count things", () => {
    expect([0, 1, 2].map((count) => countText(count, "rpm"))).toEqual(["0 rpms", "1 rpm", "2 rpms"]);
  });

  it("name five at most, and how many more there are", () => {
    expect(someOf(["a", "b"])).toBe("a, b");
    expect(someOf(["a", "b", "c", "d", "e", "f", "g"])).toBe("a, b, c, d, e and 2 more");
    expect(someOf(["a", "b"], 12, "; ")).toBe("a; b and 10 more");
  });
});
