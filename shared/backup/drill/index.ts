// The door of drills: what functions, the sandbox and the command line use.
export { beginDrill, type DrillRun } from "./begin.ts";
export { chooseSet, whyNotDrilled } from "./choose-set.ts";
export { readConsole } from "./console.ts";
export { DrillInconclusive, DrillRefused } from "./errors.ts";
export { judgeDrill } from "./judge.ts";
export { type DrillInstance, launchDrill } from "./launch.ts";
export { type DrillLook, lookAtDrill } from "./look.ts";
export { runIdOf } from "./run-id.ts";
export { type DrillTeardown, tearDownDrill } from "./teardown.ts";
export { judgeLines } from "./verdict.ts";
