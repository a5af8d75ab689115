// Looks at the whole world once: the hub in one multiCall, EC2 by tag, and what tags and packages say from a cache.

import type { AwsClients } from "../aws/clients.ts";
import { listInstances, readUserData, type TaggedInstance } from "../aws/ec2.ts";
import type { Clock } from "../clock.ts";
import type { Site } from "../config/index.ts";
import {
  askAll,
  getActiveRefusals,
  getActiveRuns,
  getAverageBuildDuration,
  getBuildConfig,
  getHostData,
  getRepoRequests,
  type Host,
  HubFault,
  HubOffline,
  type HubOptions,
  type HubQuery,
  type HubReader,
  type HubState,
  listActiveTasks,
  listChannels,
  listHosts,
  listHostsOf,
  needsTagArch,
  TASK_STATE,
  type Task,
} from "../hub/index.ts";
import { launchOf, readTags, TAG } from "./tags.ts";
import {
  type Hand,
  type HubView,
  type Instance,
  type InstancesView,
  type Lookups,
  NO_HAND,
  type Snapshot,
} from "./types.ts";
import { parseUserData, UserDataError } from "./user-data.ts";

/** Channel ids of the last look, so that the next one asks for their hosts in the same multiCall. */
export interface ObserveCache {
  channelIds: readonly number[];
}

/** A tag's arches change rarely, a package's average hardly ever. */
const TAG_LIFE_SECONDS = 600;
const PACKAGE_LIFE_SECONDS = 86_400;
/** New names looked up in one pass; the rest follows in the next. */
const LOOKUPS_PER_PASS = 100;

export interface ObservePorts {
  readonly site: Pick<Site, "builders"> & { readonly hub: { readonly options: HubOptions } };
  readonly clock: Clock;
  readonly hubReader: HubReader;
  /** null = EC2 is not asked. */
  readonly ec2: AwsClients["ec2"] | null;
  /** The template that all launches of the fleet go out from; null = untagged instances are not looked for. */
  readonly launchTemplateId: string | null;
}

type HubPorts = Omit<ObservePorts, "ec2" | "launchTemplateId">;

export async function observe(
  ports: ObservePorts,
  cache: ObserveCache,
  lookups: Lookups,
  hand: Hand = NO_HAND,
): Promise<Snapshot> {
  const at = ports.clock.now();
  // EC2 first: of an instance that it calls terminated, the hub then shows the last check-in there will ever be.
  const ec2 = await observeInstances(ports);
  const hub = await observeHub(ports, cache);
  if (!hub.seen) return { at, hub, ec2, lookups, hand };
  const found = await lookUp(ports, hub.state, lookups);
  return { at, hub: { ...hub, notes: [...hub.notes, ...found.notes] }, ec2, lookups: found.lookups, hand };
}

/** The hub's state, or the sentence why it cannot be seen. Nothing is thrown: "cannot see" is something to decide on. */
export async function observeHub(ports: HubPorts, cache: ObserveCache): Promise<HubView> {
  const { clock, hubReader } = ports;
  const start = clock.now();
  try {
    const { state, notes } = await readHub(ports, cache);
    const { clockAhead } = hubReader;
    return { seen: true, version: hubReader.version, latencySeconds: clock.now() - start, clockAhead, state, notes };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const offline = error instanceof HubOffline;
    const reason = offline ? `the hub answered "${error.faultString}" (fault 1014)` : text;
    return { seen: false, offline, version: hubReader.version, reason };
  }
}

