// What persons ask for and what EC2 announces, as decisions: holds, pins, drain-now, new images, spot warnings, lost tags,
// and a hub that disagrees with EC2.

import { describe, expect, it } from "vitest";
import type { Hold } from "../../shared/fleet/types.ts";
import {
  builder,
  changeOf,
  decideOn,
  free,
  idle,
  launchesOf,
  makeProfile,
  makeSite,
  NOW,
  open,
  type Scene,
  sentenceAbout,
  summary,
} from "./world.ts";

const allIdle = idle(900, "b-01", "b-02", "b-03", "b-04", "b-05", "b-06");
const hold = (changes: Partial<Hold> = {}): Hold => ({
  profile: null,
  since: NOW - 600,
  by: "ann",
  reason: "an upgrade",
  until: null,
  ...changes,
});

describe("a hold", () => {
  const said = "the fleet is held by ann since 12:43Z: an upgrade";

  it("on the fleet stops launches, drains and terminations, and says so", () => {
    const builders = { "b-01": builder.serving(), "b-02": builder.draining(400) };
    const decision = decideOn({ builders, tasks: [free({ arch: "s390x" })], holds: [hold()] }, allIdle);
    expect(summary(decision)).toEqual([]);
    expect(sentenceAbout(decision, "b-02")).toBe(
      `no terminate (drained: disabled 400 s ago, no task assigned or open), for ${said}`,
    );
    expect(sentenceAbout(decision, "b-01")).toContain(said);
    const waiting = decideOn({ tasks: [free()], holds: [hold()] });
    expect(waiting.notes).toEqual([said, `no launch for 1 more task(s) in default:x86_64: ${said}`]);
  });

  it("on a profile leaves the others alone", () => {
    const profiles = [
      makeProfile(),
      makeProfile({ name: "arm", arches: ["aarch64"], slots: { prefix: "a", count: 1 } }),
    ];
    const tasks = [free(), free({ arch: "aarch64" })];
    const decision = decideOn({ site: makeSite({ profiles }), tasks, holds: [hold({ profile: "x86" })] });
    expect(summary(decision)).toEqual(["launch a-01"]);
  });

  it("lets builders be enabled, and lost work come back", () => {
    const builders = { "b-01": builder.checkedIn(), "b-02": builder.gone({ enabled: false }) };
    const decision = decideOn({ builders, tasks: [open("b-02")], holds: [hold()] });
    expect(summary(decision)).toEqual(["enable b-01", "enable-lost b-02"]);
  });

  it("ends when its time has come", () => {
    expect(summary(decideOn({ tasks: [free()], holds: [hold({ until: NOW - 1 })] }))).toEqual(["launch b-01"]);
  });
});

describe("a pinned builder", () => {
  it.each([
    ["idle for long", builder.serving({ pinned: true })],
    ["silent", { ...builder.silent(), instance: { ...builder.silent().instance, pinned: true } }],
    ["of an old image", builder.serving({ pinned: true, imageId: "ami-old" })],
    ["wanted gone as well", builder.serving({ pinned: true, drainNow: true })],
    [
      "long in booting",
      { instance: { ...builder.booting(2000).instance, pinned: true }, host: builder.booting().host },
    ],
  ])("stays when it is %s", (_, spec) => {
    const decision = decideOn({ builders: { "b-01": spec } }, allIdle);
    expect(summary(decision)).toEqual([]);
    expect(sentenceAbout(decision, "b-01")).toMatch(/pinned/);
  });

  it("is taken back from a drain", () => {
    expect(summary(decideOn({ builders: { "b-01": builder.draining(400, {}, { pinned: true }) } }))).toEqual([
      "cancel-drain b-01",
    ]);
  });
});

describe("a builder that a person wants gone", () => {
  it("is drained with its work and against the floor, and the queue gets another", () => {
    const site = makeSite({ profiles: [makeProfile({ min: 1 })] });
    const decision = decideOn({
      site,
      builders: { "b-01": builder.serving({ drainNow: true }) },
      tasks: [open("b-01"), free()],
    });
    expect(summary(decision)).toEqual(["launch b-02", "drain b-01"]);
    expect(changeOf(decision, "b-01")).toMatchObject({
      forGood: true,
      reason: "a person wants it gone: replaced once its 1 task(s) have ended",
    });
  });

  it("is terminated at once while it boots", () => {
    const booting = builder.booting(60);
    const spec = { ...booting, instance: { ...booting.instance, drainNow: true } };
    expect(sentenceAbout(decideOn({ builders: { "b-01": spec } }), "b-01")).toBe(
      "its kojid has not checked in yet 60 s after launch, and a person wants it gone",
    );
  });
});

