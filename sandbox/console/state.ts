// What the terminal and the page show: one plain value, made anew for every look.

import type { BinQueue, BuilderView } from "../../shared/fleet/types.ts";

export interface ShownTask {
  readonly id: number;
  readonly method: string;
  readonly arch: string;
  readonly channel: string;
  readonly state: "FREE" | "ASSIGNED" | "OPEN";
  /** Host name, or null. */
  readonly host: string | null;
  readonly ageSeconds: number;
}

export interface ShownDecision {
  /** Epoch seconds of the sandbox's clock. */
  readonly at: number;
  /** One sentence each: changes, then what stays, then notes and tasks left alone. */
  readonly changes: readonly string[];
  readonly keep: readonly string[];
  readonly notes: readonly string[];
}

export interface ConsoleState {
  /** Epoch seconds of the sandbox's clock, and how many of its seconds pass in one real second. */
  readonly now: number;
  readonly speed: number;
  readonly hubUrl: string;
  /** Where the page is; absent = it is not served. */
  readonly pageUrl?: string;
  readonly queue: readonly BinQueue[];
  readonly builders: readonly BuilderView[];
  /** Capacity of one builder by profile, in Koji's task weight: where its load bar is full. Without it no bar. */
  readonly capacities?: Readonly<Record<string, number>>;
  /** FREE first, then ASSIGNED, then OPEN; at most 200. */
  readonly tasks: readonly ShownTask[];
  /** Newest first, at most 20; passes without a change are folded into the newest. */
  readonly decisions: readonly ShownDecision[];
  readonly totals: {
    readonly tasksDone: number;
    readonly waitP50Seconds: number;
    readonly waitP95Seconds: number;
    readonly instanceHours: number;
    readonly dollars: number;
    readonly launches: number;
    /** Dollars per hour of what runs now. */
    readonly pricePerHour: number;
  };
  /** The hub's backups; absent = the sandbox makes none. */
  readonly backups?: {
    /** Sets by state, age of the newest proof, restore time: one line. */
    readonly summary: string;
    /** What runs: "nightly-1: WaitForSnapshots". */
    readonly running: readonly string[];
    /** How to look further. */
    readonly command: string;
  };
  /** The hub's external repos; absent = the sandbox looks at none. */
  readonly mirrors?: {
    /** Verdicts, candidates, rpms that are gone, age of the newest look: one line. */
    readonly summary: string;
    /** Switches under way: "failover-example-base-0c4f: WaitForRepos". */
    readonly running: readonly string[];
    /** The newest sentence that a person should read, with its time; null = none yet. */
    readonly news: string | null;
    /** How to look further. */
    readonly command: string;
  };
  /** The last minutes, oldest first, for a small chart. */
  readonly history: readonly {
    readonly at: number;
    readonly free: number;
    readonly running: number;
    readonly builders: number;
  }[];
}
