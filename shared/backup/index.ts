// The door of shared/backup: sets of the hub's snapshots, from their order to their end. Drill and restore have their own.
export { begin, LEASE_KEY } from "./begin.ts";
export { readCatalogFile } from "./catalog-file.ts";
export { copy } from "./copies.ts";
export { end } from "./end.ts";
export { expire } from "./expire.ts";
export { host } from "./host.ts";
export { lock } from "./lock.ts";
export { look } from "./look.ts";
export { readManifest } from "./manifest.ts";
export { type BackupPorts, openBackupPorts } from "./ports.ts";
export { seal } from "./seal.ts";
export { setIdOf } from "./set-id.ts";
export { BACKUP_TAG } from "./tags.ts";
export { type Machines, watch } from "./watch.ts";
