// Who keeps the hub's scheduler going. It has no timer: it runs, and its timeouts fire, only when a ready builder polls
// (kojihub/scheduler.py: host.getTasks). A fleet at zero would wait for ever for what a lost builder held. Pure.

import type { Site } from "../config/index.ts";
import type { HubState } from "../hub/index.ts";
import type { SlotCapacity } from "./simulate.ts";
import type { Slot } from "./slots.ts";
import type { Surplus } from "./surplus.ts";

export interface Watch {
  /** Tasks that come back only by the hub's timeouts. */
  readonly waiting: number;
  /** Slots whose builders poll. */
  readonly polling: ReadonlySet<string>;
  /** Whether a builder will poll soon, or one outside the pool does. */
  readonly others: boolean;
}

export function watchTimeouts(
  state: HubState,
  slots: readonly Slot[],
  site: Site,
  capacityOf: (slot: Slot) => SlotCapacity,
): Watch {
  // Without an active run the hub never times a task out.
  const timed = new Set(state.runs.filter((run) => run.active).map((run) => run.task_id));
  // With the admin permission a lost builder's tasks are freed by Toji itself.
  const isLost = (slot: Slot) => !site.hub.admin && (slot.phase === "lost" || slot.phase === "stopped");
  // It never frees those of a disabled host.
  const away = slots.filter((slot) => slot.host?.enabled === true && (slot.silent || isLost(slot)));
  const ours = new Set(slots.map((slot) => slot.name));
  const { readyTimeout } = state.options;
  return {
    waiting: away.flatMap((slot) => slot.tasks).filter((task) => timed.has(task.id)).length,
    polling: new Set(slots.filter((slot) => capacityOf(slot) === "ready").map((slot) => slot.name)),
    others:
      slots.some((slot) => capacityOf(slot) === "coming") ||
      state.hosts.some(
        ({ name, enabled, ready, update_ts }) =>
          !ours.has(name) && enabled && ready && update_ts !== null && state.now - update_ts <= readyTimeout,
      ),
  };
}

/** Why a builder is launched though the queue needs none; null = no need. */
export function sentenceForWatch({ waiting, polling, others }: Watch): string | null {
  if (waiting === 0 || others || polling.size > 0) return null;
  return `${waiting} task(s) of lost builders come back by the hub's timeouts, and those fire only while a builder polls`;
}

/** Takes the last drain back if nobody would poll after it while tasks wait for the hub's timeouts. */
export function leaveOnePolling(surplus: Surplus, { waiting, polling, others }: Watch): Surplus {
  const drained = new Set(surplus.drains.map((each) => each.slot));
  if (waiting === 0 || others || [...polling].some((name) => !drained.has(name))) return surplus;
  const last = surplus.drains.findLast((each) => polling.has(each.slot));
  if (last === undefined) return surplus;
  const reason = `idle, but the last to poll: ${waiting} task(s) of lost builders come back only while one does`;
  return {
    drains: surplus.drains.filter((each) => each !== last),
    keep: [...surplus.keep, { builder: last.slot, reason }],
  };
}

/**
 * Lost slots whose tasks a new builder brings back: kojid gives back at its first check-in what it knows nothing of
 * (facts: koji-hub-api 4.6), long before the hub's HostTimeout. With the admin permission Toji frees them itself.
 */
export function findRecoveries(
  state: HubState,
  slots: readonly Slot[],
  site: Site,
  watch: Watch,
): ReadonlyMap<string, string> {
  const recoveries = new Map<string, string>();
  if (site.hub.admin) return recoveries;
  const nobodyPolls = !watch.others && watch.polling.size === 0;
  for (const slot of slots) {
    // One step at a time: a disabled host is enabled first, so that the hub's own rule runs from then on.
    if (slot.phase !== "lost" || slot.tasks.length === 0 || slot.host?.enabled !== true || slot.retired) continue;
    const left = Math.max(0, Math.round(state.options.hostTimeout - slot.silentSeconds));
    if (left <= site.builders.bootSeconds && !nobodyPolls) continue;
    const hub = nobodyPolls ? "the hub never does while nobody polls" : `the hub does in ${left} s`;
    const reason = `a new builder in a lost slot gives its ${slot.tasks.length} task(s) back at its first check-in, in about ${site.builders.bootSeconds} s; ${hub}`;
    recoveries.set(slot.name, reason);
  }
  return recoveries;
}
