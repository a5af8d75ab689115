// What a backup set is, from its snapshots to its verdict. All times are epoch seconds unless a name says ISO.

import type { HubInstance } from "../aws/hub-instance.ts";

export type { HubInstance, HubVolume } from "../aws/hub-instance.ts";

/** `application`: database at rest and tree whole at one proven instant; `crash`: one instant, not at rest; `torn`: not one instant. */
export type Grade = "application" | "crash" | "torn";

/** Every set ends in exactly one of these, or it is gone. `degraded`: torn, or below what the site accepts. */
export type SetState = "pending" | "unverified" | "verified" | "degraded" | "failed";

/** EC2's words for a snapshot, and `missing` for one that should be there. */
export type MemberState = "pending" | "completed" | "error" | "recoverable" | "recovering" | "missing";

export interface Member {
  readonly snapshot: string;
  readonly volume: string;
  readonly region: string;
  readonly state: MemberState;
  readonly sizeGiB: number;
  /** A mount point, "boot" or "unmounted". */
  readonly holds: string;
  /** Share of the copy to S3 that is done, as EC2 says it ("42%"). */
  readonly progress: string;
  readonly startedAt: number;
  readonly encrypted: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

/** Who asked for a backup, and as what. */
export interface BackupRequest {
  readonly kind: "scheduled" | "on-demand" | "restore-point" | "pre-cutover";
  /** Name of the schedule, or of the person. */
  readonly by: string;
  readonly reason: string;
}

export interface FreezeWindow {
  readonly frozenAt: number | null;
  readonly thawedAt: number | null;
  readonly milliseconds: number | null;
  /** `timer` = the dead-man's thaw came first; `none` = nothing was frozen. */
  readonly thaw: "explicit" | "timer" | "none";
  readonly checkpoint: boolean;
  /** No deleter ran: all were stopped and none was at work. */
  readonly quiet: boolean;
}

/** What was copied where. */
export interface CopyRecord {
  readonly region: string;
  readonly account: string | null;
  readonly state: "complete" | "pending" | "failed";
  readonly why: string | null;
  readonly members: readonly { readonly snapshot: string; readonly copyOf: string }[];
}

/** One drill's answer about a set. */
export interface DrillVerdict {
  readonly drill: string;
  readonly at: number;
  readonly outcome: "verified" | "failed";
  readonly findings: readonly DrillFinding[];
  /** From the start of the drill to the hub's first answer. */
  readonly rtoSeconds: number | null;
  readonly counts: Readonly<Record<string, number>>;
}

export interface DrillFinding {
  readonly kind: string;
  readonly detail: string;
  readonly count: number;
}

/** One object in the bucket for each set: backup/sets/<id>.json. */
export interface Manifest {
  readonly version: 1;
  readonly id: string;
  readonly site: string;
  readonly region: string;
  readonly request: BackupRequest;
  readonly startedAt: number;
  /** The freeze instant (or EC2's, if nothing was frozen): what the set's age counts from. null = no snapshot was taken. */
  readonly instant: number | null;
  readonly grade: Grade;
  readonly state: SetState;
  /** Sentences: why this grade, what went wrong. */
  readonly notes: readonly string[];
  readonly members: readonly Member[];
  readonly hub: HubInstance;
  /** The answer of the host script `survey`, or null if it gave none. */
  readonly survey: unknown;
  readonly freeze: FreezeWindow;
  /** Blocks that changed since the set before, over all members. null = not measured. */
  readonly changedBytes: number | null;
  readonly dollarsPerMonth: number | null;
  readonly copies: readonly CopyRecord[];
  readonly drills: readonly DrillVerdict[];
  /** Deletion was decided: its snapshots go one by one, and none of it counts any more. */
  readonly expiring: { readonly at: number; readonly reason: string } | null;
  /** Its snapshots are gone; kept as a record. */
  readonly expiredAt: number | null;
}

/** A set as retention sees it; also the format of `toji backup retention --catalog FILE`. */
export interface CatalogEntry {
  readonly id: string;
  /** Epoch seconds; ISO 8601 in files. */
  readonly instant: number;
  readonly grade: Grade;
  readonly state: SetState;
  readonly members: readonly CatalogMember[];
}

export interface CatalogMember {
  readonly snapshot: string;
  readonly state: MemberState;
  readonly locked: boolean;
  readonly inUse: boolean;
  readonly region: string;
}

/** Which set goes, which stays and by which rule. `refused` set: nothing goes, and why. */
export interface RetentionPlan {
  readonly keep: readonly { readonly id: string; readonly reasons: readonly string[] }[];
  readonly expire: readonly { readonly id: string; readonly reason: string }[];
  readonly refused: string | null;
}
