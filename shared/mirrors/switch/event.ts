// What the steps of the switch machine get: the request, and what the steps before have answered.

import * as z from "zod";
import { caughtError, sentenceOf } from "../../caught.ts";

const useSchema = z.object({ tag: z.string(), arches: z.array(z.string()) });

const runSchema = z.object({
  repo: z.string(),
  from: z.string(),
  to: z.string(),
  /** The hub had it before: there is nothing to do. */
  already: z.boolean(),
  /** Build tags that take rpms from the repo. */
  tags: z.array(useSchema),
  /** Arches whose metadata lists no package at the new address. */
  empty: z.array(z.string()),
  /** Another external repo has the old address too, so that READY repos may go on taking rpms from there. */
  isShared: z.boolean(),
});
/** What `begin` answers. */
export type SwitchRun = z.infer<typeof runSchema>;

const lookSchema = z.object({
  status: z.enum(["ready", "pending"]),
  /** Tags whose new repo was asked for a second time. */
  again: z.array(z.string()),
});
export type RepoLook = z.infer<typeof lookSchema>;

const progress = z.object({
  repo: z.string().min(1),
  to: z.string().min(1),
  by: z.string().default("unknown"),
  reason: z.string().default(""),
  /** Begun by Toji and not by a person. */
  automatic: z.boolean().default(false),
  run: runSchema.optional(),
  look: lookSchema.optional(),
  undoLook: lookSchema.optional(),
  confirm: z.object({ rpms: z.number() }).optional(),
  error: caughtError.optional(),
  undoError: caughtError.optional(),
});

const switchEvent = z.object({
  execution: z.string().min(1),
  /** ISO 8601. */
  startedAt: z.string().min(1),
  direction: z.enum(["forward", "back"]).optional(),
  progress,
});

export interface SwitchEvent extends Omit<z.infer<typeof switchEvent>, "startedAt"> {
  /** Epoch seconds. */
  readonly startedAt: number;
}

export function readSwitchEvent(event: unknown): SwitchEvent {
  const { startedAt, ...rest } = switchEvent.parse(event);
  return { ...rest, startedAt: Date.parse(startedAt) / 1000 };
}

/** The sentences of what was caught, the first cause first. */
export function failuresOf({ progress: { error, undoError } }: SwitchEvent): string[] {
  return [error, undoError].flatMap((caught) => (caught === undefined ? [] : [sentenceOf(caught)]));
}
