// One decision: from what was seen to what is changed, what stays, and one sentence for each. Pure and total.

import type { Site } from "../config/index.ts";
import { FREE_TASK_LIMIT, type HubState, TASK_STATE } from "../hub/index.ts";
import { bootLimit, noteBoots, openBreakers } from "./boots.ts";
import { createJudge, type Demand, type Judge } from "./eligible.ts";
import {
  blockedNotes,
  builderViews,
  holdNotes,
  launchChanges,
  queueByBin,
  rebalanceNotes,
  strangerNotes,
} from "./explain.ts";
import { noteHubSeen, noteSeen, noteSpotLosses, withoutFuture, withUnlisted } from "./memory.ts";
import { instanceCost, remainingBudget } from "./offerings.ts";
import { type Bounds, pack } from "./pack.ts";
import { nextStep } from "./protocol.ts";
import { findDisagreement, holdOn, restrain } from "./restraint.ts";
import { type Simulation, type SlotCapacity, simulate } from "./simulate.ts";
import { deriveSlots, isLate, isUnready, type Slot, type Slots } from "./slots.ts";
import { findSurplus } from "./surplus.ts";
import type { Change, Decision, Instance, Memory, Snapshot, UnservedTask } from "./types.ts";
import { findRecoveries, leaveOnePolling, sentenceForWatch, type Watch, watchTimeouts } from "./watch.ts";

/** `now` in epoch seconds; the hub's own clock is in the snapshot. */
export function decide(snapshot: Snapshot, site: Site, stored: Memory, now: number): Decision {
  const { hub, ec2 } = snapshot;
  const memory = withoutFuture(stored, site, now);
  if (!hub.seen) {
    const since = memory.hubOfflineSince ?? now;
    const lasting = hub.offline ? ` since ${new Date(since * 1000).toISOString().slice(0, 16)}Z` : "";
    return noChange(now, `no change: ${hub.reason}${lasting}`, { ...memory, hubOfflineSince: since });
  }
  const remembered = noteHubSeen(memory, now);
  if (ec2.kind === "failed") return noChange(now, `no change: ${ec2.reason}`, remembered);

  const listed = ec2.kind === "seen" ? ec2.instances : [];
  const instances = ec2.kind === "seen" ? withUnlisted(listed, remembered, site, now) : [];
  const view = ec2.kind === "seen" ? { ...ec2, instances } : ec2;
  const slots = deriveSlots(hub.state, view, site, {
    hubBackSeconds: secondsSince(remembered.hubBackAt, now),
    clockAhead: hub.clockAhead,
  });
  const world = { snapshot, state: hub.state, slots, instances, site, now };
  const seen = learn(world, { ...remembered, lookups: snapshot.lookups }, hub.clockAhead);
  return decideOnWorld(world, seen, [...hub.notes, ...clockNote(hub.clockAhead)]);
}

const secondsSince = (at: number | null, now: number) => (at === null ? Number.POSITIVE_INFINITY : now - at);

/** A pass that saw hub and EC2. */
interface World {
  readonly snapshot: Snapshot;
  readonly state: HubState;
  readonly slots: Slots;
  /** Launches that EC2 does not list yet are among them. */
  readonly instances: readonly Instance[];
  readonly site: Site;
  readonly now: number;
}

function learn({ slots, instances, site, now }: World, memory: Memory, clockAhead: number): Memory {
  const seen = noteSeen(memory, slots.all, instances, now);
  return noteSpotLosses(noteBoots(seen, slots.all, instances, site, { now, clockAhead }), instances, site, now);
}

