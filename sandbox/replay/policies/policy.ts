// What a scaling policy sees and may do in a replay. All of them live in one world: same boots, same hub, same drains.

/** A builder that is not terminated. */
export interface BuilderView {
  readonly id: number;
  readonly launchedAt: number;
  /** Enabled and polling since; null = still on its way. */
  readonly upAt: number | null;
  /** Assigned and open tasks, waiting parents too. */
  readonly tasks: number;
  /** Since when it has been up without a task; null = it is not idle. */
  readonly idleSince: number | null;
  /** Being put out of service: takes nothing new and is terminated when it has none left. */
  readonly draining: boolean;
  /** Tasks that it has ended. */
  readonly served: number;
}

/** One kind of builder with the tasks whose first choice it is. */
export interface PoolView {
  readonly name: string;
  /** Dollars, of the offering that is launched first. */
  readonly pricePerHour: number;
  /** Typical tasks that one builder works on at once. */
  readonly tasksPerBuilder: number;
  /** FREE tasks. */
  readonly queued: number;
  /** Assigned and open tasks that are at work (no waiting parents). */
  readonly running: number;
  /** Seconds the oldest FREE task has waited; 0 = none. */
  readonly oldestSeconds: number;
  /** FREE tasks released since the last step. */
  readonly arrived: number;
  /** Most builders that may exist. */
  readonly max: number;
  readonly builders: readonly BuilderView[];
}

export interface Controls {
  /** False = refused (the limit, or EC2 has no capacity now). `size`: so many times a builder's room, and price. */
  launch(pool: number, options?: { readonly ephemeral?: boolean; readonly size?: number }): boolean;
  /** Of an idle or booting builder, or of one with tasks (it ends them first). */
  drain(pool: number, builder: number): void;
}

/** One replay's worth of a policy: it may keep state between steps. */
export interface Policy {
  step(now: number, pools: readonly PoolView[], controls: Controls): void;
}

/** Values of a family's parameters by name: numbers, or choices by their number. */
export type Params = Readonly<Record<string, number>>;

/** A kind of policy: its formula with parameters to choose. */
export interface Family {
  readonly name: string;
  /** Where the formula comes from, and what it is, in a sentence each. */
  readonly source: string;
  readonly formula: string;
  /** Seconds between its looks at the queue. */
  readonly tickSeconds: number;
  /** As its owner ships it. */
  readonly defaults: Params;
  /** Values that tuning in hindsight tries: at most 80 combinations are replayed. */
  readonly grid: Readonly<Record<string, readonly number[]>>;
  create(params: Params): Policy;
}
