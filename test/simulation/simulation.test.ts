// Seeds of the simulation: whatever happens to a site, no rule breaks.

import { describe, expect, it } from "vitest";
import { wireOf } from "./options.ts";
import { runScenario } from "./scenario.ts";
import { type FailedRun, summarize, tellFailed } from "./summary.ts";

const RUNS = 40;
const BASE = Number(process.env.TOJI_SEED ?? 1);
const TIME_LIMIT_MS = 600_000;

async function failuresOf(seeds: readonly number[]): Promise<FailedRun[]> {
  const failed: FailedRun[] = [];
  for (const seed of seeds) {
    failed.push(...summarize(await runScenario(String(seed), { wire: wireOf("mixed", seed) })).failed);
  }
  return failed;
}

const told = (failed: readonly FailedRun[]): string =>
  failed.flatMap((run) => tellFailed(run, (seed) => `npm run simulate -- --seed ${seed} --runs 1 --trace`)).join("\n");

describe("a site to which anything may happen", () => {
  it(
    `breaks no rule in ${RUNS} runs (TOJI_SEED=${BASE})`,
    async () => {
      const seeds = Array.from({ length: RUNS }, (_, index) => BASE + index);
      expect(told(await failuresOf(seeds))).toBe("");
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
