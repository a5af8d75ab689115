// What holds for every decision, whatever the world looks like.

import { describe, expect, it } from "vitest";
import { slotNames } from "../../shared/config/index.ts";
import { decide } from "../../shared/fleet/decide.ts";
import { NO_FORECAST } from "../../shared/fleet/forecast/memory.ts";
import { instanceCost, offeringKey, worstCase } from "../../shared/fleet/offerings.ts";
import { hasCheckedIn } from "../../shared/fleet/slots.ts";
import type { Decision, Instance, Snapshot } from "../../shared/fleet/types.ts";
import { type HubState, TASK_STATE, type Task } from "../../shared/hub/index.ts";
import { anySite, anyWorld, type World, worldOf } from "./arbitraries.ts";
import { holds, SEED } from "./seed.ts";
import { launchesOf, makeInstance, NOW } from "./world.ts";

const decideIn = ({ snapshot, site, memory }: World): Decision => decide(snapshot, site, memory, NOW);

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}

function stateOf(snapshot: Snapshot): HubState {
  if (!snapshot.hub.seen) throw new Error("this world's hub was not seen");
  return snapshot.hub.state;
}

const instancesOf = ({ ec2 }: Snapshot): readonly Instance[] => (ec2.kind === "seen" ? ec2.instances : []);
const isLive = (instance: Instance) => instance.state !== "terminated";

/** The sentence of a launch that the forecast asks for beyond the queue. */
const isForForecast = ({ reason }: { readonly reason: string }) => reason.startsWith("demand is ");
const isForQueue = (launch: { readonly reason: string }) => !launch.reason.includes("floor") && !isForForecast(launch);
const isActive = ({ state }: Pick<Task, "state">) => state === TASK_STATE.OPEN || state === TASK_STATE.ASSIGNED;

/** Ids of the ASSIGNED and OPEN tasks that the hub holds for a host of this name. */
function heldBy(slot: string, { hosts, tasks }: HubState): number[] {
  const id = hosts.find((host) => host.name === slot)?.id;
  return tasks
    .filter((task) => isActive(task))
    .filter((task) => id !== undefined && task.host_id === id)
    .map((task) => task.id);
}

/** The world a moment later: every launch has become an instance of its first offering. */
function afterLaunches(world: World, decision: Decision): World {
  const born = launchesOf(decision).map((launch) =>
    makeInstance({
      instanceId: `i-new-${launch.slot}`,
      state: "pending",
      launchedAt: NOW,
      slot: launch.slot,
      profile: launch.profile,
      checkInAfter: launch.checkInAfter,
      launch: launch.token,
      ...launch.offerings[0],
    }),
  );
  const instances = [...instancesOf(world.snapshot), ...born];
  return { ...world, memory: decision.memory, snapshot: { ...world.snapshot, ec2: { kind: "seen", instances } } };
}

describe(`every decision (TOJI_SEED=${SEED})`, () => {
  it("is made, whatever it is given, is the same each time, and changes nothing it was given", () => {
    holds(anyWorld(), (world) => {
      deepFreeze(world);
      expect(decideIn(world)).toEqual(decideIn(world));
    });
  });

  it("does not depend on the order in which EC2 lists instances", () => {
    holds(anyWorld(true), (world) => {
      const turned = { kind: "seen", instances: instancesOf(world.snapshot).toReversed() } as const;
      const { changes, keep } = decideIn(world);
      const other = decideIn({ ...world, snapshot: { ...world.snapshot, ec2: turned } });
      expect({ changes: other.changes, keep: other.keep }).toEqual({ changes, keep });
    });
  });

  it("changes nothing, and says so, when the hub or EC2 could not be seen", () => {
    holds(anyWorld(), (world) => {
      if (world.snapshot.hub.seen && world.snapshot.ec2.kind !== "failed") return;
      const decision = decideIn(world);
      expect(decision.changes).toEqual([]);
      expect(decision.notes[0]).toMatch(/^no change: ./);
    });
  });

  it("has one sentence for each slot that holds something, and none twice", () => {
    holds(anyWorld(), (world) => {
      const decision = decideIn(world);
      const said = [...decision.changes.map((change) => change.slot), ...decision.keep.map((each) => each.builder)];
      expect(said.toSorted()).toEqual([...new Set(said)].toSorted());
      expect(said).toEqual(expect.arrayContaining(decision.builders.map((builder) => builder.slot)));
      for (const { reason } of [...decision.changes, ...decision.keep]) expect(reason).toMatch(/^\S.{5,}[^.\s]$/);
    });
  });

  it("orders the changes so that capacity comes first and goes last", () => {
    const order = [
      "adopt",
      "enable",
      "cancel-drain",
      "free-tasks",
      "enable-lost",
      "disable-lost",
      "launch",
      "drain",
      "terminate",
    ];
    holds(anyWorld(), (world) => {
      const ranks = decideIn(world).changes.map((change) => order.indexOf(change.kind));
      expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
      expect(ranks).not.toContain(-1);
    });
  });
});

