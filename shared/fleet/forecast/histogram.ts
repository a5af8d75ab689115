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
  const whole = Math.min(MOST, Math.max(0, Math.round(rise)));
  return whole <= EXACT ? whole : EXACT + Math.ceil(Math.log(whole / EXACT) / STEP - 1e-9);
}

/** The largest rise that falls into the bin. */
export function riseOf(bin: number): number {
  return bin <= EXACT ? bin : Math.floor(EXACT * Math.exp((bin - EXACT) * STEP) + 1e-9);
}

export function addRise(histogram: Histogram | undefined, rise: number, ticks: number): Histogram {
  const bins = histogram === undefined ? [] : [...histogram.bins];
  const bin = binOf(rise);
  while (bins.length <= bin) bins.push(0);
  bins[bin] = (bins[bin] ?? 0) + ticks;
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
