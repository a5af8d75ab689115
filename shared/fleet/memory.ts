// What Toji remembers from one pass to the next: how each pass changes it. Pure.

import { createHash } from "node:crypto";
import * as z from "zod";
import type { Site } from "../config/index.ts";
import type { Slot } from "./slots.ts";
import { EMPTY_MEMORY, type FailedOffering, type Instance, type Memory } from "./types.ts";

/** Terminated instances leave EC2's lists after about an hour; tokens are honoured longer, so ids are kept a while. */
const REMEMBERED_SLOTS = 2000;

/** After a pass that saw the whole world. `slots` are those of this pass. */
export function noteSeen(memory: Memory, slots: readonly Slot[], instances: readonly Instance[], now: number): Memory {
  const idleSince: Record<string, number> = {};
  for (const slot of slots) {
    if (slot.phase === "serving" && slot.tasks.length === 0) idleSince[slot.name] = memory.idleSince[slot.name] ?? now;
  }
  const newest = new Map<string, Instance>();
  for (const instance of instances) {
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
    failedOfferings: memory.failedOfferings.filter((each) => each.until > now),
    hubOfflineSince: null,
  };
}

/** What the launches of a pass taught: refused offerings are avoided, and a slot that got nothing tries a new token. */
export function noteLaunches(
  memory: Memory,
  failed: readonly FailedOffering[],
  slotsWithoutInstance: readonly string[],
): Memory {
  const launchFailures = { ...memory.launchFailures };
  for (const slot of slotsWithoutInstance) launchFailures[slot] = (launchFailures[slot] ?? 0) + 1;
  return { ...memory, launchFailures, failedOfferings: [...memory.failedOfferings, ...failed] };
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
const memorySchema = z.object({
  failedOfferings: z.array(
    z.object({
      instanceType: z.string(),
      zone: z.string(),
      market: z.enum(["spot", "on-demand"]),
      code: z.string(),
      until: seconds,
    }),
  ),
  idleSince: z.record(z.string(), seconds),
  lastInstance: z.record(z.string(), z.string()),
  launchFailures: z.record(z.string(), z.number()),
  hubOfflineSince: seconds.nullable(),
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
