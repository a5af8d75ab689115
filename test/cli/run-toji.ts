// Runs the toji command as a user does: a process of its own, by the launcher that npx finds.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

const TOJI = fileURLToPath(new URL("../../cli/toji.js", import.meta.url));

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function runToji(args: readonly string[], input = ""): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [TOJI, ...args], { maxBuffer: 1 << 26 }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}
