// Writes what a drill proved: into the manifest first, then on every snapshot of the set, in every region.

import type { Place } from "../../aws/backup-clients.ts";
import { listSnapshots, tagResources } from "../../aws/snapshots.ts";
import type { DrillLine } from "../host-answers.ts";
import { updateManifest } from "../manifest.ts";
import { nameOf, placesOf } from "../places.ts";
import type { BackupPorts } from "../ports.ts";
import { BACKUP_TAG } from "../tags.ts";
import type { DrillVerdict, Manifest } from "../types.ts";
import { refreshCatalog } from "../watch.ts";
import { DrillInconclusive, DrillRefused } from "./errors.ts";
import { readDrillEvent } from "./events.ts";
import type { DrillLook } from "./look.ts";
import { hubAnsweredAt, judgeLines } from "./verdict.ts";

/** Throws DrillInconclusive when the drill says nothing about the set, which then stays what it was. */
export async function judgeDrill(ports: BackupPorts, event: unknown): Promise<DrillVerdict> {
  const { drill, startedAt, progress } = readDrillEvent(event);
  const { clock, store, telemetry } = ports;
  const set = progress.run?.set;
  if (set === undefined || set === null || progress.look === undefined) {
    throw new DrillRefused("there is nothing to judge: the drill has not looked at its instance");
  }
  const verdict = readVerdict(progress.look, { drill, startedAt, at: clock.now() });
  const manifest = await updateManifest(store, set, (before) => withVerdict(before, verdict));
  const recorded = manifest.drills.find((each) => each.drill === drill) ?? verdict;
  await tagEverywhere(ports, manifest);
  await refresh(ports);
  const isVerified = recorded.outcome === "verified";
  telemetry.metric("DrillVerified", "Count", isVerified ? 1 : 0);
  telemetry.metric("DrillFailed", "Count", isVerified ? 0 : 1);
  if (recorded.rtoSeconds !== null) telemetry.metric("RestoreSeconds", "Seconds", recorded.rtoSeconds);
  if (isVerified) telemetry.info(`${set} is verified by drill ${drill}`);
  else telemetry.warn(`drill ${drill} found damage in ${set}: ${foundIn(recorded)}`);
  return recorded;
}

function readVerdict(
  look: DrillLook,
  { drill, startedAt, at }: { readonly drill: string; readonly startedAt: number; readonly at: number },
): DrillVerdict {
  const verdict = judgeLines(look.lines);
  switch (verdict.outcome) {
    case "none":
      throw new DrillInconclusive(`drill ${drill} is no word about its set: ${ENDED[look.status]}; ${verdict.why}`);
    case "verified":
      return { ...verdict, drill, at, findings: [], rtoSeconds: rtoOf(look, startedAt) };
    case "failed":
      return { ...verdict, drill, at, rtoSeconds: rtoOf(look, startedAt) };
    default: {
      const never: never = verdict;
      return never;
    }
  }
}

const ENDED: Readonly<Record<DrillLook["status"], string>> = {
  pending: "it has not ended",
  verdict: "it has ended",
  late: "it has not ended in time",
  gone: "its instance is gone",
};

/** From the start of the drill to the first answer of the restored hub. */
function rtoOf(
  { lines, bootedBy }: { readonly lines: readonly DrillLine[]; bootedBy: number | null },
  startedAt: number,
) {
  const uptime = hubAnsweredAt(lines);
  return uptime === null || bootedBy === null ? null : Math.max(0, Math.round(bootedBy + uptime - startedAt));
}

/** Its own object when this drill's verdict is there already: a repeated step changes nothing. Pure. */
export function withVerdict(manifest: Manifest, verdict: DrillVerdict): Manifest {
  if (manifest.drills.some(({ drill }) => drill === verdict.drill)) return manifest;
  const drills = [...manifest.drills, verdict];
  // A set that is going, or was found torn meanwhile, is not called back by a drill.
  if (manifest.state !== "unverified" && manifest.state !== "verified") return { ...manifest, drills };
  const day = new Date(verdict.at * 1000).toISOString().slice(0, 10);
  const notes =
    verdict.outcome === "failed"
      ? [...manifest.notes, `the drill of ${day} found damage: ${foundIn(verdict)}`]
      : manifest.notes;
  return { ...manifest, state: verdict.outcome, notes, drills };
}

function foundIn({ findings }: DrillVerdict): string {
  return findings.map(({ kind, count }) => `${kind} (${count})`).join(", ");
}

/** The manifest is what counts; a place that does not answer is told, and its tags are a disagreement until they agree. */
async function tagEverywhere(ports: BackupPorts, { id, state }: Manifest): Promise<void> {
  const { clients, telemetry } = ports;
  const mark = async (place: Place) => {
    const ec2 = clients.ec2(place);
    const found = await listSnapshots(ec2, { key: BACKUP_TAG.set, value: id });
    const ids = found.map(({ snapshot }) => snapshot);
    await tagResources(ec2, ids, { [BACKUP_TAG.state]: state });
  };
  const [home, ...others] = placesOf(ports);
  if (home !== undefined) await mark(home);
  for (const place of others) {
    try {
      await mark(place);
    } catch (error) {
      telemetry.warn(`the copies of ${id} in ${nameOf(place)} do not say yet that it is ${state}: ${reasonOf(error)}`);
    }
  }
}

/** The verdict is recorded by now: a catalog that is an hour old fails no drill. */
async function refresh(ports: BackupPorts): Promise<void> {
  try {
    await refreshCatalog(ports, null);
  } catch (error) {
    ports.telemetry.warn(`the catalog is not up to date until the next hourly look: ${reasonOf(error)}`);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
