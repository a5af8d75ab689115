// The screen on a stream: takes a terminal over and gives it back; writes plain lines anywhere else.

import { Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createScreen, type Screen } from "../../sandbox/console/index.ts";
import { busyState } from "./states.ts";

class FakeStream extends Writable {
  written = "";
  readonly isTTY: boolean;
  /** A line that takes nothing more until it is let go. */
  slow = false;
  columns = 100;
  rows = 30;

  constructor(isTTY: boolean) {
    super({ decodeStrings: false, highWaterMark: 1000 });
    this.isTTY = isTTY;
  }

  override _write(chunk: string, _encoding: BufferEncoding, done: () => void): void {
    this.written += chunk;
    if (!this.slow) done();
  }

  hasColors(): boolean {
    return false;
  }

  take(): string {
    const text = this.written;
    this.written = "";
    return text;
  }
}

describe("on a terminal", () => {
  let stream: FakeStream;
  let screen: Screen;

  beforeEach(() => {
    stream = new FakeStream(true);
    screen = createScreen(stream);
  });

  afterEach(() => screen.close());

  it("enters the alternate screen, and leaves it once, however often it is closed", () => {
    expect(stream.take()).toContain("\x1b[?1049h\x1b[?25l");
    screen.close();
    expect(stream.take().endsWith("\x1b[?25h\x1b[?1049l")).toBe(true);
    screen.close();
    screen.draw(busyState());
    expect(stream.take()).toBe("");
  });

  it("writes only the lines that changed", () => {
    screen.draw(busyState());
    stream.take();
    screen.draw(busyState());
    expect(stream.take()).toBe("");
    screen.draw(busyState({ now: busyState().now + 1 }));
    const frame = stream.take();
    expect(frame).toContain("14:02:08Z");
    expect(frame).not.toContain("QUEUE");
  });

  it("draws all of it anew when the terminal changes its size", () => {
    screen.draw(busyState());
    stream.take();
    stream.rows = 16;
    stream.emit("resize");
    const frame = stream.take();
    expect(frame).toContain("QUEUE");
    expect(frame).toContain("\x1b[16;1H");
    expect(frame).not.toContain("\x1b[17;1H");
  });

  it("puts no frame on top of one that is still on its way", () => {
    stream.slow = true;
    screen.draw(busyState());
    const queued = stream.writableLength;
    screen.draw(busyState({ now: busyState().now + 1 }));
    expect(stream.writableLength).toBe(queued);
  });

  it("gives the terminal back at a signal, and leaves the rest to whoever listens for it", () => {
    let heard = 0;
    process.once("SIGHUP", () => {
      heard += 1;
    });
    const other = new FakeStream(true);
    createScreen(other);
    process.emit("SIGHUP", "SIGHUP");
    expect(other.written.endsWith("\x1b[?1049l")).toBe(true);
    expect(heard).toBe(1);
  });

  it("leaves nothing behind on the process when it is closed", () => {
    const count = () => ["exit", "SIGINT", "SIGTERM", "SIGHUP"].map((name) => process.listenerCount(name));
    const before = count();
    const other = createScreen(new FakeStream(true));
    expect(count()).not.toEqual(before);
    other.close();
    expect(count()).toEqual(before);
  });
});

describe("on anything else", () => {
  const drawn = (...states: Parameters<Screen["draw"]>[0][]) => {
    const stream = new FakeStream(false);
    const screen = createScreen(stream);
    for (const state of states) screen.draw(state);
    screen.close();
    return stream.written.split("\n").filter((line) => line !== "");
  };

  it("prints one line for each decision with a change, oldest first, and how things stand", () => {
    const lines = drawn(busyState());
    expect(lines.map((line) => line.slice(0, 52))).toEqual([
      "2026-11-23 14:02:07Z hub http://127.0.0.1:8080/kojih",
      "2026-11-23 14:00:27Z enable builder-x86-02: it check",
      "2026-11-23 14:01:05Z drain builder-x86-03: idle 151 ",
      "2026-11-23 14:02:05Z launch builder-x86-04, builder-",
      "2026-11-23 14:02:07Z status: 1,342 done, 17 free, bu",
    ]);
    expect(lines[3]).toContain("; terminate builder-x86-06: drained");
    expect(lines.join("")).not.toContain("\x1b");
  });

  it("prints nothing twice, not even when a decision is folded into a later time", () => {
    const { now, decisions } = busyState();
    const folded = decisions.map((each, index) => (index === 0 ? { ...each, at: now + 30 } : each));
    const first = drawn(busyState());
    expect(drawn(busyState(), busyState({ now: now + 60 }), busyState({ now: now + 61, decisions: folded }))).toEqual(
      first,
    );
  });

  it("says how things stand once each quarter of an hour of the sandbox", () => {
    const { now } = busyState();
    const later = [0, 300, 780, 800, 1700].map((seconds) => busyState({ now: now + seconds }));
    const status = drawn(...later).filter((line) => line.includes("status:"));
    expect(status.map((line) => line.slice(11, 19))).toEqual(["14:02:07", "14:15:07", "14:30:27"]);
    expect(status[0]).toContain("wait p50 12 s, p95 3.4 min, 41.3 instance-hours, $3.91 spent, $0.987/h now");
  });
});
