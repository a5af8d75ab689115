// What is launched for the demand: by price per weight, within slots, max, budget and pace, on offerings that work.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { slotNames } from "../../shared/config/index.ts";
import type { Demand } from "../../shared/fleet/eligible.ts";
import { remainingBudget } from "../../shared/fleet/offerings.ts";
import { pack } from "../../shared/fleet/pack.ts";
import type { Slot } from "../../shared/fleet/slots.ts";
import { DEFAULT_HUB_OPTIONS } from "../../shared/hub/index.ts";
import { anySite } from "./arbitraries.ts";
import { holds } from "./seed.ts";
import {
  builder,
  decideOn,
  free,
  launchesOf,
  makeProfile,
  makeSite,
  NOW,
  open,
  type Scene,
  type SiteChanges,
  summary,
  times,
} from "./world.ts";

const launched = (scene: Scene, memory = {}) => summary(decideOn(scene, memory));
const notes = (scene: Scene, memory = {}) => decideOn(scene, memory).notes;
const siteOf = (...profiles: NonNullable<SiteChanges["profiles"]>) => makeSite({ profiles });
const refusedOffering = (zone: string, market: "spot" | "on-demand", until = NOW + 60) => ({
  instanceType: "m7a.xlarge",
  zone,
  market,
  code: "InsufficientInstanceCapacity",
  until,
});

describe("the size of a launch", () => {
  it("follows the weights that the builders will give the tasks, not the 1.0 of a task that was never open", () => {
    // Capacity 6 takes four builds of 1.5.
    expect(launched({ tasks: times(4, () => free()) })).toEqual(["launch b-01"]);
    expect(launched({ tasks: times(5, () => free()) })).toEqual(["launch b-01", "launch b-02"]);
  });

  it("knows how long a package takes to build", () => {
    // 9600 s on average: weight 1.5 + 2.
    const lookups = { packageSeconds: { kernel: { seconds: 9600, at: NOW } } };
    expect(launched({ tasks: times(2, () => free({ package: "kernel" })), lookups })).toEqual([
      "launch b-01",
      "launch b-02",
    ]);
  });

  it("gives a task that is heavier than any builder one of its own, as the hub would", () => {
    const lookups = { packageSeconds: { kernel: { seconds: 90_000, at: NOW } } };
    expect(launched({ tasks: times(2, () => free({ package: "kernel" })), lookups })).toEqual([
      "launch b-01",
      "launch b-02",
    ]);
  });

  it("counts jobs: a builder takes no more than its maxJobs, however light they are", () => {
    const site = siteOf(makeProfile({ maxJobs: 2 }));
    const tasks = times(5, () => free({ method: "newRepo", arch: "noarch" }));
    expect(launched({ site, tasks })).toEqual(["launch b-01", "launch b-02", "launch b-03"]);
  });

  it("counts light tasks as light: ten parents of builds need one builder, now and in the next pass", () => {
    const tasks = times(10, () => free({ method: "build", arch: "noarch" }));
    expect(launched({ tasks })).toEqual(["launch b-01"]);
    expect(launched({ tasks, builders: { "b-01": builder.launching() } })).toEqual([]);
  });

  it("is nothing when builders that serve or come have room", () => {
    expect(launched({ builders: { "b-01": builder.serving() }, tasks: times(4, () => free()) })).toEqual([]);
    expect(launched({ builders: { "b-01": builder.booting() }, tasks: times(4, () => free()) })).toEqual([]);
    expect(launched({ hosts: [{ name: "static" }], tasks: times(4, () => free()) })).toEqual([]);
  });

  it("leaves work that builders already hold out of account, but for the room it takes", () => {
    const full = times(6, () => open("b-01"));
    expect(launched({ builders: { "b-01": builder.serving() }, tasks: [...full, free()] })).toEqual(["launch b-02"]);
    const waiting = times(9, () => open("b-01", { waiting: true }));
    expect(launched({ builders: { "b-01": builder.serving() }, tasks: [...waiting, free()] })).toEqual([]);
    // Waiting parents weigh nothing, but each takes one of the ten jobs.
    expect(launched({ builders: { "b-01": builder.serving() }, tasks: [...waiting, open("b-01"), free()] })).toEqual([
      "launch b-02",
    ]);
  });
});

