// The verdict on a set once its snapshots have ended: its grade, what it holds and costs, in its manifest and on its members.

import * as z from "zod";
import { countChangedBytes } from "../aws/changed-blocks.ts";
import { listSnapshots, type Snapshot, tagResources } from "../aws/snapshots.ts";
import { dollarsPerMonth } from "./cost.ts";
import { runSchema, setOf, stepEvent } from "./event.ts";
import { acceptsCrash, gradeSet, type SetGrade } from "./grade.ts";
import {
  type PauseAnswer,
  pauseAnswer,
  type SnapshotAnswer,
  type SurveyAnswer,
  snapshotAnswer,
  surveyAnswer,
} from "./host-answers.ts";
import { volumesOf } from "./look.ts";
import { needManifest, updateManifest } from "./manifest.ts";
import { dataMounts } from "./mounts.ts";
import { memberOf } from "./places.ts";
import type { BackupPorts } from "./ports.ts";
import { BACKUP_TAG } from "./tags.ts";
import type { FreezeWindow, Grade, HubInstance, Manifest, Member, SetState } from "./types.ts";

export interface SealAnswer {
  readonly state: SetState;
  readonly grade: Grade;
}

/** What the tasks before have answered; null = it never came. */
const answersSchema = z.object({
  survey: surveyAnswer.nullable().catch(null),
  pause: pauseAnswer.nullable().catch(null),
  snapshot: snapshotAnswer.nullable().catch(null),
});

export async function seal(ports: BackupPorts, event: unknown): Promise<SealAnswer> {
  const step = stepEvent.parse(event);
  runSchema.parse(step.progress);
  const { state, grade } = await sealSet(ports, setOf(step), step.progress, []);
  return { state, grade };
}

/**
 * Grades and records the set as it is now: what is not complete by now never counts. `notes`: what went wrong besides.
 * A set that has its verdict keeps it, and gets the notes.
 */
export async function sealSet(
  ports: BackupPorts,
  id: string,
  progress: unknown,
  notes: readonly string[],
): Promise<Manifest> {
  const before = await needManifest(ports.store, id);
  if (before.state !== "pending") {
    await tagMembers(ports, before);
    return notes.length === 0 ? before : await updateManifest(ports.store, id, (each) => withNotes(each, notes));
  }
  const answers = answersSchema.parse({ survey: null, pause: null, snapshot: null, ...objectOf(progress) });
  const ec2 = ports.clients.ec2({ region: before.region });
  const found = await listSnapshots(ec2, { key: BACKUP_TAG.set, value: id });
  const members = found.map((each) => withHolds(memberOf(each, before.region), before.hub, answers.survey));
  const graded = gradeSet({
    ...answers,
    members,
    volumes: volumesOf(before.hub, ports.backup).map(({ volume }) => volume),
    mounts: dataMounts(ports.backup.mounts),
    acceptCrashConsistent: acceptsCrash(ports.backup, before.request.kind),
    late: true,
  });
  const measured = await measure(ports, found);
  const sealed = await updateManifest(ports.store, id, (each) =>
    withNotes(
      {
        ...each,
        ...verdictOf(graded),
        members,
        survey: answers.survey,
        freeze: freezeOf(answers.snapshot, answers.pause),
        changedBytes: measured.bytes,
        dollarsPerMonth: dollarsPerMonth(measured.bytes, 1 + ports.backup.copies.length),
      },
      [...notes, ...measured.notes],
    ),
  );
  await tagMembers(ports, sealed);
  const why = sealed.notes.length === 0 ? "" : `: ${sealed.notes.join("; ")}`;
  ports.telemetry.info(`set ${id} is ${sealed.state} (${sealed.grade})${why}`, { setId: id });
  return sealed;
}

function objectOf(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

function verdictOf({ grade, state, notes, instant }: SetGrade) {
  return { grade, state, notes, instant };
}

function withNotes(manifest: Manifest, notes: readonly string[]): Manifest {
  return { ...manifest, notes: [...new Set([...manifest.notes, ...notes])] };
}

function freezeOf(snapshot: SnapshotAnswer | null, pause: PauseAnswer | null): FreezeWindow {
  return {
    frozenAt: snapshot?.frozenAt ?? null,
    thawedAt: snapshot?.thawedAt ?? null,
    milliseconds: snapshot?.milliseconds ?? null,
    thaw: snapshot?.thaw ?? "none",
    checkpoint: snapshot?.checkpoint ?? false,
    quiet: pause !== null && pause.busy.length === 0,
  };
}

/** On EC2 a disk's serial number is its volume's id without the dash. Two mounts on one volume are named both. */
function withHolds(member: Member, hub: HubInstance, survey: SurveyAnswer | null): Member {
  const serial = member.volume.replace("-", "");
  const mounts = (survey?.mounts ?? []).filter(({ serials }) =>
    serials.some((each) => each.replace("-", "") === serial),
  );
  const isBoot = hub.volumes.some(({ volume, isBoot: boots }) => boots && volume === member.volume);
  const names = mounts.map(({ mount }) => mount).join(" ");
  return { ...member, holds: names !== "" ? names : isBoot ? "boot" : "unmounted" };
}

/** Blocks that changed since the newest snapshot before of each volume. What cannot be measured is told, and no failure. */
async function measure(
  { clients, site, telemetry }: BackupPorts,
  members: readonly Snapshot[],
): Promise<{ readonly bytes: number | null; readonly notes: readonly string[] }> {
  if (members.length === 0 || members.some(({ state }) => state !== "completed")) return { bytes: null, notes: [] };
  const home = { region: clients.home };
  try {
    const all = await listSnapshots(clients.ec2(home), { key: BACKUP_TAG.site, value: site.builders.fleet });
    const sizes = members.map((each) => countChangedBytes(clients.ebs(home), before(each, all), each.snapshot));
    return { bytes: (await Promise.all(sizes)).reduce((sum, each) => sum + each, 0), notes: [] };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    telemetry.warn(`the changed blocks could not be counted: ${why}`);
    return { bytes: null, notes: [`its cost is not known, since the changed blocks could not be counted: ${why}`] };
  }
}

function before(member: Snapshot, all: readonly Snapshot[]): string | null {
  const earlier = all
    .filter(({ volume, state }) => volume === member.volume && state === "completed")
    .filter(
      ({ startedAt, tags }) => startedAt < member.startedAt && tags[BACKUP_TAG.set] !== member.tags[BACKUP_TAG.set],
    )
    .toSorted((a, b) => b.startedAt - a.startedAt);
  return earlier[0]?.snapshot ?? null;
}

/** So that the members alone say what the set is, should the bucket be lost. */
async function tagMembers({ clients }: BackupPorts, { region, members, instant, grade, state }: Manifest) {
  const ec2 = clients.ec2({ region });
  const of = instant === null ? {} : { [BACKUP_TAG.instant]: new Date(instant * 1000).toISOString() };
  for (const [holds, several] of Map.groupBy(members, (each) => each.holds)) {
    const ids = several.map(({ snapshot }) => snapshot);
    const tags = { ...of, [BACKUP_TAG.grade]: grade, [BACKUP_TAG.state]: state, [BACKUP_TAG.holds]: holds };
    await tagResources(ec2, ids, tags);
  }
}
