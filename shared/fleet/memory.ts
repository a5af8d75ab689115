// What Toji remembers from one pass to the next: how each pass changes it. Pure.

import { createHash } from "node:crypto";
import * as z from "zod";
import type { Site } from "../config/index.ts";
import type { Slot } from "./slots.ts";
import { EMPTY_MEMORY, type FailedOffering, type Instance, type Memory, type RecentLaunch } from "./types.ts";

/** Terminated instances leave EC2's lists after about an hour; tokens are honoured longer, so ids are kept a while. */
const REMEMBERED_SLOTS = 2000;

/** EC2 lists a new instance after seconds, rarely minutes (EC2 guide, eventual consistency). */
const UNLISTED_SECONDS = 300;

/**
 * What EC2 lists, and the launches that it has answered but does not list yet: they hold their slots and count in the
 * budget, or the next pass would launch once more.
 */
export function withUnlisted(listed: readonly Instance[], memory: Memory, site: Site, now: number): Instance[] {
  const ids = new Set(listed.map((each) => each.instanceId));
  const held = new Set(listed.filter((each) => each.state !== "terminated").map((each) => each.slot));
  const patience = Math.min(UNLISTED_SECONDS, site.builders.bootLimitSeconds);
  const unlisted = Object.entries(memory.launched).filter(
    ([slot, launch]) => now - launch.at <= patience && !ids.has(launch.instanceId) && !held.has(slot),
  );
  return [...listed, ...unlisted.map(([slot, launch]) => asInstance(slot, launch))];
}

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
  };
}

/** After a pass that saw the whole world. `slots` are those of this pass. */
export function noteSeen(memory: Memory, slots: readonly Slot[], instances: readonly Instance[], now: number): Memory {
  const idleSince: Record<string, number> = {};
  for (const slot of slots) {
    if (slot.phase === "serving" && slot.tasks.length === 0) idleSince[slot.name] = memory.idleSince[slot.name] ?? now;
  }
  const newest = new Map<string, Instance>();
  const answered = Object.entries(memory.launched).map(([slot, launch]) => asInstance(slot, launch));
  for (const instance of [...instances, ...answered]) {
    if (instance.slot === null) continue;
    const known = newest.get(instance.slot);
    if (known === undefined || instance.launchedAt > known.launchedAt) newest.set(instance.slot, instance);
  }
  const seen = [...newest].map(([slot, instance]) => [slot, instance.instanceId] as const);
  const lastInstance = Object.fromEntries([...Object.entries(memory.lastInstance), ...seen].slice(-REMEMBERED_SLOTS));
  return {
    ...memory,
    idleSince,
    lastInstance,
    launched: Object.fromEntries(
      Object.entries(memory.launched).filter(([, launch]) => now - launch.at <= UNLISTED_SECONDS),
    ),
    failedOfferings: memory.failedOfferings.filter((each) => each.until > now),
  };
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
): Memory {
  const launchFailures = { ...memory.launchFailures };
  for (const slot of slotsWithoutInstance) launchFailures[slot] = (launchFailures[slot] ?? 0) + 1;
  return {
    ...memory,
    launchFailures,
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

const seconds = z.number();
const offering = { instanceType: z.string(), zone: z.string(), market: z.enum(["spot", "on-demand"]) };
const memorySchema = z.object({
  failedOfferings: z.array(z.object({ ...offering, code: z.string(), until: seconds })),
  idleSince: z.record(z.string(), seconds),
  lastInstance: z.record(z.string(), z.string()),
  launchFailures: z.record(z.string(), z.number()),
  launched: z
    .record(z.string(), z.object({ ...offering, instanceId: z.string(), at: seconds, profile: z.string() }))
    .default({}),
  hubOfflineSince: seconds.nullable(),
  hubBackAt: seconds.nullable().default(null),
  lookups: z.object({
    tagArches: z.record(z.string(), z.object({ arches: z.array(z.string()), at: seconds })),
    packageSeconds: z.record(z.string(), z.object({ seconds: seconds.nullable(), at: seconds })),
  }),
});

/** Memory from its stored JSON. What cannot be read is forgotten: the fleet is right again after one pass. */
export function readMemory(text: string): { readonly memory: Memory; readonly forgotten: string | null } {
  const forget = (why: string) => ({
    memory: EMPTY_MEMORY,
    forgotten: `the stored memory is unreadable and set aside: ${why}`,
  });
  try {
    const result = memorySchema.safeParse(JSON.parse(text));
    return result.success ? { memory: result.data, forgotten: null } : forget(result.error.issues[0]?.message ?? "");
  } catch (error) {
    return forget(error instanceof Error ? error.message : String(error));
  }
}
