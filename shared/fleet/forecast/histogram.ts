// By how much demand rose within one boot, counted: exact up to 16 tasks, in steps of 18 % above. Pure.

/** `ticks` counts looks of ten seconds; `bins` by rise. */
export interface Histogram {
  readonly ticks: number;
  readonly bins: readonly number[];
}

const EXACT = 16;
/** No fleet has so many builders. */
const MOST = 20_000;
const STEP = Math.log(1.18);

export function binOf(rise: number): number {
  const whole = Math.min(MOST, Math.max(0, Math.ceil(rise)));
  return whole <= EXACT ? whole : EXACT + Math.ceil(Math.log(whole / EXACT) / STEP - 1e-9);
}

/** The largest rise that falls into the bin. */
export function riseOf(bin: number): number {
  return bin <= EXACT ? bin : Math.floor(EXACT * Math.exp((bin - EXACT) * STEP) + 1e-9);
}

/** A rise between those of two bins is shared between them, so that many of 0.4 tasks are not taken for none. */
export function addRise(histogram: Histogram | undefined, rise: number, ticks: number): Histogram {
  const bins = histogram === undefined ? [] : [...histogram.bins];
  const upper = binOf(rise);
  while (bins.length <= upper) bins.push(0);
  const [low, high] = upper === 0 ? [0, 0] : [riseOf(upper - 1), riseOf(upper)];
  const share = high > low ? Math.min(1, Math.max(0, (rise - low) / (high - low))) : 1;
  bins[upper] = (bins[upper] ?? 0) + ticks * share;
  if (share < 1) bins[upper - 1] = (bins[upper - 1] ?? 0) + ticks * (1 - share);
  return { ticks: (histogram?.ticks ?? 0) + ticks, bins };
}

/** Chance of each bin. */
export type Chances = readonly number[];

/** Nothing is known: demand stays. */
export const NO_RISE: Chances = [1];

/** What `histogram` shows, as far as it has counts: the coarser view counts as `weight` looks. */
export function smooth(histogram: Histogram | undefined, coarser: Chances, weight: number): Chances {
  if (histogram === undefined || histogram.ticks === 0) return coarser;
  const total = histogram.ticks + weight;
  const length = Math.max(histogram.bins.length, coarser.length);
  const chances = new Array<number>(length);
  for (let bin = 0; bin < length; bin++)
    chances[bin] = ((histogram.bins[bin] ?? 0) + weight * (coarser[bin] ?? 0)) / total;
  return chances;
}
