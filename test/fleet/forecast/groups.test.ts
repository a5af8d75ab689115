// Who could run what: tasks by the profiles that can serve them, and how much of a builder they take.

import { describe, expect, it } from "vitest";
import type { Site } from "../../../shared/config/index.ts";
import { createJudge } from "../../../shared/fleet/eligible.ts";
import {
  countLoads,
  demandOf,
  findGroups,
  type GroupLoad,
  sizeOf,
  tasksPerBuilder,
} from "../../../shared/fleet/forecast/groups.ts";
import { deriveSlots } from "../../../shared/fleet/slots.ts";
import { builder, free, makeProfile, makeSite, makeSnapshot, NOW, open, type Scene, times } from "../world.ts";

const X86 = makeProfile();
const ARM = makeProfile({
  name: "arm",
  arches: ["aarch64"],
  slots: { prefix: "a", count: 3 },
  offerings: [{ instanceType: "m7g.xlarge" }],
});
const TWO = makeSite({ profiles: [X86, ARM] });
const PRICES: Readonly<Record<string, number>> = { x86: 0.1, arm: 0.05 };

/** By the names of the profiles. */
function loadsOf(scene: Scene, newestTask = 0, site: Site = scene.site ?? makeSite()): ReadonlyMap<string, GroupLoad> {
  const { hub, ec2, lookups } = makeSnapshot({ ...scene, site });
  if (!hub.seen) throw new Error("a scene's hub is always seen");
  const slots = deriveSlots(hub.state, ec2, site, {}).all;
  const judge = createJudge(hub.state, site, slots, lookups);
  const { of } = findGroups(judge, site.builders.profiles, ({ name }) => PRICES[name] ?? 0);
  return countLoads(hub.state.tasks, slots, of, newestTask);
}
const demandIn = (load: GroupLoad | undefined) => (load === undefined ? 0 : demandOf(load.all, load.group.home));

describe("typical tasks of a builder", () => {
  it("are builds of one arch, as many as weight and jobs admit, and one at least", () => {
    expect(tasksPerBuilder({ capacity: 6, maxJobs: 10 })).toBe(4);
    expect(tasksPerBuilder({ capacity: 6, maxJobs: 3 })).toBe(3);
    expect(tasksPerBuilder({ capacity: 1, maxJobs: 4 })).toBe(1);
    const [profile] = makeSite().builders.profiles;
    if (profile !== undefined) expect(sizeOf(1.5, profile)).toBe(1);
  });
});

describe("groups", () => {
  it("are of one profile, or of all those that could run a noarch task, at home where a task is cheapest", () => {
    const tasks = [free(), free({ arch: "aarch64" }), free({ arch: "noarch", method: "build" })];
    const loads = loadsOf({ site: TWO, tasks });
    expect([...loads.keys()]).toEqual(["x86", "arm", "x86+arm"]);
    expect(loads.get("x86+arm")?.group.home.name).toBe("arm");
  });

  it("follow the build tag's arches, as the hub does", () => {
    const lookups = { tagArches: { "el9-build": { arches: ["x86_64"], at: NOW } } };
    const task = free({ arch: "noarch", build_tag: "el9-build" });
    expect([...loadsOf({ site: TWO, tasks: [task], lookups }).keys()]).toEqual(["x86"]);
  });

  it("leave out what nobody here can run, and what runs elsewhere", () => {
    const hosts = [{ name: "static-1" }];
    const tasks = [free({ arch: "s390x" }), open("static-1"), free({ channel_id: 4 })];
    expect(loadsOf({ tasks, hosts }).size).toBe(0);
  });

  it("of a bin do not follow the one task in it that every slot has refused", () => {
    const builders = { "b-01": builder.serving(), "b-02": builder.serving(), "b-03": builder.serving() };
    const refusals = ["b-01", "b-02", "b-03"].map((host) => ({ task: 1001, host }));
    expect(demandIn(loadsOf({ builders, tasks: [free(), free(), free()], refusals }).get("x86"))).toBeGreaterThan(1.9);
  });
});

describe("the load of a group", () => {
  const builders = { "b-01": builder.serving(), "b-02": builder.serving() };

  it("is what is queued and what is at work, by the weight that builders give", () => {
    const tasks = [...times(2, () => open("b-01", { weight: 1.5 })), ...times(3, () => free())];
    const load = loadsOf({ builders, tasks }).get("x86");
    expect(demandIn(load)).toBeCloseTo(5, 9);
    expect(load?.queuedTasks).toBeCloseTo(3, 9);
  });

  it("counts a parent that waits by its job slot only", () => {
    const parent = (id: number) => open("b-01", { id, method: "build", weight: 0.2, waiting: true });
    // Ten jobs fill a builder of four typical tasks.
    expect(demandIn(loadsOf({ builders, tasks: times(5, (index) => parent(index + 1)) }).get("x86"))).toBeCloseTo(2, 9);
  });

  it("counts as come what has a higher id than any task that was seen", () => {
    const tasks = [1, 2, 3, 4].map((id) => free({ id }));
    expect(loadsOf({ tasks }).get("x86")?.came).toBe(4);
    expect(loadsOf({ tasks }, 3).get("x86")?.came).toBe(1);
  });

  it("is never more than the builders that have it, however full the hub has made them", () => {
    const tasks = times(2, () => open("b-01", { weight: 4.5 }));
    expect(demandIn(loadsOf({ builders, tasks }).get("x86"))).toBeLessThanOrEqual(4);
  });
});

describe("a queued build", () => {
  const site = makeSite({ profiles: [X86] });
  const sizeOfOne = (changes: Parameters<typeof free>[0]) =>
    demandIn(loadsOf({ site, tasks: [free(changes)] }, 0, site).get("x86"));

  it("counts with the SRPM that it makes as soon as it is opened", () => {
    const both = sizeOfOne({ method: "build", arch: "noarch" });
    const srpm = sizeOfOne({ method: "buildSRPMFromSCM", arch: "noarch", parent: 10 });
    expect(both).toBeGreaterThan(srpm);
    expect(loadsOf({ site, tasks: [free({ method: "build", arch: "noarch" })] }, 0, site).get("x86")?.came).toBe(1);
  });
});

describe("what builds have fanned out into", () => {
  it("is told apart once it is at work, and SRPMs are not", () => {
    const site = makeSite({ profiles: [X86] });
    const at = { start_ts: NOW - 60, parent: 10 };
    const tasks = [
      open("b-01", { method: "buildArch", arch: "x86_64", ...at, id: 12 }),
      open("b-01", { method: "buildSRPMFromSCM", arch: "noarch", ...at, id: 11 }),
      free({ method: "buildArch", arch: "x86_64", parent: 10, id: 13 }),
    ];
    const load = loadsOf({ site, builders: { "b-01": builder.serving() }, tasks }, 0, site).get("x86");
    expect(load?.children.map(({ task }) => task.id)).toEqual([12]);
  });
});
