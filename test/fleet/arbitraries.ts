// Whole random worlds: sites, and snapshots of them that are partly sound and partly nonsense.

import fc from "fast-check";
import { type Market, type Site, slotNames } from "../../shared/config/index.ts";
import { NO_FORECAST } from "../../shared/fleet/forecast/memory.ts";
import type { Instance, Memory, Snapshot } from "../../shared/fleet/types.ts";
import type { Channel, Host, Refusal, Task } from "../../shared/hub/index.ts";
import { DEFAULT_HUB_OPTIONS } from "../../shared/hub/index.ts";
import { anyPassesBefore, learnedBefore, type PassBefore } from "./passes-before.ts";
import { CHANNELS, HOUR, makeProfile, makeSite, NOW } from "./world.ts";

const TYPES = ["m7a.large", "m7a.xlarge", "m7a.4xlarge", "m6a.xlarge", "c7g.2xlarge"];
const ZONES = ["us-east-1a", "us-east-1b"];
const MARKETS: Market[] = ["spot", "on-demand"];
const CHANNEL_NAMES = ["default", "createrepo", "image", "closed", "nowhere"];
const ARCHES = ["x86_64", "i386", "aarch64"];
const some = <T>(...values: T[]) => fc.constantFrom(...values);

const profile = (index: number) =>
  fc
    .record({
      channels: fc.uniqueArray(some(...CHANNEL_NAMES), { minLength: 1, maxLength: 3 }),
      arches: fc.uniqueArray(some(...ARCHES), { minLength: 1 }),
      capacity: fc.double({ min: 1.5, max: 12, noNaN: true }),
      maxJobs: fc.integer({ min: 1, max: 12 }),
      count: fc.integer({ min: 1, max: 5 }),
      max: fc.option(fc.integer({ min: 1, max: 5 })),
      min: fc.integer({ min: 0, max: 2 }),
      holdSeconds: fc.option(fc.integer({ min: 1, max: 600 })),
      offerings: fc.uniqueArray(
        fc.record({
          instanceType: some(...TYPES),
          markets: fc.shuffledSubarray(MARKETS, { minLength: 1 }),
        }),
        { minLength: 1, maxLength: 3, selector: (offering) => offering.instanceType },
      ),
    })
    .map(({ count, max, min, holdSeconds, offerings, ...rest }) => {
      const most = max === null ? count : Math.min(max, count);
      return makeProfile({
        ...rest,
        name: `p${index}`,
        slots: { prefix: `p${index}`, count },
        min: Math.min(min, most),
        ...(max === null ? {} : { max: most }),
        ...(holdSeconds === null ? {} : { holdSeconds }),
        offerings,
      });
    });

export const anySite: fc.Arbitrary<Site> = fc
  .record({
    profiles: fc
      .integer({ min: 1, max: 3 })
      .chain((count) => fc.tuple(...Array.from({ length: count }, (_, i) => profile(i)))),
    admin: fc.boolean(),
    budget: fc.record({
      maxInstances: fc.integer({ min: 2, max: 20 }),
      maxVcpus: fc.integer({ min: 1, max: 64 }),
      dollarsPerHour: fc.double({ min: 0.05, max: 5, noNaN: true }),
    }),
    maxLaunchesPerPass: fc.integer({ min: 1, max: 10 }),
    runInterval: some(60, 5),
    capacityOvercommit: some(5, 0, 1),
    forecast: fc.boolean(),
    waitValuePerHour: some(0, 1, 5, 25),
    launchFee: some(0, 0.001, 0.05),
  })
  .map(({ profiles, admin, runInterval, capacityOvercommit, ...builders }) =>
    makeSite({ hub: { admin, options: { runInterval, capacityOvercommit } }, builders, profiles }),
  );

/** Seconds before now; now and then after it, as clocks differ. */
const ago = (most: number) => fc.integer({ min: -60, max: most }).map((seconds) => NOW - seconds);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });

