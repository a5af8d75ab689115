// The pages of an export on a clock of the test's own: pauses, faults, and a second run that goes on from the first.

import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type ExportOrder, exportHistory } from "../../cli/trace/export.ts";
import { connectAnonymously, type HubCaller, HubFault, HubUnreachable } from "../../shared/hub/index.ts";
import { openTraceScene, readWhole, START, type TraceScene } from "./trace-scene.ts";

let scene: TraceScene;
let file: string;

beforeAll(async () => {
  scene = await openTraceScene();
});
afterAll(() => scene.close());
beforeEach(() => {
  file = scene.freshFile();
});

/** A clock that only sleeping moves. */
function stepClock() {
  const clock = {
    time: scene.clock.time,
    slept: 0,
    now: () => clock.time,
    sleep: async (seconds: number) => clock.advance(seconds),
    advance(seconds: number) {
      clock.time += seconds;
      clock.slept += seconds;
    },
  };
  return clock;
}

describe("an export", () => {
  const reader = () => connectAnonymously({ url: scene.url, clock: scene.clock, retries: 0 });
  const order = (more: Partial<ExportOrder> = {}): ExportOrder => ({
    url: scene.url,
    file,
    since: START,
    until: scene.clock.time,
    rowsPerPage: 3,
    callsPerSecond: 2,
    ...more,
  });
  const plain = (path: string) => gunzipSync(readFileSync(path)).toString();

  /** Fails the calls of these numbers, from 1. */
  function failing(inner: HubCaller, failures: (call: number) => Error | null, at: () => void = () => {}): HubCaller {
    let calls = 0;
    const checked = <T>(go: () => Promise<T>) => {
      calls += 1;
      at();
      const error = failures(calls);
      return error === null ? go() : Promise.reject(error);
    };
    return {
      call: (method, params) => checked(() => inner.call(method, params)),
      multiCall: (calls) => checked(() => inner.multiCall(calls)),
    };
  }
  const lost = () => new HubUnreachable(scene.url, "reset", "cut");
  const broken = new HubFault(1, "out of memory", "listTasks");

  async function run(given: ExportOrder, failures: (call: number) => Error | null = () => null) {
    const clock = stepClock();
    const calledAt: number[] = [];
    const told: string[] = [];
    const hubReader = reader();
    const caller = failing(hubReader, failures, () => calledAt.push(clock.time));
    const world = { hub: caller, clock, tell: (line: string) => void told.push(line) };
    const done = await exportHistory(given, world)
      .catch((error: unknown) => error)
      .finally(() => hubReader.close());
    return { done, calledAt, told, clock };
  }

  it("cut off after any call and run again has the same rows as one that was not", async () => {
    const uncut = await run(order());
    const wanted = plain(file);
    expect(uncut.done).toMatchObject({ rows: 13, resumedAt: 0 });
    for (let cut = 1; cut <= uncut.calledAt.length; cut++) {
      const other = scene.freshFile();
      const first = await run(order({ file: other }), (call) => (call === cut ? broken : null));
      expect(first.done).toBe(broken);
      expect(existsSync(other)).toBe(false);
      const second = await run(order({ file: other, callsPerSecond: 5 }));
      expect(second.done).toMatchObject({ rows: 13 });
      expect(plain(other)).toBe(wanted);
      expect(first.calledAt.length + second.calledAt.length).toBeLessThanOrEqual(uncut.calledAt.length + 4);
    }
  });

  it("forgets what a crash left half written", async () => {
    await run(order(), (call) => (call === 4 ? broken : null));
    const part = `${file}.part`;
    expect(statSync(part).size).toBeGreaterThan(0);
    writeFileSync(part, Buffer.concat([readFileSync(part), Buffer.from([0x1f, 0x8b, 8, 0])]));
    expect((await run(order())).done).toMatchObject({ rows: 13 });
    expect((await readWhole(file)).rows).toHaveLength(13);
  });

  it("refuses to go on with another one's part", async () => {
    await run(order(), (call) => (call === 4 ? broken : null));
    for (const other of [{ since: START + 1 }, { until: null }, { url: "http://127.0.0.1:9/kojihub" }]) {
      const { done, calledAt } = await run(order(other));
      expect(done).toMatchObject({
        name: "UsageError",
        message: expect.stringMatching(/is of another export \(--hub .*remove it/),
      });
      expect(calledAt).toEqual([]);
    }
    writeFileSync(`${file}.state.json`, "{");
    expect((await run(order())).done).toMatchObject({ message: expect.stringMatching(/cannot be read: remove it/) });
  });

  it("ends at the time at which it began when no end is given, also when it is resumed later", async () => {
    await run(order({ until: null }), (call) => (call === 4 ? broken : null));
    const until = scene.clock.time;
    scene.clock.time += 100;
    scene.hub.as("packager").build("late-1-1.src.rpm", "el9");
    scene.clock.time += 100;
    expect((await run(order({ until: null }))).done).toMatchObject({
      rows: 13,
      until: new Date(until * 1000).toISOString(),
    });
  });

  it("calls no more often than it may", async () => {
    const { calledAt, clock } = await run(order({ rowsPerPage: 1, callsPerSecond: 4 }));
    expect(calledAt.length).toBeGreaterThan(13);
    for (const [index, at] of calledAt.entries()) {
      if (index > 0) expect(at - (calledAt[index - 1] ?? at)).toBeGreaterThanOrEqual(0.25 - 1e-6);
    }
    expect(clock.slept).toBeCloseTo((calledAt.length - 1) / 4);
  });

  it("says how far it is, and until when", async () => {
    const { told } = await run(order({ rowsPerPage: 1, callsPerSecond: 0.5 }));
    expect(told.length).toBeGreaterThan(3);
    expect(told[1]).toMatch(
      /^\d+ rows up to 2023-11-14T22:\S+Z \(\d+ % of the time asked for\), about \d+ (s|min) left$/,
    );
    expect(told.at(-1)).toMatch(/^1[34] rows, all up to/);
  });

  it("waits longer and longer for a hub in trouble, and goes on", async () => {
    const { done, told, clock } = await run(order(), (call) => (call >= 3 && call <= 5 ? lost() : null));
    expect(done).toMatchObject({ rows: expect.any(Number) });
    expect(told.filter((line) => line.includes("Next try in")).map((line) => line.match(/in (\d+) s/)?.[1])).toEqual([
      "5",
      "10",
      "20",
    ]);
    expect(clock.slept).toBeGreaterThanOrEqual(35);
  });

  it("gives up in the end, and never waits for a hub that has not answered yet", async () => {
    expect((await run(order(), (call) => (call > 2 ? lost() : null))).done).toBeInstanceOf(HubUnreachable);
    const other = order({ file: scene.freshFile() });
    const { done, calledAt } = await run(other, lost);
    expect(done).toBeInstanceOf(HubUnreachable);
    expect(calledAt).toHaveLength(1);
  });
});
