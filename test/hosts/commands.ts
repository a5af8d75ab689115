// Commands of this machine: whether they are there, and what they did.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** Where the system's own commands are; tests may run without root's part of it. */
export const PATH = `${process.env.PATH ?? "/usr/bin:/bin"}:/usr/sbin:/sbin`;

/** Why a test is skipped for want of a system package, to be said in its name. On CI it is not skipped, but fails. */
export function missing(packages: string, ...commands: readonly string[]): string {
  const absent = commands.filter((command) => !PATH.split(":").some((each) => existsSync(join(each, command))));
  if (absent.length === 0 || process.env.CI) return "";
  return ` (skipped: ${absent.join(", ")} not found, install ${packages})`;
}

export interface Outcome {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The last line of stdout, which is the result of a host script. */
  readonly lastLine: string;
}

/**
 * Runs a program with exactly this environment. Asynchronous, so that servers of the test can answer it. `detached`: in a
 * process group of its own, which all its children share but those that leave it.
 */
export function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  { detached = false } = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"], detached });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      stdout += part;
    });
    child.stderr.setEncoding("utf8").on("data", (part: string) => {
      stderr += part;
    });
    child.on("error", reject);
    child.on("close", (exit) => {
      resolve({ exit, stdout, stderr, lastLine: stdout.trimEnd().split("\n").at(-1) ?? "" });
    });
  });
}
