// The operator's hand: holds, pins, drain-now, a new image, a slot less; and what is left lying about.

import { CreateTagsCommand, DeleteTagsCommand } from "@aws-sdk/client-ec2";
import { openStore } from "../../../shared/aws/store.ts";
import type { Profile } from "../../../shared/config/index.ts";
import { addHold, changeHand, type Hold, releaseHold, TAG } from "../../../shared/fleet/index.ts";
import type { Hand } from "../../../shared/fleet/types.ts";
import { BUCKET } from "../constants.ts";
import type { World } from "../world.ts";
import { type FaultKind, pickRunning } from "./kind.ts";

/** As `toji fleet hold` and `release` do. */
function changeHolds(world: World, change: (hand: Hand) => Hand): void {
  const store = openStore(world.aws.clients, BUCKET);
  world.clock.after(0, () => changeHand(store, world.clock.now(), change));
}

function tag(world: World, instanceId: string, Key: string): void {
  const command = new CreateTagsCommand({ Resources: [instanceId], Tags: [{ Key, Value: "a person's wish" }] });
  world.clock.after(0, () => world.aws.ec2.send(command).catch(() => {}));
}

function untag(world: World, instanceId: string, Key: string): void {
  const command = new DeleteTagsCommand({ Resources: [instanceId], Tags: [{ Key }] });
  world.clock.after(0, () => world.aws.ec2.send(command).catch(() => {}));
}

function deployProfiles(world: World, change: (profile: Profile) => Profile): void {
  const { builders, ...rest } = world.site;
  world.deploy({ ...rest, builders: { ...builders, profiles: builders.profiles.map(change) } });
}

export const HAND_FAULTS: readonly FaultKind[] = [
  {
    name: "a person holds the fleet or a profile",
    seconds: [120, 2400],
    begin(world, random, took) {
      const names = world.site.builders.profiles.map((each) => each.name);
      const profile = random.pick([null, ...names]);
      const hold: Hold = { profile, since: world.clock.now(), by: "ann", reason: "an upgrade", until: null };
      took();
      world.trace.add(`a person holds ${profile ?? "the fleet"}`);
      changeHolds(world, (hand) => addHold(hand, hold));
      return () => changeHolds(world, (hand) => releaseHold(hand, profile));
    },
  },
  {
    name: "a person pins a builder",
    seconds: [120, 2400],
    begin(world, random, took) {
      const victim = pickRunning(world, random);
      if (victim === undefined) return "later";
      took();
      world.trace.add(`a person pins ${victim.instanceId} ${victim.tags[TAG.slot] ?? ""}`);
      world.invariants.hand.onPin(victim.instanceId);
      tag(world, victim.instanceId, TAG.pin);
      return () => untag(world, victim.instanceId, TAG.pin);
    },
  },
  {
    name: "a person wants a builder drained now",
    begin(world, random, took) {
      const victim = pickRunning(world, random);
      if (victim === undefined) return "later";
      took();
      world.trace.add(`a person wants ${victim.instanceId} ${victim.tags[TAG.slot] ?? ""} drained`);
      tag(world, victim.instanceId, TAG.drainNow);
      return undefined;
    },
  },
  {
    name: "a new image is deployed",
    begin(world, random, took) {
      const imageId = random.pick(["ami-0b", "ami-0c", "ami-0d"]);
      took();
      world.trace.add(`${imageId} is deployed`);
      deployProfiles(world, (profile) => ({ ...profile, imageId }));
      return undefined;
    },
  },
  {
    name: "a slot leaves the config",
    begin(world, random, took) {
      const { name, slots, min } = random.pick(world.site.builders.profiles);
      if (slots.count <= Math.max(2, min + 1)) return "later";
      took();
      world.trace.add(`${name} has ${slots.count - 1} slots from now on`);
      deployProfiles(world, (profile) => {
        if (profile.name !== name) return profile;
        const count = profile.slots.count - 1;
        return { ...profile, slots: { ...profile.slots, count }, max: Math.min(profile.max ?? count, count) };
      });
      return undefined;
    },
  },
  {
    name: "volume and interface outlive their instance",
    begin(world, random, took) {
      const victim = pickRunning(world, random);
      if (victim === undefined) return "later";
      took();
      world.aws.ec2.leavePartsBehind(victim.instanceId);
      return undefined;
    },
  },
];
