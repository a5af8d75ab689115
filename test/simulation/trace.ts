// What happened in a run, one line an event, in the order in which it happened.

export interface TraceLine {
  readonly at: number;
  readonly text: string;
}

export class Trace {
  readonly lines: TraceLine[] = [];
  readonly #clock: { now(): number };
  readonly #start: number;

  constructor(clock: { now(): number }) {
    this.#clock = clock;
    this.#start = clock.now();
  }

  add(text: string): void {
    this.lines.push({ at: this.#clock.now(), text });
  }

  /** All of it, or the last lines up to and including a time. */
  show(last = Number.POSITIVE_INFINITY, until = Number.POSITIVE_INFINITY): string[] {
    const found = this.lines.filter((line) => line.at <= until);
    return found.slice(Math.max(0, found.length - last)).map(({ at, text }) => `${this.time(at)} ${text}`);
  }

  /** h:mm:ss since the start of the run. */
  time(at: number): string {
    const seconds = Math.floor(at - this.#start);
    const two = (value: number) => String(value).padStart(2, "0");
    return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  }
}
