// The door of the console: what the sandbox needs to show itself on a terminal and as a page.

export { createScreen, type Screen } from "./screen.ts";
export { type Console, startConsole } from "./server.ts";
export type { ConsoleState, ShownDecision, ShownTask } from "./state.ts";
export { renderTerminal } from "./terminal.ts";
