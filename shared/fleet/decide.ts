// One decision: from what was seen to what is changed, what stays, and one sentence for each. Pure and total.

import type { Site } from "../config/index.ts";
import { FREE_TASK_LIMIT, type HubState, TASK_STATE } from "../hub/index.ts";
import { createJudge, type Demand, type Judge } from "./eligible.ts";
import { blockedNotes, builderViews, launchChanges, queueByBin } from "./explain.ts";
import { noteSeen } from "./memory.ts";
import { instanceCost, remainingBudget } from "./offerings.ts";
import { pack } from "./pack.ts";
import { nextStep } from "./protocol.ts";
import { type Simulation, type SlotCapacity, simulate } from "./simulate.ts";
import { deriveSlots, type Slot, type Slots } from "./slots.ts";
import { findSurplus } from "./surplus.ts";
import type { Change, Decision, Instance, Memory, Snapshot, UnservedTask } from "./types.ts";

/** `now` in epoch seconds; the hub's own clock is in the snapshot. */
export function decide(snapshot: Snapshot, site: Site, memory: Memory, now: number): Decision {
  const { hub, ec2 } = snapshot;
  if (!hub.seen) {
    const since = hub.offline ? (memory.hubOfflineSince ?? now) : memory.hubOfflineSince;
    const lasting = since === null ? "" : ` since ${new Date(since * 1000).toISOString().slice(0, 16)}Z`;
    return noChange(now, `no change: ${hub.reason}${hub.offline ? lasting : ""}`, {
      ...memory,
      hubOfflineSince: since,
    });
  }
  if (ec2.kind === "failed") return noChange(now, `no change: ${ec2.reason}`, memory);

  const remembered = { ...memory, lookups: snapshot.lookups };
  const instances = ec2.kind === "seen" ? ec2.instances : [];
  const slots = deriveSlots(hub.state, ec2, site);
  const seen = noteSeen(remembered, slots.all, instances, now);
  const judge = createJudge(hub.state, site, slots.all, snapshot.lookups);
  const view = lookAhead(hub.state, slots.all, snapshot, site, now);
  const { demand, unserved } = judgeUnplaced(view.simulation, hub.state, judge);

  const protocol = protocolSteps(slots, view.cancelled, hub.state, site, now);
  const packing = pack(
    demand,
    slots.all,
    site,
    hub.state.options,
    remainingBudget(instances, site),
    seen.failedOfferings,
    now,
  );
  const surplus = findSurplus(slots.all, view.simulation.busySlots, site, seen, now);
  const launches = launchChanges(packing, site, seen, now);
  return {
    at: now,
    queue: queueByBin(hub.state, judge, snapshot.lookups),
    builders: builderViews(slots.all, site),
    changes: inSafeOrder([...protocol.changes, ...launches, ...surplus.drains.filter(notAmong(protocol.changes))]),
    keep: [...protocol.keep, ...surplus.keep],
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
  snapshot: Snapshot,
  site: Site,
  now: number,
): { readonly simulation: Simulation; readonly cancelled: ReadonlySet<string> } {
  const capacityOf = (slot: Slot): SlotCapacity => slotCapacity(slot, site, now);
  const simulation = simulate(state, slots, capacityOf, snapshot.lookups);
  const draining = new Set(slots.filter((slot) => canReturn(slot, state)).map((slot) => slot.name));
  if (simulation.unplaced.length === 0 || draining.size === 0) return { simulation, cancelled: new Set() };
  const withDraining = simulate(
    state,
    slots,
    (slot) => (draining.has(slot.name) ? "ready" : capacityOf(slot)),
    snapshot.lookups,
  );
  // Only those count that shorten the queue: the scheduler spreads, so it may merely move tasks over to them.
  if (withDraining.unplaced.length >= simulation.unplaced.length) return { simulation, cancelled: new Set() };
  const cancelled = new Set([...draining].filter((name) => withDraining.busySlots.has(name)));
  return { simulation: withDraining, cancelled };
}

/** A draining builder whose kojid still answers is the quickest capacity there is. */
function canReturn(slot: Slot, state: HubState): boolean {
  const { host } = slot;
  if (slot.phase !== "draining" || host === null || host.update_ts === null) return false;
  return state.now - host.update_ts <= state.options.readyTimeout;
}

function slotCapacity(slot: Slot, site: Site, now: number): SlotCapacity {
  const { instance } = slot;
  if (slot.phase === "launching" || slot.phase === "booting") {
    const age = instance === null ? 0 : now - instance.launchedAt;
    return age <= site.builders.bootLimitSeconds ? "coming" : "none";
  }
  if (slot.phase !== "serving" || slot.disabledByPerson || slot.silent) return "none";
  if (instance !== null && instance.spotNoticeAt !== null) return "none";
  return isUnready(slot, site, now) ? "none" : "ready";
}

/** Idle, enabled, polling, and still not ready after a few polls: short of disk or overloaded, so no capacity. */
function isUnready(slot: Slot, site: Site, now: number): boolean {
  const { host, instance } = slot;
  if (host === null || instance === null || instance.enabledAt === null || host.ready || slot.tasks.length > 0)
    return false;
  return now - instance.enabledAt > 4 * site.builders.pollSeconds;
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
    changes.push(...rivalSteps(slot));
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

/** Two instances with one host name take its session from each other: the first is drained, then the other may serve. */
function rivalSteps(slot: Slot): Change[] {
  const rival = slot.rivals[0];
  if (rival === undefined || slot.instance === null || slot.phase !== "serving" || slot.tasks.length > 0) return [];
  const reason = `${rival.instanceId} claims the same slot, and two kojid with one name end each other's sessions`;
  return [{ kind: "drain", slot: slot.name, instanceId: slot.instance.instanceId, reason }];
}

function strangerNotes(slots: Slots): string[] {
  const rivals = slots.all
    .filter((slot) => slot.rivals.length > 0 && slot.tasks.length > 0)
    .map((slot) => `two instances claim ${slot.name}: nothing is ended while the hub holds tasks for it`);
  const strangers = slots.strangers.map((each: Instance) =>
    each.slot === null
      ? `instance ${each.instanceId} has our fleet tag but no slot tag: left alone; tag it again or terminate it by hand`
      : `instance ${each.instanceId} holds slot ${each.slot}, which no profile of the config has: left alone`,
  );
  return [...rivals, ...strangers];
}

function windowNote(state: HubState): string[] {
  const free = state.tasks.filter((task) => task.state === TASK_STATE.FREE).length;
  if (free <= FREE_TASK_LIMIT) return [];
  return [`${free} tasks are FREE; the hub looks at the first ${FREE_TASK_LIMIT} only, and so does this decision`];
}

/** One step per slot and pass: the protocol's comes first. */
function notAmong(changes: readonly Change[]): (change: Change) => boolean {
  const slots = new Set(changes.map((change) => change.slot));
  return (change) => !slots.has(change.slot);
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
