// Which tasks a builder could be launched for at all, and the sentence for each that none could.

import { describe, expect, it } from "vitest";
import {
  builder,
  CHANNELS,
  decideOn,
  free,
  launchesOf,
  makeProfile,
  makeSite,
  NOW,
  type Scene,
  type TaskSpec,
  times,
} from "./world.ts";

const unserved = (task: TaskSpec, scene: Scene = {}) => {
  const decision = decideOn({ ...scene, tasks: [task] });
  expect(launchesOf(decision)).toEqual([]);
  return decision.unserved.map((each) => each.reason);
};
const launched = (task: TaskSpec, scene: Scene = {}) =>
  launchesOf(decideOn({ ...scene, tasks: [task] })).map((launch) => `${launch.profile} ${launch.slot}`);

const twoKinds = makeSite({
  profiles: [
    makeProfile({ arches: ["x86_64", "i386"] }),
    makeProfile({ name: "arm", arches: ["aarch64"], slots: { prefix: "a", count: 2 } }),
  ],
});

describe("a task is left alone, and the reason said, when", () => {
  it("the hub lists no such channel", () => {
    expect(unserved(free({ channel_id: 9 }))).toEqual(["the hub lists no channel with id 9"]);
  });

  it("its channel is disabled, whoever else serves it", () => {
    const site = makeSite({ profiles: [makeProfile({ channels: ["closed"] })] });
    const hosts = [{ name: "static", channels: [4] }];
    expect(unserved(free({ channel_id: 4 }), { site, hosts })).toEqual([
      "channel closed is disabled on the hub: nothing runs in it until an administrator enables it",
    ]);
  });

  it("no profile serves its channel", () => {
    expect(unserved(free({ channel_id: 3 }))).toEqual(["no profile serves channel image"]);
  });

  it("no profile of its channel has its arch", () => {
    expect(unserved(free({ arch: "s390x" }))).toEqual(["no profile of channel default has arch s390x"]);
  });

  it("it is of an arch that the hub would never ask for: the task of an i686 build says i386", () => {
    const site = makeSite({ profiles: [makeProfile({ arches: ["x86_64", "i386"] })] });
    expect(unserved(free({ arch: "i686" }), { site })).toEqual(["no profile of channel default has arch i686"]);
    expect(launched(free({ arch: "i386" }), { site })).toEqual(["x86 b-01"]);
  });

  it("its weight is more than any profile takes", () => {
    expect(unserved(free({ weight: 11.5, start_ts: NOW - 900 }))).toEqual([
      "weight 11.5 needs a capacity above 6.5, more than any profile for it has",
    ]);
    expect(launched(free({ weight: 10.9, start_ts: NOW - 900 }))).toEqual(["x86 b-01"]);
  });

  it("every slot that could run it has refused it", () => {
    const builders = { "b-01": builder.resting(), "b-02": builder.resting(), "b-03": builder.resting() };
    const refusals = ["b-01", "b-02", "b-03"].map((host) => ({ task: 1001, host }));
    expect(unserved(free(), { builders, refusals })).toEqual(["every slot that could run it has refused it"]);
  });

  it("it is FREE and still names a host, which the hub trips over", () => {
    const decision = decideOn({ builders: { "b-01": builder.serving() }, tasks: [{ on: "b-01", id: 7 }] });
    expect(decision.unserved).toEqual([
      {
        taskId: 7,
        method: "buildArch",
        channel: "default",
        arch: "x86_64",
        reason:
          "it is FREE but still names b-01, so the hub fails to assign it: an administrator must free or cancel it",
      },
    ]);
  });

  it("only hosts outside the pool serve it, and then it waits for them", () => {
    const hosts = [
      { name: "mainframe-1", arches: "s390x" },
      { name: "mainframe-2", arches: "s390x" },
      { name: "mainframe-3", arches: "s390x", enabled: false },
    ];
    // They are full: a task that they take at the next run needs no sentence.
    const full = hosts.map((host) => ({ ...host, capacity: 1.1, data: { maxjobs: 1 } }));
    const tasks = [
      ...full.slice(0, 2).map(({ name }) => ({ on: name, state: 1 as const, arch: "s390x" })),
      free({ id: 7, arch: "s390x" }),
    ];
    expect(decideOn({ hosts: full, tasks }).unserved.map((each) => each.reason)).toEqual([
      "no profile of channel default has arch s390x; it waits for the 2 enabled host(s) outside Toji's pool that serve it",
    ]);
    expect(decideOn({ hosts, tasks: [free({ arch: "s390x" })] }).unserved).toEqual([]);
  });
});

