// The id of a set, a drill or a restore: the same in every step of one execution, and short enough for a client token.

import { createHash } from "node:crypto";

/** `startedAt` in epoch seconds; dr-20261123T020000Z-1a2b3c4d. Pure. */
export function runIdOf(kind: "bs" | "dr" | "rs", execution: string, startedAt: number): string {
  const time = new Date(startedAt * 1000).toISOString().replace(/\.\d+/, "").replaceAll(/[-:]/g, "");
  return `${kind}-${time}-${createHash("sha256").update(execution).digest("hex").slice(0, 8)}`;
}
