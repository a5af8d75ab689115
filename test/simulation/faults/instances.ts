// What happens to machines and builders: bad boots, persons, the spot market, kojid itself.

import { isOffline } from "../../../sandbox/world/hub/index.ts";
import { TAG } from "../../../shared/fleet/index.ts";
import { chance } from "../draw.ts";
import type { BootFate } from "../weather.ts";
import type { World } from "../world.ts";
import { type FaultKind, pickRunning } from "./kind.ts";

/** The next boot, or the next few, go wrong this way. */
function badBoot(name: string, fateOf: (seconds: number) => BootFate): FaultKind {
  return {
    name,
    seconds: [60, 1500],
    begin(world, random, took) {
      let left = random.pick([1, 1, 2]);
      return world.weather.boots.add(() => {
        if (left <= 0) return null;
        left -= 1;
        took();
        return fateOf(random.between(0, 150));
      });
    },
  };
}

/** What a person does on the hub waits until the hub is there. */
function onHub(world: World, act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!isOffline(error)) throw error;
    world.clock.after(60, () => onHub(world, act));
  }
}

function spotEnd(name: string, warningSeconds: number, announced: boolean): FaultKind {
  return {
    name,
    begin(world, random, took) {
      const victim = pickRunning(world, random, ({ market }) => market === "spot");
      if (victim === undefined) return "later";
      took();
      if (!announced) world.unannounced.add(victim.instanceId);
      world.trace.add(`spot market: takes ${victim.instanceId} in ${warningSeconds} s`);
      world.aws.ec2.spotInterrupt(victim.instanceId, { warningSeconds });
      return undefined;
    },
  };
}

function person(name: string, act: (world: World, instanceId: string) => void): FaultKind {
  return {
    name,
    begin(world, random, took) {
      const victim = pickRunning(world, random);
      if (victim === undefined) return "later";
      took();
      world.trace.add(`${name}: ${victim.instanceId} ${victim.tags[TAG.slot] ?? ""}`);
      act(world, victim.instanceId);
      return undefined;
    },
  };
}

export const INSTANCE_FAULTS: readonly FaultKind[] = [
  badBoot("instance never boots", () => "never-boots"),
  badBoot("instance boots without network", () => "never-checks-in"),
  badBoot("instance checks in and dies", (seconds) => ({ diesAfterSeconds: seconds })),
  badBoot("instance with a full disk", () => "disk-full"),
  person("person terminates an instance", (world, id) => world.aws.ec2.terminateByPerson(id)),
  person("kojid killed for good", (world, id) => world.kojidOf(id)?.kill()),
  spotEnd("spot end, announced in time", 120, true),
  spotEnd("spot end, announced late", 30, true),
  spotEnd("spot end, never announced", 0, false),
  {
    name: "rebalance recommendation",
    begin(world, random, took) {
      const victim = pickRunning(world, random, ({ market }) => market === "spot");
      if (victim === undefined) return "later";
      took();
      world.lambda.publish("EC2 Instance Rebalance Recommendation", { "instance-id": victim.instanceId });
      return undefined;
    },
  },
  {
    name: "person stops an instance, starts or ends it later",
    seconds: [120, 2400],
    begin(world, random, took) {
      const victim = pickRunning(world, random, ({ market }) => market === "on-demand");
      if (victim === undefined) return "later";
      took();
      world.trace.add(`a person stops ${victim.instanceId} ${victim.tags[TAG.slot] ?? ""}`);
      world.aws.ec2.stopInstance(victim.instanceId);
      const starts = chance(random, 0.5);
      const undo = () => {
        const now = world.live().find((each) => each.instanceId === victim.instanceId);
        if (now?.state === "stopping") world.clock.after(30, undo);
        if (now?.state !== "stopped") return;
        if (starts) world.aws.ec2.startInstance(victim.instanceId);
        else world.aws.ec2.terminateByPerson(victim.instanceId);
      };
      return undo;
    },
  },
  {
    name: "person terminates everything idle",
    begin(world, _random, took) {
      for (const { instanceId, tags, state } of world.live()) {
        if (state !== "running" || world.invariants.tasksOf(tags[TAG.slot] ?? "").length > 0) continue;
        took();
        world.aws.ec2.terminateByPerson(instanceId);
      }
      return undefined;
    },
  },
  {
    name: "person deletes an instance's tags",
    begin(world, random, took) {
      const victim = pickRunning(world, random);
      if (victim === undefined) return "later";
      took();
      world.trace.add(`a person deletes the tags of ${victim.instanceId}`);
      world.invariants.tagsLostAt.set(victim.tags[TAG.slot] ?? "", world.clock.now());
      world.aws.ec2.deleteAllTags(victim.instanceId);
      return undefined;
    },
  },
  {
    name: "person disables a host for a while",
    seconds: [120, 2400],
    begin(world, random, took) {
      if (world.hub.settings.offline !== null || world.hub.settings.lockOut) return "later";
      const victim = pickRunning(world, random);
      const slot = victim?.tags[TAG.slot];
      if (victim === undefined || slot === undefined || world.invariants.hostOf(slot)?.enabled !== true) return "later";
      took();
      world.trace.add(`a person disables ${slot}`);
      world.hub.as("kojiadmin").disableHost(slot);
      world.invariants.hand.onDisable(slot, victim.instanceId);
      return () => {
        world.invariants.hand.onGivenBack(slot);
        world.trace.add(`a person enables ${slot}`);
        onHub(world, () => world.hub.as("kojiadmin").enableHost(slot));
      };
    },
  },
  {
    name: "kojid hangs",
    seconds: [60, 2400],
    begin(world, random, took) {
      const victim = pickRunning(world, random, ({ instanceId }) => world.kojidOf(instanceId)?.state === "running");
      const kojid = victim && world.kojidOf(victim.instanceId);
      if (kojid === undefined) return "later";
      took();
      world.trace.add(`kojid of ${kojid.hostName} hangs`);
      kojid.hang();
      return () => kojid.resume();
    },
  },
  {
    name: "kojid restarts",
    begin(world, random, took) {
      const victim = pickRunning(world, random, ({ instanceId }) => world.kojidOf(instanceId)?.state === "running");
      const kojid = victim && world.kojidOf(victim.instanceId);
      if (kojid === undefined || world.invariants.hostOf(kojid.hostName) === undefined) return "later";
      if (world.hub.settings.offline !== null || world.hub.settings.lockOut) return "later";
      // Another login with its name takes its session: it exits, and systemd starts it again.
      world.hub.connectBuilder(kojid.hostName);
      took();
      world.trace.add(`kojid of ${kojid.hostName} loses its session${chance(random, 0.5) ? "" : " again"}`);
      return undefined;
    },
  },
];
