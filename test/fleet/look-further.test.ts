// What the forecast asks for beside the queue, seen in whole decisions: launches ahead, drains called off, builders kept.

import { describe, expect, it } from "vitest";
import { NO_FORECAST } from "../../shared/fleet/forecast/memory.ts";
import { remainingBudget } from "../../shared/fleet/offerings.ts";
import { type Bounds, pack } from "../../shared/fleet/pack.ts";
import type { Memory } from "../../shared/fleet/types.ts";
import { DEFAULT_HUB_OPTIONS } from "../../shared/hub/index.ts";
import {
  assigned,
  builder,
  decideOn,
  free,
  idle,
  launchesOf,
  makeProfile,
  makeSite,
  makeSnapshot,
  NOW,
  open,
  type Scene,
  type SiteChanges,
  sentenceAbout,
  slotsOf,
  summary,
  type TaskSpec,
  times,
} from "./world.ts";

/** Two pools; a builder takes one build at a time. */
const single = (name: string, prefix: string, arch: string, count = 20) =>
  makeProfile({ name, arches: [arch], capacity: 1.5, maxJobs: 3, slots: { prefix, count } });
const X86 = single("x86", "b", "x86_64");
const ARM = { ...single("arm", "a", "aarch64"), offerings: [{ instanceType: "m7g.xlarge" }] };
const siteOf = ({ builders, ...rest }: SiteChanges = {}) =>
  makeSite({
    profiles: [X86, ARM],
    ...rest,
    builders: { forecast: true, waitValuePerHour: 5, maxLaunchesPerPass: 50, ...builders },
  });
const SITE = siteOf();

const LOOKUPS = { tagArches: { "f44-build": { arches: ["x86_64", "aarch64"], at: NOW } } };
const ARCHES = ["x86_64", "aarch64"];
const about = { package: "bash", priority: 19 } as const;
const parent = (on: string, task: TaskSpec = {}): TaskSpec =>
  open(on, {
    id: 10,
    method: "build",
    arch: "noarch",
    weight: 0.2,
    waiting: true,
    start_ts: NOW - 300,
    target: "f44",
    package: "bash",
    ...task,
  });
const srpm = (on: string, seconds: number): TaskSpec =>
  open(on, {
    ...about,
    id: 11,
    parent: 10,
    method: "buildSRPMFromSCM",
    arch: "noarch",
    build_tag: "f44-build",
    start_ts: NOW - seconds,
  });
/** Its SRPM has run for longer than most. */
const underWay: Scene = {
  site: SITE,
  builders: { "b-01": builder.serving() },
  tasks: [parent("b-01"), srpm("b-01", 90)],
  lookups: LOOKUPS,
};
const profilesOf = (decision: ReturnType<typeof decideOn>) =>
  launchesOf(decision)
    .map(({ profile }) => profile)
    .sort();

describe("a build under way", () => {
  it("has builders launched for its children before they are in the queue", () => {
    expect(profilesOf(decideOn(underWay))).toContain("arm");
  });

  it("has none launched without the forecast", () => {
    expect(launchesOf(decideOn({ ...underWay, site: siteOf({ builders: { forecast: false } }) }))).toEqual([]);
  });

  it("has none launched when waits are worth nothing", () => {
    expect(launchesOf(decideOn({ ...underWay, site: siteOf({ builders: { waitValuePerHour: 0 } }) }))).toEqual([]);
  });

  it("has no fewer launched when waits are dearer", () => {
    const counts = [0, 0.1, 0.5, 1, 5, 25, 200].map(
      (waitValuePerHour) =>
        launchesOf(decideOn({ ...underWay, site: siteOf({ builders: { waitValuePerHour } }) })).length,
    );
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(counts.at(-1)).toBeGreaterThan(0);
  });

  it("asks for no builder whose place its sibling leaves: one pool, a noarch package", () => {
    const site = siteOf({ profiles: [X86] });
    const coming = (bins: readonly string[]) => {
      const memory = memoryAfterBuild(bins, site);
      return launchesOf(decideOn({ ...underWay, site }, memory)).length;
    };
    expect(coming(["noarch"])).toBe(0);
    expect(coming(["x86_64", "x86_64"])).toBeGreaterThan(0);
  });

  it("is told with the comparison in dollars", () => {
    const [launch] = launchesOf(decideOn(underWay)).filter(({ profile }) => profile === "arm");
    expect(launch?.reason).toMatch(
      /^demand is 0 task\(s\), 0\.\d more come from builds under way; .* builder 1 may come to take 0\.\d: launching it costs \$0\.\d+, the wait saved is worth \$0\.\d+$/,
    );
  });
});

