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

/** What a Catch leaves: Lambda's error name, and its JSON {"errorType", "errorMessage"} as a text. */
export const caughtSchema = z.object({
  error: z.object({ Error: z.string().default(""), Cause: z.string().default("") }).optional(),
});

export const copiesSchema = z.object({ copies: z.array(copyRecordSchema).default([]) });

export function setOf({ execution, startedAt }: Pick<StepEvent, "execution" | "startedAt">): string {
  return setIdOf(execution, startedAt);
}

const lambdaCause = z.object({ errorMessage: z.string() });

/** The sentence of an error as Step Functions hands it on. */
export function sentenceOf({ Error: name, Cause: cause }: { readonly Error: string; readonly Cause: string }): string {
  try {
    const parsed = lambdaCause.safeParse(JSON.parse(cause));
    if (parsed.success) return parsed.data.errorMessage;
  } catch {
    // Not every cause is JSON: Step Functions' own (States.Timeout, Lambda.Unknown) are texts or empty.
  }
  if (cause !== "") return cause;
  return name === "States.Timeout" ? "a step took longer than it may" : name || "a step failed and gave no reason";
}
