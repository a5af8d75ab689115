// What each slot needs next, whatever the queue says: the launch, drain and loss protocols, one step at a time. Pure.

import type { Site } from "../config/index.ts";
import { type HubState, TASK_STATE } from "../hub/index.ts";
import { isLate, isUntouched, type Slot } from "./slots.ts";
import { adoptionTags } from "./tags.ts";
import type { Change, Instance, Memory } from "./types.ts";

/** Either a step, or the sentence why the slot stays as it is, or nothing to say (an empty slot; a serving builder). */
export type SlotStep = { readonly change: Change } | { readonly keep: string } | null;

export function nextStep(slot: Slot, state: HubState, site: Site, memory: Memory, now: number): SlotStep {
  const { instance } = slot;
  if (instance?.untagged === true && slot.phase !== "stopping") return adoptStep(slot, instance, site, memory, now);
  switch (slot.phase) {
    case "empty":
      return null;
    case "launching":
      return bootStep(slot, site, now, "EC2 is starting it");
    case "booting":
      return bootStep(slot, site, now, "its kojid has not checked in yet");
    case "serving":
      return rivalStep(slot) ?? silentStep(slot, state, site) ?? servingStep(slot);
    case "draining":
      return drainingStep(slot, state, site, now);
    case "stopping":
      return { keep: "its instance is shutting down; the slot is free once EC2 says terminated" };
    case "stopped":
      return stoppedStep(slot, state, site);
    case "lost":
      return lostStep(slot, state, site, "its instance is gone");
    case "unknown":
      return {
        keep: "its kojid checks in, but no instance with our tags holds the slot: left alone; give the instance its tags back or terminate it",
      };
  }
}

/**
 * Somebody took its tags away: it gets them back before anything else is done with it. Whether it had been enabled shows
 * on the hub, or a person had disabled it since, as far as Toji remembers; else it is enabled as a fresh one would be.
 */
function adoptStep(slot: Slot, instance: Instance, site: Site, memory: Memory, now: number): SlotStep {
  const wasLeftAlone = memory.leftAlone[slot.name] === instance.instanceId;
  // A host is enabled at the launch already: only a check-in since, or what it works on, shows that its builder is up.
  const isUp = wasLeftAlone || slot.silentSeconds < now - instance.launchedAt || isAtWork(slot);
  const wasEnabled = wasLeftAlone || (isUp && slot.host?.enabled === true);
  const reason = `${instance.instanceId} has lost its tags; its user data says that it is ${slot.name}`;
  const tags = adoptionTags(site.builders.fleet, slot, instance, { isUp, enabledAt: wasEnabled ? now : null });
  return { change: { kind: "adopt", slot: slot.name, instanceId: instance.instanceId, tags, reason } };
}

const isAtWork = ({ host, tasks }: Slot): boolean => host?.enabled === true && tasks.length > 0;

function bootStep(slot: Slot, site: Site, now: number, what: string): SlotStep {
  const { instance } = slot;
  if (instance === null) return null;
  const age = Math.round(now - instance.launchedAt);
  const { bootLimitSeconds } = site.builders;
  if (instance.pinned) return { keep: `${what}, ${age} s after launch; it is pinned, so it is not terminated` };
  if (age <= bootLimitSeconds && !instance.drainNow) {
    const late = isLate(instance, site, now) ? "; that is late, so it counts as no capacity" : "";
    return { keep: `${what}, ${age} s after launch${late}` };
  }
  const limit = instance.drainNow ? "and a person wants it gone" : `the limit is ${bootLimitSeconds} s`;
  const reason = `${what} ${age} s after launch, ${limit}`;
  const { instanceId } = instance;
  const neverCheckedIn = instance.enabledAt === null && isUntouched(instance, slot.host);
  if (slot.tasks.length > 0) {
    if (!neverCheckedIn) return { keep: `${reason}, but the hub holds tasks for it: left alone` };
    // They are those of the builder that was lost here before: whatever the hub holds, this one has never opened a task.
    const others = `${reason}; the ${slot.tasks.length} task(s) that the hub holds for it are an earlier builder's`;
    return { change: { kind: "terminate", slot: slot.name, instanceId, neverCheckedIn, reason: others } };
  }
  if (slot.host?.enabled === true) {
    const first = `${reason}; its host is enabled, so that comes first`;
    return { change: { kind: "drain", slot: slot.name, instanceId, forGood: true, reason: first } };
  }
  return { change: { kind: "terminate", slot: slot.name, instanceId, neverCheckedIn, reason } };
}

/** Two instances with one host name take its session from each other: the first is drained, then the other may serve. */
function rivalStep(slot: Slot): SlotStep {
  const { instance } = slot;
  const rival = slot.rivals.find((each) => each.state === "pending" || each.state === "running");
  if (rival === undefined || instance === null || slot.disabledByPerson || instance.pinned) return null;
  if (slot.tasks.length > 0) return null;
  const reason = `${rival.instanceId} claims the same slot, and two kojid with one name end each other's sessions`;
  return { change: { kind: "drain", slot: slot.name, instanceId: instance.instanceId, forGood: true, reason } };
}

