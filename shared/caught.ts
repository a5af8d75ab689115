// What a state machine's Catch leaves, as a sentence: Lambda's own JSON, or the words of Step Functions.

import * as z from "zod";

/** Lambda's error name, and its JSON {"errorType", "errorMessage"} as a text. */
export const caughtError = z.object({ Error: z.string().default(""), Cause: z.string().default("") });
export type CaughtError = z.infer<typeof caughtError>;

/** A machine's state: the error is there once something was caught. */
export const caughtSchema = z.object({ error: caughtError.optional() });

const lambdaCause = z.object({ errorMessage: z.string() });

/** The sentence of an error as Step Functions hands it on. */
export function sentenceOf({ Error: name, Cause: cause }: CaughtError): string {
  try {
    const parsed = lambdaCause.safeParse(JSON.parse(cause));
    if (parsed.success) return parsed.data.errorMessage;
  } catch {
    // Not every cause is JSON: Step Functions' own (States.Timeout, Lambda.Unknown) are texts or empty.
  }
  if (cause !== "") return cause;
  return name === "States.Timeout" ? "a step took longer than it may" : name || "a step failed and gave no reason";
}
