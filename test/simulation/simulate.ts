// `npm run simulate -- --json` as a process of its own: on all cores, and faster than in the test runner.

import { join } from "node:path";
import { run } from "../hosts/commands.ts";
import { ROOT } from "./constants.ts";
import type { Summary } from "./summary.ts";

/** What the runs came to, whether they broke rules or not. */
export async function simulate(...words: readonly (string | number)[]): Promise<Summary> {
  const program = join(ROOT, "test/simulation/run.ts");
  const all = [program, ...words.map(String), "--json"];
  const { exit: code, stdout, stderr } = await run(process.execPath, all, process.env);
  if (code !== 0 && code !== 1) throw new Error(`the simulation ended with ${code}: ${stderr.slice(-2000)}`);
  const summary: Summary = JSON.parse(stdout);
  if ((code === 1) !== summary.failedRuns > 0)
    throw new Error(`the simulation ended with ${code} after ${summary.failedRuns} failed run(s)`);
  return summary;
}
