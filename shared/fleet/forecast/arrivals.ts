// How demand rises: what followed within one boot whenever things looked as they do now. Learned online. Pure.
// Rule and figures: the project's study of policies; every count is a look of ten seconds.

import { addRise, type Chances, type Histogram, NO_RISE, smooth } from "./histogram.ts";

/** What is remembered of one group's demand. Times are epoch seconds. */
export interface ArrivalMemory {
  /** Tasks that came, by the pass that saw them first: of the last hour. */
  readonly came: readonly (readonly [at: number, tasks: number])[];
  /** Tasks by hour since the epoch: of the last four weeks. */
  readonly hours: Readonly<Record<string, number>>;
  /** Looks of the last boot time, oldest first. */
  readonly looks: readonly Look[];
  /** Rises by situation: by how busy the hour was, and within that by view. */
  readonly rises: Readonly<Record<string, Readonly<Record<string, Histogram>>>>;
}

/** What a pass saw and expected, until one boot later it can be compared. */
export interface Look {
  readonly at: number;
  readonly situation: readonly string[];
  /** Demand with the children that the build graph announced. */
  readonly expected: number;
}

export const NO_ARRIVALS: ArrivalMemory = { came: [], hours: {}, looks: [], rises: {} };

const BURST_SECONDS = 120;
const HOUR_SECONDS = 3600;
const DAY_HOURS = 24;
/** The same clock hour so many days ago. */
const DAYS_AGO = [1, 2, 3, 7, 14, 21, 28];
/** A view counts as much as so many looks of the finer one. */
const SMOOTHING_TICKS = 500;
const TICK_SECONDS = 10;
/** A gap longer than this tells nothing of what lay in between. */
const LONGEST_TICK_SECONDS = 90;
/** More views of one kind of hour than this do not occur but by noise: those with the fewest looks go. */
const MOST_VIEWS = 120;

/** Notes the tasks that this pass saw first. */
export function noteArrivals(memory: ArrivalMemory, tasks: number, now: number): ArrivalMemory {
  const oldest = now - HOUR_SECONDS;
  const isStale = (memory.came[0]?.[0] ?? now) <= oldest;
  if (tasks === 0 && !isStale) return memory;
  const came = memory.came.filter(([at]) => at > oldest && at <= now);
  if (tasks === 0) return { ...memory, came };
  const hour = String(Math.floor(now / HOUR_SECONDS));
  const hours = { ...memory.hours, [hour]: (memory.hours[hour] ?? 0) + tasks };
  const first = Math.floor(now / HOUR_SECONDS) - (Math.max(...DAYS_AGO) + 1) * DAY_HOURS;
  const stale = Object.keys(hours).filter((each) => Number(each) < first);
  for (const each of stale) delete hours[each];
  return { ...memory, came: [...came, [now, tasks]], hours };
}

/** How things look now, from the finest view to the coarsest, each as hour and view: minutes, hour, clock hour. */
export function situationOf(memory: ArrivalMemory, now: number): readonly string[] {
  let burst = 0;
  let hour = 0;
  for (const [at, tasks] of memory.came) {
    // After a clock that ran ahead.
    if (at > now) continue;
    hour += tasks;
    if (at > now - BURST_SECONDS) burst += tasks;
  }
  const [minutes, busy, usual] = [burst, hour, usualArrivals(memory, now)].map(powerOfTwo);
  return [`${busy} ${minutes}|${usual}`, `${busy} ${minutes}`, `${busy} any`, "any any"];
}

/** Tasks that came in this clock hour on the days before, on average over those that are remembered. */
function usualArrivals(memory: ArrivalMemory, now: number): number {
  const hour = Math.floor(now / HOUR_SECONDS);
  const first = Object.keys(memory.hours)[0];
  if (first === undefined) return 0;
  const known = DAYS_AGO.filter((days) => hour - days * DAY_HOURS >= Number(first));
  if (known.length === 0) return 0;
  return known.reduce((sum, days) => sum + (memory.hours[String(hour - days * DAY_HOURS)] ?? 0), 0) / known.length;
}

/** 0 for none, 1 for one, 2 for two and three, 3 up to seven, ... */
const powerOfTwo = (count: number) => (count < 0.5 ? 0 : Math.floor(Math.log2(Math.max(1, count))) + 1);

/** Chances of a rise of demand within one boot, as far as it has been seen. */
export function chancesOfRise({ rises }: ArrivalMemory, situation: readonly string[]): Chances {
  return situation.reduceRight<Chances>((coarser, name) => {
    const [hour, view] = split(name);
    return smooth(rises[hour]?.[view], coarser, coarser === NO_RISE ? 0 : SMOOTHING_TICKS);
  }, NO_RISE);
}

/**
 * Compares what is there now with what was expected one boot ago, and remembers this look. `demand`: tasks at work and
 * queued, in tasks. `since`: the pass before this one.
 */
export function learnRise(
  memory: ArrivalMemory,
  look: Look,
  demand: number,
  { since, leadSeconds }: { readonly since: number; readonly leadSeconds: number },
): ArrivalMemory {
  const { at } = look;
  const due = memory.looks.findLastIndex((each) => each.at <= at - leadSeconds + 1);
  const before = memory.looks[due];
  const looks = [...(due > 0 ? memory.looks.slice(due) : memory.looks), look];
  const gap = at - since;
  if (
    before === undefined ||
    gap <= 0 ||
    gap > LONGEST_TICK_SECONDS ||
    at - before.at > leadSeconds + LONGEST_TICK_SECONDS
  )
    return { ...memory, looks: looks.filter((each) => each.at > at - leadSeconds - LONGEST_TICK_SECONDS) };
  const rise = Math.max(0, demand - before.expected);
  const rises = { ...memory.rises };
  for (const [hour, names] of Map.groupBy(before.situation, (name) => split(name)[0])) {
    const known = rises[hour] ?? {};
    const views = { ...known };
    for (const [, view] of names.map(split)) views[view] = addRise(views[view], rise, gap / TICK_SECONDS);
    rises[hour] = names.every((name) => split(name)[1] in known) ? views : forgetRare(views);
  }
  return { ...memory, looks, rises };
}

function split(name: string): readonly [hour: string, view: string] {
  const space = name.indexOf(" ");
  return [name.slice(0, space), name.slice(space + 1)];
}

function forgetRare(views: Readonly<Record<string, Histogram>>): Readonly<Record<string, Histogram>> {
  const entries = Object.entries(views);
  if (entries.length <= MOST_VIEWS) return views;
  const kept = entries.sort(([, a], [, b]) => b.ticks - a.ticks).slice(0, Math.floor(MOST_VIEWS * 0.9));
  return Object.fromEntries(kept);
}
