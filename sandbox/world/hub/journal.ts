// One database transaction at a time: what was written can be taken back to a savepoint, and counted.

export class Journal {
  #undo: (() => void)[] | null = null;
  #writes = 0;

  /** Whether a transaction is open, so that an undo is worth preparing. */
  get open(): boolean {
    return this.#undo !== null;
  }

  /** How often the open transaction wrote: a call that wrote nothing commits nothing, its callnum included. */
  get writes(): number {
    return this.#writes;
  }

  begin(): void {
    this.#undo = [];
    this.#writes = 0;
  }

  /** Every write says how to take it back. Outside a transaction (in-process calls check first) it is forgotten. */
  record(undo: () => void): void {
    this.#writes += 1;
    this.#undo?.push(undo);
  }

  savepoint(): Savepoint {
    return { undone: this.#undo?.length ?? 0, writes: this.#writes };
  }

  rollbackTo(savepoint: Savepoint): void {
    const undo = this.#undo ?? [];
    while (undo.length > savepoint.undone) undo.pop()?.();
    this.#writes = savepoint.writes;
  }

  /** Keeps what was written and ends the transaction. */
  commit(): void {
    this.#undo = null;
  }

  rollback(): void {
    this.rollbackTo({ undone: 0, writes: 0 });
    this.#undo = null;
  }
}

export interface Savepoint {
  readonly undone: number;
  readonly writes: number;
}
