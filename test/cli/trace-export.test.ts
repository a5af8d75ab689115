// `toji trace export` against a hub on a socket: what it writes, what it says, and what it refuses.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { main } from "../../cli/main.ts";
import { traceFromHistory } from "../../sandbox/replay/history/tasks.ts";
import { runToji } from "./run-toji.ts";
import { openTraceScene, readWhole, START, type TraceScene } from "./trace-scene.ts";

const since = "2023-11-14T22:13:20Z";
let scene: TraceScene;
let file: string;

beforeAll(async () => {
  scene = await openTraceScene();
});
afterAll(() => scene.close());
beforeEach(() => {
  file = scene.freshFile();
});

const given = (...args: string[]) => ["--hub", scene.url, "--since", since, "--out", file, "--rate", "100", ...args];

/** The command in this process. */
async function traceIn(...args: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await main(["trace", ...args], {
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
  });
  return { code, out, err };
}
describe("toji trace export", () => {
  it("writes the hub's tasks with a header, without owners, and they make a trace", async () => {
    const { code, stdout } = await runToji(["trace", "export", ...given("--page", "4", "--json")]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ file, rows: 13, koji: "1.35.3", targets: 1, resumedAt: 0 });
    const { header, rows } = await readWhole(file);
    expect(header).toMatchObject({ hub: new URL(scene.url).host, since: START, koji: "1.35.3" });
    // A target that no build named is not there, nor is one that the hub does not know.
    expect(header.targets).toEqual({ el9: { build_tag: "el9-build", arches: ["x86_64", "aarch64"] } });
    expect(rows.map((row) => row.id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    expect(rows[0]).toEqual({
      id: 1,
      parent: null,
      method: "build",
      label: null,
      arch: "noarch",
      channel: "default",
      host: "builder-01",
      weight: 1,
      priority: 20,
      state: "CLOSED",
      create_ts: START + 60.25,
      start_ts: START + 80.25,
      completion_ts: START + 444.25,
      package: "foo",
      target: "el9",
      build_tag: null,
      scratch: false,
      arches: [],
    });
    expect(rows[4]).toMatchObject({ scratch: true });
    expect(rows[12]).toMatchObject({ state: "FREE", start_ts: null, completion_ts: null, host: null, target: "gone" });
    const { trace, notes } = traceFromHistory(header, rows, "el9");
    expect(trace.tasks.slice(0, 4).map(({ release, seconds }) => ({ release, seconds }))).toEqual([
      { release: { at: 0 }, seconds: 3 },
      { release: { after: [], delay: 2 }, seconds: 50 },
      { release: { after: [2], delay: 2 }, seconds: 300 },
      { release: { after: [2, 3], delay: 2 }, seconds: 5 },
    ]);
    expect(notes).toEqual(["1 task was left out: still open at the export"]);
    for (const left of [`${file}.part`, `${file}.state.json`, `${file}.whole`]) expect(existsSync(left)).toBe(false);
  });

  it("keeps to the time asked for, and says in words what it did", async () => {
    const { code, out, err } = await traceIn("export", ...given("--until", "2023-11-14T22:15:00Z"));
    expect({ code, out }).toEqual({
      code: 0,
      out: [`${file}: 2 tasks made from 2023-11-14T22:13:20.000Z to 2023-11-14T22:15:00.000Z`],
    });
    expect(err.at(-1)).toContain("2 rows");
    expect((await readWhole(file)).rows.map((row) => row.id)).toEqual([1, 2]);
  });

  it.each<[string[], RegExp]>([
    [[], /--since/],
    [["--since", "yesterday"], /--since yesterday: give a date/],
    [["--since", "2026-02-31"], /--since 2026-02-31: give a date/],
    [["--since", "9999-01-01"], /is not over yet/],
    [["--since", since, "--until", "2023-01-01"], /is not later than/],
    [["--since", since, "--rate", "0"], /--rate 0/],
    [["--since", since, "--page", "1.5"], /--page 1.5/],
    [["--since", since, "--out", "/nowhere/at/all.gz"], /there is no folder/],
    [["--since", since, "--config", "x"], /--config/],
  ])("%j: one sentence and exit 2", async (args, sentence) => {
    const { code, out, err } = await traceIn("export", "--hub", scene.url, "--out", file, ...args);
    expect({ code, out, lines: err.length }).toEqual({ code: 2, out: [], lines: 1 });
    expect(err[0]).toMatch(sentence);
  });

  it("does not overwrite a file, and asks what to do when nothing is said", async () => {
    writeFileSync(file, "mine");
    const again = await traceIn("export", ...given());
    expect(again).toMatchObject({ code: 2, err: [expect.stringMatching(/is there already/)] });
    expect(readFileSync(file, "utf8")).toBe("mine");
    expect(await traceIn()).toMatchObject({ code: 2, err: [expect.stringMatching(/toji trace export/)] });
  });

  it("a hub that cannot be reached is one sentence and exit 1, and leaves nothing behind", async () => {
    const { code, out, err } = await traceIn("export", ...given("--hub", "http://127.0.0.1:9/kojihub"));
    expect({ code, out, lines: err.length }).toEqual({ code: 1, out: [], lines: 1 });
    expect(err[0]).toMatch(/cannot be reached/);
    expect(existsSync(`${file}.state.json`)).toBe(false);
  });
});