function servingStep(slot: Slot): SlotStep {
  const { instance } = slot;
  if (slot.disabledByPerson) {
    return { keep: "somebody disabled it on the hub: it stays as it was left and counts as no capacity" };
  }
  if (instance === null || instance.enabledAt !== null) return null;
  if (instance.spotNoticeAt !== null && slot.host?.enabled !== true) {
    return { keep: "EC2 takes it back before it was enabled: it stays disabled" };
  }
  const reason = slot.host?.enabled ? "it is enabled; its launch is put away" : "its kojid has checked in";
  return { change: { kind: "enable", slot: slot.name, instanceId: instance.instanceId, reason } };
}

/** What the hub's own rule does after HostTimeout, if anybody polls by then; with the admin permission nobody has to. */
function silentStep(slot: Slot, { options }: HubState, site: Site): SlotStep {
  const { host, instance, tasks } = slot;
  if (!site.hub.admin || !slot.silent || tasks.length === 0 || slot.disabledByPerson || instance === null) return null;
  if (slot.silentSeconds <= options.hostTimeout || host?.enabled !== true) return null;
  const reason = `its kojid is silent for ${Math.round(slot.silentSeconds)} s, the hub's limit is ${options.hostTimeout} s: ${tasks.length} task(s) go back to the queue`;
  const taskIds = tasks.map((task) => task.id);
  return { change: { kind: "free-tasks", slot: slot.name, instanceId: instance.instanceId, taskIds, reason } };
}

function drainingStep(slot: Slot, state: HubState, site: Site, now: number): SlotStep {
  const { instance, host } = slot;
  if (instance === null || instance.drainingAt === null) return null;
  const { instanceId } = instance;
  const back = (reason: string): SlotStep => ({
    change: { kind: "cancel-drain", slot: slot.name, instanceId, reason },
  });
  if (instance.pinned) {
    if (instance.enabledAt !== null) return back("a person has pinned it");
    return { keep: "draining, but a person has pinned it: not terminated" };
  }
  const silentFor = slot.silentSeconds;
  const assigned = slot.tasks.find((task) => task.state === TASK_STATE.ASSIGNED);
  if (host?.enabled === true) {
    if (slot.tasks.length > 0) return back("it is marked for draining, but was given work before it was disabled");
    const reason = "it is marked for draining and still enabled";
    return { change: { kind: "drain", slot: slot.name, instanceId, forGood: instance.enabledAt === null, reason } };
  }
  // A disabled builder never opens what it was given, and the hub skips disabled hosts: the task would hang.
  if (assigned !== undefined)
    return back(`task ${assigned.id} was given to it just before it was disabled; only an enabled builder opens it`);
  if (slot.tasks.length > 0 && silentFor > state.options.readyTimeout) {
    const silent = Number.isFinite(silentFor) ? `silent for ${Math.round(silentFor)} s` : "silent";
    return back(`its kojid is ${silent}, and the hub frees the ${slot.tasks.length} task(s) of an enabled host only`);
  }
  if (slot.tasks.length > 0) return { keep: `draining: ${slot.tasks.length} task(s) still run on it` };
  const settle = state.options.runInterval + site.builders.pollSeconds;
  const waited = Math.round(now - instance.drainingAt);
  if (waited < settle) {
    return { keep: `draining: disabled ${waited} s ago, waits ${settle} s for a scheduler run and a poll to pass` };
  }
  const polled = silentFor < now - instance.drainingAt;
  if (!polled && silentFor <= state.options.readyTimeout)
    return { keep: "draining: has not polled since it was disabled" };
  const reason = `drained: disabled ${waited} s ago, no task assigned or open`;
  return { change: { kind: "terminate", slot: slot.name, instanceId, neverCheckedIn: false, reason } };
}

function stoppedStep(slot: Slot, state: HubState, site: Site): SlotStep {
  const step = lostStep(slot, state, site, "its instance is stopped");
  return (
    step ?? { keep: "its instance was stopped, not by Toji: the slot stays taken until it is started or terminated" }
  );
}

/** No machine behind the host. Its tasks come back only while it is enabled (the hub skips disabled hosts), so:
 * with tasks it must be enabled, or have them freed; without tasks it must be disabled, or it is given new ones. */
function lostStep(slot: Slot, state: HubState, site: Site, what: string): SlotStep {
  const { host } = slot;
  if (host === null) return null;
  if (slot.tasks.length === 0) {
    if (!host.enabled) return null;
    const reason = `${what} and no task is on it: disabled so that it is given none`;
    const instanceId = slot.instance?.instanceId ?? null;
    return { change: { kind: "disable-lost", slot: slot.name, instanceId, reason } };
  }
  const ids = slot.tasks.map((task) => task.id);
  if (site.hub.admin) {
    const reason = `${what}: ${ids.length} task(s) go back to the queue at once`;
    const instanceId = host.enabled ? (slot.instance?.instanceId ?? null) : null;
    return { change: { kind: "free-tasks", slot: slot.name, instanceId, taskIds: ids, reason } };
  }
  if (!host.enabled) {
    const reason = `${what}, and the hub frees the ${ids.length} task(s) of an enabled host only`;
    return { change: { kind: "enable-lost", slot: slot.name, reason } };
  }
  return {
    keep: `${what}: the hub frees its ${ids.length} task(s) after ${state.options.hostTimeout} s of silence (with the admin permission Toji would at once)`,
  };
}
