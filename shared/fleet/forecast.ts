// What demand will be when a builder launched now is ready, and how many builders that is worth. Pure.
// Objective: dollars + waitValuePerHour x hours that tasks wait for a builder (docs/policy.md).

import type { Profile, Site } from "../config/index.ts";
import type { HubState, Task } from "../hub/index.ts";
import type { Judge } from "./eligible.ts";
import {
  type ArrivalMemory,
  chancesOfRise,
  learnRise,
  NO_ARRIVALS,
  noteArrivals,
  situationOf,
} from "./forecast/arrivals.ts";
import { addUp, reliefOf, worthwhile } from "./forecast/capacity.ts";
import { type Coming, comingByGroup, NOTHING_COMES, tasksAhead, withEnds } from "./forecast/coming.ts";
import { noteFamilies } from "./forecast/families.ts";
import { alone, countLoads, demandOf, findGroups, type GroupLoad, loadOf, tasksPerBuilder } from "./forecast/groups.ts";
import type { ForecastMemory } from "./forecast/memory.ts";
import { leadSeconds, NO_PATH, notePath, type PathMemory } from "./forecast/path.ts";
import { shareOut, type Wish } from "./forecast/share-out.ts";
import { chancesOfEnd, noteWork } from "./forecast/work-times.ts";
import { burstAfter, keepSentence, launchSentence, thresholdsFor } from "./forecast/worth.ts";
import { usualPrice } from "./offerings.ts";
import type { Slot } from "./slots.ts";
import type { Lookups } from "./types.ts";

/** What the forecast says of one profile, with the figures of its sentence. */
export interface PoolForecast {
  /** Builders that are worth being there or on their way. */
  readonly builders: number;
  /** Idle builders down to so many stay. */
  readonly keep: number;
  readonly launchSentence: string;
  readonly keepSentence: string;
}

export interface Forecast {
  readonly pools: ReadonlyMap<string, PoolForecast>;
  readonly memory: ForecastMemory;
}

export interface Scene {
  readonly state: HubState;
  readonly slots: readonly Slot[];
  readonly site: Site;
  readonly judge: Judge;
  readonly lookups: Lookups;
  readonly now: number;
  /** Its builder is there or on its way. */
  isThere(slot: Slot): boolean;
  /** Builders of a profile that are there or on their way. */
  aliveOf(profile: Profile): number;
}

/** Half the time between two passes: what comes is seen so much later on average. */
const PASS_SECONDS = 5;
/** The hub's clock and ours may differ by so much. */
const CLOCK_SECONDS = 60;
/** Idle builders stay for this share of a boot after they were last worth keeping. */
const HOLD_SHARE = 0.6;

export function forecast(scene: Scene, memory: ForecastMemory): Forecast {
  const { state, slots, site, now, judge } = scene;
  const prices = new Map(site.builders.profiles.map((profile) => [profile, usualPrice(profile, site)]));
  const found = findGroups(judge, site.builders.profiles, (profile) => prices.get(profile) ?? 0);
  const newestBefore = newestSeen(memory, state);
  const loads = countLoads(state.tasks, slots.filter(scene.isThere), found.of, newestBefore);
  for (const profile of site.builders.profiles) loadOf(loads, alone(profile));
  // Also at rest they are looked at: rises begin there.
  for (const key of Object.keys(memory.groups)) {
    const group = loads.has(key) ? null : found.named(key);
    if (group !== null) loadOf(loads, group);
  }
  const bySlot = Map.groupBy(slots, (slot) => slot.profile);
  const paths = new Map(
    site.builders.profiles.map((profile) => [
      profile,
      notePath(own(memory.paths, profile.name) ?? NO_PATH, bySlot.get(profile) ?? [], {
        now,
        since: memory.at,
        longestSeconds: site.builders.bootLimitSeconds,
      }),
    ]),
  );
  const graph = noteFamilies(memory.graph, state.tasks, state.now);
  const work = noteWork(memory.work, state.tasks, state.now);
  const chanceOfEnd = chancesOfEnd(work, state.now);
  const leads = new Map([...paths].map(([profile, path]) => [profile, leadSeconds(path, site.builders.bootSeconds)]));
  const longest = Math.max(...leads.values());
  const children = comingByGroup(
    tasksAhead(state, { graph, work }, scene.lookups, longest + PASS_SECONDS),
    found.of,
    loads,
  );
  // Groups that no profile serves any more keep what they have learned: a profile may come back.
  const groups: Record<string, ArrivalMemory> = { ...memory.groups };
  const wishes: Wish[] = [];
  for (const load of loads.values()) {
    const { home, key } = load.group;
    const setting = { lead: leads.get(home) ?? site.builders.bootSeconds, price: prices.get(home) ?? 0 };
    const coming = withEnds(children.get(key) ?? NOTHING_COMES, load, (task) =>
      chanceOfEnd(task, setting.lead + PASS_SECONDS),
    );
    const { wish, learned } = judgeGroup(load, coming, memory, setting, scene, bySlot);
    groups[key] = learned;
    wishes.push(wish);
  }
  const shared = shareOut(wishes, scene, loads);
  const pools = new Map<string, PoolForecast>();
  const keeps: Record<string, ForecastMemory["keeps"][string]> = {};
  for (const wish of wishes) {
    const { home, profiles } = wish.group;
    if (profiles.length > 1) continue;
    const { builders, keepNow } = shared.get(home) ?? { builders: 0, keepNow: 0 };
    const hold = home.holdSeconds ?? site.builders.holdSeconds ?? HOLD_SHARE * wish.figures.leadSeconds;
    // Of builders whose past is forgotten none is known to be idle for long: they stay for the hold time.
    const before = own(memory.keeps, home.name);
    const past = before === undefined ? scene.aliveOf(home) : 0;
    const noted = noteKeep(before ?? [], Math.max(keepNow, past), now, hold);
    keeps[home.name] = noted;
    const keep = noted[0]?.[1] ?? 0;
    pools.set(home.name, {
      builders,
      keep,
      launchSentence: launchSentence(decisive(wishes, home, "launch").figures),
      keepSentence: keepSentence(keep, decisive(wishes, home, "keep").figures),
    });
  }
  const newestTask = state.tasks.reduce((newest, { id }) => Math.max(newest, id), newestBefore);
  const remembered: Record<string, PathMemory> = {};
  for (const [profile, path] of paths) remembered[profile.name] = path;
  return { pools, memory: { at: now, newestTask, groups, paths: remembered, keeps, graph, work } };
}