const instanceState = some<Instance["state"]>(
  "pending",
  "running",
  "running",
  "running",
  "shutting-down",
  "terminated",
  "stopping",
  "stopped",
);

const instanceOf = (slots: readonly string[]) =>
  fc.record({
    slot: fc.oneof(
      { weight: 12, arbitrary: some(...slots) },
      { weight: 1, arbitrary: some("p9-01", "renamed", "") },
      { weight: 1, arbitrary: fc.constant(null) },
    ),
    state: instanceState,
    instanceType: fc.oneof({ weight: 9, arbitrary: some(...TYPES) }, { weight: 1, arbitrary: some("x9.metal", "") }),
    zone: some(...ZONES),
    market: some(...MARKETS),
    launchedAt: ago(2 * HOUR),
    profile: some("p0", "p1", "other", null),
    checkInAfter: maybe(ago(3 * HOUR)),
    enabledAt: maybe(ago(HOUR)),
    drainingAt: fc.option(ago(300), { nil: null, freq: 3 }),
    spotNoticeAt: fc.option(ago(120), { nil: null, freq: 1 }),
    templateVersion: some("1", null),
    launch: some("token", null),
    imageId: fc.oneof({ weight: 4, arbitrary: fc.constant("ami-0a") }, some("ami-0b", null)),
    rebalanceAt: fc.option(ago(120), { nil: null, freq: 1 }),
    pinned: fc.oneof({ weight: 8, arbitrary: fc.constant(false) }, fc.constant(true)),
    drainNow: fc.oneof({ weight: 8, arbitrary: fc.constant(false) }, fc.constant(true)),
    takenBySpot: fc.boolean(),
    untagged: fc.oneof({ weight: 12, arbitrary: fc.constant(false) }, fc.constant(true)),
  });

const hostArches = some("x86_64", "x86_64 i386", "x86_64 i686", "i686", "aarch64", "", "  x86_64  x86_64 ");
const host = fc.record({
  arches: hostArches,
  capacity: fc.double({ min: 1.1, max: 12, noNaN: true }),
  enabled: fc.boolean(),
  ready: fc.boolean(),
  task_load: fc.double({ min: -1, max: 20, noNaN: true }),
  update_ts: fc.oneof({ weight: 6, arbitrary: ago(400) }, { weight: 2, arbitrary: ago(3 * HOUR) }, fc.constant(null)),
  channels: fc.uniqueArray(fc.integer({ min: 1, max: 5 })),
  data: some(null, { maxjobs: 10 }, { maxjobs: null }, { maxjobs: 0 }, { maxjobs: 2, methods: ["build"] }),
});

const METHODS = [
  "build",
  "buildArch",
  "createrepo",
  "newRepo",
  "rebuildSRPM",
  "tagBuild",
  "createImage",
  "nonsense",
  "",
];
const taskOf = (hostIds: readonly number[]) =>
  fc.record({
    state: some<Task["state"]>(0, 0, 0, 1, 1, 4, 2, 5),
    waiting: some(true, false, false, null),
    weight: fc.oneof(
      { weight: 6, arbitrary: fc.constant(1) },
      fc.double({ min: 0, max: 25, noNaN: true }),
      some(1e9, 0),
    ),
    channel_id: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1, max: 4 }) }, some(0, 77)),
    host_id: fc.oneof({ weight: 5, arbitrary: some(...hostIds, 0, 999) }, { weight: 1, arbitrary: fc.constant(null) }),
    keepsHost: fc.integer({ min: 0, max: 19 }).map((dice) => dice === 0),
    arch: some("x86_64", "x86_64", "noarch", "i386", "aarch64", "i686", "s390x"),
    method: some(...METHODS),
    priority: some(20, 19, 15, 5, null),
    create_ts: ago(5000),
    start_ts: maybe(ago(4000)),
    build_tag: some<number | string | null>(null, 11, 12, "f44-build", "constructor"),
    package: some(null, "bash", "kernel", "unheard-of"),
  });

