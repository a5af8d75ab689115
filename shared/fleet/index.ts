// The door of shared/fleet: observe -> decide -> apply.
export { decide } from "./decide.ts";
export { activeHolds, addHold, changeHand, readHand, releaseHold } from "./hand.ts";
export { noteRebalance, noteSpotWarning } from "./notice.ts";
export { observe, observeHub } from "./observe.ts";
export { openFleetPorts } from "./open.ts";
export { type InvocationResult, runInvocation } from "./pass.ts";
export type { FleetPorts } from "./ports.ts";
export { LATEST_DECISION } from "./record.ts";
export { LATEST_SWEEP, runSweep, type SweepResult } from "./sweep.ts";
export { openSweepPorts, type SweepPorts } from "./sweep-ports.ts";
export { TAG } from "./tags.ts";
export { type Change, type Decision, EMPTY_MEMORY, type Hold, type Instance, type Snapshot } from "./types.ts";
export { readBuilderScripts } from "./user-data.ts";