/** The memory after forty builds of the package that fanned out so after 100 s: the children of the next are sure. */
function memoryAfterBuild(bins: readonly string[], site = SITE): Partial<Memory> {
  let forecast = NO_FORECAST;
  for (let round = 0; round < 40; round++) {
    const children = bins.map(
      (arch, index): TaskSpec => free({ ...about, id: 12 + index, parent: 10, arch, create_ts: NOW + 1 }),
    );
    for (const tasks of [[parent("b-01"), srpm("b-01", 99)], [parent("b-01"), ...children], []])
      forecast = decideOn({ ...underWay, site, tasks }, { forecast }).memory.forecast;
  }
  // Only what was learned of builds, not what demand did in one instant.
  return { forecast: { ...NO_FORECAST, graph: forecast.graph, newestTask: 100 } };
}

describe("the limits of a launch", () => {
  const learned = memoryAfterBuild(ARCHES);
  const many: Scene = {
    ...underWay,
    tasks: times(6, (index) => [
      parent("b-01", { id: 100 + 10 * index }),
      { ...srpm("b-01", 90), id: 101 + 10 * index, parent: 100 + 10 * index },
    ]).flat(),
  };
  const launched = (changes: SiteChanges, scene: Scene = many) =>
    profilesOf(decideOn({ ...scene, site: siteOf(changes) }, learned)).filter((name) => name === "arm").length;

  it("ahead of demand are those of any other: without them there is a builder for each child", () => {
    expect(launched({})).toBeGreaterThanOrEqual(5);
  });

  it("are the profile's max", () => {
    expect(launched({ profiles: [X86, { ...ARM, max: 2 }] })).toBe(2);
  });

  it("are the budget, which is not noted as a want: nothing waits yet", () => {
    expect(launched({ builders: { budget: { maxInstances: 1 } } })).toBe(0);
    const site = siteOf({ builders: { budget: { maxInstances: 1 } } });
    expect(decideOn({ ...many, site }, learned).notes).toEqual([]);
  });

  it("are the launches of one pass", () => {
    expect(
      profilesOf(decideOn({ ...many, site: siteOf({ builders: { maxLaunchesPerPass: 3 } }) }, learned)),
    ).toHaveLength(3);
  });

  it("are a person's hold", () => {
    const hold = { profile: "arm", since: NOW - 60, by: "somebody", reason: "an upgrade", until: null };
    expect(profilesOf(decideOn({ ...many, site: SITE, holds: [hold] }, learned))).not.toContain("arm");
  });

  it("are the boot breaker", () => {
    const record = {
      failures: 3,
      failedAt: NOW - 60,
      failedSlot: "a-01",
      opened: 1,
      openUntil: NOW + 600,
      provenLaunch: 0,
    };
    expect(profilesOf(decideOn({ ...many, site: SITE }, { ...learned, boots: { arm: record } }))).not.toContain("arm");
  });

  it("count what is on its way already", () => {
    const builders = { ...underWay.builders, "a-01": builder.booting(), "a-02": builder.booting() };
    expect(launched({}, { ...many, builders })).toBe(launched({}) - 2);
  });
});

describe("what is wanted beside the queue", () => {
  const site = siteOf({ profiles: [X86] });
  const slots = [...slotsOf({ site }).values()];
  const [profile] = site.builders.profiles;
  const bounds = {
    options: DEFAULT_HUB_OPTIONS,
    budget: remainingBudget([], site),
    now: NOW,
    limitOf: () => null,
    recoveries: new Map(),
    uncertain: new Set<string>(),
  };
  const packed = (tasks: number, launches: number, limits: Partial<Bounds> = {}) => {
    if (profile === undefined) throw new Error("the site has a profile");
    const { hub } = makeSnapshot({ site, tasks: times(tasks, () => free()) });
    const rows = hub.seen ? hub.state.tasks : [];
    const demand = rows.map((task) => ({
      task,
      channel: "default",
      weight: 1.5,
      profiles: [profile],
      refusedHosts: new Set<number>(),
    }));
    return pack(demand, slots, site, { ...bounds, ...limits }, [], null, [{ profile, launches, reason: "worth it" }]);
  };
  const reasons = (...given: Parameters<typeof packed>) => packed(...given).launches.map(({ reason }) => reason);

  it("is launched with its own sentence, and takes nothing of the queue", () => {
    expect(reasons(0, 2)).toEqual(["worth it", "worth it"]);
    expect(packed(0, 2).launches.flatMap(({ demand }) => demand)).toEqual([]);
  });

  it("counts the launches for the queue, which come first", () => {
    expect(reasons(1, 3)).toEqual([null, "worth it", "worth it"]);
    expect(reasons(3, 2)).toEqual([null, null, null]);
  });

  it("stops at a limit without a word", () => {
    const limited = packed(0, 5, { limitOf: () => ({ launches: 2, reason: "a breaker" }) });
    expect(limited.launches).toHaveLength(2);
    expect([...limited.unmet, ...limited.blocked]).toEqual([]);
  });
});

