// Small worlds for the fleet's tests: a site, builders in a stated phase, tasks; everything else at its default.

import type * as z from "zod";
import { type Profile, type Site, siteSchema, slotNames } from "../../shared/config/index.ts";
import { decide } from "../../shared/fleet/decide.ts";
import { deriveSlots, type Slot } from "../../shared/fleet/slots.ts";
import {
  type Change,
  type Decision,
  EMPTY_MEMORY,
  type Hold,
  type Instance,
  type InstancesView,
  type Lookups,
  type Memory,
  type Snapshot,
} from "../../shared/fleet/types.ts";
import {
  type Channel,
  DEFAULT_HUB_OPTIONS,
  type Host,
  type HubOptions,
  type HubState,
  type Refusal,
  TASK_STATE,
  type Task,
} from "../../shared/hub/index.ts";

/** 2026-11-18 12:53:20 UTC, in every test. */
export const NOW = 1_795_006_400;
export const HOUR = 3600;

type SiteInput = z.input<typeof siteSchema>;
type ProfileInput = SiteInput["builders"]["profiles"][number];

/** m7a.xlarge: 4 vCPUs, $0.23184 on demand, 0.4 of it on the spot market. */
export function makeProfile(changes: Partial<ProfileInput> = {}): ProfileInput {
  return {
    name: "x86",
    channels: ["default"],
    arches: ["x86_64"],
    capacity: 6,
    slots: { prefix: "b", count: 3 },
    imageId: "ami-0a",
    offerings: [{ instanceType: "m7a.xlarge" }],
    ...changes,
  };
}

export interface SiteChanges {
  readonly hub?: Partial<SiteInput["hub"]>;
  readonly builders?: Partial<Omit<SiteInput["builders"], "profiles">>;
  readonly profiles?: ProfileInput[];
}

/**
 * It decides by the queue alone, which most rules are about, and passes once a minute at rest;
 * `builders: { forecast: true, watchAtRest: true }` is the config's default.
 */
export function makeSite({ hub, builders, profiles }: SiteChanges = {}): Site {
  return siteSchema.parse({
    hub: { url: "https://hub.test/kojihub", topUrl: "https://hub.test/kojifiles", ...hub },
    builders: {
      subnets: [
        { id: "subnet-0a", zone: "us-east-1a" },
        { id: "subnet-0b", zone: "us-east-1b" },
      ],
      forecast: false,
      watchAtRest: false,
      ...builders,
      profiles: profiles ?? [makeProfile()],
    },
  });
}

/** A slot's builder: null = that half does not exist. */
export interface BuilderSpec {
  readonly instance: Partial<Instance> | null;
  readonly host: Partial<Host> | null;
}

const LONG_AGO = NOW - 2 * HOUR;
const JUST_NOW = NOW - 5;
const resting = { enabled: false, ready: false, update_ts: LONG_AGO };
const working = { enabled: true, ready: true, update_ts: JUST_NOW };
const up = { state: "running", checkInAfter: LONG_AGO, launchedAt: NOW - HOUR } as const;

/** The phases a slot can be in. `with` changes the instance, `host` the hub's record. */
export const builder = {
  /** Has been used before; nothing is left but its host. */
  resting: (host: Partial<Host> = {}): BuilderSpec => ({ instance: null, host: { ...resting, ...host } }),
  launching: (instance: Partial<Instance> = {}): BuilderSpec => ({
    instance: { ...up, state: "pending", launchedAt: NOW - 20, ...instance },
    host: resting,
  }),
  booting: (age = 60, host: Partial<Host> = {}): BuilderSpec => ({
    instance: { ...up, launchedAt: NOW - age },
    host: { ...resting, ...host },
  }),
  checkedIn: (instance: Partial<Instance> = {}): BuilderSpec => ({
    instance: { ...up, launchedAt: NOW - 120, ...instance },
    host: { ...resting, update_ts: JUST_NOW },
  }),
  serving: (instance: Partial<Instance> = {}, host: Partial<Host> = {}): BuilderSpec => ({
    instance: { ...up, enabledAt: NOW - 3000, ...instance },
    host: { ...working, ...host },
  }),
  silent: (seconds = 400): BuilderSpec => ({
    instance: { ...up, enabledAt: NOW - 3000 },
    host: { ...working, update_ts: NOW - seconds },
  }),
  draining: (seconds = 200, host: Partial<Host> = {}, instance: Partial<Instance> = {}): BuilderSpec => ({
    instance: { ...up, enabledAt: NOW - 3000, drainingAt: NOW - seconds, ...instance },
    host: { ...resting, update_ts: JUST_NOW, ...host },
  }),
  shuttingDown: (host: Partial<Host> = {}): BuilderSpec => ({
    instance: { ...up, state: "shutting-down", enabledAt: NOW - 3000 },
    host: { ...resting, update_ts: NOW - 30, ...host },
  }),
  stopped: (host: Partial<Host> = {}): BuilderSpec => ({
    instance: { ...up, state: "stopped", enabledAt: NOW - 3000 },
    host: { ...working, update_ts: NOW - 300, ...host },
  }),
  /** Its instance has ended a minute ago, and nobody told the hub. */
  gone: (host: Partial<Host> = {}): BuilderSpec => ({
    instance: { ...up, state: "terminated", enabledAt: NOW - 3000 },
    host: { ...working, update_ts: NOW - 60, ...host },
  }),
  /** Something checks in under this name, and EC2 shows no instance of ours. */
  ghost: (host: Partial<Host> = {}): BuilderSpec => ({ instance: null, host: { ...working, ...host } }),
} as const;

