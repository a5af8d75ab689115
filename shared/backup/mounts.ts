// The hub's mount points that a set must hold, each once: the tree first, since it leads the database (files go before
// their rows are committed).

import type { BackupConfig } from "../config/index.ts";

export function dataMounts({ tree, database }: BackupConfig["mounts"]): string[] {
  return [...new Set([tree, database])];
}
