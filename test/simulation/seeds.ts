// Seeds of the simulation as tests run them: in two files, so that they run side by side.

import { wireOf } from "./options.ts";
import { runScenario } from "./scenario.ts";
import { type FailedRun, summarize, tellFailed } from "./summary.ts";
import { withoutStacks } from "./without-stacks.ts";

export const HALF = 150;
export const BASE = Number(process.env.TOJI_SEED ?? 1);
export const TIME_LIMIT_MS = 600_000;

/** What the runs of so many seeds broke, told with traces; "" = nothing. */
export async function tellBroken(first: number, count: number): Promise<string> {
  const failed: FailedRun[] = [];
  for (let seed = first; seed < first + count; seed++)
    failed.push(
      ...summarize(await withoutStacks(() => runScenario(String(seed), { wire: wireOf("mixed", seed) }))).failed,
    );
  return failed
    .flatMap((run) => tellFailed(run, (seed) => `npm run simulate -- --seed ${seed} --runs 1 --trace`))
    .join("\n");
}
