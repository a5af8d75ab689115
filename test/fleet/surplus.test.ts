// Which builders go when the queue does not need them, in which order, and why the others stay.

import { describe, expect, it } from "vitest";
import {
  assigned,
  builder,
  changeOf,
  decideOn,
  free,
  HOUR,
  idle,
  makeProfile,
  makeSite,
  NOW,
  open,
  type Scene,
  sentenceAbout,
  summary,
  type TaskSpec,
  times,
} from "./world.ts";

const one: Scene = { builders: { "b-01": builder.serving() } };
const three: Scene = {
  builders: { "b-01": builder.serving(), "b-02": builder.serving(), "b-03": builder.serving() },
};
const allIdle = (seconds: number) => idle(seconds, "b-01", "b-02", "b-03");

describe("an idle builder", () => {
  it("is drained once it has been idle for the hold time", () => {
    expect(sentenceAbout(decideOn(one, idle(149, "b-01")), "b-01")).toBe("idle 149 s, break-even is 150 s");
    const decision = decideOn(one, idle(150, "b-01"));
    expect(decision.changes).toEqual([
      {
        kind: "drain",
        slot: "b-01",
        instanceId: "i-b-01",
        forGood: false,
        reason: "idle 150 s, break-even is 150 s, and the queue has no task for it, saves $0.09 an hour",
      },
    ]);
  });

  it("is held for as long as its profile says", () => {
    const site = makeSite({ profiles: [makeProfile({ holdSeconds: 30 })] });
    expect(summary(decideOn({ ...one, site }, idle(30, "b-01")))).toEqual(["drain b-01"]);
  });

  it("counts as busy when Toji has forgotten its past", () => {
    expect(sentenceAbout(decideOn(one), "b-01")).toBe("idle 0 s, break-even is 150 s");
  });

  it("stays while the queue has a task for it", () => {
    const decision = decideOn({ ...one, tasks: [free()] }, idle(900, "b-01"));
    expect(sentenceAbout(decision, "b-01")).toBe("the queue has a task for it at the hub's next run");
  });

  it("stays for that task though a booting builder could take it: the hub does not wait", () => {
    // By the hub's rank the booting one, with the lower id, would come first.
    const scene: Scene = { builders: { "b-01": builder.booting(), "b-02": builder.serving() }, tasks: [free()] };
    expect(sentenceAbout(decideOn(scene, idle(900, "b-02")), "b-02")).toBe(
      "the queue has a task for it at the hub's next run",
    );
  });

  it("goes though the queue is full of tasks that it cannot run", () => {
    const decision = decideOn({ ...one, tasks: [free({ arch: "s390x" })] }, idle(900, "b-01"));
    expect(summary(decision)).toEqual(["drain b-01"]);
  });

  it("stays when it has only just checked in, and when EC2 takes it anyway", () => {
    const fresh = decideOn({ builders: { "b-01": builder.checkedIn() } }, idle(900, "b-01"));
    expect(summary(fresh)).toEqual(["enable b-01"]);
    const noticed = decideOn({ builders: { "b-01": builder.serving({ spotNoticeAt: NOW - 5 }) } }, idle(900, "b-01"));
    expect(sentenceAbout(noticed, "b-01")).toBe("has a spot notice: its watcher stops kojid and EC2 takes it");
  });
});

describe("a builder with tasks", () => {
  it("stays, and the sentence says with how much", () => {
    const tasks = [open("b-01", { weight: 2.25 }), open("b-01", { weight: 0.2, waiting: true })];
    expect(sentenceAbout(decideOn({ ...one, tasks }, idle(900, "b-01")), "b-01")).toBe("has 2 task(s), load 2.25 of 6");
  });

  it("stays also when its kojid is silent: the hub frees the tasks of enabled hosts only", () => {
    const decision = decideOn({ builders: { "b-01": builder.silent() }, tasks: [open("b-01")] });
    expect(sentenceAbout(decision, "b-01")).toBe(
      "has 1 task(s), load 1 of 6; its kojid is silent, and the hub will free them",
    );
  });

  it("whose tasks only wait for their children stays too", () => {
    const tasks = [open("b-01", { waiting: true })];
    expect(summary(decideOn({ ...one, tasks }, idle(900, "b-01")))).toEqual([]);
  });
});

