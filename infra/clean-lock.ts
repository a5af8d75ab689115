// `npm run lock:clean`, after a dependency change: takes out of the lock file what npm writes for people, not for installs.
// What is left names packages, versions and hashes, and no host.

import { readFileSync, writeFileSync } from "node:fs";

interface LockFile {
  readonly packages: Record<string, { funding?: unknown; resolved?: string }>;
}

const file = new URL("../package-lock.json", import.meta.url);
const lock: LockFile = JSON.parse(readFileSync(file, "utf8"));
for (const entry of Object.values(lock.packages)) delete entry.funding;
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
