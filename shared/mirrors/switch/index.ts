// The door of switches: what functions, the other mirrors' code and the sandbox use.
export { beginSwitch } from "./begin.ts";
export { confirmRepos } from "./confirm.ts";
export { editRepo } from "./edit.ts";
export { endSwitch } from "./end.ts";
export { lookForRepos } from "./look.ts";
export { regenerate } from "./regenerate.ts";
