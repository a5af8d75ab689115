// The door of shared/hub.
export { FREE_TASK_LIMIT, type ScheduleResult, schedule } from "./scheduler.ts";
export * from "./state.ts";
export { canonicalArch, expectedWeight, needsTagArch } from "./tasks.ts";
