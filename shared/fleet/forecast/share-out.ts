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

/**
 * Builders by profile: first for what only it can serve, then what several could goes where there is room already, and
 * the rest to the cheapest. The hub gives such tasks to any of them.
 */
export function shareOut(
  wishes: readonly Wish[],
  { site, aliveOf }: { readonly site: Site; aliveOf(profile: Profile): number },
  loads: ReadonlyMap<string, GroupLoad>,
): ReadonlyMap<Profile, { builders: number; keepNow: number }> {
  const launch = new Map<Profile, number>();
  const keep = new Map<Profile, number>();
  for (const profile of site.builders.profiles) {
    const own = wishes.find(({ group }) => group.key === profile.name);
    // Tasks of the others that its builders have on take room all the same.
    let guests = 0;
    for (const { group, on } of loads.values()) {
      const load = on.get(profile);
      if (group.key !== profile.name && load !== undefined) guests += demandOf(load, profile);
    }
    launch.set(profile, (own?.launch ?? 0) + guests);
    keep.set(profile, (own?.keep ?? 0) + guests);
  }
  for (const { group, launch: wanted, keep: worth } of wishes.filter((each) => each.group.profiles.length > 1)) {
    let running = 0;
    for (const [profile, load] of loads.get(group.key)?.on ?? []) running += demandOf(load, profile);
    const room = (profile: Profile) => aliveOf(profile) * tasksPerBuilder(profile);
    place(group, Math.max(0, wanted - running), launch, room);
    place(group, Math.max(0, worth - running), keep, room);
  }
  return new Map(
    site.builders.profiles.map((profile) => {
      const size = tasksPerBuilder(profile);
      const count = (tasks: number) => Math.ceil(tasks / size - 1e-9);
      return [profile, { builders: count(launch.get(profile) ?? 0), keepNow: count(keep.get(profile) ?? 0) }];
    }),
  );
}

function place(
  { profiles, home }: Group,
  tasks: number,
  taken: Map<Profile, number>,
  roomOf: (profile: Profile) => number,
): void {
  let left = tasks;
  const homeFirst = [home, ...profiles.filter((profile) => profile !== home)];
  for (const profile of homeFirst) {
    const before = taken.get(profile) ?? 0;
    // A builder that is wanted for something else has room up to its brim.
    const size = tasksPerBuilder(profile);
    const room = Math.max(roomOf(profile), Math.ceil(before / size - 1e-9) * size) - before;
    const here = Math.min(left, Math.max(0, room));
    taken.set(profile, before + here);
    left -= here;
  }
  taken.set(home, (taken.get(home) ?? 0) + left);
}
