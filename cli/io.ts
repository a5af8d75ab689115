// Where a command reads and writes, and how it says that it was called wrongly.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

export interface Io {
  out(text: string): void;
  err(text: string): void;
}

// A reader that has seen enough (`| head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

export const processIo: Io = {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
};

/** Exit codes of every command. */
export const EXIT = { fine: 0, problem: 1, usage: 2 } as const;

/** Wrong usage or unreadable input: one sentence on stderr, exit 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** One subcommand: what it is for in one line, and what it does. Returns the exit code. */
export interface Command {
  readonly usage: string;
  readonly summary: string;
  run(args: readonly string[], io: Io): Promise<number>;
}

/** A text file, gzip-compressed or not; `-` is standard input. */
export function readInput(file: string): string {
  try {
    const bytes = readFileSync(file === "-" ? 0 : file);
    const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
    return plain.toString("utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    const why =
      code === "ENOENT"
        ? "there is no such file"
        : code === "EISDIR"
          ? "it is a folder"
          : code === "EACCES"
            ? "no permission to read it"
            : String(error);
    throw new UsageError(`${file} cannot be read: ${why}`, { cause: error });
  }
}
