// The door of shared/config: the one site document.
export type { BackupConfig, CopyTarget, DrillConfig, RetentionRules } from "./backup.ts";
export { backupSchema } from "./backup.ts";
export { ConfigError, nearestOf, parseSite } from "./load.ts";
export { type MirrorsConfig, mirrorsSchema } from "./mirrors.ts";
export { onDemandPrice, PRICE_TABLE, vcpusOf } from "./prices.ts";
export { type Market, type Offering, type Profile, type Site, siteSchema, slotNames } from "./schema.ts";
