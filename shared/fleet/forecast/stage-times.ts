// How long a stage of a build still takes, learned by package and by method: log-normal, shrunk towards what is coarser. Pure.

import { normalShare } from "./capacity.ts";

/** Of natural logarithms of seconds. */
export interface Times {
  readonly count: number;
  readonly mean: number;
  /** Mean of squares of what differs from the mean. */
  readonly variance: number;
}

/** Nothing is known. */
export const NO_TIMES: Times = { count: 0, mean: 0, variance: 0 };

/** Before anything is learned; counts as so many samples. */
export function priorTimes(medianSeconds: number, p95Seconds: number): Times {
  const sigma = Math.log(p95Seconds / medianSeconds) / 1.6448536269514722;
  return { count: PRIOR_SAMPLES, mean: Math.log(medianSeconds), variance: sigma * sigma };
}

const PRIOR_SAMPLES = 5;
/** A package's own times count against its method's as if there were so many samples of those. */
const SHRINK_SAMPLES = 3;
/** Old samples fade: no more than so many count. */
const MOST_SAMPLES = 500;

export function addTime(times: Times, seconds: number): Times {
  const value = Math.log(Math.max(1, seconds));
  const count = Math.min(times.count + 1, MOST_SAMPLES);
  const off = value - times.mean;
  const mean = times.mean + off / count;
  return { count, mean, variance: times.variance + (off * (value - mean) - times.variance) / count };
}

/** The package's own times, as far as there are any, over its method's. */
export function refine(method: Times, own: Times | undefined): Times {
  if (own === undefined || own.count === 0) return method;
  const share = own.count / (own.count + SHRINK_SAMPLES);
  const mean = method.mean + share * (own.mean - method.mean);
  // What is between packages is known by then; what is within one is not smaller than it has shown.
  const variance = method.variance + share * (Math.max(own.variance, 0.25 * method.variance) - method.variance);
  return { count: method.count + own.count, mean, variance };
}

/** Chance that a stage that has run for `elapsed` seconds ends within the next `within` seconds. */
export function chanceToEnd({ mean, variance }: Times, elapsed: number, within: number): number {
  if (within <= 0) return 0;
  const sigma = Math.sqrt(Math.max(variance, 1e-4));
  const upTo = (seconds: number) => (seconds <= 0 ? 0 : normalShare((Math.log(seconds) - mean) / sigma));
  const gone = upTo(elapsed);
  // Longer than nearly all that has been seen: nothing is known of it but that it goes on.
  if (gone > 0.995) return Math.min(1, within / (within + elapsed));
  return (upTo(elapsed + within) - gone) / (1 - gone);
}
