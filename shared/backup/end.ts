// The end of a backup, good or bad: its record is closed, the lease goes back, and it is said and measured how it went.

import { caughtSchema, sentenceOf } from "../caught.ts";
import { LEASE_KEY } from "./begin.ts";
import { copiesSchema, setOf, stepEvent } from "./event.ts";
import { readManifest, updateManifest } from "./manifest.ts";
import { accountOf } from "./places.ts";
import type { BackupPorts } from "./ports.ts";
import { sealSet } from "./seal.ts";
import { endTurn } from "./turn.ts";
import type { CopyRecord, Manifest } from "./types.ts";
import { refreshCatalog } from "./watch.ts";

export interface EndAnswer {
  readonly outcome: "good" | "degraded" | "failed";
  /** A drill of the set shall follow at once. */
  readonly drill: boolean;
}

export async function end(ports: BackupPorts, event: unknown): Promise<EndAnswer> {
  const step = stepEvent.parse(event);
  const { error } = caughtSchema.parse(step.progress ?? {});
  const { copies } = copiesSchema.parse(step.progress ?? {});
  const failure = error === undefined ? null : sentenceOf(error);
  const id = setOf(step);
  let manifest: Manifest | null = null;
  try {
    // Without a manifest the backup failed before anything was done.
    if ((await readManifest(ports.store, id)) !== null) {
      manifest = await sealSet(ports, id, step.progress, failure === null ? [] : [`the backup failed: ${failure}`]);
      if (copies.length > 0) manifest = await recordCopies(ports, id, copies);
    }
  } finally {
    await endTurn(ports, LEASE_KEY, step.execution);
  }
  const outcome = outcomeOf(failure, manifest);
  tell(ports, id, outcome, failure, manifest);
  await refresh(ports);
  return { outcome, drill: outcome === "good" && ports.backup.drill?.everySet === true };
}

/** Pure. */
function outcomeOf(failure: string | null, manifest: Manifest | null): EndAnswer["outcome"] {
  if (failure !== null || manifest === null) return "failed";
  return manifest.state === "unverified" || manifest.state === "verified" ? "good" : "degraded";
}

/** A copy that the machine gave up has the error as Step Functions hands it on, and no account: both are mended here. */
async function recordCopies({ backup, store }: BackupPorts, id: string, copies: readonly CopyRecord[]) {
  const mended = copies.map((each, index): CopyRecord => {
    const why = each.why === null ? null : sentenceOf({ Error: "", Cause: each.why });
    const target = backup.copies[index];
    const account = each.account ?? (target?.region === each.region ? accountOf(target) : null);
    return { ...each, why, account };
  });
  return await updateManifest(store, id, (manifest) => ({ ...manifest, copies: mended }));
}

function tell(
  { telemetry }: BackupPorts,
  id: string,
  outcome: EndAnswer["outcome"],
  failure: string | null,
  manifest: Manifest | null,
): void {
  const isGood = outcome === "good";
  if (failure !== null) telemetry.warn(`the backup ${id} failed: ${failure}`, { setId: id });
  telemetry.metric("BackupSucceeded", "Count", isGood ? 1 : 0);
  telemetry.metric("BackupFailed", "Count", isGood ? 0 : 1);
  if (manifest === null) return;
  const { grade, members, notes, copies, freeze, changedBytes, dollarsPerMonth } = manifest;
  const isTorn = grade === "torn" && members.length > 0;
  const failedCopies = copies.filter(({ state }) => state === "failed");
  if (isTorn) telemetry.warn(`set ${id} is torn: ${notes.join("; ")}`, { setId: id });
  if (grade === "crash") telemetry.warn(`set ${id} is only crash-consistent: ${notes.join("; ")}`, { setId: id });
  for (const { region, why } of failedCopies)
    telemetry.warn(`the copy of set ${id} to ${region} failed: ${why ?? "no reason given"}`, { setId: id });
  telemetry.metric("SetTorn", "Count", isTorn ? 1 : 0);
  telemetry.metric("SetDowngraded", "Count", grade === "crash" ? 1 : 0);
  telemetry.metric("CopyFailed", "Count", failedCopies.length);
  if (freeze.milliseconds !== null) telemetry.metric("FreezeMilliseconds", "Count", freeze.milliseconds);
  if (changedBytes !== null) telemetry.metric("SetChangedBytes", "Count", changedBytes);
  if (dollarsPerMonth !== null) telemetry.metric("SetDollarsPerMonth", "Count", dollarsPerMonth);
}

/** The set is recorded by now: a catalog that is an hour old fails no backup. */
async function refresh(ports: BackupPorts): Promise<void> {
  try {
    await refreshCatalog(ports, null);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    ports.telemetry.warn(`the catalog is not up to date until the next hourly look: ${why}`);
  }
}
