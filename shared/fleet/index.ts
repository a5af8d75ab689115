// The door of shared/fleet: observe -> decide -> apply.
export { decide } from "./decide.ts";
export { changeSentence } from "./explain.ts";
export type { Change, Decision, Instance, Memory, Snapshot } from "./types.ts";
export { EMPTY_MEMORY } from "./types.ts";
