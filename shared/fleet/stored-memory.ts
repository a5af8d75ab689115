// The memory as it lies in the bucket: its shape, and what becomes of one that cannot be read.

import * as z from "zod";
import { NO_FORECAST } from "./forecast/memory.ts";
import { forecastSchema } from "./forecast/stored.ts";
import { EMPTY_MEMORY, type Memory } from "./types.ts";

const seconds = z.number();
const offering = { instanceType: z.string(), zone: z.string(), market: z.enum(["spot", "on-demand"]) };
const memorySchema = z.compile(
  z.object({
    failedOfferings: z.array(z.object({ ...offering, code: z.string(), until: seconds })),
    idleSince: z.record(z.string(), seconds),
    lastInstance: z.record(z.string(), z.string()),
    launchFailures: z.record(z.string(), z.number()),
    leftAlone: z.record(z.string(), z.string()).default({}),
    uncertain: z.record(z.string(), seconds).default({}),
    launched: z
      .record(z.string(), z.object({ ...offering, instanceId: z.string(), at: seconds, profile: z.string() }))
      .default({}),
    boots: z
      .record(
        z.string(),
        z.object({
          failures: z.number(),
          failedAt: seconds,
          failedSlot: z.string(),
          opened: z.number(),
          openUntil: seconds,
          provenLaunch: seconds,
        }),
      )
      .default({}),
    learned: z.record(z.string(), seconds).default({}),
    hubOfflineSince: seconds.nullable(),
    hubBackAt: seconds.nullable().default(null),
    lookups: z.object({
      tagArches: z.record(z.string(), z.object({ arches: z.array(z.string()), at: seconds })),
      packageSeconds: z.record(z.string(), z.object({ seconds: seconds.nullable(), at: seconds })),
    }),
    // What was learned is a help and no more: what cannot be read of it is learned anew.
    forecast: forecastSchema.catch(NO_FORECAST).default(NO_FORECAST),
  }),
);

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