function decideOnWorld(world: World, seen: Memory, hubNotes: readonly string[]): Decision {
  const { snapshot, state, slots, instances, site, now } = world;
  const judge = createJudge(state, site, slots.all, snapshot.lookups);
  const capacityOf = (slot: Slot): SlotCapacity => slotCapacity(slot, site, seen, now);
  const queue = withReturning(state, slots.all);
  const ahead = lookAhead(queue.state, slots.all, snapshot, capacityOf);
  const { demand, unserved } = judgeUnplaced(ahead.simulation, state, judge);

  const protocol = protocolSteps(slots, ahead.cancelled, state, site, now);
  const watch = watchTimeouts(state, slots.all, site, capacityOf);
  const packing = pack(
    demand,
    slots.all,
    site,
    boundsOf(world, seen, watch),
    seen.failedOfferings,
    sentenceForWatch(watch),
  );
  const surplus = leaveOnePolling(findSurplus(slots.all, ahead.simulation.busySlots, site, seen, now), watch);
  const spoken = new Set([...protocol.changes.map((each) => each.slot), ...protocol.keep.map((each) => each.builder)]);
  const drains = surplus.drains.filter((each) => !spoken.has(each.slot));
  const disagreement = snapshot.ec2.kind === "seen" ? findDisagreement(slots.all, site) : null;
  const wanted = [...protocol.changes, ...launchChanges(packing, site, seen, now), ...drains];
  const { changes, keep } = restrain(wanted, slots.all, snapshot.hand, disagreement, now);
  const breakers = [...openBreakers(site, slots.all, seen, now), ...(disagreement === null ? [] : [disagreement])];
  return {
    at: now,
    queue: queueByBin(state, judge, snapshot.lookups),
    builders: builderViews(slots.all, site),
    changes: inSafeOrder(changes),
    keep: [...keep, ...untouched(protocol.keep, changes), ...surplus.keep.filter((each) => !spoken.has(each.builder))],
    unserved,
    notes: [
      ...hubNotes,
      ...strangerNotes(slots),
      ...windowNote(state),
      ...queue.notes,
      ...rebalanceNotes(slots.all),
      ...holdNotes(snapshot.hand, now),
      ...breakers.map((each) => each.reason),
      ...blockedNotes(packing),
      ...(snapshot.ec2.kind === "not-asked"
        ? ["EC2 was not asked: builders are judged by the hub's own record of them"]
        : []),
    ],
    pricePerHour: instances.reduce(
      (sum, each) => sum + (each.state === "terminated" ? 0 : instanceCost(each, site).pricePerHour),
      0,
    ),
    breakers,
    memory: seen,
  };
}

/** One sentence for each slot: what is launched into a lost one says more than why it stays lost. */
function untouched<T extends { readonly builder: string }>(keep: readonly T[], changes: readonly Change[]): T[] {
  const changed = new Set(changes.map((each) => each.slot));
  return keep.filter((each) => !changed.has(each.builder));
}

function boundsOf({ snapshot, state, slots, instances, site, now }: World, memory: Memory, watch: Watch): Bounds {
  return {
    options: state.options,
    budget: remainingBudget(instances, site),
    now,
    limitOf(profile) {
      const held = holdOn(profile.name, snapshot.hand, now);
      return held === null ? bootLimit(profile, slots.all, memory, site, now) : { launches: 0, reason: held };
    },
    recoveries: snapshot.ec2.kind === "seen" ? findRecoveries(state, slots.all, site, watch) : new Map(),
  };
}

/** A pass that could not see the whole world changes nothing. */
function noChange(now: number, note: string, memory: Memory): Decision {
  return {
    at: now,
    queue: [],
    builders: [],
    changes: [],
    keep: [],
    unserved: [],
    notes: [note],
    pricePerHour: 0,
    breakers: [],
    memory,
  };
}

/**
 * The tasks that are about to come back to the queue count as FREE now, so that what is to take them is launched at once:
 * those of a builder that EC2 takes back (its watcher stops kojid within seconds), and those of a builder that is lost.
 */
function withReturning(
  state: HubState,
  slots: readonly Slot[],
): { readonly state: HubState; readonly notes: string[] } {
  const leaving = slots.filter((slot) => slot.tasks.length > 0 && (isTaken(slot) || slot.phase === "lost"));
  if (leaving.length === 0) return { state, notes: [] };
  const ids = new Set(leaving.flatMap((slot) => slot.tasks.map((task) => task.id)));
  const tasks = state.tasks.map((task) =>
    ids.has(task.id) ? { ...task, state: TASK_STATE.FREE, host_id: null } : task,
  );
  const notes = leaving.map(({ name, tasks, phase }) => {
    const why = phase === "lost" ? "is lost" : "is taken back by EC2";
    return `${name} ${why}: its ${tasks.length} task(s) count as queued`;
  });
  return { state: { ...state, tasks }, notes };
}

/** EC2 has announced its end, and it is not over yet. */
function isTaken({ phase, instance }: Slot): boolean {
  return instance !== null && instance.spotNoticeAt !== null && phase !== "stopped";
}

/** The queue run through the scheduler; draining builders come back only if the queue would otherwise wait. */
function lookAhead(
  state: HubState,
  slots: readonly Slot[],
  { lookups }: Snapshot,
  capacityOf: (slot: Slot) => SlotCapacity,
): { readonly simulation: Simulation; readonly cancelled: ReadonlySet<string> } {
  const simulation = simulate(state, slots, capacityOf, lookups);
  const draining = new Set(slots.filter(canReturn).map((slot) => slot.name));
  if (simulation.unplaced.length === 0 || draining.size === 0) return { simulation, cancelled: new Set() };
  const orReturned = (slot: Slot) => (draining.has(slot.name) ? "ready" : capacityOf(slot));
  const withDraining = simulate(state, slots, orReturned, lookups);
  // Only those count that shorten the queue: the scheduler spreads, so it may merely move tasks over to them.
  if (withDraining.unplaced.length >= simulation.unplaced.length) return { simulation, cancelled: new Set() };
  const cancelled = new Set([...draining].filter((name) => withDraining.busySlots.has(name)));
  return { simulation: withDraining, cancelled };
}

