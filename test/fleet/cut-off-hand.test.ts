// What persons and EC2 do to builders, with the passes after it cut off anywhere: it ends as they meant it.

import { expect } from "vitest";
import { HAND_KEY } from "../../shared/fleet/hand.ts";
import type { FakeInstance } from "./fakes/ec2.ts";
import { type FleetWorld, userDataOf } from "./fakes/fleet-world.ts";
import { CLOSED, OPEN, serving, taskStates, tell } from "./fakes/stories.ts";
import { makeProfile } from "./world.ts";

const one = { profiles: [makeProfile({ slots: { prefix: "b", count: 1 } })] };

/** A builder that serves, with one task open on it. */
function addBusy(world: FleetWorld): FakeInstance {
  const instance = world.addServing("b-01");
  const now = world.clock.now();
  world.hub.addTask({ create_ts: now - 60, state: OPEN, host_id: 1, start_ts: now - 30 });
  return instance;
}

const tagKeys = (world: FleetWorld) => world.ec2.live().map((each) => [...each.tags.keys()].sort());

tell([
  {
    name: "a builder at work that somebody takes all tags from",
    site: one,
    minutes: 8,
    begin(world) {
      world.taskSeconds = 1e6;
      const instance = addBusy(world);
      world.after(70, () => instance.tags.clear());
    },
    end(world) {
      expect(world.ec2.instances).toHaveLength(1);
      expect(tagKeys(world)[0]).toEqual(expect.arrayContaining(["toji:enabled-at", "toji:fleet", "toji:slot"]));
      expect(taskStates(world)).toEqual([OPEN]);
    },
  },
  {
    name: "a builder that boots while somebody takes all tags from it",
    site: one,
    minutes: 12,
    begin(world) {
      world.taskSeconds = 1e6;
      world.hub.addTask({ create_ts: world.clock.now() });
      world.after(65, () => world.ec2.instances[0]?.tags.clear());
    },
    end(world) {
      expect(world.ec2.instances).toHaveLength(1);
      expect(taskStates(world)).toEqual([OPEN]);
    },
  },
  {
    name: "a builder that a person wants gone, in the middle of its work, at the floor",
    site: { profiles: [makeProfile({ min: 1, slots: { prefix: "b", count: 2 } })] },
    minutes: 30,
    begin(world) {
      world.taskSeconds = 600;
      addBusy(world).tags.set("toji:drain-now", "a disk that sounds odd");
    },
    end(world) {
      expect(taskStates(world)).toEqual([CLOSED]);
      expect(world.ec2.live().map((each) => each.id)).toEqual(["i-2"]);
    },
  },
  {
    name: "a builder that a person has pinned",
    site: one,
    minutes: 20,
    begin: (world) => void world.addServing("b-01").tags.set("toji:pin", "benchmarks"),
    end: (world) => expect(serving(world)).toEqual(["b-01"]),
  },
  {
    name: "a builder that a person pins while it is drained",
    site: one,
    minutes: 20,
    begin(world) {
      const instance = world.addServing("b-01");
      world.after(200, () => instance.tags.set("toji:pin", "wait"));
    },
    end: (world) => expect(serving(world)).toEqual(["b-01"]),
  },
  {
    name: "two builders of an old image, one of them at work",
    site: { profiles: [makeProfile({ min: 2, slots: { prefix: "b", count: 2 } })] },
    minutes: 60,
    begin(world) {
      world.taskSeconds = 900;
      addBusy(world).image = "ami-old";
      world.addServing("b-02").image = "ami-old";
    },
    end(world) {
      expect(taskStates(world)).toEqual([CLOSED]);
      expect(world.ec2.live().map((each) => each.image)).toEqual(["ami-0a", "ami-0a"]);
    },
  },
  {
    name: "a builder whose slot has left the config",
    site: one,
    minutes: 25,
    begin(world) {
      const other = world.addServing("b-01");
      other.tags.set("toji:slot", "old-01").set("toji:profile", "old");
      other.userData = userDataOf("old-01");
      Object.assign(world.hub.host("b-01"), { name: "old-01" });
    },
    end(world) {
      expect(world.ec2.live()).toEqual([]);
      expect(world.hub.hosts.map(({ name, enabled }) => ({ name, enabled }))).toEqual([
        { name: "old-01", enabled: false },
      ]);
    },
  },
  {
    name: "a spot builder that EC2 takes back with work on it",
    site: { profiles: [makeProfile({ slots: { prefix: "b", count: 2 } })] },
    minutes: 45,
    begin(world) {
      const victim = addBusy(world);
      const now = world.clock.now();
      world.after(70, () => victim.tags.set("toji:spot-notice-at", String(now + 70)));
      // Its watcher stops kojid, which gives the tasks back and says that it is not ready.
      world.after(80, () => {
        world.deaf.add(victim.id);
        world.hub.host("b-01").ready = false;
        for (const task of world.hub.heldBy("b-01")) Object.assign(task, { state: 0, host_id: null });
      });
      world.after(190, () => world.ec2.become(victim, "shutting-down"));
    },
    end(world) {
      const [taken, next] = world.ec2.instances;
      expect(taskStates(world)).toEqual([CLOSED]);
      // Launched before the other was gone, and from another pool than it.
      expect(next?.launchedAt ?? 0).toBeLessThan((taken?.launchedAt ?? 0) + 3600 + 190);
      expect(next?.subnet).not.toBe(taken?.subnet);
    },
  },
  {
    name: "a profile whose builders do not come up for half an hour",
    site: {
      builders: { bootLimitSeconds: 240, bootSeconds: 100, bootBreaker: { failures: 2, pauseSeconds: 600 } },
      profiles: [makeProfile({ slots: { prefix: "b", count: 2 } })],
    },
    minutes: 75,
    begin(world) {
      for (const id of ["i-1", "i-2", "i-3"]) world.deaf.add(id);
      world.hub.addTask({ create_ts: world.clock.now() });
    },
    end(world) {
      expect(taskStates(world)).toEqual([CLOSED]);
      expect(world.ec2.instances.length).toBeLessThanOrEqual(5);
    },
  },
  {
    name: "a fleet that a person holds for ten minutes",
    site: one,
    minutes: 30,
    begin(world) {
      world.addServing("b-01");
      const since = world.clock.now();
      const hold = { profile: null, since, by: "ann", reason: "an upgrade", until: since + 600 };
      world.store.objects.set(HAND_KEY, { text: JSON.stringify({ holds: [hold] }), etag: "1" });
    },
    at(minute, world) {
      if (minute < 10) expect(world.hub.host("b-01").enabled).toBe(true);
    },
    end: (world) => expect(world.ec2.live()).toEqual([]),
  },
]);