describe("of several idle builders", () => {
  it("the dearest go first, then those that have been idle longest, down to the floor", () => {
    const site = makeSite({ profiles: [makeProfile({ min: 1 })] });
    const builders = {
      "b-01": builder.serving({ market: "spot" }),
      "b-02": builder.serving({ market: "on-demand" }),
      "b-03": builder.serving({ market: "spot" }),
    };
    const memory = { idleSince: { "b-01": NOW - 200, "b-02": NOW - 200, "b-03": NOW - 300 } };
    const decision = decideOn({ site, builders }, memory);
    expect(summary(decision)).toEqual(["drain b-02", "drain b-03"]);
    expect(sentenceAbout(decision, "b-01")).toBe("idle 200 s, but x86 keeps a floor of 1");
  });

  it("those that are alike go in the order of their names, the last first, in every pass", () => {
    const site = makeSite({ profiles: [makeProfile({ min: 1 })] });
    expect(summary(decideOn({ ...three, site }, allIdle(200)))).toEqual(["drain b-03", "drain b-02"]);
  });

  it("those that the queue uses stay", () => {
    const decision = decideOn({ ...three, tasks: [free()] }, allIdle(200));
    expect(summary(decision)).toEqual(["drain b-03", "drain b-02"]);
    expect(sentenceAbout(decision, "b-01")).toBe("the queue has a task for it at the hub's next run");
  });

  it("each profile keeps its own floor", () => {
    const arm = makeProfile({ name: "arm", arches: ["aarch64"], slots: { prefix: "a", count: 1 } });
    const site = makeSite({ profiles: [makeProfile({ min: 1, slots: { prefix: "b", count: 1 } }), arm] });
    const builders = { "b-01": builder.serving(), "a-01": builder.serving() };
    expect(summary(decideOn({ site, builders }, idle(900, "b-01", "a-01")))).toEqual(["drain a-01"]);
  });
});

describe("a builder that cannot serve", () => {
  const floor = makeSite({ profiles: [makeProfile({ min: 1, max: 1 })] });

  it("because its kojid is silent is replaced without waiting, even at the floor", () => {
    const decision = decideOn({ site: floor, builders: { "b-01": builder.silent() } });
    expect(changeOf(decision, "b-01")).toMatchObject({
      kind: "drain",
      forGood: true,
      reason: "its kojid has gone silent and no task is on it: replaced rather than waited for",
    });
  });

  it("because it is short of disk or overloaded is replaced after the hold time, even at the floor", () => {
    const scene = { site: floor, builders: { "b-01": builder.serving({}, { ready: false }) } };
    expect(sentenceAbout(decideOn(scene, idle(100, "b-01")), "b-01")).toBe(
      "idle 100 s and not ready, so no capacity: replaced after 150 s",
    );
    expect(changeOf(decideOn(scene, idle(200, "b-01")), "b-01")).toMatchObject({
      kind: "drain",
      forGood: true,
      reason: "idle 200 s and still not ready, so short of disk or overloaded: replaced",
    });
  });

  it("is not counted in the floor: a sound one stays besides", () => {
    const site = makeSite({ profiles: [makeProfile({ min: 1 })] });
    const scene = { site, builders: { "b-01": builder.silent(), "b-02": builder.serving() } };
    expect(summary(decideOn(scene, allIdle(900)))).toEqual(["drain b-01"]);
  });
});

describe("a drain under way", () => {
  const draining = { "b-01": builder.draining(30) };

  it("is called off when the queue has tasks for which there is no other room", () => {
    const decision = decideOn({ builders: draining, tasks: [free()] });
    expect(summary(decision)).toEqual(["cancel-drain b-01"]);
    expect(sentenceAbout(decision, "b-01")).toBe(
      "the queue has tasks that only it could take at once: its drain is called off",
    );
  });

  it("goes on when other builders take the tasks", () => {
    const decision = decideOn({ builders: { ...draining, "b-02": builder.serving() }, tasks: [free()] });
    expect(summary(decision)).toEqual([]);
  });

  it("goes on when the builder could not run them", () => {
    expect(summary(decideOn({ builders: draining, tasks: [free({ arch: "s390x" })] }))).toEqual([]);
  });

  it.each([
    ["its kojid is silent", builder.draining(30, { update_ts: NOW - 300 })],
    ["EC2 takes it back", builder.draining(30, {}, { spotNoticeAt: NOW - 5 })],
    ["it is drained for good, because it could not serve", builder.draining(30, {}, { enabledAt: null })],
  ])("goes on, and another builder is launched, when %s", (_, spec) => {
    expect(summary(decideOn({ builders: { "b-01": spec }, tasks: [free()] }))).toContain("launch b-02");
    expect(summary(decideOn({ builders: { "b-01": spec }, tasks: [free()] }))).not.toContain("cancel-drain b-01");
  });

  it("brings back, together with launches, only what the queue needs", () => {
    const decision = decideOn({ builders: draining, tasks: times(8, () => free()) });
    expect(summary(decision)).toEqual(["cancel-drain b-01", "launch b-02"]);
  });
});

