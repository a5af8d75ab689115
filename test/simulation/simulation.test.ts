// Seeds of the simulation: whatever happens to a site, no rule breaks.

import { describe, expect, it } from "vitest";
import { runScenario } from "./scenario.ts";
import { simulate } from "./simulate.ts";
import { tellFailed } from "./summary.ts";

const SEEDS = 300;
const BASE = Number(process.env.TOJI_SEED ?? 1);
const TIME_LIMIT_MS = 600_000;

describe("a site to which anything may happen", () => {
  it(
    `breaks no rule in ${SEEDS} runs (TOJI_SEED=${BASE})`,
    async () => {
      const { runs, failed, launches } = await simulate("--runs", SEEDS, "--seed", BASE);
      const replay = (seed: string) => `npm run simulate -- --seed ${seed} --runs 1 --trace`;
      expect(failed.flatMap((run) => tellFailed(run, replay)).join("\n")).toBe("");
      expect(runs).toBe(SEEDS);
      expect(launches).toBeGreaterThan(SEEDS);
    },
    TIME_LIMIT_MS,
  );

  it("runs the same way again from the same seed", async () => {
    const [first, second] = [await runScenario("7", { wire: "values" }), await runScenario("7", { wire: "values" })];
    expect(second.trace()).toEqual(first.trace());
    expect(first.trace().length).toBeGreaterThan(100);
  });

  it("runs the same way whether calls travel as values or as XML", async () => {
    const [values, xml] = [await runScenario("8", { wire: "values" }), await runScenario("8", { wire: "xml" })];
    expect(xml.trace()).toEqual(values.trace());
  });
});
