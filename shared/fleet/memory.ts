// What Toji remembers from one pass to the next: how each pass changes it. Pure.

import { createHash } from "node:crypto";
import type { Site } from "../config/index.ts";
import type { Slot } from "./slots.ts";
import type { FailedOffering, Instance, Lookups, Memory, RecentLaunch } from "./types.ts";

/** Terminated instances leave EC2's lists after about an hour; tokens are honoured longer, so ids are kept a while. */
const REMEMBERED_SLOTS = 2000;

/** EC2 lists ended instances for about an hour. */
const LEARNED_SECONDS = 3 * 3600;

/** Longer than any lookup stays fresh. */
const LOOKUP_SECONDS = 7 * 86_400;

/**
 * EC2 lists a new instance after seconds, rarely minutes, and may leave out one that it has listed before (EC2 guide,
 * eventual consistency). Twice what either takes, for a clock may jump meanwhile.
 */
export const UNLISTED_SECONDS = 600;

/** Not more often is it written down that an instance is still listed. */
const SEEN_STEP_SECONDS = 120;

/**
 * What EC2 lists, and what it should list: launches that it has answered, and instances that it listed minutes ago and
 * never called terminated. They hold their slots and count in the budget, or the next pass would launch once more.
 */
export function withUnlisted(seen: readonly Instance[], memory: Memory, site: Site, now: number): Instance[] {
  const slotOf = new Map(Object.entries(memory.lastInstance).map(([slot, instanceId]) => [instanceId, slot]));
  // One that ended without its tags is still its slot's, as far as Toji remembers.
  const listed = seen.map((each) =>
    each.slot === null && isEnding(each) ? { ...each, slot: slotOf.get(each.instanceId) ?? null } : each,
  );
  const ids = new Set(listed.map((each) => each.instanceId));
  const held = new Set(listed.filter((each) => each.state !== "terminated").map((each) => each.slot));
  const patience = Math.min(UNLISTED_SECONDS, site.builders.bootLimitSeconds);
  const unlisted = Object.entries(memory.launched).filter(
    ([slot, launch]) => now - launch.at <= patience && !ids.has(launch.instanceId) && !held.has(slot),
  );
  return [...listed, ...unlisted.map(([slot, launch]) => asInstance(slot, launch))];
}

const isEnding = ({ state }: Instance): boolean => state === "shutting-down" || state === "terminated";

function asInstance(slot: string, { at, ...launch }: RecentLaunch): Instance {
  return {
    ...launch,
    state: "pending",
    launchedAt: at,
    slot,
    checkInAfter: null,
    enabledAt: null,
    drainingAt: null,
    spotNoticeAt: null,
    templateVersion: null,
    launch: null,
    imageId: null,
    rebalanceAt: null,
    pinned: false,
    drainNow: false,
    takenBySpot: false,
    untagged: false,
  };
}

/** After a pass that saw the whole world. `slots` are those of this pass. */
export function noteSeen(memory: Memory, slots: readonly Slot[], instances: readonly Instance[], now: number): Memory {
  const idleSince: Record<string, number> = {};
  for (const slot of slots) {
    if (slot.phase === "serving" && slot.tasks.length === 0) idleSince[slot.name] = memory.idleSince[slot.name] ?? now;
  }
  // Who checks in there is not known, so neither is which instance was the last.
  const unknown = new Set(slots.filter((slot) => slot.phase === "unknown").map((slot) => slot.name));
  const newest = new Map<string, Pick<Instance, "instanceId" | "launchedAt">>();
  const note = (slot: string | null, instance: Pick<Instance, "instanceId" | "launchedAt">) => {
    if (slot === null || unknown.has(slot)) return;
    const known = newest.get(slot);
    if (known === undefined || instance.launchedAt > known.launchedAt) newest.set(slot, instance);
  };
  for (const instance of instances) note(instance.slot, instance);
  for (const [slot, { instanceId, at }] of Object.entries(memory.launched)) note(slot, { instanceId, launchedAt: at });
  const changed = [...newest].filter(([slot, { instanceId }]) => memory.lastInstance[slot] !== instanceId);
  const lastInstance = changed.length === 0 ? memory.lastInstance : withLast(memory.lastInstance, changed);
  return {
    ...memory,
    idleSince,
    lastInstance,
    leftAlone: noteLeftAlone(memory, slots),
    uncertain: stillUncertain(memory, slots, instances, now),
    launched: Object.fromEntries(
      Object.entries(memory.launched).filter(([, launch]) => now - launch.at <= UNLISTED_SECONDS),
    ),
    failedOfferings: memory.failedOfferings.filter((each) => each.until > now),
    learned: Object.fromEntries(Object.entries(memory.learned).filter(([, at]) => now - at <= LEARNED_SECONDS)),
    lookups: withoutOld(memory.lookups, now),
  };
}

