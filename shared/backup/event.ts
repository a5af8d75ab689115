// What a state machine hands to its tasks: who runs, since when, and all that the tasks before have answered.

import * as z from "zod";
import { copyRecordSchema, hubInstanceSchema } from "./manifest.ts";
import { setIdOf } from "./set-id.ts";

/** `progress`: the whole state of the machine; each step parses the parts it needs. */
export const stepEvent = z.object({
  execution: z.string().min(1),
  /** ISO 8601. */
  startedAt: z.string().min(1),
  progress: z.unknown(),
});
export type StepEvent = z.infer<typeof stepEvent>;

/** What `begin` answered. */
export const runSchema = z.object({
  run: z.object({ setId: z.string(), hub: hubInstanceSchema }),
});

export const copiesSchema = z.object({ copies: z.array(copyRecordSchema).default([]) });

export function setOf({ execution, startedAt }: Pick<StepEvent, "execution" | "startedAt">): string {
  return setIdOf(execution, startedAt);
}
