// Drains, losses and outages that are cut off anywhere: builders go as they should, and no task is left behind.

import { expect } from "vitest";
import { HubOffline } from "../../shared/hub/index.ts";
import { CLOSED, OPEN, serving, taskStates, tell } from "./fakes/stories.ts";
import { makeProfile } from "./world.ts";

tell([
  {
    name: "an idle builder's way out",
    site: { profiles: [makeProfile({ slots: { prefix: "b", count: 1 } })] },
    minutes: 20,
    begin: (world) => void world.addServing("b-01"),
    end(world) {
      expect(world.ec2.live()).toEqual([]);
      expect(world.hub.host("b-01").enabled).toBe(false);
    },
  },
  {
    name: "a builder's whole life, and the next one's in the same slot",
    site: { profiles: [makeProfile({ slots: { prefix: "b", count: 1 } })] },
    minutes: 45,
    begin: (world) => void world.hub.addTask({ create_ts: world.clock.now() }),
    at: (minute, world) => minute === 22 && world.hub.addTask({ create_ts: world.clock.now() }),
    end(world) {
      expect(taskStates(world)).toEqual([CLOSED, CLOSED]);
      expect(world.ec2.live()).toEqual([]);
    },
  },
  {
    name: "a builder that somebody terminates while it works",
    site: { profiles: [makeProfile({ slots: { prefix: "b", count: 1 } })] },
    minutes: 60,
    begin(world) {
      world.addServing("b-01");
      world.addOutsider();
      world.hub.addTask({ create_ts: world.clock.now(), state: OPEN, host_id: 1, start_ts: world.clock.now() });
    },
    at(minute, world) {
      const victim = world.ec2.instances[0];
      if (minute === 1 && victim !== undefined) world.ec2.become(victim, "shutting-down");
    },
    end: (world) => expect(taskStates(world)).toEqual([CLOSED]),
  },
  {
    name: "the same where Toji may free tasks",
    site: { hub: { admin: true }, profiles: [makeProfile({ slots: { prefix: "b", count: 1 } })] },
    minutes: 40,
    begin(world) {
      world.addServing("b-01");
      world.hub.addTask({ create_ts: world.clock.now(), state: OPEN, host_id: 1, start_ts: world.clock.now() });
    },
    at(minute, world) {
      const victim = world.ec2.instances[0];
      if (minute === 1 && victim !== undefined) world.ec2.become(victim, "shutting-down");
    },
    end: (world) => expect(taskStates(world)).toEqual([CLOSED]),
  },
  {
    name: "the loss of the only builder there is, with nobody left to poll",
    site: { profiles: [makeProfile({ slots: { prefix: "b", count: 2 } })] },
    minutes: 60,
    begin(world) {
      world.addServing("b-01");
      world.hub.addTask({ create_ts: world.clock.now(), state: OPEN, host_id: 1, start_ts: world.clock.now() });
    },
    at(minute, world) {
      const victim = world.ec2.instances[0];
      if (minute === 1 && victim !== undefined) world.ec2.become(victim, "shutting-down");
    },
    end(world) {
      expect(taskStates(world)).toEqual([CLOSED]);
      expect(world.ec2.live()).toEqual([]);
    },
  },
  {
    name: "work that comes just as a builder is drained",
    site: { profiles: [makeProfile({ slots: { prefix: "b", count: 1 } })] },
    minutes: 25,
    begin(world) {
      world.addServing("b-01");
      world.taskSeconds = 60;
      // Idle from the first pass on, it is drained in the one at 180 s.
      for (const seconds of [185, 200]) world.after(seconds, () => world.hub.addTask({ create_ts: world.clock.now() }));
    },
    end(world) {
      expect(taskStates(world)).toEqual([CLOSED, CLOSED]);
      expect(world.ec2.instances).toHaveLength(1);
    },
  },
  {
    name: "a kojid that dies while its builder is drained and still has work",
    site: { profiles: [makeProfile({ slots: { prefix: "b", count: 2 } })] },
    minutes: 60,
    begin(world) {
      const now = world.clock.now();
      const instance = world.addServing("b-01");
      instance.tags.set("toji:draining-at", String(now - 60));
      world.deaf.add(instance.id);
      world.hub.host("b-01").enabled = false;
      world.hub.addTask({ create_ts: now - 100, state: OPEN, host_id: 1, start_ts: now - 90 });
    },
    end(world) {
      expect(taskStates(world)).toEqual([CLOSED]);
      expect(world.ec2.live()).toEqual([]);
    },
  },
  {
    name: "a drain that EC2 will not finish at first",
    site: { profiles: [makeProfile({ slots: { prefix: "b", count: 1 } })] },
    minutes: 30,
    begin(world) {
      world.addServing("b-01");
      world.ec2.protectedUntil = world.clock.now() + 600;
    },
    end: (world) => expect(world.ec2.live()).toEqual([]),
  },
  {
    name: "a builder that is short of disk, with work waiting for it",
    site: { profiles: [makeProfile({ slots: { prefix: "b", count: 1 } })] },
    minutes: 40,
    begin(world) {
      world.unready.add(world.addServing("b-01").id);
      world.hub.addTask({ create_ts: world.clock.now() });
    },
    end: (world) => expect(taskStates(world)).toEqual([CLOSED]),
  },
  {
    name: "a hub that is away for ten minutes while two builders keep the floor",
    site: { profiles: [makeProfile({ min: 2, slots: { prefix: "b", count: 4 } })] },
    minutes: 25,
    begin(world) {
      world.addServing("b-01");
      world.addServing("b-02");
      world.after(185, () => {
        world.hub.away = new HubOffline("back soon");
      });
      world.after(785, () => {
        world.hub.away = null;
      });
    },
    end(world) {
      expect(world.ec2.instances).toHaveLength(2);
      expect(serving(world)).toEqual(["b-01", "b-02"]);
    },
  },
]);