function withLast(
  known: Memory["lastInstance"],
  seen: readonly (readonly [slot: string, instance: Pick<Instance, "instanceId">])[],
): Memory["lastInstance"] {
  const last = { ...known };
  for (const [slot, { instanceId }] of seen) last[slot] = instanceId;
  const slots = Object.keys(last);
  return slots.length <= REMEMBERED_SLOTS ? last : Object.fromEntries(Object.entries(last).slice(-REMEMBERED_SLOTS));
}

/** Until its instance shows, though it has ended since, or nothing has shown for long enough. */
function stillUncertain(
  { uncertain }: Memory,
  slots: readonly Slot[],
  instances: readonly Instance[],
  now: number,
): Record<string, number> {
  const taken = new Set(slots.filter((slot) => slot.instance !== null).map((slot) => slot.name));
  const shown = (name: string, at: number) => instances.some((each) => each.slot === name && each.launchedAt >= at);
  return Object.fromEntries(
    Object.entries(uncertain).filter(
      ([slot, at]) => now - at <= UNLISTED_SECONDS && !taken.has(slot) && !shown(slot, at),
    ),
  );
}

function noteLeftAlone({ leftAlone }: Memory, slots: readonly Slot[]): Record<string, string> {
  const noted: Record<string, string> = {};
  for (const { name, instance, host, disabledByPerson } of slots) {
    if (instance === null) continue;
    const still = instance.untagged && host?.enabled === false && leftAlone[name] === instance.instanceId;
    if (disabledByPerson || still) noted[name] = instance.instanceId;
  }
  return noted;
}

/** What EC2 lists now holds its slot for as long as EC2 may leave it out, unless it is listed as terminated. */
export function noteListed(memory: Memory, listed: readonly Instance[], now: number): Memory {
  const launched: Record<string, RecentLaunch> = { ...memory.launched };
  for (const { slot, instanceId, state, profile, instanceType, zone, market } of listed) {
    if (!slot || profile === null || state === "terminated") continue;
    const known = launched[slot];
    if (known?.instanceId === instanceId && now - known.at < SEEN_STEP_SECONDS) continue;
    launched[slot] = { instanceId, at: now, profile, instanceType, zone, market };
  }
  return { ...memory, launched };
}

/** Where EC2 took or takes a spot instance back it is short: avoided for a while. Each loss is learned from once. */
export function noteSpotLosses(memory: Memory, instances: readonly Instance[], site: Site, now: number): Memory {
  const learned = { ...memory.learned };
  const failed: FailedOffering[] = [];
  for (const { instanceId, instanceType, zone, market, spotNoticeAt, takenBySpot } of instances) {
    if ((spotNoticeAt === null && !takenBySpot) || Object.hasOwn(learned, instanceId)) continue;
    learned[instanceId] = now;
    const until = now + site.builders.interruptedOfferingSeconds;
    failed.push({ instanceType, zone, market, code: "SpotInterruption", until });
  }
  return failed.length === 0 ? memory : { ...memory, learned, failedOfferings: [...memory.failedOfferings, ...failed] };
}

