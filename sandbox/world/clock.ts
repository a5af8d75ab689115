// Virtual time: a queue of events, and a rule that says when time may move on to the next one.
//
// The rule. Asynchronous work is counted in actors. An actor is open until its promise settles. It is parked while at
// least one of its sleeps or waits is pending, or while an actor that was started inside it is open; otherwise it is
// runnable. Time moves only when no actor is runnable and every ready promise has run its course.
//
// So one line of work may do real input and output anywhere, and parallel branches that sleep are right as they are.
// A branch that does real I/O while a sibling branch sleeps says so by being an actor itself:
//   await Promise.all([clock.sleep(60), clock.actor(() => fetch(url))]);
// Whoever gives callers a real transport (the hub over loopback HTTP) does that once for all of them. A sleep that lost
// a race still parks its actor until its time has come.

import type { Clock } from "../../shared/clock.ts";
import { type Actor, Actors } from "./actors.ts";
import { EventQueue, type QueuedEvent } from "./event-queue.ts";
import { nextTurn } from "./turn.ts";

/** Takes an event back; harmless when it has fired or was taken back before. */
export type Cancel = () => void;

const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class VirtualClock implements Clock {
  #time: number;
  readonly #queue = new EventQueue();
  readonly #actors = new Actors(() => this.#wakeDriver());
  readonly #failures: unknown[] = [];
  /** Resolves what the driver awaits; a call too many only makes it look again. */
  #wakeDriver: () => void = () => {};
  #isDriven = false;
  /** Where time should be by now, while paced. */
  #target: (() => number) | undefined;

  /** `start` in epoch seconds. */
  constructor(start = 0) {
    this.#time = requireFinite(start, "the start time");
  }

  now(): number {
    this.#followPace();
    return this.#time;
  }

  /** Parks the calling actor, if there is one, for so many virtual seconds (0 or less: until this instant's turn). */
  async sleep(seconds: number): Promise<void> {
    const time = this.now() + Math.max(0, requireFinite(seconds, "the time to sleep"));
    const actor = this.#actors.current();
    this.#actors.park(actor);
    await new Promise<void>((resolve) => {
      this.#push(time, false, () => {
        this.#actors.unpark(actor);
        resolve();
      });
    });
  }

  /** Parks the calling actor until a promise settles that other actors or events will settle. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    const actor = this.#actors.current();
    this.#actors.park(actor);
    try {
      return await promise;
    } finally {
      this.#followPace();
      this.#actors.unpark(actor);
    }
  }

  /** Runs `fn` at a time, or now if that has passed. An asynchronous one is an actor; its error ends the run. */
  at(time: number, fn: () => unknown): Cancel {
    const event = this.#push(Math.max(this.now(), requireFinite(time, "the time of an event")), true, fn);
    return () => this.#queue.cancel(event);
  }

  after(seconds: number, fn: () => unknown): Cancel {
    return this.at(this.now() + requireFinite(seconds, "the delay of an event"), fn);
  }

  /** Starts `fn` at once and counts it as work until it settles. Inside another actor it is a branch of that one. */
  async actor<T>(fn: () => Promise<T>, label = "actor"): Promise<T> {
    this.#followPace();
    const actor = this.#actors.open(label, this.#actors.current());
    try {
      return await this.#actors.runIn(actor, fn);
    } finally {
      this.#actors.close(actor);
    }
  }

  /** Labels of the actors that time is waiting for. */
  runnable(): string[] {
    return this.#actors.labels();
  }

  /** Events that are still to fire. */
  get pendingEvents(): number {
    return this.#queue.size;
  }

  /** Fires all events up to and including `time` (Infinity: until none is left); throws what an event threw. */
  async runUntil(time: number): Promise<void> {
    if (Number.isNaN(time)) throw new RangeError("the time to run to is not a number");
    const limit = () => time;
    await this.#drive(async () => {
      while (await this.#step(limit)) {
        // Each step fires one event.
      }
    });
    if (Number.isFinite(time)) this.#time = Math.max(this.#time, time);
  }

  /** Keeps virtual time at `speed` x real time until the signal; what is overdue fires at once, in order. */
  async pace(speed: number, signal: AbortSignal): Promise<void> {
    if (!(speed > 0 && Number.isFinite(speed))) throw new RangeError(`the speed must be above 0, it is ${speed}`);
    const realStart = performance.now();
    const virtualStart = this.#time;
    const target = () => virtualStart + ((performance.now() - realStart) / 1000) * speed;
    const stop = () => this.#wakeDriver();
    signal.addEventListener("abort", stop);
    try {
      await this.#drive(async () => {
        this.#target = target;
        while (!signal.aborted) {
          if (await this.#step(target, signal)) continue;
          if (!signal.aborted) await this.#idle(target, speed);
        }
      });
    } finally {
      this.#followPace();
      this.#target = undefined;
      signal.removeEventListener("abort", stop);
    }
  }

  async #drive(run: () => Promise<void>): Promise<void> {
    if (this.#actors.current() !== undefined)
      throw new Error("an actor cannot run the clock: it would wait for itself");
    if (this.#isDriven) throw new Error("the clock is already running: await the other run first");
    this.#isDriven = true;
    try {
      await run();
    } finally {
      this.#isDriven = false;
    }
  }

  /** Fires the next event that is due, once nothing is runnable. False = none is due, or the signal came. */
  async #step(limit: () => number, signal?: AbortSignal): Promise<boolean> {
    for (;;) {
      await nextTurn();
      if (signal?.aborted === true) return false;
      if (!this.#actors.anyRunnable) break;
      await new Promise<void>((resolve) => {
        this.#wakeDriver = resolve;
      });
      this.#wakeDriver = () => {};
    }
    if (this.#failures.length > 0) throw this.#failures.shift();
    const next = this.#queue.peek();
    if (next === undefined || next.time > limit()) return false;
    this.#queue.pop();
    this.#fire(next);
    return true;
  }

  #fire(event: QueuedEvent): void {
    this.#time = Math.max(this.#time, event.time);
    if (!event.foreign) {
      event.fire();
      return;
    }
    const actor = this.#actors.open("event", undefined);
    try {
      const result = this.#actors.runIn(actor, event.fire);
      if (result instanceof Promise) {
        void this.#finish(actor, result);
        return;
      }
    } catch (error) {
      this.#failures.push(error);
    }
    this.#actors.close(actor);
  }

  async #finish(actor: Actor, result: Promise<unknown>): Promise<void> {
    try {
      await result;
    } catch (error) {
      this.#failures.push(error);
    } finally {
      this.#actors.close(actor);
    }
  }

  /** Until the next event is due in real time, or something changes. */
  async #idle(target: () => number, speed: number): Promise<void> {
    const next = this.#queue.peek();
    const untilNextMs = next === undefined ? LONGEST_TIMER_MS : Math.ceil(((next.time - target()) / speed) * 1000);
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wakeDriver = resolve;
      timer = setTimeout(resolve, Math.min(Math.max(untilNextMs, 0), LONGEST_TIMER_MS));
    });
    clearTimeout(timer);
  }

  /** While paced and idle, time flows; while anything is runnable it stands, and the pace catches up later. */
  #followPace(): void {
    if (this.#target === undefined || this.#actors.anyRunnable) return;
    const limit = this.#queue.peek()?.time ?? Number.POSITIVE_INFINITY;
    this.#time = Math.max(this.#time, Math.min(this.#target(), limit));
  }

  #push(time: number, foreign: boolean, fire: () => unknown): QueuedEvent {
    const event = this.#queue.push(time, fire, foreign);
    if (this.#target !== undefined) this.#wakeDriver();
    return event;
  }
}

function requireFinite(value: number, what: string): number {
  if (!Number.isFinite(value)) throw new RangeError(`${what} must be a finite number, it is ${value}`);
  return value;
}