describe("a draining builder", () => {
  it("is called back before another is launched", () => {
    const decision = decideOn(
      { ...underWay, builders: { ...underWay.builders, "a-02": builder.draining() } },
      memoryAfterBuild(ARCHES),
    );
    expect(summary(decision)).toContain("cancel-drain a-02");
    expect(profilesOf(decision)).not.toContain("arm");
    expect(sentenceAbout(decision, "a-02")).toMatch(/launching it costs .*; its drain is called off$/);
  });

  it("stays away when it is drained for good", () => {
    const gone = builder.draining(200, {}, { enabledAt: null });
    const decision = decideOn(
      { ...underWay, builders: { ...underWay.builders, "a-02": gone } },
      memoryAfterBuild(ARCHES),
    );
    expect(summary(decision)).not.toContain("cancel-drain a-02");
    expect(profilesOf(decision)).toContain("arm");
  });
});

describe("an idle builder", () => {
  const one: Scene = { site: SITE, builders: { "b-01": builder.serving() } };
  const passed = (memory: Memory, seconds: number): Memory => ({
    ...memory,
    forecast: {
      ...memory.forecast,
      keeps: Object.fromEntries(
        Object.entries(memory.forecast.keeps).map(([name, noted]) => [
          name,
          noted.map(([at, count]) => [at - seconds, count] as const),
        ]),
      ),
    },
  });

  it("whose past is forgotten stays for the hold time, 0.6 of a boot", () => {
    const first = decideOn(one, idle(9000, "b-01"));
    expect(first.changes).toEqual([]);
    expect(sentenceAbout(first, "b-01")).toMatch(/^idle 9000 s, but 1 is worth keeping: one more costs \$/);
    const still = decideOn(one, { ...passed(first.memory, 85), ...idle(9000, "b-01") });
    expect(still.changes).toEqual([]);
    const later = decideOn(one, { ...passed(first.memory, 100), ...idle(9000, "b-01") });
    expect(summary(later)).toEqual(["drain b-01"]);
    expect(sentenceAbout(later, "b-01")).toMatch(/^idle 9000 s, and none is worth keeping: one costs \$/);
  });

  it("is held for as long as the config says, if it says so", () => {
    const site = siteOf({ builders: { holdSeconds: 30 } });
    const first = decideOn({ ...one, site });
    expect(summary(decideOn({ ...one, site }, passed(first.memory, 31)))).toEqual(["drain b-01"]);
  });

  it("stays while a build under way may need it", () => {
    const scene: Scene = { ...underWay, builders: { "b-01": builder.serving(), "a-01": builder.serving() } };
    const first = decideOn(scene, memoryAfterBuild(ARCHES));
    const later = decideOn(scene, { ...passed(first.memory, 600), ...idle(9000, "a-01") });
    expect(summary(later)).not.toContain("drain a-01");
    expect(sentenceAbout(later, "a-01")).toMatch(/is worth keeping/);
  });

  it("stays for the floor whatever it is worth", () => {
    const site = siteOf({ profiles: [{ ...X86, min: 1 }, ARM] });
    const first = decideOn({ ...one, site });
    expect(decideOn({ ...one, site }, passed(first.memory, 900)).changes).toEqual([]);
  });

  it("goes while as good a one is on its way", () => {
    const scene: Scene = { site: SITE, builders: { "b-01": builder.serving(), "b-02": builder.booting() } };
    const first = decideOn(scene);
    // Two are remembered as worth keeping; later one is.
    const memory = { ...first.memory, forecast: { ...first.memory.forecast, keeps: { x86: [[NOW - 5, 1] as const] } } };
    expect(summary(decideOn(scene, { ...memory, ...idle(9000, "b-01") }))).toEqual(["drain b-01"]);
  });
});