describe("a builder that is to be replaced with work on it, while nothing can be launched for the queue", () => {
  const one = makeSite({ builders: { budget: { maxInstances: 1 } } });
  const tasks = [open("b-01", { method: "build", waiting: true }), free()];

  it("stays until there is room: what waits on it may wait for just those tasks", () => {
    const builders = { "b-01": builder.serving({ drainNow: true }, { capacity: 1.5 }) };
    const decision = decideOn({ site: one, builders, tasks });
    expect(summary(decision)).toEqual([]);
    expect(sentenceAbout(decision, "b-01")).toBe(
      "has 1 task(s), load 0 of 1.5; to be replaced once the queue has room elsewhere",
    );
  });

  it("is called back from its drain", () => {
    const builders = { "b-01": builder.draining(400, {}, { enabledAt: null, drainNow: true }) };
    expect(sentenceAbout(decideOn({ site: one, builders, tasks }), "b-01")).toBe(
      "the queue has tasks for which nothing can be launched, and its own may wait for them",
    );
  });

  it("goes when it has no work that could wait", () => {
    const builders = { "b-01": builder.serving({ drainNow: true }) };
    expect(summary(decideOn({ site: one, builders, tasks: [free()] }))).toEqual(["drain b-01"]);
  });
});

describe("builders of an old image", () => {
  const old = builder.serving({ imageId: "ami-old" });
  const three: Scene = { builders: { "b-01": old, "b-02": old, "b-03": old }, tasks: [open("b-01"), open("b-02")] };

  it("are replaced one at a time, the idle one first", () => {
    const decision = decideOn(three);
    expect(summary(decision)).toEqual(["drain b-03"]);
    expect(sentenceAbout(decision, "b-03")).toBe("its image is ami-old, x86 has ami-0a: replaced while it is idle");
    expect(sentenceAbout(decision, "b-01")).toMatch(/^its image is ami-old.*, when its turn comes: 1 at a time$/);
  });

  it("wait while another one is on its way out", () => {
    const leaving = builder.draining(30, {}, { enabledAt: null });
    expect(summary(decideOn({ builders: { "b-01": old, "b-02": leaving } }))).toEqual([]);
  });

  it("stay where the config allows no disruption, until they are idle for long", () => {
    const site = makeSite({ builders: { disruption: 0 } });
    expect(summary(decideOn({ ...three, site }))).toEqual([]);
  });
});

describe("a builder that EC2 takes back", () => {
  const taken = builder.serving({ spotNoticeAt: NOW - 5 });

  it("has its tasks counted as queued, so that another one is launched at once, elsewhere", () => {
    const decision = decideOn({ builders: { "b-01": taken }, tasks: [open("b-01")] });
    expect(summary(decision)).toEqual(["launch b-02"]);
    expect(decision.notes).toEqual(["b-01 is taken back by EC2: its 1 task(s) count as queued"]);
    expect(launchesOf(decision)[0]?.offerings[0]).toMatchObject({ market: "spot", zone: "us-east-1b" });
  });

  it("is replaced in the floor at once", () => {
    const site = makeSite({ profiles: [makeProfile({ min: 1 })] });
    expect(summary(decideOn({ site, builders: { "b-01": taken } }))).toEqual(["launch b-02"]);
  });

  it("leaves its pool avoided for a while, however it was announced, once for each loss", () => {
    const gone = { instanceId: "i-x", slot: "b-01", profile: "x86", state: "terminated", takenBySpot: true } as const;
    const { memory } = decideOn({ builders: { "b-01": builder.resting() }, instances: [gone] });
    const lost = { instanceType: "m7a.xlarge", zone: "us-east-1a", market: "spot", code: "SpotInterruption" };
    expect(memory.failedOfferings).toEqual([{ ...lost, until: NOW + 900 }]);
    const again = decideOn({ builders: { "b-01": builder.resting() }, instances: [gone] }, memory);
    expect(again.memory.failedOfferings).toHaveLength(1);
  });

  it("perhaps, as a rebalance recommendation says, is only spoken of", () => {
    const decision = decideOn({
      builders: { "b-01": builder.serving({ rebalanceAt: NOW - 60 }) },
      tasks: [open("b-01")],
    });
    expect(summary(decision)).toEqual([]);
    expect(decision.notes).toEqual(["EC2 recommends to replace b-01 since 12:52Z: it may be taken back soon"]);
  });
});

