// Traces of a few dozen tasks in a folder of their own: bursts of single tasks, and changes of packages.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { CrewStage } from "../../sandbox/replay/crew.ts";
import { BOOT_TIMES, NO_MISHAPS } from "../../sandbox/replay/engine/setting.ts";

export interface TinyTraces {
  readonly folder: string;
  /** Gzip-compressed. */
  readonly tasks: string;
  /** Plain. */
  readonly packages: string;
  write(name: string, text: string): string;
  remove(): void;
}

const lines = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

/** Three bursts in fifty minutes. */
const TASKS = Array.from({ length: 24 }, (_, index) => ({
  ts: Math.floor(index / 8) * 1200 + (index % 8) * 15,
  duration_s: 100 + ((index * 37) % 200),
}));

const PACKAGES = Array.from({ length: 3 }, (_, index) => ({
  ts: 1_578_045_764 + index * 30,
  package: `rubygem-${index}`,
  branch: "rpm/develop",
  arch: "noarch",
  targets: 1,
}));

export function writeTinyTraces(): TinyTraces {
  const folder = mkdtempSync(join(tmpdir(), "toji-replay-"));
  const write = (name: string, content: string | Uint8Array) => {
    const file = join(folder, name);
    writeFileSync(file, content);
    return file;
  };
  return {
    folder,
    tasks: write("tasks.jsonl.gz", gzipSync(lines(TASKS))),
    packages: write("packages.jsonl", lines(PACKAGES)),
    write,
    remove: () => rmSync(folder, { recursive: true }),
  };
}

export function stageOf(name: string): CrewStage {
  return {
    trace: { name, seed: 1, spacingSeconds: 5, serviceFactor: 1 },
    site: null,
    tasksPerBuilder: null,
    seed: 1,
    boot: BOOT_TIMES,
    mishaps: NO_MISHAPS,
  };
}
