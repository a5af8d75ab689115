// Where a slot stands, from what EC2 and the hub show of it.

import { describe, expect, it } from "vitest";
import { builder, decideOn, HOUR, makeProfile, makeSite, NOW, open, type Scene, slotsOf } from "./world.ts";

const phase = (scene: Scene, slot = "b-01") => slotsOf(scene).get(slot)?.phase;
const one = (spec: ReturnType<(typeof builder)["serving"]>): Scene => ({ builders: { "b-01": spec } });

describe("a slot is", () => {
  it.each([
    ["empty when it was never used", {}, "empty"],
    ["empty when its host rests, disabled and without tasks", one(builder.resting()), "empty"],
    ["launching while EC2 says pending", one(builder.launching()), "launching"],
    ["booting while it runs and its kojid has not checked in since the launch", one(builder.booting()), "booting"],
    ["serving once its kojid has checked in, enabled or not", one(builder.checkedIn()), "serving"],
    ["serving while it is enabled and checks in", one(builder.serving()), "serving"],
    ["draining once it is marked so", one(builder.draining()), "draining"],
    ["stopping while EC2 takes it down", one(builder.shuttingDown()), "stopping"],
    ["stopped when somebody stopped its instance", one(builder.stopped()), "stopped"],
    ["lost when its instance is gone and its host is still enabled", one(builder.gone()), "lost"],
    ["empty when its instance is gone and its host disabled", one(builder.gone({ enabled: false })), "empty"],
    ["unknown when something checks in for it and no instance of ours is there", one(builder.ghost()), "unknown"],
    [
      "lost when the host is enabled, silent, and EC2 shows nothing at all",
      one(builder.ghost({ update_ts: NOW - HOUR })),
      "lost",
    ],
  ] satisfies [string, Scene, string][])("%s", (_, scene, expected) => {
    expect(phase(scene)).toBe(expected);
  });

  it("lost, not empty, while the hub holds tasks for its disabled host", () => {
    expect(phase({ ...one(builder.gone({ enabled: false })), tasks: [open("b-01")] })).toBe("lost");
  });

  it("launching, whatever the hub says, for the first instance of a host that never checked in", () => {
    const scene = one({ instance: { state: "running", checkInAfter: null, launchedAt: NOW - 90 }, host: null });
    expect(phase(scene)).toBe("booting");
  });
});

describe("a check-in counts only", () => {
  const check = (update_ts: number | null, checkInAfter: number | null) =>
    phase(
      one({ instance: { state: "running", checkInAfter, launchedAt: NOW - 90 }, host: { enabled: false, update_ts } }),
    );

  it("when it is later than the one before the launch", () => {
    expect(check(NOW - 4000, NOW - 4000)).toBe("booting");
    expect(check(NOW - 4, NOW - 4000)).toBe("serving");
  });

  it("at all, when the host had never checked in before", () => {
    expect(check(null, null)).toBe("booting");
    expect(check(NOW - 4, null)).toBe("serving");
  });
});

describe("of several instances that claim one slot", () => {
  const scene: Scene = {
    ...one(builder.serving()),
    instances: [
      { instanceId: "i-later", slot: "b-01", launchedAt: NOW - 60 },
      { instanceId: "i-ended", slot: "b-01", launchedAt: NOW - 2 * HOUR, state: "terminated" },
    ],
  };

  it("the oldest that still lives holds it, and the others are its rivals", () => {
    const slot = slotsOf(scene).get("b-01");
    expect(slot?.instance?.instanceId).toBe("i-b-01");
    expect(slot?.rivals.map((each) => each.instanceId)).toEqual(["i-later"]);
  });
});

describe("a builder is silent", () => {
  const isSilent = (seconds: number, scene: Partial<Scene> = {}) =>
    slotsOf({ ...one(builder.silent(seconds)), ...scene }).get("b-01")?.silent;

  it("after the hub's ReadyTimeout without a check-in, as the hub is configured", () => {
    expect(isSilent(179)).toBe(false);
    expect(isSilent(181)).toBe(true);
    expect(isSilent(181, { options: { readyTimeout: 600 } })).toBe(false);
  });

  it("not because the hub was away: it has a ReadyTimeout from then on", () => {
    const scene = { ...one(builder.silent(700)), tasks: [] };
    const away = decideOn(scene, { hubOfflineSince: NOW - 690, idleSince: { "b-01": NOW - 900 } });
    expect(away.changes.map((change) => change.reason)).toEqual([
      "idle 900 s, break-even is 150 s, and the queue has no task for it, saves $0.09 an hour",
    ]);
    const late = decideOn(scene, { hubBackAt: NOW - 200 });
    expect(late.changes.map((change) => change.reason)).toEqual([
      "its kojid has gone silent and no task is on it: replaced rather than waited for",
    ]);
  });
});

describe("a person's hand", () => {
  it("is seen when a serving builder is disabled and Toji did not do it", () => {
    expect(slotsOf(one(builder.serving({}, { enabled: false }))).get("b-01")?.disabledByPerson).toBe(true);
    expect(slotsOf(one(builder.checkedIn())).get("b-01")?.disabledByPerson).toBe(false);
  });
});

describe("instances that no slot explains", () => {
  const decision = decideOn({
    instances: [
      { instanceId: "i-bare", slot: null },
      { instanceId: "i-renamed", slot: "b-99", state: "stopped" },
      { instanceId: "i-ended", slot: null, state: "terminated" },
    ],
  });

  it("are named, each with what to do, and nothing is done to them", () => {
    expect(decision.changes).toEqual([]);
    expect(decision.notes).toEqual([
      "instance i-bare has our fleet tag, no slot tag and no user data of ours: left alone; tag it again or terminate it by hand",
    ]);
  });

  it("count in the budget all the same", () => {
    expect(decision.pricePerHour).toBeCloseTo(2 * 0.23184 * 0.4, 6);
  });
});

describe("without AWS (the read-only plan)", () => {
  it("the hub's record says what serves, and the decision says that EC2 was not asked", () => {
    const scene: Scene = {
      builders: {
        "b-01": builder.ghost(),
        "b-02": builder.ghost({ update_ts: NOW - HOUR }),
        "b-03": builder.resting(),
      },
      ec2: { kind: "not-asked" },
    };
    const decision = decideOn(scene);
    expect(decision.builders.map(({ slot, phase: is }) => `${slot} ${is}`)).toEqual(["b-01 serving", "b-02 lost"]);
    expect(decision.notes).toEqual(["EC2 was not asked: builders are judged by the hub's own record of them"]);
  });
});

describe("slots of several profiles", () => {
  it("are those of each profile's pool, in the order of the config", () => {
    const profiles = [
      makeProfile(),
      makeProfile({ name: "arm", slots: { prefix: "a", domain: "example.org", count: 2 } }),
    ];
    expect([...slotsOf({ site: makeSite({ profiles }) }).keys()]).toEqual([
      "b-01",
      "b-02",
      "b-03",
      "a-01.example.org",
      "a-02.example.org",
    ]);
  });
});
