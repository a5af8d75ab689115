// A trace as the replay plays it: when each task may start and how long it works, never when it did start.

/**
 * When a task appears in the queue: at a time of its own (a submission), or once its parent is open and the tasks that
 * it follows have ended. `delay`: seconds after that.
 */
export type Release = { readonly at: number } | { readonly after: readonly number[]; readonly delay: number };

export interface TraceTask {
  /** Ids are positive and grow in the order in which tasks are made. */
  readonly id: number;
  /** The task that made this one; it stays open, waiting, until its children have ended. */
  readonly parent: number | null;
  readonly method: string;
  readonly channel: string;
  readonly arch: string;
  /** As its builder sets it once it is open. */
  readonly weight: number;
  /** Lower is served first; null = last. */
  readonly priority: number | null;
  readonly package: string | null;
  /** Build target, for tasks that a person submits. */
  readonly target: string | null;
  readonly scratch: boolean;
  readonly release: Release;
  /** Seconds of its own work. Of a parent: from its last child's end to its own end. */
  readonly seconds: number;
  readonly failed: boolean;
}

export interface Trace {
  readonly name: string;
  /** Epoch seconds of instant 0; releases count from it. 0 = the calendar date is not known. */
  readonly start: number;
  /** From the first submission to the last end if nothing waited, about. */
  readonly spanSeconds: number;
  /** By id, parents before their children. */
  readonly tasks: readonly TraceTask[];
  /** Arches of the build tags, by target; empty where the trace does not tell. */
  readonly targets: Readonly<Record<string, readonly string[]>>;
  /** Which parts are made up, one sentence each; empty = all recorded. */
  readonly synthetic: readonly string[];
}
