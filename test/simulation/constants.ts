// Names that the parts of a simulated site share.

import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const BUCKET = "toji-simulation";
export const LAUNCH_TEMPLATE = "lt-0123456789abcdef0";
export const HOUR = 3600;
/** 2026-11-23T06:00:00Z. */
export const START = Date.UTC(2026, 10, 23, 6) / 1000;
