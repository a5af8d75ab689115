// How good a set is, from what the hub answered and what EC2 shows. Pure; every step below the best says why.

import type { BackupConfig } from "../config/index.ts";
import type { PauseAnswer, SnapshotAnswer, SurveyAnswer } from "./host-answers.ts";
import type { BackupRequest, Grade, Member, SetState } from "./types.ts";

export interface SetEvidence {
  /** null = the hub's answer never came. */
  readonly snapshot: SnapshotAnswer | null;
  readonly pause: PauseAnswer | null;
  readonly survey: SurveyAnswer | null;
  /** Found by the set's tag in the hub's region. */
  readonly members: readonly Member[];
  /** Ids of the volumes the order was for. */
  readonly volumes: readonly string[];
  /** The configured mount points: tree and database. */
  readonly mounts: readonly string[];
  readonly acceptCrashConsistent: boolean;
  /** The time a set has to complete (backup.completionHours) is over. */
  readonly late: boolean;
}

export interface SetGrade {
  readonly grade: Grade;
  readonly state: Exclude<SetState, "verified">;
  /** One sentence for each condition that is not met; never empty below `application`. */
  readonly notes: readonly string[];
  /** Epoch seconds of the freeze, or EC2's start if nothing was frozen or the hub's clock was wrong. null = no snapshot. */
  readonly instant: number | null;
}

/** Snapshots of one CreateSnapshots start together; an SDK's repeat of the order comes later. */
const SAME_ORDER_SECONDS = 10;
/** A hub whose clock is further from EC2's is not asked for the time. */
const CLOCK_SLACK_SECONDS = 300;

/**
 * A restore point is of a hub that may be broken already: PostgreSQL that does not answer is no reason to touch the
 * volumes without one.
 */
export function acceptsCrash(
  { acceptCrashConsistent }: Pick<BackupConfig, "acceptCrashConsistent">,
  kind: BackupRequest["kind"],
): boolean {
  return acceptCrashConsistent || kind === "restore-point";
}

export function gradeSet(evidence: SetEvidence): SetGrade {
  const { members, snapshot, acceptCrashConsistent, late } = evidence;
  if (members.length === 0) {
    const why = snapshot === null ? "the hub gave no answer" : (snapshot.error ?? `the hub said "${snapshot.outcome}"`);
    return { grade: "torn", state: "failed", notes: [`no snapshot was taken: ${why}`], instant: null };
  }
  const { instant, note } = instantOf(evidence);
  const clock = note === null ? [] : [note];
  const torn = tears(evidence);
  if (torn.length > 0)
    return { grade: "torn", state: "degraded", notes: [...torn, ...unrest(evidence), ...clock], instant };
  const open = members.filter(({ state }) => state !== "completed");
  if (open.length > 0 && !late) {
    const notes = [`no grade yet: ${open.length} of ${members.length} snapshots are not complete`, ...clock];
    return { grade: "torn", state: "pending", notes, instant };
  }
  const moved = unrest(evidence);
  if (moved.length === 0) return { grade: "application", state: "unverified", notes: clock, instant };
  const state = acceptCrashConsistent ? "unverified" : "degraded";
  return { grade: "crash", state, notes: [...moved, ...clock], instant };
}

