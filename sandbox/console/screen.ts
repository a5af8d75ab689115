// Shows the state on a stream: a terminal is taken over and redrawn without flicker, anything else gets plain lines.

import type { Writable } from "node:stream";
import { createPlainLog } from "./plain.ts";
import type { ConsoleState } from "./state.ts";
import { renderTerminal } from "./terminal.ts";

/** process.stdout, or anything like it. */
export type ScreenStream = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  hasColors?(): boolean;
};

export interface Screen {
  draw(state: ConsoleState): void;
  /** Gives the terminal back as it was. Safe to call twice. */
  close(): void;
}

const ESC = "\x1b[";
// Alternate screen, no cursor, no wrapping; and back in the reverse order.
const ENTER = `${ESC}?1049h${ESC}?25l${ESC}?7l${ESC}2J`;
const LEAVE = `${ESC}?7h${ESC}?25h${ESC}?1049l`;
// Terminals that know synchronized output show the frame at once; the others ignore it.
const BEGIN_FRAME = `${ESC}?2026h`;
const END_FRAME = `${ESC}?2026l`;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export function createScreen(stream: ScreenStream): Screen {
  return stream.isTTY === true ? createFullScreen(stream) : createLineScreen(stream);
}

function createLineScreen(stream: ScreenStream): Screen {
  const newLines = createPlainLog();
  let open = true;
  return {
    draw(state) {
      if (!open) return;
      for (const line of newLines(state)) stream.write(`${line}\n`);
    },
    close() {
      open = false;
    },
  };
}

function createFullScreen(stream: ScreenStream): Screen {
  let shown: readonly string[] = [];
  let latest: ConsoleState | null = null;
  let open = true;

  function draw(state: ConsoleState): void {
    latest = state;
    // A slow line (ssh) that has not taken the last frame gets none on top: the next look has it all.
    if (!open || stream.writableNeedDrain) return;
    const size = { columns: stream.columns ?? 80, rows: stream.rows ?? 24 };
    const lines = renderTerminal(state, size, stream.hasColors?.() ?? true).split("\n");
    const frame = changedLines(shown, lines);
    shown = lines;
    if (frame !== "") stream.write(BEGIN_FRAME + frame + END_FRAME);
  }

  function redraw(): void {
    if (!open) return;
    shown = [];
    stream.write(`${ESC}2J`);
    if (latest !== null) draw(latest);
  }

  function close(): void {
    if (!open) return;
    open = false;
    stream.off("resize", redraw);
    release();
    stream.write(LEAVE);
  }

  stream.write(ENTER);
  stream.on("resize", redraw);
  const release = onProcessEnd(close);
  return { draw, close };
}

function changedLines(before: readonly string[], after: readonly string[]): string {
  const rows = Math.max(before.length, after.length);
  let frame = "";
  for (let row = 0; row < rows; row += 1) {
    const line = after[row] ?? "";
    // Erased first: after a line that fills the terminal the cursor stands on its last character.
    if (line !== before[row]) frame += `${ESC}${row + 1};1H${ESC}2K${line}`;
  }
  return frame;
}

/** Calls `restore` when the process ends by itself or by a signal. Answers with the way to call it off. */
function onProcessEnd(restore: () => void): () => void {
  const listeners = SIGNALS.map((signal) => {
    const listener = (): void => {
      restore();
      // Nobody else wants the signal: let it do what it would have done without us.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    };
    return { signal, listener };
  });
  // First in line: somebody else's `once` is gone from the count as soon as it has been called.
  for (const { signal, listener } of listeners) process.prependListener(signal, listener);
  process.on("exit", restore);
  return () => {
    for (const { signal, listener } of listeners) process.off(signal, listener);
    process.off("exit", restore);
  };
}
