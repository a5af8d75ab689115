// What Toji remembers from pass to pass, and what the token of a launch stands for.

import { describe, expect, it } from "vitest";
import { decide } from "../../shared/fleet/decide.ts";
import { noteLaunches } from "../../shared/fleet/memory.ts";
import { readMemory } from "../../shared/fleet/stored-memory.ts";
import { EMPTY_MEMORY, type Memory } from "../../shared/fleet/types.ts";
import {
  builder,
  decideOn,
  free,
  HOUR,
  launchesOf,
  makeInstance,
  makeProfile,
  makeSite,
  makeSnapshot,
  NOW,
  open,
  type Scene,
  summary,
} from "./world.ts";

const offering = { instanceType: "m7a.xlarge", zone: "us-east-1a", market: "spot" } as const;
const launchedAt = (at: number, instanceId = "i-new") => ({ "b-01": { ...offering, instanceId, at, profile: "x86" } });

describe("idle time", () => {
  const remembered = (scene: Scene, memory: Partial<Memory> = {}) => decideOn(scene, memory).memory.idleSince;

  it("begins when a serving builder is first seen without tasks, and goes on from there", () => {
    const scene = { builders: { "b-01": builder.serving() } };
    expect(remembered(scene)).toEqual({ "b-01": NOW });
    expect(remembered(scene, { idleSince: { "b-01": NOW - 70 } })).toEqual({ "b-01": NOW - 70 });
  });

  it("ends with a task, with a drain, and with the builder", () => {
    const before = { idleSince: { "b-01": NOW - 70, "b-02": NOW - 70, "b-03": NOW - 70 } };
    const builders = { "b-01": builder.serving(), "b-02": builder.draining(), "b-03": builder.gone() };
    expect(remembered({ builders, tasks: [open("b-01")] }, before)).toEqual({});
  });
});

describe("an outage of the hub", () => {
  const decideAway = (memory: Partial<Memory>, reason = 'the hub answered "back soon" (fault 1014)') =>
    decide(
      { ...makeSnapshot(), hub: { seen: false, offline: true, version: null, reason } },
      makeSite(),
      { ...EMPTY_MEMORY, ...memory },
      NOW,
    );

  it("is told with its beginning, and everything else is kept as it was", () => {
    const memory = { hubOfflineSince: NOW - 600, idleSince: { "b-01": NOW - 900 } };
    const decision = decideAway(memory);
    expect(decision.notes).toEqual(['no change: the hub answered "back soon" (fault 1014) since 2026-11-18T12:43Z']);
    expect(decision.memory).toEqual({ ...EMPTY_MEMORY, ...memory });
    expect(decideAway({}).memory.hubOfflineSince).toBe(NOW);
  });

  it("is over when the hub is seen again, whether EC2 is or not", () => {
    const before = { hubOfflineSince: NOW - 600 };
    const after = { hubOfflineSince: null, hubBackAt: NOW };
    expect(decideOn({}, before).memory).toMatchObject(after);
    expect(decideOn({ ec2: { kind: "failed", reason: "no answer" } }, before).memory).toMatchObject(after);
  });
});

describe("failed offerings", () => {
  const failed = (until: number) => ({ ...offering, code: "InsufficientInstanceCapacity", until });

  it("are remembered until their time is over", () => {
    const memory = decideOn({}, { failedOfferings: [failed(NOW), failed(NOW + 1)] }).memory;
    expect(memory.failedOfferings).toEqual([failed(NOW + 1)]);
  });

  it("are added by the launches of a pass", () => {
    expect(noteLaunches(EMPTY_MEMORY, [failed(NOW + 1)], [], {}).failedOfferings).toEqual([failed(NOW + 1)]);
  });
});

