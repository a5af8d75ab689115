// `toji backup show SET`: all that the manifest of one set says, in words.

import { surveyAnswer } from "../../shared/backup/host-answers.ts";
import { needManifest, SetUnknown } from "../../shared/backup/manifest.ts";
import type { CopyRecord, DrillVerdict, FreezeWindow, HubInstance, Manifest } from "../../shared/backup/types.ts";
import { type Answer, Problem } from "../fleet/scene.ts";
import { durationText, oneLine, plural, timeText } from "../fleet/words.ts";
import { EXIT } from "../io.ts";
import type { BackupScene } from "./scene.ts";
import { bytesText, columns, dollarsText, millisecondsText } from "./words.ts";

export async function show(scene: BackupScene, id: string): Promise<Answer> {
  const manifest = await readSet(scene, id);
  const ok = manifest.state === "verified" || manifest.state === "unverified" || manifest.state === "pending";
  return {
    code: ok ? EXIT.fine : EXIT.problem,
    json: { ok, manifest },
    lines: manifestLines(manifest, scene.now).map(line),
  };
}

/** Throws Problem when there is none. */
export async function readSet(scene: BackupScene, id: string): Promise<Manifest> {
  const store = scene.store();
  try {
    return await needManifest(store, id);
  } catch (error) {
    if (error instanceof SetUnknown) throw new Problem(error.message, { cause: error });
    throw error;
  }
}

/** Indents stay; what others wrote may not break the line. */
function line(text: string): string {
  return `${text.match(/^ */)?.[0] ?? ""}${oneLine(text)}`;
}

/** Pure. */
export function manifestLines(manifest: Manifest, now: number): string[] {
  const { id, state, grade, instant, request, notes, expiring, expiredAt, changedBytes, dollarsPerMonth } = manifest;
  const reason = request.reason === "" ? "" : `: ${request.reason}`;
  return [
    `${id}: ${STATE_WORDS[state]}`,
    `grade ${grade}: ${GRADE_WORDS[grade]}`,
    instant === null
      ? "it has no instant: no snapshot was taken"
      : `instant ${timeText(instant)}, ${durationText(now - instant)} ago`,
    `${request.kind}, by ${request.by}, begun ${timeText(manifest.startedAt)}${reason}`,
    ...(expiredAt === null ? [] : [`GONE: its snapshots were deleted ${timeText(expiredAt)}`]),
    ...(expiring === null || expiredAt !== null
      ? []
      : [`GOING: ${expiring.reason} (decided ${timeText(expiring.at)})`]),
    ...notes.map((note) => `note: ${note}`),
    ...freezeLines(manifest.freeze),
    `changed since the set before: ${bytesText(changedBytes)}, ${dollarsText(dollarsPerMonth)} a month`,
    `snapshots: ${manifest.members.length}`,
    ...memberRows(manifest),
    ...copyLines(manifest.copies),
    ...drillLines(manifest.drills),
    ...hubLines(manifest.hub),
    ...surveyLines(manifest.survey),
  ];
}

const STATE_WORDS: Readonly<Record<Manifest["state"], string>> = {
  pending: "its snapshots are not complete yet",
  unverified: "complete, and no drill has proved it yet",
  verified: "VERIFIED: a drill has restored it and found it whole",
  degraded: "DEGRADED: torn, or below what the site accepts; it counts for nothing",
  failed: "FAILED: do not restore it",
};

const GRADE_WORDS: Readonly<Record<Manifest["grade"], string>> = {
  application: "database at rest and tree whole at one instant",
  crash: "one instant, but not at rest",
  torn: "its snapshots are not of one proven instant",
};

function freezeLines({ milliseconds, thaw, checkpoint, quiet }: FreezeWindow): string[] {
  if (milliseconds === null) return ["nothing was frozen"];
  return [
    `frozen for ${millisecondsText(milliseconds)}, thawed by ${thaw === "timer" ? "the DEAD-MAN'S TIMER" : "the backup"}; ` +
      `${checkpoint ? "after a checkpoint" : "WITHOUT a checkpoint"}, ${quiet ? "no deleter ran" : "a DELETER MAY HAVE RUN"}`,
  ];
}

function memberRows({ members, hub }: Manifest): string[] {
  if (members.length === 0) return [];
  const rows = members.map((each) => [
    each.snapshot,
    each.holds,
    each.state,
    `${each.sizeGiB} GiB`,
    each.volume,
    hub.volumes.find(({ volume }) => volume === each.volume)?.device ?? "-",
    each.region,
  ]);
  return columns(["snapshot", "holds", "state", "size", "volume", "device", "region"], rows).map((row) => `  ${row}`);
}

function copyLines(copies: readonly CopyRecord[]): string[] {
  return copies.map(({ region, account, state, why, members }) => {
    const where = account === null ? region : `${region} of account ${account}`;
    return `copy in ${where}: ${state}, ${plural(members.length, "snapshot")}${why === null ? "" : `: ${why}`}`;
  });
}

function drillLines(drills: readonly DrillVerdict[]): string[] {
  if (drills.length === 0) return ["drills: none"];
  return drills.flatMap(({ drill, at, outcome, findings, rtoSeconds, counts }) => [
    `drill ${drill} of ${timeText(at)}: ${outcome}${rtoSeconds === null ? "" : `, restored in ${durationText(rtoSeconds)}`}`,
    ...findings.map(({ kind, detail, count }) => `  ${count} x ${kind}: ${detail}`),
    ...Object.entries(counts).map(([what, count]) => `  ${what}: ${count}`),
  ]);
}

function hubLines(hub: HubInstance): string[] {
  const addresses = [hub.privateIp, hub.publicIp, hub.allocationId].filter((each) => each !== null).join(", ");
  return [
    `the hub was ${hub.instanceId} (${hub.instanceType}, ${hub.imageId}) in ${hub.zone}${addresses === "" ? "" : `, at ${addresses}`}`,
    `  subnet ${hub.subnetId}, security groups ${hub.securityGroups.join(", ") || "none"}, profile ${hub.instanceProfile ?? "none"}, key ${hub.keyName ?? "none"}`,
    ...hub.volumes.map(
      ({ volume, device, sizeGiB, type, iops, throughput, encrypted }) =>
        `  ${device} ${volume}: ${sizeGiB} GiB ${type}${iops === null ? "" : `, ${iops} IOPS`}${throughput === null ? "" : `, ${throughput} MiB/s`}, ${encrypted ? "encrypted" : "NOT encrypted"}`,
    ),
  ];
}

/** The survey is the host's own word, kept as it came. */
function surveyLines(survey: unknown): string[] {
  const parsed = surveyAnswer.safeParse(survey);
  if (!parsed.success) return ["the hub was not surveyed"];
  const { hostname, hubVersion, postgresVersion, database, schema, mounts } = parsed.data;
  const probes = Object.entries(schema).flatMap(([name, there]) => (there ? [name] : []));
  return [
    `surveyed: ${hostname}, koji-hub ${hubVersion ?? "not found"}, PostgreSQL ${postgresVersion}`,
    `  database ${database.name}: ${bytesText(database.bytes)} in ${database.dataDirectory} on ${database.mount}`,
    `  schema has: ${probes.join(", ") || "nothing that the probes know"}`,
    ...mounts.map(
      ({ mount, device, filesystem, usedBytes, sizeBytes }) =>
        `  ${mount}: ${device}, ${filesystem}, ${bytesText(usedBytes)} of ${bytesText(sizeBytes)} used`,
    ),
  ];
}
