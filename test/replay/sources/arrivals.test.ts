// Arrival files: both forms, in any order, and what is said of a bad line.

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { independentTrace, readArrivals } from "../../../sandbox/replay/sources/arrivals.ts";
import { TraceError, textOf } from "../../../sandbox/replay/sources/text.ts";
import { expectSound, peakOf } from "./zero-wait.ts";

const fixture = (name: string) =>
  textOf(readFileSync(new URL(`../../fixtures/traces/${name}.jsonl.gz`, import.meta.url)));
const jsonLines = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).join("\n");

function taskTraceOf(text: string, serviceFactor = 1) {
  const arrivals = readArrivals(text);
  if (arrivals.form !== "tasks") throw new Error("expected single tasks");
  return independentTrace("test", arrivals.rows, { serviceFactor });
}

const taskRow = fc.record({
  ts: fc.double({ min: 0, max: 1e6, noNaN: true }),
  duration_s: fc.double({ min: 0, max: 1e5, noNaN: true }),
});

describe("arrivals of single tasks", () => {
  it.each([
    ["firefox-ci-mobile-1-decision", 240, 4, 9.1],
    ["firefox-ci-mobile-3-decision", 295, 7, 7.6],
    ["firefox-ci-mobile-3-b-linux-large", 5254, 267, 654.4],
    ["firefox-ci-gecko-t-t-linux-large", 106_233, 1815, 36_045.2],
  ])("are all there in %s", (name, tasks, peak, hours) => {
    const trace = taskTraceOf(fixture(name));
    expect(trace.tasks).toHaveLength(tasks);
    expect(peakOf(trace, ["task"])).toBe(peak);
    expect(trace.tasks.reduce((sum, { seconds }) => sum + seconds, 0) / 3600).toBeCloseTo(hours, 1);
    expect(trace).toMatchObject({ start: 0, synthetic: [], targets: {} });
  });

  it("are tasks on their own, on x86_64 in the default channel", () => {
    expect(taskTraceOf('{"ts":12.5,"duration_s":310,"worker":"more fields are fine"}\r\n\r\n').tasks).toEqual([
      {
        id: 1,
        parent: null,
        method: "task",
        channel: "default",
        arch: "x86_64",
        weight: 1,
        priority: 20,
        package: null,
        target: null,
        scratch: false,
        release: { at: 12.5 },
        seconds: 310,
        failed: false,
      },
    ]);
  });

  it("may be in any order and of any number", () => {
    fc.assert(
      fc.property(fc.array(taskRow, { minLength: 1, maxLength: 60 }), (rows) => {
        const trace = taskTraceOf(jsonLines(rows));
        expectSound(trace);
        const played = trace.tasks.map(({ release, seconds }) => ["at" in release ? release.at : null, seconds]);
        const given = rows.map(({ ts, duration_s }) => [ts + 0, duration_s + 0]);
        const byTimes = (a: readonly (number | null)[], b: readonly (number | null)[]) =>
          (a[0] ?? 0) - (b[0] ?? 0) || (a[1] ?? 0) - (b[1] ?? 0);
        expect(played.sort(byTimes)).toEqual(given.sort(byTimes));
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it("count from the first one where their times are since 1970", () => {
    const trace = taskTraceOf(
      jsonLines([
        { ts: 1_600_000_060.5, duration_s: 5 },
        { ts: 1_600_000_000.5, duration_s: 7 },
      ]),
    );
    expect(trace.start).toBe(1_600_000_000);
    expect(trace.tasks.map(({ release }) => release)).toEqual([{ at: 0.5 }, { at: 60.5 }]);
    expect(trace.spanSeconds).toBe(65);
  });

  it("can be made longer or shorter by a factor", () => {
    const [task] = taskTraceOf('{"ts":1,"duration_s":100}', 1.3).tasks;
    expect(task).toMatchObject({ release: { at: 1 }, seconds: 130 });
  });
});

describe("a file that is no trace", () => {
  const good = '{"ts":1,"duration_s":1}';
  const change = '{"ts":1,"package":"a","branch":"b","arch":"noarch","targets":1}';
  it.each([
    ["", /empty: it needs at least one line/],
    ["\n \n", /empty/],
    [`${good}\n\nnot JSON`, /^line 3 is no JSON/],
    [
      `${good}\n{"ts":2,"duration_s":"long"}`,
      /^line 2 does not fit \(duration_s: .*number.*must look like \{"ts":12.5/,
    ],
    [`${good}\n{"ts":2,"duration_s":-1}`, /^line 2 does not fit \(duration_s/],
    [`${good}\n{"ts":-2,"duration_s":1}`, /^line 2 does not fit \(ts/],
    [`${good}\n${change}`, /^line 2 does not fit \(duration_s/],
    [`${change}\n${good}`, /^line 2 does not fit \(package: .*; branch: .*; arch: .*; targets/],
    [`${change}\n{"ts":1,"package":"a","branch":"b","arch":"noarch","targets":1.5}`, /^line 2 does not fit \(targets/],
    ['{"ts":1}', /^line 1 is of no known form: give a trace of `toji trace export`, or lines like/],
    ["[1,2]", /^line 1 is of no known form/],
    ["12", /^line 1 is of no known form/],
    [`${good}\n{"ts":1600000000000,"duration_s":1}`, /span 50\d\d\d years: `ts` must be seconds/],
  ])("is told what is wrong: %j", (text, sentence) => {
    expect(() => readArrivals(text)).toThrow(sentence);
    expect(() => readArrivals(text)).toThrow(TraceError);
  });
});

describe("the text of a file", () => {
  it("is the same plain, packed, as bytes, and with a byte order mark", () => {
    const text = '{"package":"gcc-ä"}\n';
    for (const content of [text, Buffer.from(text), gzipSync(text), `\uFEFF${text}`, Buffer.from(`\uFEFF${text}`)]) {
      expect(textOf(content)).toBe(text);
    }
  });

  it("of a cut-off gzip file is an error that says so", () => {
    expect(() => textOf(gzipSync("some text".repeat(100)).subarray(0, 20))).toThrow(/damaged gzip/);
  });
});
