// Launches that are cut off anywhere: the same builders come of them, and never two for one slot.

import { expect } from "vitest";
import { CANCELED, CLOSED, OPEN, serving, taskStates, tell } from "./fakes/stories.ts";
import { makeProfile } from "./world.ts";

tell([
  {
    name: "two launches into slots that the hub has never seen, up to builders at work",
    site: {
      profiles: [makeProfile({ channels: ["default", "createrepo"], capacity: 3, slots: { prefix: "b", count: 3 } })],
    },
    minutes: 20,
    begin(world) {
      world.taskSeconds = 1e6;
      for (let index = 0; index < 4; index++) world.hub.addTask({ create_ts: world.clock.now() });
    },
    end(world) {
      expect(world.ec2.live().map((each) => each.state)).toEqual(["running", "running"]);
      expect(taskStates(world)).toEqual([OPEN, OPEN, OPEN, OPEN]);
    },
  },
  {
    name: "a launch for which EC2 has no spot capacity and then an instance on demand",
    minutes: 15,
    begin(world) {
      world.taskSeconds = 1e6;
      world.hub.addTask({ create_ts: world.clock.now() });
      for (const subnet of ["subnet-0a", "subnet-0b"])
        world.ec2.refused.set(`m7a.xlarge ${subnet} spot`, "InsufficientInstanceCapacity");
    },
    end: (world) => expect(world.ec2.live().map((each) => each.market)).toEqual(["on-demand"]),
  },
  {
    name: "a launch for which EC2 has nothing at first",
    site: { profiles: [makeProfile({ slots: { prefix: "b", count: 1 } })] },
    minutes: 35,
    begin(world) {
      world.taskSeconds = 1e6;
      world.hub.addTask({ create_ts: world.clock.now() });
      for (const subnet of ["subnet-0a", "subnet-0b"])
        for (const market of ["spot", "on-demand"])
          world.ec2.refused.set(`m7a.xlarge ${subnet} ${market}`, "InsufficientInstanceCapacity");
    },
    at: (minute, world) => minute === 6 && world.ec2.refused.clear(),
    end: (world) => expect(serving(world)).toEqual(["b-01"]),
  },
  {
    name: "a boot that never comes to an end",
    site: { profiles: [makeProfile({ slots: { prefix: "b", count: 1 } })] },
    minutes: 40,
    begin(world) {
      world.taskSeconds = 1e6;
      world.hub.addTask({ create_ts: world.clock.now() });
      world.deaf.add("i-1");
    },
    end(world) {
      expect(world.ec2.live().map((each) => each.id)).toEqual(["i-2"]);
      expect(taskStates(world)).toEqual([OPEN]);
    },
  },
  {
    name: "a launch in a region that shows new instances late, with one zone full",
    site: { profiles: [makeProfile({ slots: { prefix: "b", count: 2 } })] },
    minutes: 12,
    begin(world) {
      world.taskSeconds = 1e6;
      world.ec2.listedAfterSeconds = 45;
      world.ec2.refused.set("m7a.xlarge subnet-0a spot", "InsufficientInstanceCapacity");
      world.hub.addTask({ create_ts: world.clock.now() });
    },
    end: (world) => expect(world.ec2.instances).toHaveLength(1),
  },
  {
    name: "a launch for work that is canceled at once, and half an hour later another for the same slot",
    site: { profiles: [makeProfile({ slots: { prefix: "b", count: 1 } })] },
    minutes: 60,
    begin(world) {
      const task = world.hub.addTask({ create_ts: world.clock.now() });
      world.after(1, () => {
        task.state = CANCELED;
      });
      world.after(2400, () => world.hub.addTask({ create_ts: world.clock.now() }));
    },
    end: (world) => expect(taskStates(world)).toEqual([CANCELED, CLOSED]),
  },
]);
