// The door of restores: what functions and the sandbox use.
export { beginRestore } from "./begin.ts";
export { endRestore, restoreKey } from "./end.ts";
export { restoreHost } from "./host.ts";
export { swapVolumes } from "./swap.ts";
export { makeVolumes } from "./volumes.ts";