async function readHub(
  { site, clock, hubReader }: HubPorts,
  cache: ObserveCache,
): Promise<{ state: HubState; notes: string[] }> {
  const known = cache.channelIds;
  const answers = await askAll(hubReader, {
    channels: listChannels(),
    hosts: listHosts(),
    tasks: listActiveTasks(),
    data: getHostData(),
    runs: getActiveRuns(),
    refusals: getActiveRefusals(),
    repoRequests: getRepoRequests(),
    ...Object.fromEntries(known.map((id) => [`${MEMBERS}${id}`, listHostsOf(id)])),
  });
  // Every time that the hub states is its own clock's.
  const now = clock.now() + hubReader.clockAhead;
  const notes: string[] = [];
  const channels = required(answers.channels);
  const members = new Map<number, ReadonlySet<number>>();
  for (const [name, answer] of Object.entries<unknown>(answers)) {
    if (name.startsWith(MEMBERS) && Array.isArray(answer))
      members.set(Number(name.slice(MEMBERS.length)), new Set<number>(answer));
  }
  const missing = channels.map((channel) => channel.id).filter((id) => !members.has(id));
  for (const [id, ids] of await askEach(hubReader, missing, (channel) => listHostsOf(channel))) {
    members.set(id, new Set(required(ids)));
  }
  cache.channelIds = channels.map((channel) => channel.id);
  const data = new Map(optional(answers.data, notes, "host data").map((each) => [each.host_id, each.data]));
  const hosts = required(answers.hosts).map((host): Host => {
    const own = channels.filter((channel) => members.get(channel.id)?.has(host.id));
    return { ...host, channels: own.map((channel) => channel.id), data: data.get(host.id) ?? null };
  });
  return {
    state: {
      now,
      options: site.hub.options,
      channels,
      // listHosts has no order of its own.
      hosts: hosts.sort((a, b) => a.id - b.id),
      tasks: required(answers.tasks),
      refusals: optional(answers.refusals, notes, "refusals"),
      runs: optional(answers.runs, notes, "task runs"),
      // Without a note: hubs before 1.35 have no such queue, and nothing is wrong with them.
      ...(answers.repoRequests instanceof HubFault ? {} : { repoRequests: answers.repoRequests }),
    },
    notes,
  };
}

const MEMBERS = "hosts of channel ";

function required<T>(answer: T | HubFault): T {
  if (answer instanceof HubFault) throw answer;
  return answer;
}

/** The scheduler.* calls are missing on hubs before 1.34: the decision is then made without them, and says so. */
function optional<T>(answer: readonly T[] | HubFault, notes: string[], what: string): readonly T[] {
  if (!(answer instanceof HubFault)) return answer;
  notes.push(`the hub gave no ${what} (${answer.faultString}): decided without; Toji is made for Koji 1.34 and later`);
  return [];
}

