// Which reader a trace gets, by its name or its first line.

import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { independentTrace } from "../../../sandbox/replay/sources/arrivals.ts";
import { findTrace, type OpenOptions, openTrace } from "../../../sandbox/replay/sources/open.ts";

const noHistory = () => Promise.reject(new Error("this is no history"));
const open = (name: string, content: Uint8Array | string, more: Partial<OpenOptions> = {}) =>
  openTrace(
    findTrace(name, () => content),
    { seed: 1, fromHistory: noHistory, ...more },
  );

describe("a trace", () => {
  it("of Toji's own format goes to its reader, large as it may be", async () => {
    const header = `\uFEFF{"format": "toji-history", "version": 1}\n`;
    const manyLines = `${header}${Array.from({ length: 50_000 }, (_, id) => JSON.stringify({ id })).join("\n")}`;
    const asked: unknown[] = [];
    const fromHistory = (file: string, name: string) => {
      asked.push([file, name]);
      return Promise.resolve(independentTrace(name, [{ ts: 0, duration_s: 10 }]));
    };
    const trace = await open("dir/koji-2026.jsonl.gz", gzipSync(manyLines), { fromHistory, serviceFactor: 0.7 });
    expect(asked).toEqual([["dir/koji-2026.jsonl.gz", "koji-2026"]]);
    expect(trace).toMatchObject({ name: "koji-2026", tasks: [{ seconds: 7 }] });
    expect(trace.synthetic).toEqual(["All service times are multiplied by 0.7."]);
    expect((await open("a.jsonl", '{"format":"toji-trace"}', { fromHistory })).synthetic).toEqual([]);
  });

  it("of arrivals is told by its first line and named by its file", async () => {
    const tasks = await open("/some/where/pool.jsonl.gz", gzipSync('\n{"ts":1,"duration_s":10}'), { serviceFactor: 2 });
    expect(tasks).toMatchObject({ name: "pool", tasks: [{ method: "task", seconds: 20 }] });
    const change = '{"ts":1600515000,"package":"a","branch":"rpm/develop","arch":"noarch","targets":1}';
    const builds = await open("changes.json", change, { spacingSeconds: 15 });
    expect(builds.name).toBe("changes");
    expect(builds.synthetic.join()).toContain("15 s apart");
    expect(builds.tasks[0]).toMatchObject({ method: "build", package: "a" });
    expect((await open("-", change)).name).toBe("standard input");
  });

  it("may be generated", async () => {
    const noFile = () => {
      throw new Error("no file is read");
    };
    const options = { seed: 3, fromHistory: noHistory };
    expect((await openTrace(findTrace("synthetic:cbs", noFile), options)).name).toBe("synthetic:cbs (seed 3)");
    expect(findTrace("synthetic:mass-rebuild", noFile)).toEqual({ kind: "mass-rebuild" });
    expect(() => findTrace("synthetic:fedora", noFile)).toThrow(/choose synthetic:cbs or synthetic:mass-rebuild/);
  });

  it("that cannot be read names its file and line", async () => {
    await expect(open("x.jsonl", '{"ts":1,"duration_s":1}\n{}')).rejects.toThrow(/^x\.jsonl: line 2 does not fit/);
    await expect(open("x.jsonl", "")).rejects.toThrow(/^x\.jsonl: the trace is empty/);
    await expect(open("x.gz", gzipSync("something").subarray(0, 12))).rejects.toThrow(/^x\.gz: .*gzip/);
  });
});
