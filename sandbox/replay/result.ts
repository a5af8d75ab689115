// What a replay tells: the shape of `toji replay --json`, and of what the report shows besides. Seconds and dollars.

export interface Spread {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** One policy's replay of one trace. */
export interface PolicyResult {
  readonly name: string;
  readonly params: Readonly<Record<string, number>>;
  readonly tuned: boolean;
  /** From FREE to OPEN, of every task. */
  readonly waitSeconds: Spread;
  /** The part of it in which no builder had room. */
  readonly noBuilderWaitSeconds: Omit<Spread, "max">;
  readonly noBuilderWaitHours: number;
  /** By which builds ended later than with builders at once. */
  readonly buildDelaySeconds: { readonly p50: number; readonly p95: number };
  /** Instances by the second, and the fee of each launch. */
  readonly dollars: number;
  readonly instanceHours: number;
  /** Of instance-hours, those without any task: boots, idle time and drains. */
  readonly idleShare: number;
  readonly launches: number;
  /** Builders that ended without having had a task. */
  readonly neverUsed: number;
  /** Tasks cut off by a lost instance; they began anew. */
  readonly tasksLost: number;
}

/** Children that the forecast expected within a minute with a chance from `low` to `high`, and those that came. */
export interface CalibrationBand {
  readonly low: number;
  readonly high: number;
  readonly children: number;
  readonly appeared: number;
}

/** What only the report shows. */
export interface PolicyDetail {
  /** Null = this policy forecasts nothing. */
  readonly calibration: readonly CalibrationBand[] | null;
  /** Hours of all tasks. */
  readonly waits: { readonly noBuilder: number; readonly scheduler: number; readonly poll: number };
  readonly hoursBy: readonly {
    readonly instanceType: string;
    readonly market: string;
    readonly hours: number;
    readonly dollars: number;
  }[];
  /** Samples over the trace, at most a few hundred. */
  readonly timeline: readonly {
    readonly at: number;
    readonly queued: number;
    readonly running: number;
    readonly builders: number;
    readonly up: number;
  }[];
  /** Decisions with their sentences, most expensive first. */
  readonly costly: readonly CostlyDecision[];
}

export interface CostlyDecision {
  readonly at: number;
  readonly sentence: string;
  /** What came of it: idle money, or waits. */
  readonly dollars: number;
  readonly because: string;
}

export interface Objective {
  readonly waitValuePerHour: number;
  /** J of toji. */
  readonly toji: number;
  readonly bestBaseline: {
    readonly name: string;
    readonly params: Readonly<Record<string, number>>;
    readonly J: number;
  };
  readonly bestBaselineAtDefaults: { readonly name: string; readonly J: number };
  /** The best lower bound on J that holds for the trace. */
  readonly bound: number;
}

export interface ReplayAnswer {
  readonly trace: {
    readonly name: string;
    readonly tasks: number;
    readonly spanHours: number;
    readonly synthetic: readonly string[];
  };
  /** Dollars. */
  readonly bounds: { readonly work: number; readonly zeroWait: number };
  readonly policies: readonly PolicyResult[];
  readonly objective: readonly Objective[];
}
