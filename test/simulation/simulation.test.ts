// Seeds of the simulation: whatever happens to a site, no rule breaks.

import { describe, expect, it } from "vitest";
import { runScenario } from "./scenario.ts";
import { BASE, HALF, TIME_LIMIT_MS, tellBroken } from "./seeds.ts";

describe("a site to which anything may happen", () => {
  it(
    `breaks no rule in ${HALF} runs (TOJI_SEED=${BASE})`,
    async () => expect(await tellBroken(BASE, HALF)).toBe(""),
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
