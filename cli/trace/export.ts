// Reads a hub's history of tasks into a file, politely, and goes on where an earlier run stopped.

import {
  formatHeader,
  formatRow,
  type HistoryRow,
  type HistoryTarget,
  stateName,
} from "../../sandbox/replay/history/format.ts";
import type { Clock } from "../../shared/clock.ts";
import {
  ask,
  askAll,
  getBuildConfig,
  getBuildTargets,
  getKojiVersion,
  type HistoryTask,
  type HubCaller,
  HubFault,
  historyStart,
  listChannels,
  listHosts,
  readHistoryPage,
} from "../../shared/hub/index.ts";
import { paceCalls } from "./pace.ts";
import { addLines, type ExportProgress, finish, isoTime, noteProgress, requireFree, resume } from "./part-file.ts";

export interface ExportOrder {
  readonly url: string;
  readonly file: string;
  /** Epoch seconds; tasks made from `since` up to, but not at, `until`, or now where that is earlier. null = now. */
  readonly since: number;
  readonly until: number | null;
  readonly rowsPerPage: number;
  readonly callsPerSecond: number;
}

export interface ExportWorld {
  readonly hub: HubCaller;
  readonly clock: Clock;
  /** How far ours is behind the hub's, in seconds. */
  readonly clockAhead?: () => number;
  tell(line: string): void;
}

export interface Exported {
  readonly file: string;
  readonly rows: number;
  readonly since: string;
  readonly until: string;
  readonly koji: string | null;
  readonly targets: number;
  /** Rows that an earlier run had read. */
  readonly resumedAt: number;
}

/** Throws UsageError before the first call; later what `HubCaller` throws, and then the same order goes on. */
export async function exportHistory(order: ExportOrder, world: ExportWorld): Promise<Exported> {
  const { file } = order;
  requireFree(file);
  const before = await resume(file, { hub: order.url, since: order.since, until: order.until });
  const hub = paceCalls(world.hub, { ...world, callsPerSecond: order.callsPerSecond });
  const { names, koji } = await readNames(hub);
  if (before !== null) world.tell(`going on after ${before.rows} rows`);
  const progress = await readPages(hub, before ?? beginning(order, world), names, order, world);
  const targets = await readTargets(hub, progress.targets);
  const { since, until, rows } = progress;
  await finish(file, formatHeader({ hub: new URL(order.url).host, koji, since, until, targets }));
  return {
    file,
    rows,
    since: isoTime(since),
    until: isoTime(until),
    koji,
    targets: Object.keys(targets).length,
    resumedAt: before?.rows ?? 0,
  };
}

function beginning({ url, since, until }: ExportOrder, { clock, clockAhead }: ExportWorld): ExportProgress {
  const now = clock.now() + (clockAhead?.() ?? 0);
  const end = until === null ? now : Math.min(until, now);
  const nothing = { rows: 0, bytes: 0, targets: [] };
  return { version: 1, hub: url, since, askedUntil: until, until: end, place: historyStart(since), ...nothing };
}

async function readPages(
  hub: HubCaller,
  begun: ExportProgress,
  firstNames: Names,
  { file, rowsPerPage }: ExportOrder,
  { clock, tell }: ExportWorld,
): Promise<ExportProgress> {
  const tellOf = progressTeller(begun, clock, tell);
  const targets = new Set(begun.targets);
  let names = firstNames;
  let progress = begun;
  await noteProgress(file, progress);
  while (progress.place !== null) {
    const { tasks, next } = await readHistoryPage(hub, progress.place, { until: progress.until, rows: rowsPerPage });
    if (!tasks.every((task) => isKnown(task, names))) names = (await readNames(hub)).names;
    for (const { target } of tasks) if (target !== null) targets.add(target);
    const lines = tasks.map((task) => formatRow(rowOf(task, names))).join("");
    const rows = progress.rows + tasks.length;
    progress = await addLines(file, lines, { ...progress, place: next, rows, targets: [...targets] });
    tellOf(progress);
  }
  return progress;
}

const TELL_EVERY_SECONDS = 5;

