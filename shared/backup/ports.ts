// What backups act through: the same for Lambda and sandbox.

import { type BackupClients, openBackupClients } from "../aws/backup-clients.ts";
import { type ObjectListing, type ObjectStore, openListing, openStore } from "../aws/store.ts";
import type { Clock } from "../clock.ts";
import { type BackupConfig, ConfigError, type Site } from "../config/index.ts";
import type { Telemetry } from "../telemetry.ts";

export interface BackupPorts {
  readonly site: Site;
  /** The site's section, which is there. */
  readonly backup: BackupConfig;
  readonly clients: BackupClients;
  readonly clock: Clock;
  readonly store: ObjectStore;
  readonly listing: ObjectListing;
  readonly telemetry: Telemetry;
  /** Text of a file of infra/hosts/hub. */
  script(name: string): string;
}

export interface BackupSetting extends Pick<BackupPorts, "site" | "clock" | "telemetry" | "script"> {
  readonly clients?: BackupClients;
  /** The hub's region. */
  readonly region: string;
  readonly bucket: string;
}

/** Nothing is called yet. Throws ConfigError when the site has no section `backup`. */
export function openBackupPorts({ clients, region, bucket, ...rest }: BackupSetting): BackupPorts {
  const { backup } = rest.site;
  if (backup === undefined)
    throw new ConfigError("toji.yml", [
      "backup: is missing, so there is nothing to do: describe it as toji.example.yml does",
    ]);
  const opened = clients ?? openBackupClients(region);
  return { ...rest, backup, clients: opened, store: openStore(opened, bucket), listing: openListing(opened, bucket) };
}
