// The circuit breaker of a profile whose builders do not come up: launches stop, for longer each time. Pure.

import type { Profile, Site } from "../config/index.ts";
import { clockTime } from "./eligible.ts";
import { hasCheckedIn, isUnready, type Slot } from "./slots.ts";
import type { BootRecord, Breaker, Instance, Memory } from "./types.ts";

const UNTRIED: BootRecord = {
  failures: 0,
  failedAt: 0,
  failedSlot: "",
  opened: 0,
  openUntil: 0,
  provenLaunch: 0,
};

const recordOf = (memory: Memory, profile: string): BootRecord =>
  Object.hasOwn(memory.boots, profile) ? (memory.boots[profile] ?? UNTRIED) : UNTRIED;

/** What this pass shows of boots: each instance is learned from once. `instances` also hold those that have ended. */
export function noteBoots(
  memory: Memory,
  slots: readonly Slot[],
  instances: readonly Instance[],
  site: Site,
  { now, clockAhead }: { readonly now: number; readonly clockAhead: number },
): Memory {
  const boots: Record<string, BootRecord> = {};
  const learned: Record<string, number> = { ...memory.learned };
  const byName = new Map(slots.map((slot) => [slot.name, slot]));
  for (const { name } of site.builders.profiles) {
    const own = instances.filter((each) => each.profile === name);
    let record = recordOf(memory, name);
    const proven = own.filter((each) => isProven(each, byName)).map((each) => each.launchedAt);
    const provenLaunch = Math.max(record.provenLaunch, ...proven);
    // A builder that was launched before the failure says nothing of what a launch would bring today.
    const recovered = provenLaunch > record.provenLaunch && proven.some((at) => at >= failedLaunch(record));
    record = recovered ? { ...UNTRIED, provenLaunch } : { ...record, provenLaunch };
    for (const instance of own) {
      if (Object.hasOwn(learned, instance.instanceId) || instance.launchedAt <= provenLaunch) continue;
      if (!hasFailed(instance, byName.get(instance.slot ?? ""), site, memory, now, clockAhead)) continue;
      learned[instance.instanceId] = now;
      record = afterFailure(record, instance, site, now);
    }
    if (record.failures > 0 || record.provenLaunch > 0) boots[name] = record;
  }
  return { ...memory, boots, learned };
}

/** Launches count as newer than a failure from the moment it was seen. */
const failedLaunch = ({ failures, failedAt }: BootRecord): number =>
  failures === 0 ? Number.POSITIVE_INFINITY : failedAt;

/** It has been ready for work, or has work. */
function isProven(instance: Instance, byName: ReadonlyMap<string, Slot>): boolean {
  const slot = byName.get(instance.slot ?? "");
  if (slot?.instance !== instance || slot.phase !== "serving" || slot.host === null) return false;
  return slot.polling && slot.host.enabled && (slot.host.ready || slot.tasks.length > 0);
}

function hasFailed(
  instance: Instance,
  slot: Slot | undefined,
  site: Site,
  memory: Memory,
  now: number,
  clockAhead: number,
): boolean {
  if (slot === undefined || instance.takenBySpot || instance.spotNoticeAt !== null || instance.untagged) return false;
  // Up, enabled, and yet never ready: short of disk from the first minute.
  if (slot.instance === instance && isUnready(slot, site, memory, now)) return true;
  if (instance.enabledAt !== null || hasCheckedIn(instance, slot.host, clockAhead)) return false;
  switch (instance.state) {
    case "pending":
    case "running":
      return now - instance.launchedAt > site.builders.bootLimitSeconds;
    case "shutting-down":
    case "terminated":
      // Ended by itself, by Toji at the boot limit, or by a person who saw that it does not come up.
      return !instance.drainNow;
    case "stopping":
    case "stopped":
      return false;
  }
}

function afterFailure(record: BootRecord, instance: Instance, site: Site, now: number): BootRecord {
  const { failures: limit, pauseSeconds, longestPauseSeconds } = site.builders.bootBreaker;
  const failures = record.failures + 1;
  const failed = { ...record, failures, failedAt: now, failedSlot: instance.slot ?? "" };
  // Those that were under way when it opened do not open it once more.
  if (failures < limit || record.openUntil > now) return failed;
  const pause = Math.min(longestPauseSeconds, pauseSeconds * 2 ** Math.min(record.opened, 30));
  return { ...failed, opened: record.opened + 1, openUntil: now + pause };
}

/** How many launches of the profile the breaker allows, and why no more. */
export interface BootLimit {
  readonly launches: number;
  readonly reason: string;
}

/** null = no limit. After a pause one builder at a time is tried, until one has come up. */
export function bootLimit(
  profile: Profile,
  slots: readonly Slot[],
  memory: Memory,
  site: Site,
  now: number,
): BootLimit | null {
  const record = recordOf(memory, profile.name);
  if (record.failures < site.builders.bootBreaker.failures) return null;
  const what = `${profile.name} failed to boot ${record.failures} times in a row, last ${record.failedSlot} at ${clockTime(record.failedAt)}`;
  if (record.openUntil > now)
    return { launches: 0, reason: `${what}: no launch of it until ${clockTime(record.openUntil)}` };
  const trying = slots.filter((slot) => slot.profile === profile && isUnproven(slot, record)).length;
  return { launches: Math.max(0, 1 - trying), reason: `${what}: one at a time is tried until one comes up` };
}

const isUnproven = ({ instance }: Slot, { provenLaunch }: BootRecord): boolean =>
  instance !== null && instance.state !== "stopped" && instance.launchedAt > provenLaunch;

/** Profiles whose launches are stopped: an alarm for each. */
export function openBreakers(site: Site, slots: readonly Slot[], memory: Memory, now: number): Breaker[] {
  return site.builders.profiles.flatMap((profile): Breaker[] => {
    const limit = bootLimit(profile, slots, memory, site, now);
    return limit === null ? [] : [{ stops: "launches", profile: profile.name, reason: limit.reason }];
  });
}
