// The log of task transitions: what invariants are checked on, and how long tasks waited.

import { TASK_STATE, type TaskState } from "../../../shared/hub/index.ts";
import type { Journal } from "./journal.ts";

/** One change of a task's state. `from` null = it was created. */
export interface TaskEvent {
  readonly at: number;
  readonly taskId: number;
  readonly method: string;
  readonly from: TaskState | null;
  readonly to: TaskState;
  /** The host that holds the task after the change, or held it before, when it was freed. */
  readonly hostId: number | null;
  /** Why it was freed or given: `assign-timeout`, `host-timeout`, `freeTask`, ...; empty for the plain course. */
  readonly why: string;
}

export class EventLog {
  readonly #events: TaskEvent[] = [];
  readonly #journal: Journal;
  readonly #listeners = new Set<(event: TaskEvent) => void>();
  constructor(journal: Journal) {
    this.#journal = journal;
  }

  add(event: TaskEvent): void {
    this.#events.push(event);
    this.#journal.record(() => this.#events.pop());
    for (const listener of this.#listeners) listener(event);
  }

  all(): readonly TaskEvent[] {
    return this.#events;
  }

  /** Called at once for every transition, those of a call that is later taken back included. Returns the way out. */
  subscribe(listener: (event: TaskEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** One wait of a task: from its creation, or from when it was last freed, until a builder opened it. */
export interface TaskWait {
  readonly taskId: number;
  readonly method: string;
  readonly since: number;
  readonly openedAt: number;
  readonly hostId: number | null;
  readonly seconds: number;
  /** Whether it waited because a builder lost or gave back a task it had opened. */
  readonly restarted: boolean;
}

/** All waits that ended, in the order of their ends. */
export function taskWaits(events: readonly TaskEvent[]): TaskWait[] {
  const since = new Map<number, { at: number; restarted: boolean }>();
  const waits: TaskWait[] = [];
  for (const event of events) {
    if (event.from === null) since.set(event.taskId, { at: event.at, restarted: false });
    else if (event.to === TASK_STATE.FREE) {
      const opened = event.from === TASK_STATE.OPEN;
      // A task that was given and never opened goes on waiting; its wait did not begin anew.
      if (opened) since.set(event.taskId, { at: event.at, restarted: true });
    } else if (event.to === TASK_STATE.OPEN) {
      const began = since.get(event.taskId);
      if (began === undefined) continue;
      const { taskId, method, hostId, at } = event;
      const seconds = at - began.at;
      waits.push({ taskId, method, since: began.at, openedAt: at, hostId, seconds, restarted: began.restarted });
    }
  }
  return waits;
}
