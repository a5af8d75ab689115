// The door of shared/fleet: observe -> decide -> apply.
export { decide } from "./decide.ts";
export { changeSentence } from "./explain.ts";
export { noteSpotWarning } from "./notice.ts";
export { type ObserveCache, observe, observeHub } from "./observe.ts";
export { type FleetSetting, openFleetPorts } from "./open.ts";
export { type InvocationResult, runInvocation } from "./pass.ts";
export type { FleetPorts } from "./ports.ts";
export { LATEST_DECISION } from "./record.ts";
export { TAG } from "./tags.ts";
export { type Change, type Decision, EMPTY_MEMORY, type Instance, type Memory, type Snapshot } from "./types.ts";
export { readBuilderScripts } from "./user-data.ts";
