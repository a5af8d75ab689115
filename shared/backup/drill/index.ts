// The door of drills: what functions and the sandbox use.
export { beginDrill } from "./begin.ts";
export { judgeDrill } from "./judge.ts";
export { launchDrill } from "./launch.ts";
export { lookAtDrill } from "./look.ts";
export { tearDownDrill } from "./teardown.ts";
