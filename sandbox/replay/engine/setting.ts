// What a replay takes for granted: the site, how builders boot, what goes wrong, and the draws of both.

import type { Site } from "../../../shared/config/index.ts";
import type { Trace } from "../trace.ts";

/** Log-normal by two figures, seconds. */
export interface BootTimes {
  readonly median: number;
  readonly p95: number;
}

/** From launch to kojid's first check-in: measured boots have a 90th percentile of 180 s (facts of the project). */
export const BOOT_TIMES: BootTimes = { median: 120, p95: 202 };

export interface Mishaps {
  /** Of launches: the builder never checks in. */
  readonly bootFailureRate: number;
  /** Of launches, by offering: EC2 has none of it. */
  readonly capacityErrorRate: number;
  /** Of an hour that a spot instance runs: EC2 takes it back. */
  readonly spotLossPerHour: number;
}

export const MISHAPS: Mishaps = { bootFailureRate: 0.005, capacityErrorRate: 0.01, spotLossPerHour: 0.01 };
export const NO_MISHAPS: Mishaps = { bootFailureRate: 0, capacityErrorRate: 0, spotLossPerHour: 0 };

export interface EngineSetting {
  readonly site: Site;
  readonly trace: Trace;
  readonly seed: number | string;
  readonly boot: BootTimes;
  readonly mishaps: Mishaps;
  /** Dollars for each launch. */
  readonly launchFee: number;
  /** A hub without delays and bills without a minimum: what a lower bound assumes. */
  readonly ideal: boolean;
}

/** Shortest bill of an instance (EC2: per second, 60 seconds at least). */
export const MINIMUM_BILL_SECONDS = 60;
