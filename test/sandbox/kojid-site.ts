// A site to run builders in: a hub with one target, in virtual time, and short ways to look at what happens.

import { VirtualClock } from "../../sandbox/world/clock.ts";
import { createHub } from "../../sandbox/world/hub/index.ts";
import { type Kojid, type KojidInput, startKojid } from "../../sandbox/world/kojid.ts";
import { Random } from "../../sandbox/world/random.ts";
import { createWork } from "../../sandbox/world/work.ts";

export const START = 1_800_000_000;

/** A hub with one target for x86_64 and an administrator who makes sleep tasks. */
export function createSite() {
  const clock = new VirtualClock(START);
  const hub = createHub({ clock });
  hub.addUser("pepper");
  hub.addTag("el9-build", { arches: "x86_64" });
  hub.addTag("el9");
  hub.addTarget("el9", "el9-build", "el9");
  const work = createWork({ random: new Random("kojid tests"), buildArchFailureRate: 0 });
  const start = (hostName: string, more: Partial<KojidInput> = {}) =>
    startKojid({ hub, clock, hostName, work, ...more });
  const admin = hub.as("kojiadmin");
  return {
    clock,
    hub,
    admin,
    pepper: hub.as("pepper"),
    start,
    addBuilder: (name: string, more: Partial<KojidInput> = {}, arches = "x86_64"): Kojid => {
      hub.addHost(name, { arches, capacity: 4 });
      return start(name, more);
    },
    sleepTask: (seconds: number, arch = "x86_64") => admin.makeTask({ method: "sleep", args: [seconds], arch }),
    run: (seconds: number) => clock.runUntil(clock.now() + seconds),
    stateOf: (id: number) => hub.task(id).state,
    /** When a task came into a state, in seconds after the start. */
    when: (id: number, state: number) => {
      const event = hub.events().find((each) => each.taskId === id && each.to === state && each.from !== null);
      return event === undefined ? null : event.at - START;
    },
  };
}