describe("tasks that several pools can run", () => {
  const noarch = (count: number): TaskSpec[] => times(count, () => free({ arch: "noarch", method: "buildArch" }));
  const idleSite = siteOf({ builders: { waitValuePerHour: 1 } });

  it("ask for no builder where one with room is up", () => {
    const builders = { "b-01": builder.serving(), "b-02": builder.serving() };
    expect(launchesOf(decideOn({ site: idleSite, builders, tasks: noarch(2) }))).toEqual([]);
  });

  it("go to the cheapest pool when none has room", () => {
    expect(new Set(profilesOf(decideOn({ site: idleSite, tasks: noarch(3) })))).toEqual(new Set(["arm"]));
  });

  it("are what the sentence tells, where they are what is launched for", () => {
    const reasons = decideOn({ site: SITE, tasks: noarch(3) }).changes.map(({ reason }) => reason);
    const ahead = reasons.filter((reason) => reason.startsWith("demand is"));
    expect(ahead.length).toBeGreaterThan(0);
    for (const reason of ahead) expect(reason).toMatch(/^demand is 3 task\(s\), \d+(\.\d)? more may follow/);
  });

  it("share a builder that is wanted for something else, where it takes several", () => {
    const large = (profile: typeof X86) => ({ ...profile, capacity: 6, maxJobs: 10 });
    const site = siteOf({ profiles: [large(X86), large(ARM)], builders: { waitValuePerHour: 1 } });
    const tasks = [free({ arch: "aarch64" }), ...noarch(1)];
    expect(profilesOf(decideOn({ site, tasks }))).toEqual(["arm"]);
  });
});

describe("work that is under way and brings nothing more", () => {
  const full = makeProfile({ slots: { prefix: "b", count: 9 } });
  const site = siteOf({ profiles: [full], builders: { waitValuePerHour: 0 } });

  it("asks for no builder beside the one that has it", () => {
    const tasks = times(4, () => open("b-01", { weight: 1.5 }));
    expect(launchesOf(decideOn({ site, builders: { "b-01": builder.serving() }, tasks }))).toEqual([]);
  });

  it("asks for none though the hub has given that one more than its capacity", () => {
    const tasks = times(5, () => open("b-01", { weight: 1.5 }));
    expect(launchesOf(decideOn({ site, builders: { "b-01": builder.serving() }, tasks }))).toEqual([]);
  });

  it("asks for none when its builder is on its way out", () => {
    const leaving = builder.draining(30, {}, { enabledAt: null });
    expect(
      launchesOf(decideOn({ site, builders: { "b-01": leaving }, tasks: [open("b-01", { weight: 1.5 })] })),
    ).toEqual([]);
  });
});

describe("odd worlds", () => {
  it("with a profile that is called like a word of JavaScript's are decided all the same", () => {
    const named = (name: string) => siteOf({ profiles: [{ ...X86, name }] });
    const [odd, usual] = ["constructor", "builders"].map((name) => decideOn({ site: named(name), tasks: [free()] }));
    expect(odd && launchesOf(odd).length).toBe(usual && launchesOf(usual).length);
    expect(odd && launchesOf(odd).length).toBeGreaterThan(0);
  });

  it("with a task of absurd weight are decided, and the next passes too", () => {
    const scene = { site: SITE, builders: { "b-01": builder.serving() }, tasks: [open("b-01", { weight: 1e15 })] };
    const look = { at: NOW - 150, situation: ["0 0|0", "0 0", "0 any", "any any"], expected: 0 };
    const group = { came: [], hours: {}, looks: [look], rises: {} };
    const forecast = { ...NO_FORECAST, at: NOW - 10, groups: { x86: group } };
    expect(() => decideOn(scene, { forecast })).not.toThrow();
  });

  it("with a hub that counts on from an older task, after a restore, know its new tasks as new", () => {
    const before = { ...NO_FORECAST, at: NOW - 10, newestTask: 9000 };
    const cameOf = (...tasks: TaskSpec[]) => {
      const { forecast } = decideOn({ site: SITE, tasks }, { forecast: before }).memory;
      return { came: forecast.groups.x86?.came.map(([, count]) => count), newest: forecast.newestTask };
    };
    const old = free({ id: 400, create_ts: NOW - 500 });
    expect(cameOf(old)).toEqual({ came: [], newest: 9000 });
    expect(cameOf(old, free({ id: 401, create_ts: NOW + 55 }))).toEqual({ came: [1], newest: 401 });
    expect(cameOf(free({ id: 9001, create_ts: NOW + 55 }), old)).toEqual({ came: [1], newest: 9001 });
  });

  it("with tasks that are assigned and not opened count these like the others", () => {
    const builders = { "b-01": builder.serving() };
    expect(launchesOf(decideOn({ site: SITE, builders, tasks: [assigned("b-01")] }))).toEqual([]);
  });
});
