// Who is working: counts asynchronous activities, so that virtual time stands still while any of them can go on.

import { AsyncLocalStorage } from "node:async_hooks";

export interface Actor {
  readonly label: string;
  readonly parent: Actor | undefined;
  isOpen: boolean;
  /** Pending sleeps and waits. */
  parkedBy: number;
  openChildren: number;
}

/** Open, not parked and without open children = runnable (the rule is explained in clock.ts). */
export class Actors {
  readonly #context = new AsyncLocalStorage<Actor | undefined>();
  readonly #runnable = new Set<Actor>();
  readonly #onNoneRunnable: () => void;

  constructor(onNoneRunnable: () => void) {
    this.#onNoneRunnable = onNoneRunnable;
  }

  get anyRunnable(): boolean {
    return this.#runnable.size > 0;
  }

  labels(): string[] {
    return [...this.#runnable].map(({ label }) => label);
  }

  /** The actor this code runs in. Code that outlives its actor belongs to nobody. */
  current(): Actor | undefined {
    const actor = this.#context.getStore();
    return actor?.isOpen === true ? actor : undefined;
  }

  open(label: string, parent: Actor | undefined): Actor {
    const actor: Actor = { label, parent, isOpen: true, parkedBy: 0, openChildren: 0 };
    this.#recount(actor);
    if (parent !== undefined) {
      parent.openChildren++;
      this.#recount(parent);
    }
    return actor;
  }

  runIn<T>(actor: Actor, fn: () => T): T {
    return this.#context.run(actor, fn);
  }

  close(actor: Actor): void {
    actor.isOpen = false;
    // The parent first: there is no moment at which neither counts.
    if (actor.parent !== undefined) {
      actor.parent.openChildren--;
      this.#recount(actor.parent);
    }
    this.#recount(actor);
  }

  park(actor: Actor | undefined): void {
    if (actor === undefined) return;
    actor.parkedBy++;
    this.#recount(actor);
  }

  unpark(actor: Actor | undefined): void {
    if (actor === undefined) return;
    actor.parkedBy--;
    this.#recount(actor);
  }

  #recount(actor: Actor): void {
    if (actor.isOpen && actor.parkedBy === 0 && actor.openChildren === 0) this.#runnable.add(actor);
    else if (this.#runnable.delete(actor) && this.#runnable.size === 0) this.#onNoneRunnable();
  }
}