describe("tasks of silent builders come back by the hub's timeouts, and those fire only while a builder polls", () => {
  const silent = { "b-01": builder.silent() };
  const waits = "1 task(s) of lost builders come back by the hub's timeouts, and those fire only while a builder polls";

  it("so one is launched where none is left", () => {
    const decision = decideOn({ builders: silent, tasks: [open("b-01")] });
    expect(decision.changes).toMatchObject([{ kind: "launch", slot: "b-02", reason: waits }]);
  });

  it.each([
    ["another serves", { "b-02": builder.serving() }],
    ["another boots", { "b-02": builder.booting() }],
  ])("but not when %s", (_, others) => {
    expect(summary(decideOn({ builders: { ...silent, ...others }, tasks: [open("b-01")] }))).toEqual([]);
  });

  it("nor when one outside the pool polls", () => {
    expect(summary(decideOn({ builders: silent, hosts: [{ name: "static" }], tasks: [open("b-01")] }))).toEqual([]);
    const gone = [{ name: "static", update_ts: NOW - 900 }];
    expect(summary(decideOn({ builders: silent, hosts: gone, tasks: [open("b-01")] }))).toEqual(["launch b-02"]);
  });

  it("nor for the tasks of a builder that a person disabled: no timeout frees those", () => {
    const spec = builder.silent();
    const disabled = { ...spec, host: { ...spec.host, enabled: false } };
    expect(summary(decideOn({ builders: { "b-01": disabled }, tasks: [open("b-01")] }))).toEqual([]);
  });

  it("and the last that polls is not drained", () => {
    const site = makeSite({
      builders: { disagreementShare: 0.5 },
      profiles: [makeProfile({ slots: { prefix: "b", count: 4 } })],
    });
    const builders = { ...silent, "b-02": builder.serving(), "b-03": builder.serving() };
    const decision = decideOn({ site, builders, tasks: [open("b-01")] }, idle(900, "b-02", "b-03"));
    expect(summary(decision)).toEqual(["drain b-03"]);
    expect(sentenceAbout(decision, "b-02")).toBe(
      "idle, but the last to poll: 1 task(s) of lost builders come back only while one does",
    );
  });

  it("and it is said when none can be launched", () => {
    const tight = makeSite({ profiles: [makeProfile({ slots: { prefix: "b", count: 1 } })] });
    expect(decideOn({ site: tight, builders: silent, tasks: [open("b-01")] }).notes).toEqual([
      `no launch though ${waits}: all 1 slots of x86 are taken`,
    ]);
  });
});

describe("a lost builder's tasks come back with a new builder in its slot, sooner than by the hub's own rule", () => {
  const lost = { "b-01": builder.gone() };
  const recovery =
    "a new builder in a lost slot gives its 1 task(s) back at its first check-in, in about 150 s; the hub does in 840 s";

  it("so one is launched into it, whoever else serves", () => {
    const builders = { ...lost, "b-02": builder.serving() };
    const decision = decideOn({ builders, tasks: [open("b-01")] });
    expect(decision.changes).toMatchObject([{ kind: "launch", slot: "b-01", intoLost: true, reason: recovery }]);
    expect(decision.notes).toEqual(["b-01 is lost: its 1 task(s) count as queued"]);
  });

  it("and it is the one that the queue gets anyway", () => {
    const decision = decideOn({ builders: lost, tasks: [open("b-01"), free()] });
    expect(summary(decision)).toEqual(["launch b-01"]);
    expect(sentenceAbout(decision, "b-01")).toMatch(
      /^2 buildArch tasks \(weight 3\) in default:x86_64, oldest 40 s, find/,
    );
  });

  it("but not when the hub frees them as soon", () => {
    const builders = { "b-01": builder.gone({ update_ts: NOW - 800 }), "b-02": builder.serving() };
    expect(summary(decideOn({ builders, tasks: [open("b-01")] }))).toEqual([]);
  });

  it("yet even then where nobody polls, for without a poll the hub frees nothing", () => {
    const builders = { "b-01": builder.gone({ update_ts: NOW - 8000 }) };
    expect(summary(decideOn({ builders, tasks: [open("b-01")] }))).toEqual(["launch b-01"]);
  });

  it("nor where Toji frees them itself", () => {
    const admin = makeSite({ hub: { admin: true } });
    const decision = decideOn({ site: admin, builders: { ...lost, "b-02": builder.serving() }, tasks: [open("b-01")] });
    expect(summary(decision)).toEqual(["free-tasks b-01"]);
  });

  it("nor into a slot whose host is disabled: that is enabled first", () => {
    const builders = { "b-01": builder.gone({ enabled: false }) };
    expect(summary(decideOn({ builders, tasks: [open("b-01")] }))).toContain("enable-lost b-01");
  });
});

describe("a builder whose identity has served three quarters of its life", () => {
  const aged = (tasks: readonly TaskSpec[] = [], hours = 19) =>
    decideOn(
      { builders: { "b-01": builder.serving({ launchedAt: NOW - hours * HOUR }) }, tasks: [...tasks] },
      idle(10, "b-01"),
    );
  it("is replaced at its next idle moment, whatever the hold", () => {
    expect(sentenceAbout(aged(), "b-01")).toMatch(/its identity ends within 6 hours: replaced while it is idle/);
    expect(summary(aged([], 17))).toEqual([]);
  });
  it("is drained with its work, which it ends: it takes nothing new", () => {
    expect(sentenceAbout(aged([open("b-01")]), "b-01")).toBe(
      "its identity ends within 6 hours: replaced once its 1 task(s) have ended",
    );
  });
  it("but not while it has been given something that only an enabled builder opens", () => {
    expect(summary(aged([open("b-01"), assigned("b-01")]))).toEqual([]);
  });
});