describe("builders that are no capacity", () => {
  it.each([
    ["one whose instance is gone", builder.gone()],
    ["one that is shutting down", builder.shuttingDown()],
    ["one that somebody stopped", builder.stopped()],
    ["one that a person disabled", builder.serving({}, { enabled: false })],
    ["one whose kojid is silent", builder.silent()],
    ["one that EC2 is about to take back", builder.serving({ spotNoticeAt: NOW - 5 })],
    ["one that has booted for too long", builder.booting(901)],
    ["one of which EC2 shows no instance", builder.ghost()],
  ])("%s: another is launched", (_, spec) => {
    expect(launched({ builders: { "b-01": spec }, tasks: [free()] })).toContain("launch b-02");
  });

  it("one that is idle, polls, and is still not ready after a few polls", () => {
    const unready: Scene = { builders: { "b-01": builder.serving({}, { ready: false }) }, tasks: [free()] };
    expect(launched(unready, { idleSince: { "b-01": NOW - 61 } })).toEqual(["launch b-02"]);
    // Right after its last task, or right after it was enabled, the hub just does not know yet.
    expect(launched(unready, { idleSince: { "b-01": NOW - 20 } })).toEqual([]);
    const fresh = builder.serving({ enabledAt: NOW - 20 }, { ready: false });
    expect(launched({ ...unready, builders: { "b-01": fresh } }, { idleSince: { "b-01": NOW - 70 } })).toEqual([]);
  });

  it("but all of them are, right after the hub was away: nobody could have checked in", () => {
    const scene: Scene = { builders: { "b-01": builder.silent(700) }, tasks: [free()] };
    expect(launched(scene, { hubOfflineSince: NOW - 690 })).toEqual([]);
    expect(launched(scene, { hubBackAt: NOW - 100 })).toEqual([]);
    expect(launched(scene, { hubBackAt: NOW - 200 })).toContain("launch b-02");
  });
});

describe("the choice between profiles", () => {
  const small = makeProfile({ name: "small", capacity: 3, slots: { prefix: "s", count: 5 } });
  const large = (instanceType: string) =>
    makeProfile({
      name: "large",
      capacity: 12,
      slots: { prefix: "l", count: 5 },
      offerings: [{ instanceType }],
    });

  it("takes one large builder where that is cheaper per weight than several small ones", () => {
    const site = siteOf(small, large("m7a.2xlarge"));
    expect(launched({ site, tasks: times(8, () => free()) })).toEqual(["launch l-01"]);
  });

  it("takes small ones where the large one would stand half empty", () => {
    const site = siteOf(small, large("m7a.4xlarge"));
    expect(launched({ site, tasks: times(4, () => free()) })).toEqual(["launch s-01", "launch s-02"]);
  });

  it("may not move a task out of its channel or arch", () => {
    const arm = makeProfile({ name: "arm", arches: ["aarch64"], slots: { prefix: "a", count: 2 } });
    const site = siteOf(makeProfile(), arm);
    expect(launched({ site, tasks: [free(), free({ arch: "aarch64" })] })).toEqual(["launch b-01", "launch a-01"]);
  });

  it("fills a builder for one kind of task with others that fit", () => {
    const both = makeProfile({ channels: ["default", "createrepo"] });
    const tasks = [free(), free({ channel_id: 2, arch: "noarch", method: "createrepo" })];
    expect(launched({ site: siteOf(both), tasks })).toEqual(["launch b-01"]);
  });
});

