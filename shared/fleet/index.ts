// The door of shared/fleet: observe -> decide -> apply.
export { decide } from "./decide.ts";
export { paceSentences, pathSentence } from "./forecast/advice.ts";
export { childrenAhead } from "./forecast/children.ts";
export { isFirstStage } from "./forecast/families.ts";
export { tasksPerBuilder } from "./forecast/groups.ts";
export { activeHolds, addHold, changeHand, readHand, releaseHold } from "./hand.ts";
export { noteLaunches } from "./memory.ts";
export { noteRebalance, noteSpotWarning } from "./notice.ts";
export { observe, observeHub } from "./observe.ts";
export { chooseOfferings, UNLIMITED } from "./offerings.ts";
export { openFleetPorts } from "./open.ts";
export { type InvocationResult, runInvocation } from "./pass.ts";
export type { FleetPorts } from "./ports.ts";
export { LATEST_DECISION } from "./record.ts";
export { LATEST_SWEEP, runSweep, type SweepResult } from "./sweep.ts";
export { openSweepPorts, type SweepPorts } from "./sweep-ports.ts";
export { TAG } from "./tags.ts";
export {
  type Change,
  type Decision,
  EMPTY_MEMORY,
  type FailedOffering,
  type Hold,
  type Instance,
  type Lookups,
  type Memory,
  NO_HAND,
  type OfferingChoice,
  type RecentLaunch,
  type Snapshot,
} from "./types.ts";
export { readBuilderScripts } from "./user-data.ts";