/** A draining builder whose kojid still answers is the quickest capacity there is, unless it is drained for good. */
function canReturn({ phase, instance, rivals, polling }: Slot): boolean {
  if (phase !== "draining" || instance === null || !polling) return false;
  return instance.enabledAt !== null && instance.spotNoticeAt === null && rivals.length === 0;
}

function slotCapacity(slot: Slot, site: Site, memory: Memory, now: number): SlotCapacity {
  const { instance } = slot;
  if (slot.phase === "launching" || slot.phase === "booting") {
    return instance !== null && isLate(instance, site, now) ? "none" : "coming";
  }
  if (slot.phase !== "serving" || slot.disabledByPerson || slot.silent || slot.retired) return "none";
  if (instance?.drainNow && !instance.pinned) return "none";
  if (instance !== null && instance.spotNoticeAt !== null) return "none";
  return isUnready(slot, site, memory, now) ? "none" : "ready";
}

function judgeUnplaced(
  simulation: Simulation,
  state: HubState,
  judge: Judge,
): { readonly demand: Demand[]; readonly unserved: UnservedTask[] } {
  const demand: Demand[] = [];
  const unserved: UnservedTask[] = [];
  // Those that are about to come back are not named before they have.
  const free = new Set(state.tasks.filter((task) => task.state === TASK_STATE.FREE).map((task) => task.id));
  for (const task of simulation.unplaced) {
    const verdict = judge.judge(task);
    if ("demand" in verdict) demand.push(verdict.demand);
    else if (free.has(task.id)) {
      const { id, method, arch } = task;
      unserved.push({ taskId: id, method, channel: verdict.channel, arch, reason: verdict.reason });
    }
  }
  const names = new Map(state.hosts.map((host) => [host.id, host.name]));
  for (const task of simulation.stuck) {
    const host = names.get(task.host_id ?? 0) ?? `host ${task.host_id}`;
    unserved.push({
      taskId: task.id,
      method: task.method,
      channel: judge.channelName(task.channel_id),
      arch: task.arch,
      reason: `it is FREE but still names ${host}, so the hub fails to assign it: an administrator must free or cancel it`,
    });
  }
  return { demand, unserved };
}

function protocolSteps(
  slots: Slots,
  cancelled: ReadonlySet<string>,
  state: HubState,
  site: Site,
  now: number,
): { readonly changes: Change[]; readonly keep: { builder: string; reason: string }[] } {
  const changes: Change[] = [];
  const keep: { builder: string; reason: string }[] = [];
  for (const slot of slots.all) {
    if (cancelled.has(slot.name) && slot.instance !== null) {
      const reason = "the queue has tasks that only it could take at once: its drain is called off";
      changes.push({ kind: "cancel-drain", slot: slot.name, instanceId: slot.instance.instanceId, reason });
      continue;
    }
    const step = nextStep(slot, state, site, now);
    if (step === null) continue;
    if ("change" in step) changes.push(step.change);
    else keep.push({ builder: slot.name, reason: step.keep });
  }
  return { changes, keep };
}

/** Both clocks are kept by time servers: minutes between them are somebody's mistake. */
const CLOCK_TOLERANCE_SECONDS = 60;

function clockNote(ahead: number): string[] {
  if (Math.abs(ahead) < CLOCK_TOLERANCE_SECONDS) return [];
  return [`the hub's clock is ${Math.abs(ahead)} s ${ahead > 0 ? "ahead of" : "behind"} ours: set it right`];
}

function windowNote(state: HubState): string[] {
  const free = state.tasks.filter((task) => task.state === TASK_STATE.FREE).length;
  if (free <= FREE_TASK_LIMIT) return [];
  return [`${free} tasks are FREE; the hub looks at the first ${FREE_TASK_LIMIT} only, and so does this decision`];
}

const ORDER: readonly Change["kind"][] = [
  "adopt",
  "enable",
  "cancel-drain",
  "free-tasks",
  "enable-lost",
  "disable-lost",
  "launch",
  "drain",
  "terminate",
];

/** Capacity first, then lost work, then launches; what takes capacity away comes last. */
function inSafeOrder(changes: readonly Change[]): Change[] {
  return ORDER.flatMap((kind) => changes.filter((change) => change.kind === kind));
}
