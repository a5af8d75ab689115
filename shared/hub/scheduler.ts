// The hub's own task scheduler, replicated: what one run would do to a state. Pure; same order of additions, same ties.
// Source of every rule: kojihub/scheduler.py (Koji 1.35.3), proved by vectors made with the real code.

import {
  DEFAULT_HUB_OPTIONS,
  type Host,
  type HubOptions,
  type HubState,
  type Refusal,
  TASK_STATE,
  type Task,
} from "./state.ts";

export interface ScheduleResult {
  /** In the order made. */
  readonly assigned: readonly Placement[];
  /** FREE tasks that still name a host: nothing is written, but the room on the chosen host is used up. */
  readonly assign_failed: readonly Placement[];
  readonly freed: readonly { readonly task_id: number; readonly reason: FreedReason }[];
  /** Hosts whose `ready` went from true to false. */
  readonly marked_not_ready: readonly number[];
  /** Soft refusals written for assignment timeouts. */
  readonly refusals_added: readonly (Placement & { readonly soft: true })[];
  /** [task_id, host_id], sorted. */
  readonly refusals_dropped: readonly (readonly [number, number])[];
  /** Ids of runs that went from active to inactive, in id order. */
  readonly runs_ended: readonly number[];
}

export interface Placement {
  readonly task_id: number;
  readonly host_id: number;
}

export type FreedReason = "assign-timeout" | "host-timeout" | "no-host";

/** The hub looks at this many FREE tasks in one run. */
export const FREE_TASK_LIMIT = 1000;

/** A host while tasks are handed out: `load` in task weight, `jobs` counts waiting parents too. */
interface Slot {
  readonly host: Host;
  readonly maxJobs: number;
  ready: boolean;
  load: number;
  jobs: number;
  demand: number;
}

/** One forced run of the scheduler over `state`. Lists keep the order in which the hub's database returned them. */
export function schedule(state: HubState): ScheduleResult {
  const options = { ...DEFAULT_HUB_OPTIONS, ...state.options };
  const active = state.tasks.filter((task) => isActive(task) && task.host_id !== null);
  const slots = readHosts(state, options, active);
  const marked = markNotReady(state, slots, options);
  const refusals = keepRefusals(state, options);
  const bins = fillBins(state, slots);
  const queue = freeTasks(state.tasks);

  const candidates = findAllCandidates(queue, bins, refusals.kept, options);
  spreadDemand(queue, candidates, slots);
  const placed = placeTasks(queue, candidates, options);
  const checked = checkActiveTasks(state, options, active, slots);

  return {
    ...placed,
    freed: checked.freed,
    marked_not_ready: marked,
    refusals_added: checked.refusals_added,
    refusals_dropped: refusals.dropped,
    runs_ended: endedRuns(state, placed.assigned, checked.freed),
  };
}

function isActive(task: Task): boolean {
  return task.state === TASK_STATE.OPEN || task.state === TASK_STATE.ASSIGNED;
}

/** FREE tasks by priority (null last), then creation; equal ones keep their order; the first 1,000 only. */
function freeTasks(tasks: readonly Task[]): readonly Task[] {
  const rank = (task: Task) => task.priority ?? Number.POSITIVE_INFINITY;
  const compare = (a: Task, b: Task) => (rank(a) === rank(b) ? a.create_ts - b.create_ts : rank(a) - rank(b));
  return tasks
    .filter((task) => task.state === TASK_STATE.FREE)
    .sort(compare)
    .slice(0, FREE_TASK_LIMIT);
}

function readHosts(state: HubState, options: HubOptions, active: readonly Task[]): Map<number, Slot> {
  const slots = new Map<number, Slot>();
  for (const host of state.hosts) {
    if (!host.enabled) continue;
    const maxJobs = host.data?.maxjobs || options.maxJobs;
    slots.set(host.id, { host, maxJobs, ready: host.ready, load: 0, jobs: 0, demand: 0 });
  }
  for (const task of active) {
    const slot = task.host_id === null ? undefined : slots.get(task.host_id);
    if (slot === undefined) continue;
    slot.jobs += 1;
    if (task.waiting !== true) slot.load += task.weight;
  }
  return slots;
}