describe("methods and names that nobody has heard of", () => {
  it.each(["", "brewSake"])("do not disturb: a task with method %j is launched for", (method) => {
    expect(launched(free({ method }))).toEqual(["x86 b-01"]);
  });

  it.each(["f44-build", "constructor", "__proto__"])(
    "do not disturb: build tag %j is unknown and limits nothing",
    (tag) => {
      expect(launched(free({ arch: "noarch", method: "rebuildSRPM", build_tag: tag }))).toEqual(["x86 b-01"]);
    },
  );

  it("do not disturb: a package without a history has its method's weight", () => {
    expect(launched(free({ package: "toString" }))).toEqual(["x86 b-01"]);
  });

  it("appear with what is known of them where the hub has lost a channel", () => {
    const decision = decideOn({ tasks: [free({ channel_id: 9, method: "brewSake" })], channels: CHANNELS.slice(0, 1) });
    expect(decision.queue).toMatchObject([{ channel: "#9", arch: "x86_64", free: 1 }]);
    expect(decision.unserved).toMatchObject([{ method: "brewSake", channel: "#9" }]);
  });
});

describe("noarch tasks", () => {
  it("go to any profile of their channel", () => {
    expect(launched(free({ arch: "noarch", method: "build" }), { site: twoKinds })).toEqual(["x86 b-01"]);
  });

  it("that are built in a tag need a host with one of the tag's arches", () => {
    const lookups = { tagArches: { 11: { arches: ["aarch64"], at: NOW } } };
    const task = free({ arch: "noarch", method: "buildSRPMFromSCM", build_tag: 11 });
    expect(launched(task, { site: twoKinds, lookups })).toEqual(["arm a-01"]);
    expect(unserved(task, { lookups })).toEqual([
      "its build tag has only aarch64, and no profile of channel default has one of them",
    ]);
  });

  it("of an i686 tag run where i386 does", () => {
    const lookups = { tagArches: { 11: { arches: ["i686"], at: NOW } } };
    expect(launched(free({ arch: "noarch", build_tag: 11 }), { site: twoKinds, lookups })).toEqual(["x86 b-01"]);
  });

  it("are not counted on a coming builder that would refuse them", () => {
    const lookups = { tagArches: { 11: { arches: ["aarch64"], at: NOW } } };
    const builders = { "b-01": builder.booting() };
    const task = free({ arch: "noarch", build_tag: 11 });
    expect(launched(task, { site: twoKinds, lookups, builders })).toEqual(["arm a-01"]);
  });
});

describe("refusals", () => {
  const builders = { "b-01": builder.resting(), "b-02": builder.resting() };

  it("send the launch to a slot that has not refused", () => {
    expect(launched(free(), { builders, refusals: [{ task: 1001, host: "b-01" }] })).toEqual(["x86 b-02"]);
  });

  it("that are soft count until the hub forgets them", () => {
    const refusal = { task: 1001, host: "b-01", soft: true };
    expect(launched(free(), { builders, refusals: [{ ...refusal, ts: NOW - 899 }] })).toEqual(["x86 b-02"]);
    expect(launched(free(), { builders, refusals: [{ ...refusal, ts: NOW - 901 }] })).toEqual(["x86 b-01"]);
  });

  it("that are hard count as long as the task lives", () => {
    const refusals = [{ task: 1001, host: "b-01", ts: NOW - 90_000 }];
    expect(launched(free(), { builders, refusals })).toEqual(["x86 b-02"]);
  });

  it("of other tasks do not count", () => {
    expect(launched(free(), { builders, refusals: [{ task: 5, host: "b-01" }] })).toEqual(["x86 b-01"]);
  });

  it("keep a task from a serving builder, and another builder is launched for it", () => {
    const scene = { builders: { "b-01": builder.serving() }, refusals: [{ task: 1001, host: "b-01" }] };
    expect(launched(free(), scene)).toEqual(["x86 b-02"]);
  });
});

describe("the hub's window", () => {
  it("ends after 1,000 FREE tasks: what is behind it is not launched for, and the decision says so", () => {
    const elsewhere = times(1000, () => free({ arch: "s390x" }));
    const decision = decideOn({ tasks: [...elsewhere, free({ create_ts: NOW - 1 })] });
    expect(launchesOf(decision)).toEqual([]);
    expect(decision.unserved).toHaveLength(1000);
    expect(decision.notes).toEqual([
      "1001 tasks are FREE; the hub looks at the first 1000 only, and so does this decision",
    ]);
  });

  it("is filled by priority first, then by age", () => {
    const elsewhere = times(1000, () => free({ arch: "s390x" }));
    const urgent = decideOn({ tasks: [...elsewhere, free({ priority: 5, create_ts: NOW - 1 })] });
    const oldest = decideOn({ tasks: [...elsewhere, free({ create_ts: NOW - 4000 })] });
    expect([launchesOf(urgent).length, launchesOf(oldest).length]).toEqual([1, 1]);
  });
});