describe("offerings", () => {
  const site = siteOf(
    makeProfile({ offerings: [{ instanceType: "m7a.xlarge" }, { instanceType: "m6a.xlarge", markets: ["spot"] }] }),
  );
  const offered = (memory = {}, of = site) =>
    launchesOf(decideOn({ site: of, tasks: [free()] }, memory))[0]?.offerings.map(
      (each) => `${each.instanceType} ${each.market} ${each.zone} ${each.subnetId}`,
    );

  it("are tried market by market, the cheapest first, in every subnet", () => {
    expect(offered()).toEqual([
      "m6a.xlarge spot us-east-1a subnet-0a",
      "m6a.xlarge spot us-east-1b subnet-0b",
      "m7a.xlarge spot us-east-1a subnet-0a",
      "m7a.xlarge spot us-east-1b subnet-0b",
      "m7a.xlarge on-demand us-east-1a subnet-0a",
      "m7a.xlarge on-demand us-east-1b subnet-0b",
    ]);
  });

  it("are tried on demand first where the profile says so", () => {
    const markets: ("spot" | "on-demand")[] = ["on-demand", "spot"];
    const [first] = offered({}, siteOf(makeProfile({ offerings: [{ instanceType: "m7a.xlarge", markets }] }))) ?? [];
    expect(first).toBe("m7a.xlarge on-demand us-east-1a subnet-0a");
  });

  it("that failed lately are left out, that zone and market only, until their time is over", () => {
    expect(offered({ failedOfferings: [refusedOffering("us-east-1a", "spot")] })).not.toContain(
      "m7a.xlarge spot us-east-1a subnet-0a",
    );
    expect(offered({ failedOfferings: [refusedOffering("us-east-1a", "spot")] })).toHaveLength(5);
    expect(offered({ failedOfferings: [refusedOffering("us-east-1a", "spot", NOW)] })).toHaveLength(6);
  });

  it("that all failed lately leave nothing to launch, and the decision says so", () => {
    const failedOfferings = ["us-east-1a", "us-east-1b"].flatMap((zone) => [
      refusedOffering(zone, "spot"),
      refusedOffering(zone, "on-demand"),
    ]);
    expect(notes({ tasks: [free()] }, { failedOfferings })).toEqual([
      "no launch for 1 more task(s) in default:x86_64: the budget or lately failed offerings leave nothing to launch for x86",
    ]);
  });

  it("have the prices of the config where it gives them", () => {
    const priced = makeProfile({
      offerings: [{ instanceType: "m7a.xlarge", onDemandPricePerHour: 1, spotPricePerHour: 0.1 }],
    });
    const [launch] = launchesOf(decideOn({ site: siteOf(priced), tasks: [free()] }));
    expect(launch?.offerings.map((each) => each.pricePerHour)).toEqual([0.1, 0.1, 1, 1]);
  });
});

