// What the queue will come to: the hub's scheduler run over it, and what is left over as demand for builders. Pure.

import type { Site } from "../config/index.ts";
import { type HubState, TASK_STATE } from "../hub/index.ts";
import type { Demand, Judge } from "./eligible.ts";
import { type Simulation, type SlotCapacity, simulate } from "./simulate.ts";
import { isLate, isUnready, type Slot } from "./slots.ts";
import type { Memory, Snapshot, UnservedTask } from "./types.ts";

/**
 * The tasks that are about to come back to the queue count as FREE now, so that what is to take them is launched at once:
 * those of a builder that EC2 takes back (its watcher stops kojid within seconds), and those of a builder that is lost.
 */
export function withReturning(
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
export function lookAhead(
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
export function canReturn({ phase, instance, rivals, polling }: Slot): boolean {
  if (phase !== "draining" || instance === null || !polling) return false;
  return instance.enabledAt !== null && instance.spotNoticeAt === null && rivals.length === 0;
}

export function slotCapacity(slot: Slot, site: Site, memory: Memory, now: number): SlotCapacity {
  const { instance } = slot;
  if (slot.phase === "launching" || slot.phase === "booting") {
    return instance !== null && isLate(instance, site, now) ? "none" : "coming";
  }
  if (slot.phase !== "serving" || slot.disabledByPerson || slot.silent || slot.retired) return "none";
  if (instance?.drainNow && !instance.pinned) return "none";
  if (instance !== null && instance.spotNoticeAt !== null) return "none";
  return isUnready(slot, site, memory, now) ? "none" : "ready";
}

export function judgeUnplaced(
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