/** Why the members are not the whole hub at one instant. */
function tears({ members, volumes, snapshot, survey, mounts, late }: SetEvidence): string[] {
  const found: string[] = [];
  const byVolume = Map.groupBy(members, ({ volume }) => volume);
  for (const volume of volumes) if (!byVolume.has(volume)) found.push(`there is no snapshot of ${volume}`);
  for (const [volume, several] of byVolume) {
    if (!volumes.includes(volume)) found.push(`${namesOf(several)} of ${volume}: the order was not for that volume`);
    else if (several.length > 1)
      found.push(`${volume} has ${several.length} snapshots (${namesOf(several)}): the order was doubled`);
  }
  if (snapshot !== null && snapshot.snapshots.length > 0) {
    const ordered = new Set(snapshot.snapshots.map((each) => each.snapshot));
    const strangers = members.filter((each) => !ordered.has(each.snapshot));
    if (strangers.length > 0) found.push(`${namesOf(strangers)}: not of the order the hub sent`);
    const lost = [...ordered].filter((id) => !members.some((each) => each.snapshot === id));
    if (lost.length > 0) found.push(`EC2 promised ${lost.join(", ")} and does not show it`);
  }
  const starts = members.map(({ startedAt }) => startedAt);
  const spread = Math.max(...starts) - Math.min(...starts);
  if (spread > SAME_ORDER_SECONDS)
    found.push(`the snapshots began ${Math.round(spread)} s apart: they are not of one order`);
  for (const { snapshot: id, volume, state, progress } of members) {
    if (state === "completed") continue;
    if (state !== "pending" && state !== "recovering") found.push(`${id} of ${volume} is in state ${state}`);
    else if (late) found.push(`${id} of ${volume} is late: still ${state}${progress === "" ? "" : ` at ${progress}`}`);
  }
  for (const mount of mounts) {
    const outside = volumesBelow(survey, mount)?.filter((volume) => !byVolume.has(volume)) ?? [];
    if (outside.length > 0) found.push(`${mount} lies on ${outside.join(", ")}, which is not in the set`);
  }
  return found;
}

/** Why the database and the tree were perhaps not at rest at that instant. */
function unrest({ snapshot, pause, survey, mounts, members }: SetEvidence): string[] {
  const found: string[] = [];
  if (snapshot === null) found.push("the hub's answer never came, so nothing proves that it was frozen");
  else {
    if (!snapshot.frozen) found.push(`the hub was not frozen${snapshot.error === null ? "" : `: ${snapshot.error}`}`);
    if (!snapshot.checkpoint) found.push("PostgreSQL made no checkpoint before the freeze");
    if (snapshot.thaw === "timer") found.push("the timer thawed the hub before the order was answered");
    if (snapshot.thaw === "none") found.push("the hub says of no thaw");
    const unsure = orderInDoubt(snapshot, members);
    if (unsure !== null) found.push(unsure);
  }
  if (pause === null) found.push("nothing proves that deleters were paused");
  else if (pause.busy.length > 0) found.push(`at work during the freeze: ${pause.busy.join(", ")}`);
  if (survey === null) found.push("the survey never came, so nothing proves which volumes the mounts lie on");
  else {
    for (const mount of mounts)
      if (volumesBelow(survey, mount) === null) found.push(`the survey does not say which volume ${mount} lies on`);
    if (!mounts.includes(survey.database.mount))
      found.push(`PostgreSQL's data lies on ${survey.database.mount}, which is not frozen`);
  }
  return found;
}

/** An order without an answer is proved by EC2's start times: all between freeze and thaw. */
function orderInDoubt({ outcome, frozenAt, thawedAt }: SnapshotAnswer, members: SetEvidence["members"]): string | null {
  switch (outcome) {
    case "answered":
      return null;
    case "unanswered": {
      const inside = ({ startedAt }: Member) =>
        frozenAt !== null && thawedAt !== null && startedAt >= frozenAt - 1 && startedAt <= thawedAt;
      return members.every(inside)
        ? null
        : "EC2's answer was lost, and its start times do not lie between freeze and thaw";
    }
    case "refused":
    case "not-frozen":
      return `the hub said "${outcome}", yet there are snapshots`;
    default:
      return outcome satisfies never;
  }
}

/** null = not known. On EC2 a disk's serial number is its volume's id without the dash. */
function volumesBelow(survey: SurveyAnswer | null, mount: string): readonly string[] | null {
  const serials = survey?.mounts.find((each) => each.mount === mount)?.serials ?? [];
  return serials.length === 0 ? null : serials.map((serial) => serial.replace(/^vol-?/, "vol-"));
}

function instantOf({ snapshot, members }: SetEvidence): { readonly instant: number; readonly note: string | null } {
  const started = Math.min(...members.map(({ startedAt }) => startedAt));
  const frozenAt = snapshot?.frozenAt ?? null;
  if (frozenAt === null) return { instant: started, note: null };
  const off = Math.round(Math.abs(frozenAt - started));
  if (off <= CLOCK_SLACK_SECONDS) return { instant: frozenAt, note: null };
  return { instant: started, note: `the hub's clock is ${off} s off EC2's: the instant is EC2's` };
}

function namesOf(members: readonly Member[]): string {
  return members.map(({ snapshot }) => snapshot).join(", ");
}