describe("limits", () => {
  const tasks = times(12, () => free());
  const budget = (limits: object) => makeSite({ builders: { budget: limits } });

  it("are the slots", () => {
    expect(launched({ tasks: times(16, () => free()) })).toEqual(["launch b-01", "launch b-02", "launch b-03"]);
    expect(notes({ tasks: times(16, () => free()) })).toEqual([
      "no launch for 4 more task(s) in default:x86_64: all 3 slots of x86 are taken",
    ]);
  });

  it("are the profile's max, in which instances that claim a slot twice count twice", () => {
    const site = siteOf(makeProfile({ max: 2 }));
    expect(launched({ site, tasks })).toEqual(["launch b-01", "launch b-02"]);
    expect(notes({ site, tasks })).toEqual(["no launch for 4 more task(s) in default:x86_64: x86 is at its max of 2"]);
    const rivals: Scene = {
      site,
      builders: { "b-01": builder.serving() },
      instances: [{ slot: "b-01", launchedAt: NOW - 60 }],
      tasks: [...times(6, () => open("b-01")), ...tasks],
    };
    expect(launched(rivals)).toEqual([]);
  });

  it("are the number of instances, the stopping and the unknown ones included", () => {
    expect(launched({ site: budget({ maxInstances: 2 }), tasks })).toEqual(["launch b-01", "launch b-02"]);
    const builders = { "b-01": builder.shuttingDown() };
    expect(launched({ site: budget({ maxInstances: 2 }), tasks, builders })).toEqual(["launch b-02"]);
    const instances = [{ slot: null }];
    expect(launched({ site: budget({ maxInstances: 2 }), tasks, instances })).toEqual(["launch b-01"]);
  });

  it("are the vCPUs and the dollars of the dearest offering, for EC2 may give any of them", () => {
    expect(launched({ site: budget({ maxVcpus: 11 }), tasks })).toEqual(["launch b-01", "launch b-02"]);
    // Two on demand cost 0.46; what is left allows a spot instance only.
    const site = budget({ dollarsPerHour: 0.6 });
    const launches = launchesOf(decideOn({ site, tasks }));
    expect(launches.map((launch) => [...new Set(launch.offerings.map((each) => each.market))])).toEqual([
      ["spot", "on-demand"],
      ["spot", "on-demand"],
      ["spot"],
    ]);
  });

  it("are counted with the prices of an instance's own profile", () => {
    const cheap = makeProfile({ offerings: [{ instanceType: "m7a.xlarge", onDemandPricePerHour: 0.01 }] });
    const dear = makeProfile({
      name: "dear",
      channels: ["image"],
      slots: { prefix: "d", count: 2 },
      offerings: [{ instanceType: "m7a.xlarge", onDemandPricePerHour: 3 }],
    });
    const site = makeSite({ profiles: [cheap, dear], builders: { budget: { dollarsPerHour: 4.5 } } });
    const builders = { "d-01": builder.serving({ market: "on-demand" }) };
    expect(remainingBudget([], site).dollarsPerHour).toBe(4.5);
    const decision = decideOn({ site, builders, tasks: [free({ channel_id: 3 }), open("d-01", { weight: 6 })] });
    expect(decision.pricePerHour).toBe(3);
    // 1.5 is left: enough for this profile's 1.2 on the spot market, not for its 3 on demand.
    expect(launchesOf(decision).flatMap((each) => each.offerings.map((offering) => offering.market))).toEqual([
      "spot",
      "spot",
    ]);
  });

  it("are the launches of one pass", () => {
    const site = makeSite({ builders: { maxLaunchesPerPass: 2 } });
    expect(launched({ site, tasks })).toEqual(["launch b-01", "launch b-02"]);
    expect(notes({ site, tasks })).toEqual([
      "no launch for 4 more task(s) in default:x86_64: this pass has made all the launches it may (maxLaunchesPerPass); the rest follows in the next",
    ]);
  });

  it("are told apart: a free slot that refused is not a taken one", () => {
    const builders = { "b-01": builder.resting(), "b-02": builder.serving(), "b-03": builder.serving() };
    const full = ["b-02", "b-03"].flatMap((slot) => times(6, () => open(slot)));
    const scene = { builders, tasks: [free({ id: 7 }), ...full], refusals: [{ task: 7, host: "b-01" }] };
    expect(notes(scene)).toEqual([
      "no launch for 1 more task(s) in default:x86_64: the free slots of x86 have refused it",
    ]);
  });
});

describe("a builder that boots", () => {
  it("counts on, until it is late: then the queue gets another one", () => {
    const scene = (age: number) => ({ builders: { "b-01": builder.booting(age) }, tasks: [free()] });
    expect(launched(scene(300))).toEqual([]);
    expect(launched(scene(301))).toEqual(["launch b-02"]);
  });
});

