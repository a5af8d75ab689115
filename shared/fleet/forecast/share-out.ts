// Builders by profile from what each group of tasks is worth: several profiles may serve one group. Pure.

import type { Profile, Site } from "../../config/index.ts";
import { demandOf, type Group, type GroupLoad, tasksPerBuilder } from "./groups.ts";
import type { Figures } from "./worth.ts";

/** What one group is worth, in typical tasks of its home profile. */
export interface Wish {
  readonly group: Group;
  /** Room that is worth launching, and keeping: demand included. */
  readonly launch: number;
  readonly keep: number;
  readonly figures: Figures;
}

/** Room in typical tasks: what is worth having, and what of it is expected to be used. */
interface Room {
  worth: number;
  used: number;
}

type Rooms = ReadonlyMap<Profile, Room>;

/**
 * Builders by profile: first for what only it can serve. What several could serve (the hub gives it to any of them) goes
 * where room stands ready against a rise that has not come, then where builders are alive, and the rest to the cheapest.
 */
export function shareOut(
  wishes: readonly Wish[],
  { site, aliveOf }: { readonly site: Site; aliveOf(profile: Profile): number },
  loads: ReadonlyMap<string, GroupLoad>,
): ReadonlyMap<Profile, { builders: number; keepNow: number }> {
  const launch = new Map<Profile, Room>();
  const keep = new Map<Profile, Room>();
  for (const profile of site.builders.profiles) {
    const own = wishes.find(({ group }) => group.key === profile.name);
    const guests = guestsOn(profile, loads);
    const used = guests + (own === undefined ? 0 : own.figures.demand + own.figures.coming);
    launch.set(profile, { worth: guests + (own?.launch ?? 0), used });
    keep.set(profile, { worth: guests + (own?.keep ?? 0), used });
  }
  for (const { group, launch: wanted, keep: worth, figures } of wishes.filter(
    (each) => each.group.profiles.length > 1,
  )) {
    let running = 0;
    for (const [profile, load] of loads.get(group.key)?.on ?? []) running += demandOf(load, profile);
    const used = Math.max(0, figures.demand + figures.coming - running);
    place(group, { worth: Math.max(0, wanted - running), used }, launch, aliveOf);
    place(group, { worth: Math.max(0, worth - running), used }, keep, aliveOf);
  }
  const count = (profile: Profile, rooms: Rooms) => {
    const { worth } = rooms.get(profile) ?? { worth: 0 };
    return Math.max(0, Math.ceil(worth / tasksPerBuilder(profile) - 1e-9));
  };
  return new Map(
    site.builders.profiles.map((profile) => [
      profile,
      { builders: count(profile, launch), keepNow: count(profile, keep) },
    ]),
  );
}

/** Tasks of groups that others could serve too; its builders have them on, so they take room all the same. */
function guestsOn(profile: Profile, loads: ReadonlyMap<string, GroupLoad>): number {
  let guests = 0;
  for (const { group, on } of loads.values()) {
    const load = on.get(profile);
    if (group.key !== profile.name && load !== undefined) guests += demandOf(load, profile);
  }
  return guests;
}

/** What a group will hardly use stays ready for the next one as well: they do not all rise at once. */
function place({ profiles, home }: Group, room: Room, rooms: Rooms, aliveOf: (profile: Profile) => number): void {
  const left = { ...room };
  const take = (profile: Profile, most: number) => {
    const room = rooms.get(profile);
    if (room === undefined) return;
    const here = Math.min(left.worth, Math.max(0, most - room.used));
    const spare = Math.max(0, room.worth - room.used);
    room.worth += Math.max(0, here - spare);
    const used = Math.min(here, left.used);
    room.used += used;
    left.used -= used;
    left.worth -= here;
  };
  const homeFirst = [home, ...profiles.filter((profile) => profile !== home)];
  // A builder that is worth having for something else has room up to its brim.
  for (const profile of homeFirst) take(profile, upToBrim(rooms.get(profile)?.worth ?? 0, profile));
  for (const profile of homeFirst) take(profile, aliveOf(profile) * tasksPerBuilder(profile));
  take(home, Number.POSITIVE_INFINITY);
}

function upToBrim(tasks: number, profile: Profile): number {
  const size = tasksPerBuilder(profile);
  return Math.ceil(tasks / size - 1e-9) * size;
}
