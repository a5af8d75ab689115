// What the steps of the restore machine get: the request, and what the steps before have answered.

import * as z from "zod";
import { caughtSchema } from "../../caught.ts";
import { stepEvent } from "../event.ts";
import { runIdOf } from "../run-id.ts";

const volumePlan = z.object({
  snapshot: z.string(),
  holds: z.string(),
  device: z.string(),
  zone: z.string(),
  type: z.string(),
  iops: z.number().nullable(),
  throughput: z.number().nullable(),
  sizeGiB: z.number(),
  kmsKeyId: z.string().nullable(),
  replaces: z.string().nullable(),
});

const madeVolume = z.object({ volume: z.string(), device: z.string(), holds: z.string() });

const to = z.enum(["new-volumes", "replace"]);
const direction = z.enum(["forward", "back"]);

const progress = z.object({
  set: z.string(),
  to,
  by: z.string().default("unknown"),
  reason: z.string().default(""),
  /** A set that no drill has proved is good enough. */
  acceptUnproven: z.boolean().default(false),
  run: z
    .object({
      set: z.string(),
      to,
      /** null = there is no hub, and none is needed. */
      instanceId: z.string().nullable(),
      volumes: z.array(volumePlan),
    })
    .optional(),
  restorePoint: z.object({ set: z.string() }).optional(),
  volumes: z.object({ volumes: z.array(madeVolume) }).optional(),
  swap: z.object({ direction, since: z.number() }).optional(),
});

const restoreEvent = stepEvent.extend({
  action: z.enum(["stop-hub", "start-hub"]).optional(),
  direction: direction.optional(),
  progress: progress.extend(caughtSchema.shape),
});

export interface RestoreEvent extends Omit<z.infer<typeof restoreEvent>, "startedAt"> {
  /** Epoch seconds. */
  readonly startedAt: number;
  /** Id of the restore. */
  readonly restore: string;
}

export function readRestoreEvent(event: unknown): RestoreEvent {
  const { startedAt: time, ...rest } = restoreEvent.parse(event);
  const startedAt = Date.parse(time) / 1000;
  return { ...rest, startedAt, restore: runIdOf("rs", rest.execution, startedAt) };
}