describe("launches", () => {
  it("stay within the profile's max, the budget and the pace, whichever offering EC2 gives", () => {
    holds(anyWorld(true), ({ site, snapshot, memory }) => {
      const launches = launchesOf(decide(snapshot, site, memory, NOW));
      if (launches.length === 0) return;
      const { budget, profiles, maxLaunchesPerPass } = site.builders;
      const live = instancesOf(snapshot).filter(isLive);
      const costs = live.map((each) => instanceCost(each, site));
      const most = launches.map((launch) => {
        const profile = profiles.find((each) => each.name === launch.profile);
        if (profile === undefined) throw new Error(`no profile ${launch.profile}`);
        return worstCase(launch.offerings, profile);
      });
      const sum = (numbers: number[]) => numbers.reduce((total, each) => total + each, 0);
      expect(launches.length).toBeLessThanOrEqual(maxLaunchesPerPass);
      expect(live.length + launches.length).toBeLessThanOrEqual(budget.maxInstances);
      expect(sum([...costs, ...most].map((each) => each.vcpus))).toBeLessThanOrEqual(budget.maxVcpus);
      const dollars = sum([...costs.map((each) => each.pricePerHour), ...most.map((each) => each.dollarsPerHour)]);
      expect(dollars).toBeLessThanOrEqual(budget.dollarsPerHour + 1e-4);
      for (const profile of profiles) {
        const own = new Set(slotNames(profile.slots));
        const count = live.filter((each) => each.slot !== null && own.has(each.slot)).length;
        const more = launches.filter((launch) => launch.profile === profile.name).length;
        if (more > 0) expect(count + more).toBeLessThanOrEqual(profile.max ?? profile.slots.count);
      }
    });
  });

  it("go only into slots without instance, and without task and enabled host unless a builder was lost there", () => {
    holds(anyWorld(true), (world) => {
      const state = stateOf(world.snapshot);
      for (const launch of launchesOf(decideIn(world))) {
        const profile = world.site.builders.profiles.find((each) => each.name === launch.profile);
        expect(profile === undefined ? [] : slotNames(profile.slots)).toContain(launch.slot);
        expect(instancesOf(world.snapshot).filter((each) => isLive(each) && each.slot === launch.slot)).toEqual([]);
        expect(state.hosts.find((host) => host.name === launch.slot)?.enabled ?? false).toBe(launch.intoLost);
        expect(heldBy(launch.slot, state).length > 0).toBe(launch.intoLost);
        if (launch.intoLost) expect(world.site.hub.admin).toBe(false);
        expect(launch.checkInAfter).toBe(state.hosts.find((host) => host.name === launch.slot)?.update_ts ?? null);
      }
    });
  });

  it("try offerings of their profile that did not fail lately, one market after the other", () => {
    holds(anyWorld(true), (world) => {
      const down = new Set(world.memory.failedOfferings.filter((each) => each.until > NOW).map(offeringKey));
      for (const { offerings, profile } of launchesOf(decideIn(world))) {
        expect(offerings.length).toBeGreaterThan(0);
        const markets = offerings.map((each) => each.market);
        expect(markets).toEqual([...new Set(markets)].flatMap((market) => markets.filter((each) => each === market)));
        for (const offering of offerings) {
          expect(down.has(offeringKey(offering))).toBe(false);
          const known = world.site.builders.profiles.find((each) => each.name === profile)?.offerings;
          const match = known?.find((each) => each.instanceType === offering.instanceType);
          expect(match?.markets).toContain(offering.market);
        }
      }
    });
  });

  it("have a token of their own: the same for the same world, another once the slot had another instance", () => {
    holds(anyWorld(true), (world) => {
      const launches = launchesOf(decideIn(world));
      expect(new Set(launches.map((launch) => launch.token)).size).toBe(launches.length);
      for (const { slot, token } of launches) {
        const lastInstance = { ...world.memory.lastInstance, [slot]: "i-that-ended" };
        const memory = { ...world.memory, lastInstance, launched: {} };
        const known = instancesOf(world.snapshot).filter((each) => each.slot !== slot);
        const snapshot = { ...world.snapshot, ec2: { kind: "seen", instances: known } } as const;
        const again = launchesOf(decideIn({ ...world, memory, snapshot })).find((launch) => launch.slot === slot);
        if (again !== undefined) expect(again.token).not.toBe(token);
      }
    });
  });

  it("are not repeated once their instances are there", () => {
    // One profile: with several, the hub may spread tasks over builders that were meant for others.
    const worlds = anySite
      .filter((site) => site.builders.profiles.length === 1)
      .map((site) => ({ ...site, builders: { ...site.builders, maxLaunchesPerPass: 100 } }))
      .chain((site) => worldOf(site, true));
    holds(worlds, (world) => {
      const first = decideIn(world);
      // What the budget put aside for the dearest offering comes free, and may serve what was blocked.
      if (launchesOf(first).length === 0 || first.notes.some((note) => note.startsWith("no launch"))) return;
      expect(launchesOf(decideIn(afterLaunches(world, first)))).toEqual([]);
    });
  });

  it("come to an end, however many passes the queue stays as it is", () => {
    holds(
      anyWorld(true),
      (world) => {
        let current = world;
        for (let pass = 0; pass < 20; pass++) {
          const decision = decideIn(current);
          if (launchesOf(decision).length === 0) return;
          current = afterLaunches(current, decision);
        }
        expect("launches go on").toBe("launches end");
      },
      100,
    );
  });
});