/** Of all that is launched as this profile, its own tasks or those that others could serve too: what is worth most of it. */
function decisive(wishes: readonly Wish[], profile: Profile, by: "launch" | "keep"): Wish {
  return wishes
    .filter(({ group }) => group.home === profile)
    .reduce((most, each) => (each[by] > most[by] ? each : most));
}

/**
 * A task that is younger than the last pass is new, whatever its id: a hub that was restored counts on from an older one.
 * Then those that are older are the ones that have been seen.
 */
function newestSeen({ at, newestTask }: ForecastMemory, { tasks }: HubState): number {
  if (at === null) return newestTask;
  const isOld = ({ create_ts }: Task) => create_ts <= at + CLOCK_SECONDS;
  if (!tasks.some((task) => task.id <= newestTask && !isOld(task))) return newestTask;
  return tasks.filter(isOld).reduce((newest, { id }) => Math.max(newest, id), 0);
}

/** Names may be those of things that every object has. */
const own = <T>(known: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(known, key) ? known[key] : undefined;

function judgeGroup(
  load: GroupLoad,
  coming: Coming,
  memory: ForecastMemory,
  { lead, price }: { readonly lead: number; readonly price: number },
  { site, now }: Scene,
  bySlot: ReadonlyMap<Profile, readonly Slot[]>,
): { readonly wish: Wish; readonly learned: ArrivalMemory } {
  const { group } = load;
  const before = own(memory.groups, group.key) ?? NO_ARRIVALS;
  const came = noteArrivals(before, load.came, now);
  const situation = situationOf(came, now);
  const demand = demandOf(load.all, group.home);
  const expected = coming.atEnd.reduce((sum, { chance, tasks }) => sum + chance * tasks, demand - coming.leaving);
  // What was announced is no surprise, however it turns out: its chances are weighed on their own.
  const learned = learnRise(came, { at: now, situation, expected: demand + coming.announced }, demand, {
    since: memory.at ?? now,
    leadSeconds: lead,
  });
  const size = tasksPerBuilder(group.home);
  const rise = chancesOfRise(learned, situation);
  const relief = reliefOf({ demand: demand - coming.leaving, children: addUp(coming.atEnd), rise }, size);
  const without = shortage(demand, load, bySlot);
  const thresholds = thresholdsFor(price, lead, site);
  const burst = burstAfter(without, thresholds.launch);
  const worthy = worthwhile(relief, thresholds.launch, 0);
  const figures = {
    pricePerHour: price,
    leadSeconds: lead,
    demand,
    coming: Math.max(0, expected - demand),
    burst,
    worthy,
    relief,
    tasksPerBuilder: size,
    site,
  };
  // Several groups share builders, so of the last one only counts what is expected of it; alone it is a whole one.
  const room = (builders: number) =>
    group.profiles.length === 1 || builders === 0 ? builders * size : (builders - 1) * size + relief.of(builders);
  const launch = Math.max(burst > 0 ? expected + burst : 0, room(worthy));
  const keep = room(worthwhile(relief, thresholds.keep, 0));
  return { wish: { group, launch, keep, figures }, learned };
}

/** Queued tasks, in typical ones, that no builder which is up has room for. */
function shortage(
  demand: number,
  { group, queuedTasks }: GroupLoad,
  bySlot: ReadonlyMap<Profile, readonly Slot[]>,
): number {
  if (queuedTasks === 0) return 0;
  let room = 0;
  for (const profile of group.profiles) {
    const up = (bySlot.get(profile) ?? []).filter(isUp).length;
    room += up * tasksPerBuilder(profile);
  }
  return Math.max(0, Math.min(queuedTasks, demand - room));
}

const isUp = ({ phase, host, silent }: Slot): boolean => phase === "serving" && host?.enabled === true && !silent;

/** The most that was worth keeping comes first; only what no later and larger one covers is remembered. */
function noteKeep(
  keeps: ForecastMemory["keeps"][string],
  keep: number,
  now: number,
  holdSeconds: number,
): ForecastMemory["keeps"][string] {
  const kept = keeps.filter(([at, count]) => at > now - holdSeconds && at <= now && count > keep);
  return [...kept, [now, keep]];
}
