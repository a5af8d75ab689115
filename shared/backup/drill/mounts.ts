// The hub's mount points that a set must hold, each once: the tree first, the database last.

import type { BackupConfig } from "../../config/index.ts";

export function dataMounts({ tree, database }: BackupConfig["mounts"]): string[] {
  return [...new Set([tree, database])];
}