/** After a clock that ran ahead was set right, what was noted meanwhile lies in the future: it counts as noted now. */
export function withoutFuture(memory: Memory, site: Site, now: number): Memory {
  const past = (at: number) => Math.min(at, now);
  const pastEach = (times: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(times).map(([name, at]) => [name, past(at)]));
  const { failedOfferingSeconds, interruptedOfferingSeconds, bootBreaker } = site.builders;
  const longest = now + Math.max(failedOfferingSeconds, interruptedOfferingSeconds);
  return {
    ...memory,
    idleSince: pastEach(memory.idleSince),
    learned: pastEach(memory.learned),
    uncertain: pastEach(memory.uncertain),
    launched: Object.fromEntries(
      Object.entries(memory.launched).map(([slot, launch]) => [slot, { ...launch, at: past(launch.at) }]),
    ),
    failedOfferings: memory.failedOfferings.map((each) => ({ ...each, until: Math.min(each.until, longest) })),
    boots: Object.fromEntries(
      Object.entries(memory.boots).map(([name, record]) => [
        name,
        {
          ...record,
          failedAt: past(record.failedAt),
          provenLaunch: past(record.provenLaunch),
          openUntil: Math.min(record.openUntil, now + bootBreaker.longestPauseSeconds),
        },
      ]),
    ),
    hubOfflineSince: memory.hubOfflineSince === null ? null : past(memory.hubOfflineSince),
    hubBackAt: memory.hubBackAt === null ? null : past(memory.hubBackAt),
  };
}

/** What nobody asked for again is looked up anew, should it come back. */
function withoutOld({ tagArches, packageSeconds }: Lookups, now: number): Lookups {
  const recent = <T extends { readonly at: number }>(
    found: Readonly<Record<string, T>>,
  ): Readonly<Record<string, T>> => {
    const entries = Object.entries(found);
    const kept = entries.filter(([, { at }]) => now - at <= LOOKUP_SECONDS);
    return kept.length === entries.length ? found : Object.fromEntries(kept);
  };
  return { tagArches: recent(tagArches), packageSeconds: recent(packageSeconds) };
}

/** After a pass that saw the hub. */
export function noteHubSeen(memory: Memory, now: number): Memory {
  const hubBackAt = memory.hubOfflineSince === null ? memory.hubBackAt : now;
  return { ...memory, hubOfflineSince: null, hubBackAt };
}

/**
 * What the launches of a pass taught: refused offerings are avoided, a slot that got nothing tries a new token, and one
 * that got an instance is taken, whatever EC2 lists.
 */
export function noteLaunches(
  memory: Memory,
  failed: readonly FailedOffering[],
  slotsWithoutInstance: readonly string[],
  launched: Readonly<Record<string, RecentLaunch>>,
  unanswered: Readonly<Record<string, number>> = {},
): Memory {
  const launchFailures = { ...memory.launchFailures };
  for (const slot of slotsWithoutInstance) launchFailures[slot] = (launchFailures[slot] ?? 0) + 1;
  const answered = new Set([...slotsWithoutInstance, ...Object.keys(launched)]);
  const uncertain = Object.entries({ ...memory.uncertain, ...unanswered }).filter(([slot]) => !answered.has(slot));
  return {
    ...memory,
    launchFailures,
    uncertain: Object.fromEntries(uncertain),
    launched: { ...memory.launched, ...launched },
    failedOfferings: [...memory.failedOfferings, ...failed],
  };
}

/**
 * The same for every attempt at one launch, different for the next launch of the slot: EC2 then answers a repeated
 * call with the instance it already made.
 */
export function launchToken(site: Site, slot: Slot, memory: Memory): string {
  const parts = [
    site.builders.fleet,
    slot.name,
    slot.host?.update_ts ?? "never",
    memory.lastInstance[slot.name] ?? "none",
    memory.launchFailures[slot.name] ?? 0,
  ];
  return createHash("sha256").update(parts.join("|")).digest("hex").slice(0, 32);
}
