// Cuts a run off in the middle: after a given number of side effects every call fails, as for a process that has died.

export class CutOff extends Error {
  override readonly name = "CutOff";
  constructor() {
    super("cut off here");
  }
}

export class Scalpel {
  readonly #effects: string[] = [];
  #limit = Number.POSITIVE_INFINITY;
  #dead = false;

  /** What was done so far, in order. */
  get effects(): readonly string[] {
    return this.#effects;
  }

  get isDead(): boolean {
    return this.#dead;
  }

  cutAfter(effects: number): void {
    this.#limit = effects;
  }

  /** A new process begins; it is not cut off again. */
  revive(): void {
    this.#dead = false;
    this.#limit = Number.POSITIVE_INFINITY;
  }

  /** Before each call. */
  check(): void {
    if (this.#dead) throw new CutOff();
  }

  /** After each side effect: it is done, and its caller may never learn of it. */
  did(what: string): void {
    this.#effects.push(what);
    this.#dead = this.#effects.length === this.#limit;
    this.check();
  }
}