describe("an instance without its tags", () => {
  it("gets them back before anything else is done with it", () => {
    const spec = builder.serving({
      untagged: true,
      enabledAt: null,
      profile: null,
      launch: "0a",
      templateVersion: "7",
    });
    const decision = decideOn({ builders: { "b-01": spec } }, allIdle);
    expect(decision.changes).toMatchObject([
      {
        kind: "adopt",
        slot: "b-01",
        tags: { "toji:fleet": "toji", "toji:slot": "b-01", "toji:profile": "x86", "toji:enabled-at": String(NOW) },
      },
    ]);
  });

  it("stays as a person left it on the hub, as far as Toji remembers; else it is enabled as a fresh one", () => {
    const spec = builder.serving({ untagged: true, enabledAt: null }, { enabled: false });
    const scene = { builders: { "b-01": spec } };
    const noted = decideOn(scene, { leftAlone: { "b-01": "i-b-01" } });
    expect(changeOf(noted, "b-01")).toMatchObject({ tags: { "toji:enabled-at": String(NOW) } });
    expect(noted.memory.leftAlone).toEqual({ "b-01": "i-b-01" });
    const fresh = decideOn(scene, { leftAlone: { "b-01": "i-before" } });
    expect(changeOf(fresh, "b-01")).not.toHaveProperty(["tags", "toji:enabled-at"]);
    expect(fresh.memory.leftAlone).toEqual({});
  });

  it("that has not checked in yet is not taken for one that was enabled", () => {
    const booting = builder.booting(60);
    const spec = { ...booting, instance: { ...booting.instance, untagged: true } };
    const change = changeOf(decideOn({ builders: { "b-01": spec } }), "b-01");
    expect(change).toMatchObject({ kind: "adopt" });
    expect(change).not.toHaveProperty(["tags", "toji:enabled-at"]);
  });
});

describe("an instance in a slot that no profile has any more", () => {
  const stray = {
    instanceId: "i-old",
    slot: "old-01",
    profile: "old",
    enabledAt: NOW - 3000,
    checkInAfter: NOW - 7200,
  };
  const host = { name: "old-01", enabled: true, update_ts: NOW - 5 };

  it("is put out of service, with its work", () => {
    const decision = decideOn({ instances: [stray], hosts: [host], tasks: [open("old-01")] });
    expect(summary(decision)).toEqual(["drain old-01"]);
    expect(sentenceAbout(decision, "old-01")).toBe(
      "no profile of the config has its slot any more: put out of service once its 1 task(s) have ended",
    );
  });

  it("is never launched into again", () => {
    const decision = decideOn({
      instances: [{ ...stray, state: "terminated" }],
      hosts: [{ ...host, enabled: false, update_ts: NOW - 900 }],
      tasks: [free()],
    });
    expect(summary(decision)).toEqual(["launch b-01"]);
  });
});

describe("a hub that disagrees with EC2", () => {
  const site = makeSite({ profiles: [makeProfile({ slots: { prefix: "b", count: 12 } })] });
  const up = builder.serving();
  const silent = builder.silent();

  it("about more than a fifth of the fleet stops every drain and termination, and says so", () => {
    const builders = { "b-01": silent, "b-02": silent, "b-03": up, "b-04": up, "b-05": builder.draining(400) };
    const decision = decideOn({ site, builders }, allIdle);
    expect(summary(decision)).toEqual([]);
    const reason =
      "hub and EC2 disagree about 2 of 5 builders (2 run at EC2 and are silent on the hub): nothing is drained or terminated until they agree";
    expect(decision.breakers).toEqual([{ stops: "terminations", profile: null, reason }]);
    expect(decision.notes).toContain(reason);
    expect(sentenceAbout(decision, "b-05")).toContain(reason);
  });

  it("counts builders that check in and that EC2 does not show", () => {
    const builders = { "b-01": builder.ghost(), "b-02": builder.ghost(), "b-03": up };
    expect(decideOn({ site, builders }, allIdle).breakers).toHaveLength(1);
  });

  it("goes on launching and enabling", () => {
    const builders = { "b-01": silent, "b-02": silent, "b-03": builder.checkedIn() };
    const decision = decideOn({ site, builders, tasks: Array.from({ length: 12 }, () => free()) });
    expect(new Set(decision.changes.map((each) => each.kind))).toEqual(new Set(["enable", "launch"]));
  });

  it("about a fifth, or about one builder only, stops nothing", () => {
    expect(decideOn({ site, builders: { "b-01": silent, "b-02": up } }, allIdle).breakers).toEqual([]);
    const many = Object.fromEntries(
      Array.from({ length: 10 }, (_, index) => [`b-${String(index + 1).padStart(2, "0")}`, index < 2 ? silent : up]),
    );
    expect(decideOn({ site, builders: many }, allIdle).breakers).toEqual([]);
  });

  it("only because it was away itself stops nothing: builders have had no time to check in", () => {
    const builders = { "b-01": silent, "b-02": silent };
    expect(decideOn({ site, builders }, { hubBackAt: NOW - 30 }).breakers).toEqual([]);
  });
});
