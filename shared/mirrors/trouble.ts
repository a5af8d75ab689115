// The one error of reading from a mirror: a problem that becomes evidence.

import type { Problem, ProblemKind } from "./types.ts";

/** Thrown where a mirror's answer cannot be had or is refused; whoever gathers evidence turns it into that. */
export class MirrorTrouble extends Error {
  override readonly name = "MirrorTrouble";
  readonly problem: Problem;
  readonly retryable: boolean;
  constructor(kind: ProblemKind, detail: string, options: { readonly status?: number; readonly cause?: unknown } = {}) {
    super(detail, { cause: options.cause });
    this.problem = { kind, detail, ...(options.status === undefined ? {} : { status: options.status }) };
    this.retryable = ["dns", "refused", "reset", "timeout", "network"].includes(kind);
  }
}

/** The problem of what was thrown; anything that is no MirrorTrouble is a defect and thrown on. */
export function problemOf(error: unknown): Problem {
  if (error instanceof MirrorTrouble) return error.problem;
  throw error;
}