/** A task; `on` names the slot or outside host that holds it. */
export interface TaskSpec extends Omit<Partial<Task>, "host_id"> {
  readonly on?: string;
}

export const free = (task: Omit<TaskSpec, "on"> = {}): TaskSpec => ({ state: TASK_STATE.FREE, ...task });
export const open = (on: string, task: TaskSpec = {}): TaskSpec => ({ state: TASK_STATE.OPEN, on, ...task });
export const assigned = (on: string, task: TaskSpec = {}): TaskSpec => ({ state: TASK_STATE.ASSIGNED, on, ...task });
export const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** Ids from 1 in this order. Channel 9 does not exist. */
const CHANNEL_NAMES = ["default", "createrepo", "image", "closed"];
export const CHANNELS: readonly Channel[] = CHANNEL_NAMES.map((name, index) => ({
  id: index + 1,
  name,
  enabled: name !== "closed",
}));

export interface Scene {
  readonly site?: Site;
  readonly builders?: Readonly<Record<string, BuilderSpec>>;
  readonly tasks?: readonly TaskSpec[];
  /** Hosts outside the pool; `channels` by id. */
  readonly hosts?: readonly (Partial<Host> & Pick<Host, "name">)[];
  /** Instances besides those of `builders`. */
  readonly instances?: readonly Partial<Instance>[];
  readonly channels?: readonly Channel[];
  readonly refusals?: readonly { task: number; host: string; soft?: boolean; ts?: number }[];
  readonly lookups?: Partial<Lookups>;
  readonly options?: Partial<HubOptions>;
  readonly ec2?: InstancesView;
  readonly holds?: readonly Hold[];
}

export const makeInstance = (changes: Partial<Instance>): Instance => ({
  instanceId: "i-other",
  state: "running",
  instanceType: "m7a.xlarge",
  zone: "us-east-1a",
  market: "spot",
  launchedAt: NOW - HOUR,
  slot: null,
  profile: null,
  checkInAfter: null,
  enabledAt: null,
  drainingAt: null,
  spotNoticeAt: null,
  templateVersion: "7",
  launch: "token",
  imageId: "ami-0a",
  rebalanceAt: null,
  pinned: false,
  drainNow: false,
  takenBySpot: false,
  untagged: false,
  ...changes,
});

export const makeHost = (changes: Partial<Host> & Pick<Host, "id" | "name">): Host => ({
  arches: "x86_64",
  capacity: 6,
  task_load: 0,
  channels: [1],
  data: { maxjobs: 10 },
  ...working,
  ...changes,
});

/** Host ids: slots in their order from 1, outside hosts from 901. Task ids: from 1001 unless given. */
export function makeSnapshot(scene: Scene = {}): Snapshot {
  const site = scene.site ?? makeSite();
  const hosts = hostsOf(scene, site);
  const idOf = new Map(hosts.map((host) => [host.name, host.id]));
  const tasks = (scene.tasks ?? []).map(({ on, ...task }, index) => ({
    id: 1001 + index,
    state: TASK_STATE.FREE,
    waiting: false,
    weight: 1,
    channel_id: 1,
    host_id: on === undefined ? null : (idOf.get(on) ?? 999),
    arch: "x86_64",
    method: "buildArch",
    priority: 20,
    create_ts: NOW - 40,
    ...task,
  }));
  const state: HubState = {
    now: NOW,
    options: { ...DEFAULT_HUB_OPTIONS, ...scene.options },
    channels: scene.channels ?? CHANNELS,
    hosts,
    tasks,
    refusals: (scene.refusals ?? []).map(
      ({ task, host, soft = false, ts = NOW - 10 }): Refusal => ({
        task_id: task,
        host_id: idOf.get(host) ?? 999,
        soft,
        by_host: true,
        ts,
      }),
    ),
    runs: tasks.flatMap(({ id, host_id, state, create_ts }) =>
      host_id === null || state === TASK_STATE.FREE
        ? []
        : [{ id, task_id: id, host_id, active: true, create_ts: create_ts + 5 }],
    ),
  };
  return {
    at: NOW,
    hub: { seen: true, version: "1.35.3", latencySeconds: 0.2, clockAhead: 0, state, notes: [] },
    ec2: scene.ec2 ?? { kind: "seen", instances: instancesOf(scene, site) },
    lookups: { tagArches: {}, packageSeconds: {}, ...scene.lookups },
    hand: { holds: scene.holds ?? [] },
  };
}

