// What a slot needs next, whatever the queue says: launch, drain and loss, one step a pass, one sentence each.

import { describe, expect, it } from "vitest";
import {
  assigned,
  type BuilderSpec,
  builder,
  changeOf,
  decideOn,
  makeSite,
  NOW,
  open,
  type Scene,
  sentenceAbout,
  type TaskSpec,
} from "./world.ts";

/** The step for slot b-01 and its sentence; "keep" when it stays as it is. */
function step(spec: BuilderSpec, tasks: readonly TaskSpec[] = [], scene: Scene = {}): string {
  const decision = decideOn({ ...scene, builders: { "b-01": spec }, tasks });
  const kind = changeOf(decision, "b-01")?.kind ?? "keep";
  return `${kind}: ${sentenceAbout(decision, "b-01")}`;
}
const admin = { site: makeSite({ hub: { admin: true } }) };

describe("a launch", () => {
  it("is waited for while EC2 starts the instance, then while it boots", () => {
    expect(step(builder.launching())).toBe("keep: EC2 is starting it, 20 s after launch");
    expect(step(builder.booting(300))).toBe("keep: its kojid has not checked in yet, 300 s after launch");
  });

  it("that takes more than two expected boots is waited for on, but no longer counted on", () => {
    expect(step(builder.booting(301))).toBe(
      "keep: its kojid has not checked in yet, 301 s after launch; that is late, so it counts as no capacity",
    );
  });

  it("is given up at the boot limit", () => {
    expect(step(builder.booting(901))).toBe(
      "terminate: its kojid has not checked in yet 901 s after launch, the limit is 900 s",
    );
    expect(step(builder.launching({ launchedAt: NOW - 950 }))).toBe(
      "terminate: EC2 is starting it 950 s after launch, the limit is 900 s",
    );
  });

  it("is given up though the hub holds tasks for the slot: what never checked in has opened none", () => {
    expect(step(builder.booting(901), [open("b-01")])).toBe(
      "terminate: its kojid has not checked in yet 901 s after launch, the limit is 900 s; the 1 task(s) that the hub holds for it are an earlier builder's",
    );
  });

  it("that somebody enabled too early is disabled before it is terminated", () => {
    expect(step(builder.booting(901, { enabled: true }))).toBe(
      "drain: its kojid has not checked in yet 901 s after launch, the limit is 900 s; its host is enabled, so that comes first",
    );
  });
});

describe("a builder that has checked in", () => {
  it("is enabled", () => {
    expect(step(builder.checkedIn())).toBe("enable: its kojid has checked in");
  });

  it("is marked as enabled when a pass was cut off before that", () => {
    expect(step({ ...builder.checkedIn(), host: { enabled: true, update_ts: NOW - 5 } })).toBe(
      "enable: it is enabled; its launch is put away",
    );
  });

  it("is not enabled when EC2 has announced that it takes it back", () => {
    expect(step(builder.checkedIn({ spotNoticeAt: NOW - 10 }))).toBe(
      "keep: EC2 takes it back before it was enabled: it stays disabled",
    );
  });
});

describe("a builder that a person disabled", () => {
  it("stays as it was left, also with tasks on it", () => {
    const kept = "keep: somebody disabled it on the hub: it stays as it was left and counts as no capacity";
    expect(step(builder.serving({}, { enabled: false }))).toBe(kept);
    expect(step(builder.serving({}, { enabled: false }), [open("b-01")])).toBe(kept);
  });
});

describe("a drain", () => {
  it("waits out one scheduler run and one poll", () => {
    expect(step(builder.draining(74))).toBe(
      "keep: draining: disabled 74 s ago, waits 75 s for a scheduler run and a poll to pass",
    );
    expect(step(builder.draining(75))).toBe("terminate: drained: disabled 75 s ago, no task assigned or open");
  });

  it("waits for the poll itself where the hub is slow to see it", () => {
    expect(step(builder.draining(90, { update_ts: NOW - 95 }))).toBe(
      "keep: draining: has not polled since it was disabled",
    );
  });

  it("does not wait for a poll that will never come", () => {
    expect(step(builder.draining(90, { update_ts: NOW - 300 }))).toMatch(/^terminate: drained/);
    expect(step(builder.draining(90, { update_ts: null }))).toMatch(/^terminate: drained/);
  });

  it("lets open tasks run to their end", () => {
    expect(step(builder.draining(4000), [open("b-01"), open("b-01")])).toBe(
      "keep: draining: 2 task(s) still run on it",
    );
  });

  it("is called off for a task that was assigned just before: a disabled builder would never open it", () => {
    expect(step(builder.draining(20), [open("b-01"), assigned("b-01", { id: 7 })])).toBe(
      "cancel-drain: task 7 was given to it just before it was disabled; only an enabled builder opens it",
    );
  });

  it("that was cut off before the host was disabled is taken up again", () => {
    expect(step(builder.draining(20, { enabled: true }))).toBe("drain: it is marked for draining and still enabled");
  });

  it("that was cut off there is called off when the builder has got work meanwhile", () => {
    const back = "cancel-drain: it is marked for draining, but was given work before it was disabled";
    expect(step(builder.draining(20, { enabled: true }), [open("b-01")])).toBe(back);
    expect(step(builder.draining(20, { enabled: true }), [assigned("b-01")])).toBe(back);
  });

  it("is called off when kojid dies with open tasks: the hub frees those of enabled hosts only", () => {
    expect(step(builder.draining(600, { update_ts: NOW - 400 }), [open("b-01")])).toBe(
      "cancel-drain: its kojid is silent for 400 s, and the hub frees the 1 task(s) of an enabled host only",
    );
  });
});

