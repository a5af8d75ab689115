// Virtual time: events in order and to the second, alone or at the pace of real time.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../sandbox/world/clock.ts";
import { turns } from "./turns.ts";

describe("events", () => {
  it("fire by time, and in the order of entry at one instant; cancelled ones do not fire", async () => {
    const event = fc.record({ time: fc.integer({ min: 0, max: 20 }), cancelled: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
        const clock = new VirtualClock();
        const fired: { index: number; at: number }[] = [];
        events.forEach(({ time, cancelled }, index) => {
          const cancel = clock.at(time, () => fired.push({ index, at: clock.now() }));
          if (cancelled) cancel();
        });
        await clock.runUntil(100);
        const expected = events
          .map(({ time, cancelled }, index) => ({ index, at: time, cancelled }))
          .filter(({ cancelled }) => !cancelled)
          .sort((a, b) => a.at - b.at || a.index - b.index)
          .map(({ index, at }) => ({ index, at }));
        expect(fired).toEqual(expected);
        expect(clock.now()).toBe(100);
        expect(clock.pendingEvents).toBe(0);
      }),
    );
  });

  it("keeps the order when most of a long queue is cancelled", async () => {
    const clock = new VirtualClock();
    const fired: number[] = [];
    const cancels = Array.from({ length: 5000 }, (_, index) =>
      clock.at((index * 7919) % 1000, () => fired.push((index * 7919) % 1000)),
    );
    cancels.forEach((cancel, index) => {
      if (index % 10 !== 0) cancel();
    });
    expect(clock.pendingEvents).toBe(500);
    await clock.runUntil(1000);
    expect(fired).toHaveLength(500);
    expect(fired).toEqual([...fired].sort((a, b) => a - b));
  });

  it("stop at the time asked for and go on from there", async () => {
    const clock = new VirtualClock(1000);
    const fired: number[] = [];
    for (const time of [1005, 1010, 1015]) clock.at(time, () => fired.push(clock.now()));
    await clock.runUntil(1010);
    expect(fired).toEqual([1005, 1010]);
    await clock.runUntil(Number.POSITIVE_INFINITY);
    expect(fired).toEqual([1005, 1010, 1015]);
    expect(clock.now()).toBe(1015);
  });

  it("may schedule events of the same instant and of the past, which fire at once", async () => {
    const clock = new VirtualClock(50);
    const fired: string[] = [];
    clock.at(60, () => {
      clock.at(10, () => fired.push(`past ${clock.now()}`));
      clock.after(0, () => fired.push(`now ${clock.now()}`));
    });
    await clock.runUntil(60);
    expect(fired).toEqual(["past 60", "now 60"]);
  });

  it("end the run with their error, and the clock can go on afterwards", async () => {
    const clock = new VirtualClock();
    clock.at(1, () => {
      throw new Error("sync");
    });
    clock.at(2, async () => {
      await clock.sleep(5);
      throw new Error("async");
    });
    const fired: number[] = [];
    clock.at(3, () => fired.push(clock.now()));
    await expect(clock.runUntil(100)).rejects.toThrow("sync");
    await expect(clock.runUntil(100)).rejects.toThrow("async");
    expect(clock.now()).toBe(7);
    await clock.runUntil(100);
    expect(fired).toEqual([3]);
  });

  it("refuse times that are no numbers", async () => {
    const clock = new VirtualClock();
    expect(() => clock.at(Number.NaN, () => {})).toThrow(RangeError);
    expect(() => clock.after(Number.POSITIVE_INFINITY, () => {})).toThrow(RangeError);
    await expect(clock.sleep(Number.NaN)).rejects.toThrow(RangeError);
    await expect(clock.runUntil(Number.NaN)).rejects.toThrow(RangeError);
  });
});

describe("a paced clock", () => {
  it("fires what is due in order, lets others in at a running time, and ends with the signal", async () => {
    const clock = new VirtualClock(1000);
    const stop = new AbortController();
    const log: number[] = [];
    for (const time of [1003, 1001, 1002]) clock.at(time, () => log.push(clock.now()));
    const paced = clock.pace(1e6, stop.signal);
    const before = clock.now();
    await clock.actor(async () => {
      const started = clock.now();
      await turns(3);
      expect(clock.now()).toBe(started);
      await clock.sleep(3600);
      expect(clock.now()).toBe(started + 3600);
    });
    expect(clock.now()).toBeGreaterThanOrEqual(before + 3600);
    stop.abort();
    await paced;
    expect(log).toEqual([1001, 1002, 1003]);
    const stoppedAt = clock.now();
    await turns(5);
    expect(clock.now()).toBe(stoppedAt);
  });

  it("notices an event that comes while it has nothing to do", async () => {
    const clock = new VirtualClock();
    const stop = new AbortController();
    const paced = clock.pace(1e6, stop.signal);
    await turns(3);
    const firedAt = await new Promise<number>((resolve) => {
      clock.after(5, () => resolve(clock.now()));
    });
    expect(firedAt).toBeGreaterThanOrEqual(5);
    stop.abort();
    await paced;
  });

  it("ends although an actor never gets done", async () => {
    const clock = new VirtualClock();
    const stop = new AbortController();
    const { promise, resolve } = Promise.withResolvers<void>();
    const stuck = clock.actor(() => promise);
    const fired: number[] = [];
    clock.at(1, () => fired.push(clock.now()));
    const paced = clock.pace(1e9, stop.signal);
    await turns(5);
    stop.abort();
    await paced;
    expect(fired).toEqual([]);
    resolve();
    await stuck;
    await clock.runUntil(2);
    expect(fired).toEqual([1]);
  });

  it("passes on what an event threw", async () => {
    const clock = new VirtualClock();
    clock.at(1, () => {
      throw new Error("broken");
    });
    await expect(clock.pace(1e6, new AbortController().signal)).rejects.toThrow("broken");
    await expect(clock.pace(0, new AbortController().signal)).rejects.toThrow(RangeError);
  });
});