/** Says now and then how far the export is, and guesses by the span of time that is left. */
function progressTeller(begun: ExportProgress, clock: Clock, tell: (line: string) => void) {
  const beganAt = clock.now();
  const from = begun.place?.at ?? begun.until;
  let told = beganAt;
  return ({ place, rows, until }: ExportProgress): void => {
    const now = clock.now();
    if (place !== null && now - told < TELL_EVERY_SECONDS) return;
    told = now;
    if (place === null) {
      tell(`${rows} rows, all up to ${isoTime(until)}`);
      return;
    }
    const done = place.at - from;
    const left = done > 0 ? `, about ${inWords(((now - beganAt) / done) * (until - place.at))} left` : "";
    const share = Math.floor((100 * (place.at - begun.since)) / (until - begun.since));
    tell(`${rows} rows up to ${isoTime(place.at)} (${share} % of the time asked for)${left}`);
  };
}

function inWords(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}

interface Names {
  readonly channels: ReadonlyMap<number, string>;
  readonly hosts: ReadonlyMap<number, string>;
}

async function readNames(hub: HubCaller): Promise<{ readonly names: Names; readonly koji: string | null }> {
  const questions = { koji: getKojiVersion(), channels: listChannels(), hosts: listHosts() };
  const { koji, channels, hosts } = await askAll<{
    koji: string;
    channels: { readonly id: number; readonly name: string }[];
    hosts: { readonly id: number; readonly name: string }[];
  }>(hub, questions);
  if (channels instanceof HubFault) throw channels;
  if (hosts instanceof HubFault) throw hosts;
  const byId = (rows: readonly { readonly id: number; readonly name: string }[]) =>
    new Map(rows.map(({ id, name }) => [id, name]));
  // Hubs before 1.23 have no getKojiVersion.
  return { names: { channels: byId(channels), hosts: byId(hosts) }, koji: koji instanceof HubFault ? null : koji };
}

/** Hosts and channels may be added while the export runs. */
function isKnown({ channel_id, host_id }: HistoryTask, { channels, hosts }: Names): boolean {
  return channels.has(channel_id) && (host_id === null || hosts.has(host_id));
}

function rowOf(task: HistoryTask, { channels, hosts }: Names): HistoryRow {
  return {
    id: task.id,
    parent: task.parent,
    method: task.method,
    label: task.label,
    arch: task.arch,
    channel: channels.get(task.channel_id) ?? `#${task.channel_id}`,
    host: task.host_id === null ? null : (hosts.get(task.host_id) ?? `#${task.host_id}`),
    weight: task.weight,
    priority: task.priority,
    state: stateName(task.state),
    create_ts: task.create_ts,
    start_ts: task.start_ts,
    completion_ts: task.completion_ts,
    package: task.package,
    target: task.target,
    build_tag: task.build_tag,
    scratch: task.scratch,
    arches: [...task.arches],
  };
}

const TAGS_PER_CALL = 50;

/** As they are now; those that the hub no longer has are left out. */
async function readTargets(hub: HubCaller, seen: readonly string[]): Promise<Record<string, HistoryTarget>> {
  if (seen.length === 0) return {};
  const wanted = new Set(seen);
  const known = (await ask(hub, getBuildTargets())).filter(({ name }) => wanted.has(name));
  const tags = [...new Set(known.map((target) => target.build_tag_name))].toSorted();
  const archesOf = new Map<string, readonly string[]>();
  for (let from = 0; from < tags.length; from += TAGS_PER_CALL) {
    const some = tags.slice(from, from + TAGS_PER_CALL);
    const questions = Object.fromEntries(some.map((tag) => [tag, getBuildConfig(tag)]));
    const answers = await askAll<Record<string, { readonly arches: string[] }>>(hub, questions);
    for (const [tag, answer] of Object.entries(answers)) {
      if (!(answer instanceof HubFault)) archesOf.set(tag, answer.arches);
    }
  }
  const found = known.flatMap(({ name, build_tag_name: build_tag }): [string, HistoryTarget][] => {
    const arches = archesOf.get(build_tag);
    return arches === undefined ? [] : [[name, { build_tag, arches }]];
  });
  return Object.fromEntries(found.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