function markNotReady(state: HubState, slots: Map<number, Slot>, options: HubOptions): number[] {
  const marked: number[] = [];
  for (const slot of slots.values()) {
    if (!slot.ready) continue;
    const { update_ts } = slot.host;
    if (update_ts === null || state.now - update_ts > options.readyTimeout) {
      slot.ready = false;
      marked.push(slot.host.id);
    }
  }
  return marked;
}

type RefusedHosts = ReadonlyMap<number, ReadonlySet<number>>;

function keepRefusals(state: HubState, options: HubOptions): { kept: RefusedHosts; dropped: [number, number][] } {
  const kept = new Map<number, Set<number>>();
  const dropped: [number, number][] = [];
  if (state.refusals.length === 0) return { kept, dropped };
  const states = new Map(state.tasks.map((task) => [task.id, task.state]));
  for (const refusal of state.refusals) {
    if (isStale(refusal, states.get(refusal.task_id), state.now - options.softRefusalTimeout)) {
      dropped.push([refusal.task_id, refusal.host_id]);
      continue;
    }
    const hosts = kept.get(refusal.task_id) ?? new Set();
    kept.set(refusal.task_id, hosts.add(refusal.host_id));
  }
  dropped.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return { kept, dropped };
}

function isStale(refusal: Refusal, state: number | undefined, cutoff: number): boolean {
  if (refusal.soft && refusal.ts < cutoff) return true;
  return state !== TASK_STATE.FREE && state !== TASK_STATE.OPEN && state !== TASK_STATE.ASSIGNED;
}

type Bins = ReadonlyMap<string, readonly Slot[]>;

/** `channel:arch` -> hosts. A repeated arch word puts its host in twice, as the hub does. */
function fillBins(state: HubState, slots: Map<number, Slot>): Bins {
  const enabled = new Set(state.channels.filter((channel) => channel.enabled).map((channel) => channel.id));
  const bins = new Map<string, Slot[]>();
  for (const slot of slots.values()) {
    const words = slot.host.arches.split(/\s+/).filter((word) => word !== "");
    for (const channel of slot.host.channels) {
      if (!enabled.has(channel)) continue;
      for (const arch of [...words, "noarch"]) {
        const key = `${channel}:${arch}`;
        const bin = bins.get(key);
        if (bin === undefined) bins.set(key, [slot]);
        else bin.push(slot);
      }
    }
  }
  return bins;
}

const NONE: readonly Slot[] = [];

function hasRoom(slot: Slot, task: Task, options: HubOptions): boolean {
  const needed = Math.max(0, task.weight - options.capacityOvercommit);
  return slot.jobs < slot.maxJobs && slot.host.capacity - slot.load > needed;
}

/** Tasks of one bin and weight that nobody refused have the same candidates: found once. */
function findAllCandidates(
  queue: readonly Task[],
  bins: Bins,
  refused: RefusedHosts,
  options: HubOptions,
): readonly (readonly Slot[])[] {
  const found = new Map<string, readonly Slot[]>();
  return queue.map((task) => {
    if (refused.has(task.id)) return findCandidates(task, bins, refused, options);
    const key = `${task.channel_id}:${task.arch}:${task.weight}`;
    const known = found.get(key) ?? findCandidates(task, bins, refused, options);
    found.set(key, known);
    return known;
  });
}

function findCandidates(task: Task, bins: Bins, refused: RefusedHosts, options: HubOptions): readonly Slot[] {
  const bin = bins.get(`${task.channel_id}:${task.arch}`);
  if (bin === undefined) return NONE;
  const refusedHosts = refused.get(task.id);
  return bin.filter((slot) => slot.ready && hasRoom(slot, task, options) && !refusedHosts?.has(slot.host.id));
}

