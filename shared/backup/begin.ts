// First step of a backup: one at a time, the hub's instance, and a manifest that says a set is on its way.

import { findHub } from "../aws/hub-instance.ts";
import { acquireLease, type Lease } from "../aws/lease.ts";
import type { CopyTarget } from "../config/index.ts";
import { setOf, stepEvent } from "./event.ts";
import { createManifest, requestSchema } from "./manifest.ts";
import type { BackupPorts } from "./ports.ts";
import type { FreezeWindow, HubInstance, Manifest } from "./types.ts";

export const LEASE_KEY = "backup/lease.json";

/** From the first step to the order of the snapshots, every repeat included; waiting for them needs no lease. */
const LEASE_SECONDS = 45 * 60;

/** Another backup is under way. */
export class BackupBusy extends Error {
  override readonly name = "BackupBusy";
  readonly retryable = true;
}

export interface BeginAnswer {
  readonly setId: string;
  /** Of the lease: grows with every holder. */
  readonly epoch: number;
  readonly region: string;
  readonly hub: HubInstance;
  readonly copies: readonly CopyTarget[];
}

const NO_FREEZE: FreezeWindow = {
  frozenAt: null,
  thawedAt: null,
  milliseconds: null,
  thaw: "none",
  checkpoint: false,
  quiet: false,
};

/** Throws BackupBusy, HubNotFound. Repeated by the same execution it answers the same set. */
export async function begin(ports: BackupPorts, event: unknown): Promise<BeginAnswer> {
  const step = stepEvent.parse(event);
  const request = requestSchema.parse(step.progress ?? {});
  const { site, backup, clients } = ports;
  const { epoch } = await holdLease(ports, step.execution);
  const hub = await findHub(clients.ec2({ region: clients.home }), site.builders.fleet);
  const setId = setOf(step);
  const manifest: Manifest = {
    version: 1,
    id: setId,
    site: site.builders.fleet,
    region: clients.home,
    request,
    startedAt: Date.parse(step.startedAt) / 1000,
    instant: null,
    grade: "torn",
    state: "pending",
    notes: [],
    members: [],
    hub,
    survey: null,
    freeze: NO_FREEZE,
    changedBytes: null,
    dollarsPerMonth: null,
    copies: [],
    drills: [],
    expiring: null,
    expiredAt: null,
  };
  ports.telemetry.info(`set ${setId} of ${hub.instanceId} begins: ${request.kind} by ${request.by}`, { setId });
  await createManifest(ports.store, manifest);
  // Whoever restores waits for his restore point, and a copy takes hours.
  const copies = request.kind === "restore-point" ? [] : backup.copies;
  return { setId, epoch, region: clients.home, hub, copies };
}

/** Takes the lease, or prolongs it for its holder: a step that would touch the hub does so first. */
export async function holdLease({ store, clock }: BackupPorts, execution: string): Promise<Lease> {
  const lease = await acquireLease(store, clock, LEASE_KEY, execution, LEASE_SECONDS);
  if (!("heldBy" in lease)) return lease;
  const until = new Date(lease.until * 1000).toISOString();
  throw new BackupBusy(
    `the backup ${lease.heldBy} is under way (its lease ends by ${until}): wait for it, or stop that execution`,
  );
}
