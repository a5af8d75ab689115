// Where tests put their files: in memory when there is room. They write some hundred thousand small ones, and freeze file
// systems for a second or two; a disk that others keep busy takes minutes for the former and fails the latter.

import { chmodSync, existsSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";

const MEMORY = "/dev/shm";
const NEEDED_BYTES = 6 * 1024 ** 3;

function hasRoom(): boolean {
  if (!existsSync(MEMORY)) return false;
  const { bavail, bsize } = statfsSync(MEMORY);
  return bavail * bsize >= NEEDED_BYTES;
}

/** For vitest's globalSetup: sets TMPDIR, unless the environment does, and removes at the end whatever lies there. */
export default function useMemory(): (() => void) | undefined {
  if (process.env.TMPDIR !== undefined || !hasRoom()) return;
  const directory = mkdtempSync(join(MEMORY, "toji-tests-"));
  chmodSync(directory, 0o755); // the user postgres passes through
  process.env.TMPDIR = directory;
  return () => rmSync(directory, { recursive: true, force: true });
}
