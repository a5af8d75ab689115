// How many builders are worth their money one boot ahead: the critical fractile of what demand may be then. Pure.

import { type Chances, riseOf } from "./histogram.ts";

/** What a profile's demand may be when a builder launched now would be ready, in typical tasks. */
export interface Outlook {
  /** At work and queued now. */
  readonly demand: number;
  /** Chance of so many more tasks from builds that are under way: index = tasks. */
  readonly children: Chances;
  /** Chance of a rise by everything else, by bin. */
  readonly rise: Chances;
}

/** Expected tasks that each further builder would take. */
export interface Relief {
  /** Of the builder number `index` (from 1), at most `tasksPerBuilder`. */
  of(builder: number): number;
}

export function reliefOf({ demand, children, rise }: Outlook, tasksPerBuilder: number): Relief {
  const more = convolve(children, rise);
  // Suffix sums: chance of at least i more, and of i more times i.
  const length = more.length;
  const chance = new Float64Array(length + 1);
  const weighted = new Float64Array(length + 1);
  for (let i = length - 1; i >= 0; i--) {
    const p = more[i] ?? 0;
    chance[i] = (chance[i + 1] ?? 0) + p;
    weighted[i] = (weighted[i + 1] ?? 0) + p * i;
  }
  /** Expected demand above a level. */
  const above = (level: number): number => {
    const first = Math.max(0, Math.ceil(level - demand));
    if (first >= length) return 0;
    return (weighted[first] ?? 0) + (demand - level) * (chance[first] ?? 0);
  };
  return { of: (builder) => above((builder - 1) * tasksPerBuilder) - above(builder * tasksPerBuilder) };
}

/** The smallest count of builders of which one more is not worth it: its relief is at most `threshold` tasks. */
export function worthwhile(relief: Relief, threshold: number, atLeast: number): number {
  let builders = atLeast;
  while (builders < MOST_BUILDERS && relief.of(builders + 1) > threshold) builders += 1;
  return builders;
}

const MOST_BUILDERS = 20_000;

function convolve(children: Chances, rise: Chances): Float64Array {
  const highest = riseOf(Math.max(0, rise.length - 1));
  const sums = new Float64Array(children.length + highest + 1);
  rise.forEach((chance, bin) => {
    if (chance === 0) return;
    const tasks = riseOf(bin);
    children.forEach((each, count) => {
      const index = count + tasks;
      sums[index] = (sums[index] ?? 0) + each * chance;
    });
  });
  return sums;
}

/** Independent events, each with its chance and its tasks, added up: chance of each total. */
export function addUp(events: readonly { readonly chance: number; readonly tasks: number }[]): Chances {
  if (events.length === 0) return [1];
  if (events.length > MOST_EXACT) return byNormal(events);
  let totals = [1];
  for (const { chance, tasks } of events) {
    const whole = Math.floor(tasks);
    const rest = tasks - whole;
    const next = new Array<number>(totals.length + whole + (rest > 0 ? 1 : 0)).fill(0);
    totals.forEach((each, total) => {
      next[total] = (next[total] ?? 0) + each * (1 - chance);
      next[total + whole] = (next[total + whole] ?? 0) + each * chance * (1 - rest);
      if (rest > 0) next[total + whole + 1] = (next[total + whole + 1] ?? 0) + each * chance * rest;
    });
    totals = next;
  }
  return totals;
}

/** From so many on the sum is as good as normal. */
const MOST_EXACT = 48;

function byNormal(events: readonly { readonly chance: number; readonly tasks: number }[]): Chances {
  let mean = 0;
  let variance = 0;
  for (const { chance, tasks } of events) {
    mean += chance * tasks;
    variance += chance * (1 - chance) * tasks * tasks;
  }
  const deviation = Math.sqrt(Math.max(variance, 1e-9));
  const highest = Math.ceil(mean + 5 * deviation);
  const totals = new Array<number>(highest + 1).fill(0);
  let below = 0;
  for (let total = 0; total <= highest; total++) {
    const upTo = normalShare((total + 0.5 - mean) / deviation);
    totals[total] = upTo - below;
    below = upTo;
  }
  return totals;
}

/** Standard normal distribution function; error below 1e-7 (Abramowitz and Stegun 26.2.17). */
export function normalShare(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const tail =
    Math.exp((-z * z) / 2) *
    0.3989422804014327 *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return z >= 0 ? 1 - tail : tail;
}
