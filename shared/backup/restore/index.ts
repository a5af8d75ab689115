// The door of restores: what functions, the sandbox and the command line use.
export { beginRestore, type RestoreRun } from "./begin.ts";
export { endRestore, type RestoreRecord, restoreKey } from "./end.ts";
export { RestoreRefused, RestoreStuck } from "./errors.ts";
export { restoreHost } from "./host.ts";
export { planRestore, type RestorePlan, type RestoreTo, type VolumePlan, whyNotRestored } from "./plan.ts";
export { type Swap, swapVolumes } from "./swap.ts";
export { type MadeVolumes, makeVolumes } from "./volumes.ts";