describe("the floor", () => {
  const site = siteOf(makeProfile({ min: 2 }));

  it("is kept without any task", () => {
    const decision = decideOn({ site });
    expect(decision.changes.map((change) => change.reason)).toEqual([
      "x86 keeps a floor of 2",
      "x86 keeps a floor of 2",
    ]);
  });

  it("counts what serves, boots or is launched for the queue", () => {
    expect(launched({ site, builders: { "b-01": builder.serving(), "b-02": builder.booting() } })).toEqual([]);
    expect(launched({ site, tasks: [free()] })).toEqual(["launch b-01", "launch b-02"]);
  });

  it("that cannot be kept is said", () => {
    const tight = makeSite({ profiles: [makeProfile({ min: 2 })], builders: { budget: { maxVcpus: 4 } } });
    expect(launched({ site: tight })).toEqual(["launch b-01"]);
    expect(notes({ site: tight })).toEqual([
      "no launch for 1 more of the floor of 2 of x86: the budget or lately failed offerings leave nothing to launch for x86",
    ]);
  });
});

describe("whatever the demand", () => {
  const demandOf = (site: Parameters<typeof pack>[2]) =>
    fc.array(
      fc.record({
        weight: fc.constantFrom(0.1, 0.2, 1, 1.5, 2, 4, 19.5),
        dbWeight: fc.constantFrom(1, 1, 1, 6),
        profiles: fc.subarray(site.builders.profiles, { minLength: 1 }),
        refused: fc.subarray([1, 2, 3]),
      }),
      { maxLength: 60 },
    );
  const inputs = anySite.chain((site) => demandOf(site).map((drawn) => ({ site, drawn })));

  it("each task of it is launched for or blocked with a reason, once", () => {
    holds(inputs, ({ site, drawn }) => {
      const demand: Demand[] = drawn.flatMap(({ weight, dbWeight, profiles, refused }, index) => {
        const needed = Math.max(0, dbWeight - site.hub.options.capacityOvercommit);
        const large = profiles.filter((profile) => profile.capacity > needed);
        const task = { ...blankTask, id: index, weight: dbWeight };
        if (large.length === 0) return [];
        return [{ task, channel: "default", weight, profiles: large, refusedHosts: new Set(refused) }];
      });
      const slots: Slot[] = site.builders.profiles.flatMap((profile) =>
        slotNames(profile.slots).map((name) => ({ ...emptySlot, name, profile })),
      );
      const bounds = {
        options: { ...DEFAULT_HUB_OPTIONS, ...site.hub.options },
        budget: remainingBudget([], site),
        now: NOW,
        limitOf: () => null,
        recoveries: new Map<string, string>(),
        uncertain: new Set<string>(),
      };
      const packing = pack(demand, slots, site, bounds, [], null);
      const named = [...packing.launches, ...packing.blocked].flatMap((each) => each.demand.map(({ task }) => task.id));
      expect(named.toSorted((a, b) => a - b)).toEqual(demand.map(({ task }) => task.id));
      for (const { reason } of packing.blocked) expect(reason).toMatch(/./);
      for (const { slot, demand: takes } of packing.launches) {
        const weight = takes.reduce((sum, each) => sum + each.weight, 0);
        if (takes.length > 1) expect(weight).toBeLessThanOrEqual(slot.profile.capacity + 1e-6);
        expect(takes.length).toBeLessThanOrEqual(slot.profile.maxJobs);
        for (const each of takes) expect(each.profiles).toContain(slot.profile);
      }
    });
  });
});

const blankTask = {
  state: 0,
  waiting: false,
  channel_id: 1,
  host_id: null,
  arch: "x86_64",
  method: "buildArch",
  priority: 20,
  create_ts: NOW,
} as const;
const emptySlot = {
  phase: "empty",
  instance: null,
  rivals: [],
  host: null,
  tasks: [],
  disabledByPerson: false,
  silent: false,
  polling: false,
  silentSeconds: Number.POSITIVE_INFINITY,
  checkedIn: false,
  retired: false,
} as const;