const launch = fc.record({
  instanceId: some("i-0", "i-1", "i-launched", "launch token"),
  at: ago(600),
  profile: some("p0", "p1"),
  instanceType: some(...TYPES),
  zone: some(...ZONES),
  market: some(...MARKETS),
});

export const anyMemory = (slots: readonly string[]): fc.Arbitrary<Memory> =>
  fc.record({
    failedOfferings: fc.array(
      fc.record({
        instanceType: some(...TYPES),
        zone: some(...ZONES),
        market: some(...MARKETS),
        code: fc.constant("InsufficientInstanceCapacity"),
        until: ago(300).map((at) => 2 * NOW - at - 100),
      }),
      { maxLength: 6 },
    ),
    idleSince: fc.dictionary(some(...slots), ago(900), { noNullPrototype: true }),
    lastInstance: fc.dictionary(some(...slots), some("i-1", "i-2"), { noNullPrototype: true }),
    boots: fc.dictionary(
      some("p0", "p1", "gone"),
      fc.record({
        failures: fc.nat(5),
        failedAt: ago(HOUR),
        failedSlot: fc.constant("p0-01"),
        opened: fc.nat(4),
        openUntil: ago(900).map((at) => 2 * NOW - at - 100),
        provenLaunch: ago(2 * HOUR),
      }),
      { noNullPrototype: true },
    ),
    learned: fc.dictionary(some("i-0", "i-1"), ago(HOUR), { noNullPrototype: true }),
    leftAlone: fc.dictionary(some(...slots), some("i-0", "i-1"), { noNullPrototype: true }),
    uncertain: fc.dictionary(some(...slots), ago(900), { noNullPrototype: true }),
    launchFailures: fc.dictionary(some(...slots), fc.nat(5), { noNullPrototype: true }),
    launched: fc.dictionary(some(...slots), launch, { noNullPrototype: true, maxKeys: 3 }),
    hubOfflineSince: maybe(ago(HOUR)),
    hubBackAt: maybe(ago(HOUR)),
    lookups,
    forecast: fc.constant(NO_FORECAST),
  });

const lookups = fc.record({
  tagArches: fc.dictionary(
    some("11", "12", "f44-build"),
    fc.record({ arches: fc.subarray(["x86_64", "i686", "aarch64"]), at: fc.constant(NOW - 30) }),
    { noNullPrototype: true },
  ),
  packageSeconds: fc.dictionary(
    some("bash", "kernel"),
    fc.record({ seconds: maybe(fc.integer({ min: 0, max: 90_000 })), at: fc.constant(NOW - 30) }),
    { noNullPrototype: true },
  ),
});

const hold = fc.record({
  profile: some("p0", "p1", "gone", null),
  since: ago(HOUR),
  by: fc.constant("somebody"),
  reason: fc.constant("an upgrade"),
  until: maybe(fc.integer({ min: NOW - 60, max: NOW + 3600 })),
});

export interface World {
  readonly site: Site;
  readonly snapshot: Snapshot;
  readonly memory: Memory;
}

/** What a pass may meet. `sound`: hub and EC2 both answered. */
export const anyWorld = (sound = false): fc.Arbitrary<World> => anySite.chain((site) => worldOf(site, sound));

export function worldOf(site: Site, sound: boolean): fc.Arbitrary<World> {
  const slots = site.builders.profiles.flatMap((each) => slotNames(each.slots));
  return hostsOf(site).chain((hosts) =>
    fc
      .record({
        memory: anyMemory(slots),
        lookups,
        channels: some<readonly Channel[]>(CHANNELS, CHANNELS, CHANNELS.slice(0, 2), []),
        tasks: fc.array(taskOf(hosts.map((each) => each.id)), { maxLength: 60 }),
        refusals: fc.array(refusalOf(hosts.map((each) => each.id)), { maxLength: 20 }),
        instances: fc.array(instanceOf(slots), { maxLength: 12 }),
        holds: fc.oneof({ weight: 6, arbitrary: fc.constant([]) }, fc.array(hold, { maxLength: 2 })),
        hubSeen: fc.integer({ min: 0, max: 9 }).map((dice) => sound || dice > 0),
        ec2: sound ? fc.constant("seen") : some("seen", "seen", "seen", "seen", "not-asked", "failed"),
        passesBefore: anyPassesBefore,
      })
      .map((parts) => {
        const snapshot = snapshotOf(site, hosts, parts);
        const memory = {
          ...parts.memory,
          forecast: learnedBefore({ site, snapshot, memory: parts.memory }, parts.passesBefore),
        };
        return { site, memory, snapshot };
      }),
  );
}

