// The door of shared/config.
export { type Market, type Offering, type Profile, type Site, siteSchema, slotNames } from "./schema.ts";