function spreadDemand(
  queue: readonly Task[],
  candidates: readonly (readonly Slot[])[],
  slots: Map<number, Slot>,
): void {
  queue.forEach((task, index) => {
    const entries = candidates[index] ?? NONE;
    const share = task.weight / entries.length;
    for (const slot of entries) slot.demand += share;
  });
  let total = 0;
  for (const slot of slots.values()) total += slot.demand;
  if (total > 0) for (const slot of slots.values()) slot.demand /= total;
}

/** The lowest rank with room wins; among equals the host listed first (the real sort is stable). */
function placeTasks(
  queue: readonly Task[],
  candidates: readonly (readonly Slot[])[],
  options: HubOptions,
): Pick<ScheduleResult, "assigned" | "assign_failed"> {
  const assigned: Placement[] = [];
  const assign_failed: Placement[] = [];
  queue.forEach((task, index) => {
    let best: Slot | undefined;
    let bestRank = Number.POSITIVE_INFINITY;
    for (const slot of candidates[index] ?? NONE) {
      const rank = slot.load + slot.jobs + slot.demand;
      if (rank < bestRank && hasRoom(slot, task, options)) {
        best = slot;
        bestRank = rank;
      }
    }
    if (best === undefined) return;
    best.load += task.weight;
    best.jobs += 1;
    // assign() refuses a FREE task that still names a host, after the room was counted: kojihub/scheduler.py assign
    (task.host_id === null ? assigned : assign_failed).push({ task_id: task.id, host_id: best.host.id });
  });
  return { assigned, assign_failed };
}

/** Frees what waits on a silent builder. Tasks of disabled hosts are skipped: they are never freed. */
function checkActiveTasks(
  state: HubState,
  options: HubOptions,
  active: readonly Task[],
  slots: Map<number, Slot>,
): Pick<ScheduleResult, "freed" | "refusals_added"> {
  const oldestRun = new Map<number, number>();
  for (const run of state.runs) {
    if (run.active) oldestRun.set(run.task_id, Math.min(run.create_ts, oldestRun.get(run.task_id) ?? run.create_ts));
  }
  const freed: { task_id: number; reason: FreedReason }[] = [];
  const refusals_added: (Placement & { soft: true })[] = [];
  for (const task of active) {
    // The hub tests the id for truth, so a host whose id is 0 counts as none.
    if (!task.host_id) {
      freed.push({ task_id: task.id, reason: "no-host" });
      continue;
    }
    const host = slots.get(task.host_id)?.host;
    const since = oldestRun.get(task.id);
    if (host === undefined || since === undefined) continue;
    if (task.state === TASK_STATE.ASSIGNED) {
      if (state.now - since <= options.assignTimeout) continue;
      if (host.update_ts !== null && host.update_ts > since) {
        refusals_added.push({ task_id: task.id, host_id: host.id, soft: true });
      }
      freed.push({ task_id: task.id, reason: "assign-timeout" });
    } else if (state.now - (host.update_ts ?? since) > options.hostTimeout) {
      freed.push({ task_id: task.id, reason: "host-timeout" });
    }
  }
  return { freed, refusals_added };
}

function endedRuns(
  state: HubState,
  assigned: ScheduleResult["assigned"],
  freed: ScheduleResult["freed"],
): readonly number[] {
  if (state.runs.length === 0) return [];
  const nowActive = new Set(state.tasks.filter(isActive).map((task) => task.id));
  const replaced = new Set(assigned.map((each) => each.task_id));
  for (const { task_id } of freed) nowActive.delete(task_id);
  return state.runs
    .filter((run) => run.active && (replaced.has(run.task_id) || !nowActive.has(run.task_id)))
    .map((run) => run.id)
    .sort((a, b) => a - b);
}
