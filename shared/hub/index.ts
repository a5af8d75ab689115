// The door of shared/hub.
export * from "./calls.ts";
export * from "./external-repos.ts";
export * from "./faults.ts";
export * from "./history.ts";
export { FREE_TASK_LIMIT, type ScheduleResult, schedule } from "./scheduler.ts";
export * from "./session.ts";
export * from "./state.ts";
export { canonicalArch, expectedWeight, needsTagArch } from "./tasks.ts";
export type { OpenHubWire, Send, WireAnswer } from "./wire.ts";
export * from "./writes.ts";
