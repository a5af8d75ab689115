// `npm run simulate -- --json` as a process of its own: on all cores, and faster than in the test runner.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "./constants.ts";
import type { Summary } from "./summary.ts";

/** What the runs came to, whether they broke rules or not. */
export async function simulate(...words: readonly (string | number)[]): Promise<Summary> {
  const program = join(ROOT, "test/simulation/run.ts");
  const child = spawn(process.execPath, [program, ...words.map(String), "--json"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text.out += part;
  });
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    text.err += part;
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (code !== 0 && code !== 1) throw new Error(`the simulation ended with ${code}: ${text.err.slice(-2000)}`);
  const summary: Summary = JSON.parse(text.out);
  if ((code === 1) !== summary.failedRuns > 0)
    throw new Error(`the simulation ended with ${code} after ${summary.failedRuns} failed run(s)`);
  return summary;
}