async function observeInstances({ ec2, site, launchTemplateId }: ObservePorts): Promise<InstancesView> {
  if (ec2 === null) return { kind: "not-asked" };
  try {
    const { fleet } = site.builders;
    const [tagged, launched] = await Promise.all([
      listInstances(ec2, { key: TAG.fleet, value: fleet }),
      // Whoever takes an instance's tags away cannot take this one.
      launchTemplateId === null ? [] : listInstances(ec2, { key: "aws:ec2launchtemplate:id", value: launchTemplateId }),
    ]);
    const known = new Set(tagged.map((each) => each.instanceId));
    const nameless = launched.filter((each) => !known.has(each.instanceId));
    const lost = [...tagged.filter(lacksSlot), ...nameless];
    const found = await Promise.all(lost.filter(isThere).map((each) => recogniseInstance(ec2, each)));
    const recognised = new Map(found.map((each) => [each.instanceId, each]));
    const all = [...tagged, ...nameless];
    return { kind: "seen", instances: all.map((each) => recognised.get(each.instanceId) ?? readTags(each)) };
  } catch (error) {
    return { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
  }
}

const lacksSlot = ({ tags }: TaggedInstance) => tags[TAG.slot] === undefined;
const isThere = ({ state }: TaggedInstance) => state !== "shutting-down" && state !== "terminated";

/** What an instance without its tags is, from its user data; one that no launch of ours made keeps its null slot. */
async function recogniseInstance(ec2: AwsClients["ec2"], instance: TaggedInstance): Promise<Instance> {
  const seen = readTags(instance);
  const variables = variablesIn(await readUserData(ec2, instance.instanceId));
  const { TOJI_SLOT: slot, TOJI_IDENTITY_URL: url } = variables;
  if (slot === undefined) return seen;
  return { ...seen, slot, launch: seen.launch ?? launchOf(url ?? "", slot), untagged: true };
}

function variablesIn(userData: string): Readonly<Record<string, string>> {
  try {
    return parseUserData(userData);
  } catch (error) {
    if (error instanceof UserDataError) return {};
    throw error;
  }
}

/**
 * Arches of build tags (where noarch builds can run, and what will come of builds and repos under way) and average build
 * times (for weights). What is FREE now comes first.
 */
async function lookUp(
  { clock, hubReader }: ObservePorts,
  { tasks, repoRequests = [] }: HubState,
  lookups: Lookups,
): Promise<{ lookups: Lookups; notes: string[] }> {
  const now = clock.now();
  const free = tasks.filter((task) => task.state === TASK_STATE.FREE);
  const tags = names(
    [
      ...free.filter(needsTagArch).map((task) => task.build_tag),
      ...tasks.filter(tellsArches).map((task) => task.build_tag),
      ...repoRequests.map((request) => request.tag),
    ],
    lookups.tagArches,
    now - TAG_LIFE_SECONDS,
  );
  const built = free.filter((task) => task.method === "buildArch").map((task) => task.package);
  const packages = names(built, lookups.packageSeconds, now - PACKAGE_LIFE_SECONDS);
  if (tags.length + packages.length === 0) return { lookups, notes: [] };
  try {
    const [tagAnswers, packageAnswers] = await Promise.all([
      askEach(hubReader, tags, (tag) => getBuildConfig(tagInfo(tag))),
      askEach(hubReader, packages, (name) => getAverageBuildDuration(name)),
    ]);
    const tagArches = { ...lookups.tagArches };
    for (const [tag, answer] of tagAnswers) {
      // A tag that the hub does not know limits nothing; it is asked again later.
      tagArches[tag] = { arches: answer instanceof HubFault ? [] : answer.arches, at: now };
    }
    const packageSeconds = { ...lookups.packageSeconds };
    for (const [name, answer] of packageAnswers) {
      packageSeconds[name] = { seconds: answer instanceof HubFault ? null : answer, at: now };
    }
    return { lookups: { tagArches, packageSeconds }, notes: [] };
  } catch (error) {
    // Only the estimate suffers; what is known goes on being used.
    const text = error instanceof Error ? error.message : String(error);
    return { lookups, notes: [`tags and packages were not looked up: ${text}`] };
  }
}

/** Its build tag's arches say which tasks come after it: a buildArch or createrepo for each. */
const TELLS_ARCHES: ReadonlySet<string> = new Set(["buildSRPMFromSCM", "rebuildSRPM", "newRepo", "distRepo"]);
const tellsArches = ({ method }: Task): boolean => TELLS_ARCHES.has(method);

/** One question for each key, in one multiCall; none for no keys. */
async function askEach<Key extends string | number, T>(
  hubReader: HubReader,
  keys: readonly Key[],
  queryOf: (key: Key) => HubQuery<T>,
): Promise<[Key, T | HubFault][]> {
  if (keys.length === 0) return [];
  const queries: Record<string, HubQuery<T>> = Object.fromEntries(keys.map((key) => [String(key), queryOf(key)]));
  const answers: Record<string, T | HubFault> = await askAll(hubReader, queries);
  return keys.flatMap((key): [Key, T | HubFault][] => {
    const answer = answers[String(key)];
    return answer === undefined ? [] : [[key, answer]];
  });
}

/** Names without a fresh entry, each once, a bounded number of them. */
function names(
  wanted: readonly (string | number | null | undefined)[],
  known: Readonly<Record<string, { readonly at: number }>>,
  oldest: number,
): string[] {
  const stale = wanted.flatMap((name) =>
    name == null || (known[String(name)]?.at ?? 0) > oldest ? [] : [String(name)],
  );
  return [...new Set(stale)].slice(0, LOOKUPS_PER_PASS);
}

/** Build tags stand in requests by id or by name. */
function tagInfo(tag: string): string | number {
  return /^\d+$/.test(tag) ? Number(tag) : tag;
}
