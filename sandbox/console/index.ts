// The door of the console: what the sandbox needs to show itself on a terminal and as a page.

export { createScreen, type Screen, type ScreenStream } from "./screen.ts";
export { type Console, startConsole } from "./server.ts";
export type { ConsoleState, ShownDecision, ShownTask } from "./state.ts";
export { renderTerminal, type ScreenSize } from "./terminal.ts";
