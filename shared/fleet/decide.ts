// One decision: from what was seen to what is changed, what stays, and one sentence for each. Pure and total.

import type { Site } from "../config/index.ts";
import { FREE_TASK_LIMIT, type HubState, TASK_STATE } from "../hub/index.ts";
import { createJudge, type Demand, type Judge } from "./eligible.ts";
import { blockedNotes, builderViews, launchChanges, queueByBin, strangerNotes } from "./explain.ts";
import { noteHubSeen, noteSeen, withUnlisted } from "./memory.ts";
import { instanceCost, remainingBudget } from "./offerings.ts";
import { pack } from "./pack.ts";
import { nextStep } from "./protocol.ts";
import { type Simulation, type SlotCapacity, simulate } from "./simulate.ts";
import { deriveSlots, isLate, isUnready, type Slot, type Slots } from "./slots.ts";
import { findSurplus } from "./surplus.ts";
import type { Change, Decision, Memory, Snapshot, UnservedTask } from "./types.ts";
import { leaveOnePolling, sentenceForWatch, watchTimeouts } from "./watch.ts";

/** `now` in epoch seconds; the hub's own clock is in the snapshot. */
export function decide(snapshot: Snapshot, site: Site, memory: Memory, now: number): Decision {
  const { hub, ec2 } = snapshot;
  if (!hub.seen) {
    const since = memory.hubOfflineSince ?? now;
    const lasting = hub.offline ? ` since ${new Date(since * 1000).toISOString().slice(0, 16)}Z` : "";
    return noChange(now, `no change: ${hub.reason}${lasting}`, { ...memory, hubOfflineSince: since });
  }
  const remembered = noteHubSeen(memory, now);
  if (ec2.kind === "failed") return noChange(now, `no change: ${ec2.reason}`, remembered);

  const instances = ec2.kind === "seen" ? withUnlisted(ec2.instances, remembered, site, now) : [];
  const view = ec2.kind === "seen" ? { ...ec2, instances } : ec2;
  const slots = deriveSlots(hub.state, view, site, remembered.hubBackAt);
  const seen = noteSeen({ ...remembered, lookups: snapshot.lookups }, slots.all, instances, now);
  const judge = createJudge(hub.state, site, slots.all, snapshot.lookups);
  const capacityOf = (slot: Slot): SlotCapacity => slotCapacity(slot, site, seen, now);
  const ahead = lookAhead(hub.state, slots.all, snapshot, capacityOf);
  const { demand, unserved } = judgeUnplaced(ahead.simulation, hub.state, judge);

  const protocol = protocolSteps(slots, ahead.cancelled, hub.state, site, now);
  const watch = watchTimeouts(hub.state, slots.all, site, capacityOf);
  const bounds = { options: hub.state.options, budget: remainingBudget(instances, site), now };
  const packing = pack(demand, slots.all, site, bounds, seen.failedOfferings, sentenceForWatch(watch));
  const surplus = leaveOnePolling(findSurplus(slots.all, ahead.simulation.busySlots, site, seen, now), watch);
  const spoken = new Set([...protocol.changes.map((each) => each.slot), ...protocol.keep.map((each) => each.builder)]);
  const drains = surplus.drains.filter((each) => !spoken.has(each.slot));
  return {
    at: now,
    queue: queueByBin(hub.state, judge, snapshot.lookups),
    builders: builderViews(slots.all, site),
    changes: inSafeOrder([...protocol.changes, ...launchChanges(packing, site, seen, now), ...drains]),
    keep: [...protocol.keep, ...surplus.keep.filter((each) => !spoken.has(each.builder))],
    unserved,
    notes: [
      ...hub.notes,
      ...strangerNotes(slots),
      ...windowNote(hub.state),
      ...blockedNotes(packing),
      ...(ec2.kind === "not-asked" ? ["EC2 was not asked: builders are judged by the hub's own record of them"] : []),
    ],
    pricePerHour: instances.reduce(
      (sum, each) => sum + (each.state === "terminated" ? 0 : instanceCost(each, site).pricePerHour),
      0,
    ),
    memory: seen,
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
    memory,
  };
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
  if (slot.phase !== "serving" || slot.disabledByPerson || slot.silent) return "none";
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
  for (const task of simulation.unplaced) {
    const verdict = judge.judge(task);
    if ("demand" in verdict) demand.push(verdict.demand);
    else {
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

function windowNote(state: HubState): string[] {
  const free = state.tasks.filter((task) => task.state === TASK_STATE.FREE).length;
  if (free <= FREE_TASK_LIMIT) return [];
  return [`${free} tasks are FREE; the hub looks at the first ${FREE_TASK_LIMIT} only, and so does this decision`];
}

const ORDER: readonly Change["kind"][] = [
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