describe("the token of a launch", () => {
  const tokenOf = (scene: Scene, memory: Partial<Memory> = {}, slot = "b-01") =>
    launchesOf(decideOn({ tasks: [free()], ...scene }, memory)).find((launch) => launch.slot === slot)?.token;
  const token = tokenOf({});

  it("fits into what EC2 takes, with the market behind it", () => {
    expect(`${token}-on-demand`.length).toBeLessThanOrEqual(64);
  });

  it("stays the same for every attempt at one launch, whatever else changes", () => {
    expect(tokenOf({ tasks: [free(), free(), free()] })).toBe(token);
    expect(
      tokenOf({
        builders: { "b-02": builder.serving(), "b-01": { instance: null, host: null } },
        tasks: [free({ priority: 1 }), ...Array.from({ length: 8 }, () => free())],
      }),
    ).toBe(token);
    expect(tokenOf({}, { failedOfferings: [{ ...offering, code: "x", until: NOW + 50 }] })).toBe(token);
  });

  it("is another for another slot, and for another fleet in the same account", () => {
    const site = makeSite({ builders: { fleet: "other" } });
    expect(tokenOf({ site })).not.toBe(token);
    const two = launchesOf(decideOn({ tasks: Array.from({ length: 5 }, () => free()) }));
    expect(new Set(two.map((launch) => launch.token)).size).toBe(2);
  });

  it("is another once the slot has had an instance, as long as EC2 shows it and afterwards", () => {
    const ended = decideOn({
      builders: { "b-01": builder.gone({ enabled: false, update_ts: NOW - 200 }) },
      tasks: [free()],
    });
    const after = launchesOf(ended)[0]?.token;
    expect(after).not.toBe(token);
    const later = tokenOf({ builders: { "b-01": builder.resting({ update_ts: NOW - 200 }) } }, ended.memory);
    expect(later).toBe(after);
  });

  it("is another once its host has checked in, even if all memory is lost", () => {
    expect(tokenOf({ builders: { "b-01": builder.resting() } })).not.toBe(token);
  });

  it("is another after a launch that brought no instance", () => {
    const memory = noteLaunches(EMPTY_MEMORY, [], ["b-01"], {});
    expect(tokenOf({}, memory)).not.toBe(token);
    expect(tokenOf({}, noteLaunches(memory, [], ["b-01"], {}))).not.toBe(tokenOf({}, memory));
  });
});

describe("a launch that EC2 has answered and does not list yet", () => {
  const tasks = [free()];

  it("holds its slot, so that nothing is launched for the same tasks again", () => {
    const decision = decideOn({ tasks }, { launched: launchedAt(NOW - 10) });
    expect(decision.changes).toEqual([]);
    expect(decision.keep).toEqual([{ builder: "b-01", reason: "EC2 is starting it, 10 s after launch" }]);
  });

  it("counts in the budget", () => {
    const site = makeSite({ builders: { budget: { maxInstances: 1 } } });
    const decision = decideOn(
      { site, tasks: Array.from({ length: 8 }, () => free()) },
      { launched: launchedAt(NOW - 10) },
    );
    expect(summary(decision)).toEqual([]);
  });

  it("is forgotten for the instance itself, once EC2 lists it", () => {
    const instances = [{ instanceId: "i-new", slot: "b-01", state: "pending", launchedAt: NOW - 8 } as const];
    const decision = decideOn({ tasks, instances }, { launched: launchedAt(NOW - 10) });
    expect(decision.keep).toEqual([{ builder: "b-01", reason: "EC2 is starting it, 8 s after launch" }]);
    expect(decision.notes).toEqual([]);
  });

  it("is not a second instance beside one that EC2 lists for the slot", () => {
    const decision = decideOn(
      { builders: { "b-01": builder.booting() } },
      { launched: launchedAt(NOW - 70, "launch token") },
    );
    expect(decision.notes).toEqual([]);
    expect(decision.builders).toHaveLength(1);
  });

  it("is given up after ten minutes, and the next launch is another one", () => {
    const token = launchesOf(decideOn({ tasks }))[0]?.token;
    const decision = decideOn({ tasks }, { launched: launchedAt(NOW - 601) });
    expect(summary(decision)).toEqual(["launch b-01"]);
    expect(launchesOf(decision)[0]?.token).not.toBe(token);
    expect(decision.memory.launched).toEqual({});
  });

  it("holds the slot also when EC2 has listed it and leaves it out again", () => {
    const serving = decideOn({ builders: { "b-01": builder.serving() } });
    expect(serving.memory.launched["b-01"]).toMatchObject({ instanceId: "i-b-01", at: NOW });
    const hidden = { builders: { "b-01": builder.gone() }, tasks, ec2: { kind: "seen", instances: [] } } as const;
    const decision = decideOn(hidden, serving.memory);
    expect(summary(decision)).toEqual([]);
    expect(decision.builders).toMatchObject([{ slot: "b-01", phase: "launching", instanceId: "i-b-01" }]);
    expect(summary(decideOn(hidden))).toEqual(["launch b-02"]);
  });

  it("frees the slot at once when EC2 lists the instance as ended", () => {
    const instances = [makeInstance({ instanceId: "i-new", slot: "b-01", state: "terminated", launchedAt: NOW - 8 })];
    expect(summary(decideOn({ tasks, instances }, { launched: launchedAt(NOW - 10) }))).toEqual(["launch b-01"]);
  });
});

