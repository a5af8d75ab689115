// Text on a terminal: how wide it is, where it is cut, how it wraps, how values are worded.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { foldChanges, formatClock, formatDollars, formatDuration } from "../../sandbox/console/page/format.js";
import { cleanText, cutText, displayWidth, wrapText } from "../../sandbox/console/text.ts";
import { holds } from "../fleet/seed.ts";

describe("width", () => {
  // What tmux moves its cursor by, or one more where terminals differ.
  it.each([
    ["builder-x86-01", 14],
    ["ビルダー-01", 11],
    ["e\u0301\u0302x", 2],
    ["👩👧", 4],
    ["…–━╸·▁█", 7],
    ["한국", 4],
    ["①𝒳", 2],
  ])("of %s is %i", (text, columns) => {
    expect(displayWidth(text)).toBe(columns);
  });
});

describe("cleaning", () => {
  it("turns escapes and line ends into blanks, and takes out what turns text around", () => {
    expect(cleanText("a\x1b[31mb\r\nc\u202ed\u2028e\ud800")).toBe("a [31mb cd e\ufffd");
  });
});

describe("cutting", () => {
  it("ends in … and never splits a character", () => {
    expect(cutText("builder-x86-01", 9)).toBe("builder-…");
    expect(cutText("ビルダー", 6)).toBe("ビル…");
    expect(cutText("abc", 3)).toBe("abc");
    expect(cutText("abc", 0)).toBe("");
  });
});

describe("wrapping", () => {
  it("breaks at words, and says when there was more", () => {
    expect(wrapText("drain builder-x86-03: idle 151 s", 16, 3)).toEqual(["drain", "builder-x86-03:", "idle 151 s"]);
    expect(wrapText("one two three four", 8, 2)).toEqual(["one two", "three f…"]);
    expect(wrapText("", 8, 2)).toEqual([]);
  });

  it("loses no word when there are lines enough, and no line is too long", () => {
    const anyWords = fc.array(fc.string({ minLength: 1, maxLength: 12 }).filter((each) => !/\s/.test(each)));
    holds(fc.tuple(anyWords, fc.integer({ min: 12, max: 60 })), ([words, columns]) => {
      const lines = wrapText(words.join(" "), columns, 1000);
      for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
      expect(lines.join("").replaceAll(" ", "")).toBe(words.join(""));
    });
  });
});

describe("words", () => {
  it.each([
    [0, "0 s"],
    [99.4, "99 s"],
    [99.5, "1.7 min"],
    [597, "10 min"],
    [5969, "99 min"],
    [7200, "2.0 h"],
    [172_800, "2.0 d"],
    [-3, "0 s"],
    [Number.NaN, "–"],
  ])("%d s are %s", (seconds, words) => {
    expect(formatDuration(seconds)).toBe(words);
  });

  it("small change has three decimals", () => {
    expect([0, 0.0478, 0.9996, 12.4, 1234.5].map(formatDollars)).toEqual([
      ...["$0.00", "$0.048", "$1.000", "$12.40", "$1,234.50"],
    ]);
  });

  it("a time that is none is –", () => {
    expect([Number.NaN, 1e15].map(formatClock)).toEqual(["–", "–"]);
  });

  it("folds only changes of one kind and one reason, and keeps their order", () => {
    const change = (verb: string, slot: string, reason: string) => `${verb} ${slot} (p, m7a.large): ${reason}`;
    const changes = [
      ...[1, 2, 3, 4, 5].map((index) => change("launch", `a-${index}`, "work: much")),
      change("launch", "b-1", "other work"),
      change("drain", "a-1", "work: much"),
      "the hub is offline",
      "the hub is offline",
    ];
    expect(foldChanges(changes)).toEqual([
      { verb: "launch", rest: "a-1, a-2, a-3 and 2 more (p, m7a.large): work: much" },
      { verb: "launch", rest: "b-1 (p, m7a.large): other work" },
      { verb: "drain", rest: "a-1 (p, m7a.large): work: much" },
      { verb: "", rest: "the hub is offline" },
      { verb: "", rest: "the hub is offline" },
    ]);
  });
});