interface Parts {
  readonly memory: Memory;
  readonly passesBefore: readonly PassBefore[];
  readonly lookups: Snapshot["lookups"];
  readonly channels: readonly Channel[];
  readonly tasks: readonly (Omit<Task, "id"> & { readonly keepsHost: boolean })[];
  readonly refusals: readonly Refusal[];
  readonly instances: readonly Omit<Instance, "instanceId">[];
  readonly hubSeen: boolean;
  readonly holds: Snapshot["hand"]["holds"];
  readonly ec2: string;
}

function snapshotOf(site: Site, hosts: readonly Host[], parts: Parts): Snapshot {
  const state = {
    now: NOW,
    options: { ...DEFAULT_HUB_OPTIONS, ...site.hub.options },
    channels: parts.channels,
    hosts,
    // FREE tasks rarely name a host.
    tasks: parts.tasks.map(({ keepsHost, ...task }, index) => ({
      ...task,
      id: 1001 + index,
      host_id: task.state === 0 && !keepsHost ? null : task.host_id,
    })),
    refusals: parts.refusals,
    runs: [],
  };
  return {
    at: NOW,
    lookups: parts.lookups,
    hand: { holds: parts.holds },
    hub: parts.hubSeen
      ? { seen: true, version: null, latencySeconds: 0, clockAhead: 0, state, notes: [] }
      : { seen: false, offline: hosts.length % 2 === 0, version: null, reason: "the hub is not there" },
    ec2:
      parts.ec2 === "seen"
        ? { kind: "seen", instances: parts.instances.map((each, index) => ({ ...each, instanceId: `i-${index}` })) }
        : parts.ec2 === "failed"
          ? { kind: "failed", reason: "DescribeInstances failed (RequestLimitExceeded): slow down" }
          : { kind: "not-asked" },
  };
}

/** Most slots have a host, some of them as the profile says; a few hosts are outside the pool. */
function hostsOf(site: Site): fc.Arbitrary<Host[]> {
  const idOf = new Map(CHANNELS.map((channel) => [channel.name, channel.id]));
  const pool = site.builders.profiles.flatMap((each) =>
    slotNames(each.slots).map((name) => ({
      name,
      asSet: {
        arches: each.arches.join(" "),
        capacity: each.capacity,
        channels: each.channels.flatMap((channel) => idOf.get(channel) ?? []),
        data: { maxjobs: each.maxJobs },
      },
    })),
  );
  const slotHosts = fc.tuple(
    ...pool.map(() => fc.record({ host, there: some(true, true, true, false), asSet: some(true, true, false) })),
  );
  return fc.tuple(slotHosts, fc.array(host, { maxLength: 4 })).map(([own, outside]) => [
    ...own.flatMap(({ host: each, there, asSet }, index) => {
      const slot = pool[index];
      return there && slot !== undefined
        ? [{ ...each, ...(asSet ? slot.asSet : {}), id: index + 1, name: slot.name }]
        : [];
    }),
    ...outside.map((each, index) => ({ ...each, id: 901 + index, name: `static-${index}` })),
  ]);
}

const refusalOf = (hostIds: readonly number[]): fc.Arbitrary<Refusal> =>
  fc.record({
    task_id: fc.integer({ min: 1001, max: 1030 }),
    host_id: some(...hostIds, 999),
    soft: fc.boolean(),
    by_host: fc.boolean(),
    ts: ago(2000),
  });
