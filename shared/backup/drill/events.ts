// What the steps of the drill machine get: who runs, since when, and what the steps before have answered.

import * as z from "zod";
import { stepEvent } from "../event.ts";
import { drillLine } from "../host-answers.ts";
import { runIdOf } from "../run-id.ts";

const progress = z.object({
  /** Of the input; null = the newest set without a verdict. */
  set: z.string().nullable().default(null),
  run: z.object({ set: z.string().nullable() }).optional(),
  instance: z.object({ instance: z.string(), launchedAt: z.number() }).optional(),
  look: z
    .object({
      status: z.enum(["pending", "verdict", "late", "gone"]),
      lines: z.array(drillLine),
      bootedBy: z.number().nullable(),
    })
    .optional(),
  verdict: z.object({ outcome: z.enum(["verified", "failed"]) }).optional(),
  teardown: z.object({ since: z.number() }).optional(),
});

const drillEvent = stepEvent.extend({ progress });

export interface DrillEvent {
  readonly execution: string;
  /** Epoch seconds. */
  readonly startedAt: number;
  /** Id of the drill. */
  readonly drill: string;
  readonly progress: z.infer<typeof progress>;
}

export function readDrillEvent(event: unknown): DrillEvent {
  const { startedAt: time, ...rest } = drillEvent.parse(event);
  const startedAt = Date.parse(time) / 1000;
  return { ...rest, startedAt, drill: runIdOf("dr", rest.execution, startedAt) };
}