describe("after the memory of a slot is lost", () => {
  const scene = { builders: { "b-01": builder.gone() }, tasks: [open("b-01"), free()] };
  const phase = (memory: Partial<Memory>) => decideOn(scene, memory).builders.map((each) => each.phase);

  it("an ended instance is not taken for its last one while something checks in for the slot", () => {
    expect(phase({})).toEqual(["lost"]);
    expect(phase({ lastInstance: {} })).toEqual(["unknown"]);
    expect(phase({ lastInstance: { "b-01": "i-later" } })).toEqual(["unknown"]);
    expect(launchesOf(decideOn(scene, { lastInstance: {} })).map((each) => each.slot)).not.toContain("b-01");
  });

  it("nor is it remembered as such; it is once nothing has checked in for the hub's ReadyTimeout", () => {
    expect(decideOn(scene, { lastInstance: {} }).memory.lastInstance).toEqual({});
    const silent = { ...scene, builders: { "b-01": builder.gone({ update_ts: NOW - 181 }) } };
    const { builders, memory } = decideOn(silent, { lastInstance: {} });
    expect(builders.map((each) => each.phase)).toEqual(["lost"]);
    expect(memory.lastInstance).toEqual({ "b-01": "i-b-01" });
  });
});

describe("stored memory", () => {
  const full = noteLaunches(
    decideOn({ builders: { "b-01": builder.serving(), "b-02": builder.gone() } }, { hubBackAt: NOW - HOUR }).memory,
    [{ ...offering, code: "InsufficientInstanceCapacity", until: NOW }],
    ["b-03"],
    launchedAt(NOW),
  );

  it("comes back as it was, with or without the epoch of its writer", () => {
    expect(readMemory(JSON.stringify(full))).toEqual({ memory: full, forgotten: null });
    expect(readMemory(JSON.stringify({ epoch: 7, ...full })).memory).toEqual(full);
  });

  it.each([
    ["cut off", JSON.stringify(full).slice(0, 40)],
    ["empty", ""],
    ["of another shape", '{"failedOfferings":3}'],
    ["no object", "[]"],
  ])("that is %s is set aside with a sentence, for the fleet is right again after one pass", (_, text) => {
    const read = readMemory(text);
    expect(read.memory).toEqual(EMPTY_MEMORY);
    expect(read.forgotten).toMatch(/^the stored memory is unreadable and set aside: ./);
  });

  it("does not grow with slots that were renamed away long ago", () => {
    const lastInstance = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`old-${index}`, "i-0"]));
    const site = makeSite({ profiles: [makeProfile()] });
    const { memory } = decideOn({ site, builders: { "b-01": builder.serving() } }, { lastInstance });
    expect(Object.keys(memory.lastInstance)).toHaveLength(2000);
    expect(memory.lastInstance["b-01"]).toBe("i-b-01");
  });
});

describe("a launch that got no answer", () => {
  const two = makeSite({ profiles: [makeProfile({ max: 1, slots: { prefix: "b", count: 2 } })] });

  it("is tried again in the same slot and with the same token, so that EC2 answers with what it has made", () => {
    const first = decideOn({ site: two, tasks: [free()] }, { uncertain: { "b-02": NOW - 11 } });
    expect(summary(first)).toEqual(["launch b-02"]);
    const { memory } = first;
    expect(noteLaunches(memory, [], [], {}, { "b-02": NOW }).uncertain).toEqual({ "b-02": NOW });
    expect(noteLaunches(memory, [], ["b-02"], {}).uncertain).toEqual({});
  });

  it("has its money put aside, for its own next attempt only", () => {
    const arm = makeProfile({ name: "arm", arches: ["aarch64"], slots: { prefix: "c", count: 1 } });
    const poor = makeSite({ profiles: [makeProfile(), arm], builders: { budget: { maxInstances: 1 } } });
    const uncertain = { "b-02": NOW - 11 };
    const forArm = { site: poor, tasks: [free({ arch: "aarch64" })] };
    expect(summary(decideOn(forArm))).toEqual(["launch c-01"]);
    expect(summary(decideOn(forArm, { uncertain }))).toEqual([]);
    expect(summary(decideOn({ site: poor, tasks: [free()] }, { uncertain }))).toEqual(["launch b-02"]);
  });

  it("is certain when its instance has been seen, though it has ended", () => {
    const ended = { instances: [makeInstance({ slot: "b-02", state: "terminated", launchedAt: NOW - 9 })] };
    expect(decideOn({ site: two, ...ended }, { uncertain: { "b-02": NOW - 11 } }).memory.uncertain).toEqual({});
    expect(decideOn({ site: two, ...ended }, { uncertain: { "b-02": NOW - 7 } }).memory.uncertain).toHaveProperty(
      "b-02",
    );
  });

  it("is certain when its instance shows, and over when none does", () => {
    const shows = decideOn(
      { site: two, builders: { "b-02": builder.launching() } },
      { uncertain: { "b-02": NOW - 11 } },
    );
    expect(shows.memory.uncertain).toEqual({});
    expect(decideOn({ site: two }, { uncertain: { "b-02": NOW - 601 } }).memory.uncertain).toEqual({});
  });
});
