// `toji replay` as a user runs it: the JSON that scripts read, the table, the report, and one sentence for what is wrong.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { main } from "../../cli/main.ts";
import { REPLAY_OPTIONS, readOrder } from "../../cli/replay/order.ts";
import { FAMILIES } from "../../sandbox/replay/policies/index.ts";
import { writeTinyTraces } from "../replay/tiny-traces.ts";

const traces = writeTinyTraces();
afterAll(() => traces.remove());

async function runToji(args: readonly string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await main(args, { out: (text) => out.push(text), err: (text) => err.push(text) });
  return { code, stdout: out.join("\n"), stderr: err.join("\n") };
}

const count = z.number().min(0);
const params = z.record(z.string(), z.number());
const best = z.strictObject({ name: z.string(), J: count });
const answerShape = z.strictObject({
  trace: z.strictObject({ name: z.string(), tasks: count, spanHours: count, synthetic: z.array(z.string()) }),
  bounds: z.strictObject({ work: count, zeroWait: count }),
  policies: z.array(
    z.strictObject({
      name: z.string(),
      params,
      tuned: z.boolean(),
      waitSeconds: z.strictObject({ p50: count, p95: count, p99: count, max: count }),
      noBuilderWaitSeconds: z.strictObject({ p50: count, p95: count, p99: count }),
      noBuilderWaitHours: count,
      buildDelaySeconds: z.strictObject({ p50: count, p95: count }),
      dollars: count,
      instanceHours: count,
      idleShare: z.number().min(0).max(1),
      launches: count,
      neverUsed: count,
      tasksLost: count,
    }),
  ),
  objective: z.array(
    z.strictObject({
      waitValuePerHour: count,
      toji: count,
      bestBaseline: best.extend({ params }),
      bestBaselineAtDefaults: best,
      bound: count,
    }),
  ),
  tuned: z.boolean(),
  notes: z.array(z.string()),
});

describe("toji replay", () => {
  it.each([
    ["single tasks, packed", traces.tasks, 24],
    ["package changes, plain", traces.packages, null],
  ])("answers in JSON for %s", async (_, trace, tasks) => {
    const ran = await runToji(["replay", "--trace", trace, "--json", "--quick", "--wait-value", "5,1"]);
    expect(ran.code).toBe(0);
    const answer = answerShape.parse(JSON.parse(ran.stdout));
    if (tasks !== null) expect(answer.trace.tasks).toBe(tasks);
    expect(answer.objective.map(({ waitValuePerHour }) => waitValuePerHour)).toEqual([1, 5]);
    expect(new Set(answer.policies.map(({ name }) => name))).toEqual(
      new Set(["toji", "toji-no-forecast", ...FAMILIES.map(({ name }) => name)]),
    );
    expect(answer.tuned).toBe(false);
    expect(ran.stderr).toContain("defaults only");
  });

  it("writes the same answer for the same seed, and a report that needs nothing else", async () => {
    const report = join(traces.folder, "out.html");
    const args = ["replay", "--trace", traces.tasks, "--policies", "toji,karpenter", "--wait-value", "5", "--quick"];
    const [first, second] = await Promise.all([
      runToji([...args, "--json", "--report", report]),
      runToji([...args, "--json", "--seed", "1"]),
    ]);
    expect(first.stdout).toBe(second.stdout);
    const page = readFileSync(report, "utf8");
    expect(page).toContain("service time +30 %");
    expect(page).toContain("us-east-1");
    expect(page).toContain("--policies toji,karpenter");
    expect(page).not.toMatch(/<script|<link rel="stylesheet"|src="http|url\(http/);
  });

  it("shows a table by wait value, with the ratio, the bounds and what is made up", async () => {
    const ran = await runToji(["replay", "--trace", traces.packages, "--policies", "toji,static", "--wait-value", "2"]);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(/toji costs [\d.]+× the best baseline \(static\)/);
    expect(ran.stdout).toContain("worth $2");
    expect(ran.stdout).toContain("bounds: bare work");
    expect(ran.stdout).toContain("made up in this trace");
  });
});

describe("what is wrong", () => {
  it.each([
    ["no trace", [], "name the trace"],
    ["a missing file", ["--trace", "nowhere.jsonl"], "nowhere.jsonl cannot be read: there is no such file"],
    ["an unknown generator", ["--trace", "synthetic:cb"], "choose synthetic:cbs or synthetic:mass-rebuild"],
    ["a bad line", ["--trace", traces.write("bad.jsonl", '{"ts":1,"duration_s":5}\n{"ts":"x"}\n')], "line 2"],
    ["a damaged file", ["--trace", traces.write("bad.gz", "\u001f\u008b")], "line 1"],
    ["no folder for the report", ["--trace", traces.tasks, "--report", "/nowhere/out.html"], "no such folder"],
  ])("is said in one sentence: %s", async (_, args, sentence) => {
    const { code, stdout, stderr } = await runToji(["replay", ...args]);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(sentence);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});

describe("readOrder", () => {
  const read = (more: Parameters<typeof readOrder>[0] = {}) => readOrder({ trace: traces.tasks, ...more });

  it("takes every policy at three wait values with the seed 1 by default", () => {
    const { stage, waitValues, families, toji, tojiWithoutForecast, tuning } = read();
    expect(families).toEqual(FAMILIES);
    expect([toji, tojiWithoutForecast, tuning, waitValues]).toEqual([true, true, "kept", [1, 5, 25]]);
    expect(stage).toMatchObject({ seed: 1, site: null, trace: { seed: 1, spacingSeconds: 5, serviceFactor: 1 } });
  });

  it("takes a list of policies and of wait values", () => {
    const { families, toji, tojiWithoutForecast, waitValues } = read({
      policies: "toji, karpenter",
      "wait-value": "25, 0.5,25",
    });
    expect(families.map(({ name }) => name)).toEqual(["karpenter"]);
    expect([toji, tojiWithoutForecast, waitValues]).toEqual([true, false, [0.5, 25]]);
  });

  it.each([
    [{ policies: "karpentr" }, 'did you mean "karpenter"?'],
    [{ policies: "buildkite" }, 'did you mean "buildkite-agent-scaler"?'],
    [{ policies: "toji,,static" }, "there are toji, toji-no-forecast"],
    [{ "wait-value": "1,x" }, "--wait-value x: give a number"],
    [{ "wait-value": "" }, "--wait-value : give a number"],
    [{ "wait-value": "-1" }, "give a number from 0"],
    [{ seed: "1.5" }, "give a whole number"],
    [{ spacing: "soon" }, "--spacing soon"],
    [{ "service-factor": "0" }, "--service-factor 0"],
    [{ "boot-median": "100" }, "both figures"],
    [{ "boot-median": "100", "boot-p95": "50" }, "is below"],
    [{ "tasks-per-builder": "0" }, "--tasks-per-builder 0"],
    [{ tune: true, quick: true }, "exclude each other"],
    [{ config: traces.write("config.json", "{}") }, "hub: is missing"],
  ])("refuses %o", (more, sentence) => {
    expect(() => read(more)).toThrow(sentence);
  });

  it("has no option that the usage does not tell", async () => {
    const { stdout } = await runToji(["replay", "--help"]);
    for (const option of Object.keys(REPLAY_OPTIONS)) expect(stdout).toContain(`--${option}`);
  });
});