function poolOf(site: Site): { name: string; profile: Profile; id: number }[] {
  return site.builders.profiles
    .flatMap((profile) => slotNames(profile.slots).map((name) => ({ name, profile })))
    .map((each, index) => ({ ...each, id: index + 1 }));
}

function hostsOf(scene: Scene, site: Site): Host[] {
  const idOfChannel = new Map((scene.channels ?? CHANNELS).map((channel) => [channel.name, channel.id]));
  const pool = poolOf(site).flatMap(({ name, profile, id }) => {
    const spec = scene.builders?.[name];
    if (spec === undefined || spec.host === null) return [];
    const arches = profile.arches.join(" ");
    const channels = profile.channels.flatMap((channel) => idOfChannel.get(channel) ?? []);
    const data = { maxjobs: profile.maxJobs };
    return [makeHost({ id, name, arches, capacity: profile.capacity, channels, data, ...spec.host })];
  });
  return [...pool, ...(scene.hosts ?? []).map((host, index) => makeHost({ id: 901 + index, ...host }))];
}

function instancesOf(scene: Scene, site: Site): Instance[] {
  const pool = poolOf(site).flatMap(({ name, profile }) => {
    const instance = scene.builders?.[name]?.instance;
    if (instance == null) return [];
    const instanceType = profile.offerings[0]?.instanceType ?? "";
    return [makeInstance({ instanceId: `i-${name}`, slot: name, profile: profile.name, instanceType, ...instance })];
  });
  return [...pool, ...(scene.instances ?? []).map(makeInstance)];
}

/** The slots of a scene, by name. */
export function slotsOf(scene: Scene): ReadonlyMap<string, Slot> {
  const { hub, ec2 } = makeSnapshot(scene);
  if (!hub.seen) throw new Error("a scene's hub is always seen");
  const slots = deriveSlots(hub.state, ec2, scene.site ?? makeSite(), lastInstanceIn(ec2));
  return new Map(slots.all.map((slot) => [slot.name, slot]));
}

/** What Toji remembers of the instances that it has seen before. */
function lastInstanceIn(ec2: InstancesView): Memory["lastInstance"] {
  const instances = ec2.kind === "seen" ? ec2.instances : [];
  return Object.fromEntries(instances.flatMap(({ slot, instanceId }) => (slot === null ? [] : [[slot, instanceId]])));
}

/** With the scene's instances remembered, unless `memory` says otherwise. */
export function decideOn(scene: Scene, memory: Partial<Memory> = {}): Decision {
  const snapshot = makeSnapshot(scene);
  const lastInstance = lastInstanceIn(snapshot.ec2);
  return decide(snapshot, scene.site ?? makeSite(), { ...EMPTY_MEMORY, lastInstance, ...memory }, NOW);
}

/** Idle for `seconds`, as far as Toji remembers. */
export const idle = (seconds: number, ...slots: string[]): Partial<Memory> => ({
  idleSince: Object.fromEntries(slots.map((slot) => [slot, NOW - seconds])),
});

/** "kind slot" of each change, in order. */
export const summary = (decision: Decision): string[] => decision.changes.map(({ kind, slot }) => `${kind} ${slot}`);

export function changeOf(decision: Decision, slot: string): Change | undefined {
  return decision.changes.find((change) => change.slot === slot);
}

/** The one sentence about a slot, whether it changes or stays. */
export function sentenceAbout(decision: Decision, slot: string): string | undefined {
  return changeOf(decision, slot)?.reason ?? decision.keep.find((each) => each.builder === slot)?.reason;
}

export const launchesOf = (decision: Decision): Extract<Change, { kind: "launch" }>[] =>
  decision.changes.filter((change) => change.kind === "launch");