describe("builders with work", () => {
  it("are never disabled or terminated", () => {
    holds(anyWorld(true), (world) => {
      for (const change of decideIn(world).changes) {
        const held = heldBy(change.slot, stateOf(world.snapshot));
        // What never checked in has opened nothing: the tasks are those of the builder that was lost there.
        if (change.kind === "terminate" && !change.neverCheckedIn) expect(held).toEqual([]);
        if (change.kind === "disable-lost") expect(held).toEqual([]);
      }
    });
  });

  it("are drained only to be replaced, with nothing on them that a disabled builder would not end", () => {
    holds(anyWorld(true), (world) => {
      const state = stateOf(world.snapshot);
      for (const change of decideIn(world).changes) {
        if (change.kind !== "drain") continue;
        const held = heldBy(change.slot, state);
        if (held.length === 0) continue;
        expect(change.forGood).toBe(true);
        expect(state.tasks.filter((task) => held.includes(task.id) && task.state !== TASK_STATE.OPEN)).toEqual([]);
      }
    });
  });
});

describe("builders", () => {
  it("are enabled only when a kojid has checked in since their launch, and never against a person", () => {
    holds(anyWorld(true), (world) => {
      const state = stateOf(world.snapshot);
      for (const change of decideIn(world).changes) {
        if (change.kind !== "enable") continue;
        const instance = instancesOf(world.snapshot).find((each) => each.instanceId === change.instanceId);
        const host = state.hosts.find((each) => each.name === change.slot);
        expect(instance).toMatchObject({ state: "running", slot: change.slot, enabledAt: null });
        expect(host?.update_ts ?? null).not.toBe(instance?.checkInAfter);
        expect(host?.update_ts ?? 0).toBeGreaterThanOrEqual((instance?.launchedAt ?? 0) - 5);
      }
    });
  });

  it("are terminated only when disabled, after a drain or a boot that took too long", () => {
    holds(anyWorld(true), (world) => {
      const state = stateOf(world.snapshot);
      for (const change of decideIn(world).changes) {
        if (change.kind !== "terminate") continue;
        const instance = instancesOf(world.snapshot).find((each) => each.instanceId === change.instanceId);
        if (instance === undefined) throw new Error(`${change.instanceId} is none of the instances`);
        const host = state.hosts.find((each) => each.name === change.slot);
        if (change.neverCheckedIn) expect(hasCheckedIn(instance, host ?? null, 0)).toBe(false);
        if (heldBy(change.slot, state).length === 0) expect(host?.enabled ?? false).toBe(false);
        const drained =
          NOW - (instance.drainingAt ?? NOW) >= state.options.runInterval + world.site.builders.pollSeconds;
        const bootedTooLong = NOW - instance.launchedAt > world.site.builders.bootLimitSeconds;
        expect(instance.pinned).toBe(false);
        expect(drained || bootedTooLong || instance.drainNow).toBe(true);
      }
    });
  });

  it("that EC2 or a person ended, or that carry no slot of ours, are never named by a change", () => {
    holds(anyWorld(true), (world) => {
      const known = new Set([
        ...world.site.builders.profiles.flatMap((profile) => slotNames(profile.slots)),
        ...instancesOf(world.snapshot).flatMap((each) => (each.slot ? [each.slot] : [])),
      ]);
      for (const change of decideIn(world).changes) {
        expect(known).toContain(change.slot);
        if (!("instanceId" in change) || change.instanceId === null) continue;
        const instance = instancesOf(world.snapshot).find((each) => each.instanceId === change.instanceId);
        expect(instance?.slot).toBe(change.slot);
        expect(["shutting-down", "terminated"]).not.toContain(instance?.state);
      }
    });
  });
});

