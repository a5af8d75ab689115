// Builders by profile from what groups are worth: own tasks, guests, and reserves that several groups share.

import { describe, expect, it } from "vitest";
import type { Profile } from "../../../shared/config/index.ts";
import type { Group, GroupLoad } from "../../../shared/fleet/forecast/groups.ts";
import { shareOut, type Wish } from "../../../shared/fleet/forecast/share-out.ts";
import { makeProfile, makeSite } from "../world.ts";

const single = (name: string) => makeProfile({ name, capacity: 1.5, maxJobs: 3, slots: { prefix: name, count: 9 } });
const SITE = makeSite({ profiles: [single("x86"), single("arm"), single("ppc")] });
function profileOf(name: string): Profile {
  const found = SITE.builders.profiles.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no profile ${name}`);
  return found;
}
const [X86, ARM, PPC] = [profileOf("x86"), profileOf("arm"), profileOf("ppc")];
const alone = (profile: Profile): Group => ({ key: profile.name, profiles: [profile], home: profile });
const joint = (...profiles: Profile[]): Group => ({
  key: profiles.map(({ name }) => name).join("+"),
  profiles,
  home: X86,
});

/** `room`: worth launching and keeping; `demand` of it is there already. */
const wish = (group: Group, room: number, demand = 0): Wish => ({
  group,
  launch: room,
  keep: room,
  figures: {
    pricePerHour: 0.1,
    leadSeconds: 130,
    demand,
    coming: 0,
    burst: 0,
    worthy: 0,
    relief: { of: () => 0 },
    tasksPerBuilder: 1,
    site: SITE,
  },
});
function share(wishes: readonly Wish[], alive: Readonly<Record<string, number>> = {}) {
  const aliveOf = ({ name }: { readonly name: string }) => alive[name] ?? 0;
  const shared = shareOut(wishes, { site: SITE, aliveOf }, new Map<string, GroupLoad>());
  return Object.fromEntries([...shared].map(([{ name }, { builders }]) => [name, builders]));
}

describe("builders by profile", () => {
  it("are what its own tasks are worth", () => {
    expect(share([wish(alone(X86), 2.4, 2), wish(alone(ARM), 1, 1)])).toEqual({ x86: 3, arm: 1, ppc: 0 });
  });

  it("take tasks that several could run where a builder is alive, else to the cheapest", () => {
    expect(share([wish(joint(X86, ARM), 1, 1)])).toEqual({ x86: 1, arm: 0, ppc: 0 });
    expect(share([wish(joint(X86, ARM), 1, 1)], { arm: 1 })).toEqual({ x86: 0, arm: 1, ppc: 0 });
  });

  it("take such tasks into room that stands ready against a rise", () => {
    expect(share([wish(alone(ARM), 2, 1), wish(joint(X86, ARM), 1, 1)])).toEqual({ x86: 0, arm: 2, ppc: 0 });
  });
});

describe("a reserve", () => {
  it("that a group will hardly use is there for the next group as well", () => {
    const groups = [joint(X86, ARM), joint(X86, PPC), joint(X86, ARM, PPC)];
    expect(share(groups.map((group) => wish(group, 1)))).toEqual({ x86: 1, arm: 0, ppc: 0 });
  });

  it("is not what tasks that are there need", () => {
    const groups = [joint(X86, ARM), joint(X86, PPC)];
    expect(share(groups.map((group) => wish(group, 2, 1)))).toEqual({ x86: 3, arm: 0, ppc: 0 });
  });
});