describe("a silent builder with work", () => {
  it("is left to the hub's own rule, which Toji takes over where it may", () => {
    const silent = builder.silent(1000);
    expect(step(silent, [open("b-01")])).toBe(
      "keep: has 1 task(s), load 1 of 6; its kojid is silent, and the hub will free them",
    );
    expect(step(silent, [open("b-01")], admin)).toBe(
      "free-tasks: its kojid is silent for 1000 s, the hub's limit is 900 s: 1 task(s) go back to the queue",
    );
    expect(step(builder.silent(800), [open("b-01")], admin)).toMatch(/^keep: has 1 task/);
  });
});

describe("a lost builder", () => {
  it("without tasks is disabled, so that it is given none", () => {
    expect(step(builder.gone())).toBe(
      "disable-lost: its instance is gone and no task is on it: disabled so that it is given none",
    );
  });

  it("with tasks is never disabled: the hub frees the tasks of enabled hosts only", () => {
    const held = { holds: [{ profile: null, since: NOW, by: "ann", reason: "a test", until: null }] };
    expect(step(builder.gone(), [open("b-01")], held)).toBe(
      "keep: its instance is gone: the hub frees its 1 task(s) after 900 s of silence (with the admin permission Toji would at once)",
    );
  });

  it("with tasks that somebody disabled is enabled again for the same reason", () => {
    expect(step(builder.gone({ enabled: false }), [open("b-01"), assigned("b-01")])).toBe(
      "enable-lost: its instance is gone, and the hub frees the 2 task(s) of an enabled host only",
    );
  });

  it("has its tasks freed at once where Toji may, enabled or not", () => {
    const freed = "free-tasks: its instance is gone: 1 task(s) go back to the queue at once";
    expect(step(builder.gone(), [open("b-01")], admin)).toBe(freed);
    expect(step(builder.gone({ enabled: false }), [open("b-01")], admin)).toBe(freed);
  });

  it("has both its assigned and its open tasks freed, and nobody else's", () => {
    const decision = decideOn({
      ...admin,
      builders: { "b-01": builder.gone(), "b-02": builder.serving() },
      tasks: [open("b-01", { id: 7 }), assigned("b-01", { id: 8 }), open("b-02", { id: 9 })],
    });
    expect(changeOf(decision, "b-01")).toMatchObject({ kind: "free-tasks", taskIds: [7, 8] });
  });
});

describe("a builder whose instance", () => {
  it("shuts down is waited for: its slot is free only once EC2 says terminated", () => {
    const kept = "keep: its instance is shutting down; the slot is free once EC2 says terminated";
    expect(step(builder.shuttingDown())).toBe(kept);
    expect(step(builder.shuttingDown({ enabled: true }), [open("b-01")])).toBe(kept);
  });

  it("somebody stopped is disabled, and its slot stays taken", () => {
    expect(step(builder.stopped())).toBe(
      "disable-lost: its instance is stopped and no task is on it: disabled so that it is given none",
    );
    expect(step(builder.stopped({ enabled: false }))).toBe(
      "keep: its instance was stopped, not by Toji: the slot stays taken until it is started or terminated",
    );
  });

  it("somebody stopped keeps its tasks until the hub frees them", () => {
    expect(step(builder.stopped(), [open("b-01")])).toMatch(/^keep: its instance is stopped: the hub frees its 1 task/);
  });

  it("has lost its tags is left alone while its kojid checks in", () => {
    expect(step(builder.ghost())).toBe(
      "keep: its kojid checks in, but no instance with our tags holds the slot: left alone; give the instance its tags back or terminate it",
    );
    expect(step(builder.ghost(), [open("b-01")])).toMatch(/^keep: its kojid checks in/);
  });
});

describe("two instances in one slot", () => {
  const rival = { instanceId: "i-later", slot: "b-01", launchedAt: NOW - 60 };
  const decideWith = (spec: BuilderSpec, tasks: readonly TaskSpec[] = [], instance: object = {}) =>
    decideOn({ builders: { "b-01": spec }, tasks, instances: [{ ...rival, ...instance }] });

  it("are never left: the older one is drained, for two kojid with one name end each other's sessions", () => {
    const decision = decideWith(builder.serving());
    expect(decision.changes).toMatchObject([{ kind: "drain", slot: "b-01", instanceId: "i-b-01", forGood: true }]);
    expect(decision.keep).toEqual([]);
    expect(decision.notes).toEqual(["instance i-later claims slot b-01, which i-b-01 holds: one of them must go"]);
  });

  it("are drained even before they were enabled, with one step and not two", () => {
    expect(decideWith(builder.checkedIn()).changes.map((change) => change.kind)).toEqual(["drain"]);
  });

  it("are left while the hub holds tasks, and the decision says so", () => {
    const decision = decideWith(builder.serving(), [open("b-01")]);
    expect(decision.changes).toEqual([]);
    expect(decision.notes).toEqual([
      "instance i-later claims slot b-01, which i-b-01 holds: nothing is ended while the hub holds tasks for it",
    ]);
  });

  it("need no drain when the other one is on its way out", () => {
    expect(decideWith(builder.serving(), [], { state: "shutting-down" }).changes).toEqual([]);
  });

  it("are not drained away from a person who disabled the host to look at it", () => {
    expect(decideWith(builder.serving({}, { enabled: false })).changes).toEqual([]);
  });
});