describe("tasks", () => {
  it("that nothing serves are named once each, are FREE, and have a reason", () => {
    holds(anyWorld(true), (world) => {
      const { unserved } = decideIn(world);
      const states = new Map(stateOf(world.snapshot).tasks.map((task) => [task.id, task.state]));
      expect(new Set(unserved.map((each) => each.taskId)).size).toBe(unserved.length);
      for (const { taskId, reason } of unserved) {
        expect(states.get(taskId)).toBe(TASK_STATE.FREE);
        expect(reason).toMatch(/^\S.{5,}[^.\s]$/);
      }
    });
  });

  it("of a hub without any builder are launched for, blocked with a note, or named as unserved", () => {
    holds(anyWorld(true), (world) => {
      const state = { ...stateOf(world.snapshot), hosts: [], refusals: [] };
      const hub = { ...world.snapshot.hub, state } as Snapshot["hub"];
      const memory = { ...world.memory, launched: {} };
      const snapshot = { ...world.snapshot, hub, ec2: { kind: "seen", instances: [] } } as const;
      const decision = decideIn({ ...world, memory, snapshot });
      const waiting = state.tasks.filter((task) => task.state === TASK_STATE.FREE).length - decision.unserved.length;
      const blocked = decision.notes.some((note) => /^no launch for \d+ more task/.test(note));
      const served = launchesOf(decision).some(isForQueue);
      expect(blocked || served).toBe(waiting > 0);
    });
  });

  it("that the hub will never give to anybody make the forecast launch nothing, nor do those that have ended", () => {
    holds(anyWorld(true), (world) => {
      const state = stateOf(world.snapshot);
      const isOver = ({ state: each }: Task) => each !== TASK_STATE.FREE && !isActive({ state: each });
      const isStuck = (task: Task) => task.state === TASK_STATE.FREE && task.host_id !== null;
      const tasks = state.tasks.filter((task) => isOver(task) || isStuck(task));
      const hub = { ...world.snapshot.hub, state: { ...state, tasks } } as Snapshot["hub"];
      const memory = { ...world.memory, forecast: NO_FORECAST };
      const launches = launchesOf(decideIn({ ...world, memory, snapshot: { ...world.snapshot, hub } }));
      expect(launches.filter(isForForecast)).toEqual([]);
    });
  });
});
