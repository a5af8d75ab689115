// The sweep: looks for what crashes left behind, marks it, and removes what has been unused for long. Never asks the hub.

import * as z from "zod";
import { listInstances, listTemplateVersions, type TaggedInstance } from "../aws/ec2.ts";
import { AwsCallFailed } from "../aws/errors.ts";
import { listInterfaces, listVolumes, readDefaultVersion } from "../aws/leftovers.ts";
import { StoreConflict } from "../aws/store.ts";
import type { Telemetry } from "../telemetry.ts";
import {
  type Found,
  judgeOrphans,
  type LaunchedInstance,
  type Look,
  type Markers,
  NO_MARKERS,
  ORPHAN_KINDS,
  orphanRules,
} from "./orphans.ts";
import { type Outcome, removeOrphans } from "./remove-orphans.ts";
import type { SweepPorts } from "./sweep-ports.ts";
import { TAG } from "./tags.ts";

const MARKERS_KEY = "fleet/orphans.json";
/** The newest sweep, for whoever asks what was removed and what was not. */
export const LATEST_SWEEP = "fleet/sweeps/latest.json";
const IDENTITIES = "identities/";

/** No removal is begun later than this: the function ends after 120 s (serverless.yml). The next sweep goes on. */
const REMOVAL_SECONDS = 60;

/** AWS sets them; nobody can take them off. */
const TEMPLATE_ID_TAG = "aws:ec2launchtemplate:id";
const TEMPLATE_VERSION_TAG = "aws:ec2launchtemplate:version";

export interface SweepResult {
  readonly removed: number;
  readonly failed: number;
  /** Why there was no sweep, or null. */
  readonly skipped: string | null;
}

/** Every step may be repeated or cut off: markers are written before anything goes, and each removal looks again. */
export async function runSweep(ports: SweepPorts): Promise<SweepResult> {
  const { site, clock, store, telemetry } = ports;
  const stored = await readMarkers(ports);
  const found = await look(ports);
  const at = clock.now();
  const { remove, markers, sentences } = judgeOrphans(found, stored.markers, orphanRules(site), at);
  try {
    // The time makes each write another one: with equal bytes S3 would give the etag that a rival still expects.
    await store.put(MARKERS_KEY, JSON.stringify({ at, markers }), stored.etag);
  } catch (error) {
    if (!(error instanceof StoreConflict)) throw error;
    const skipped = `no sweep: another one is at work and has just written ${MARKERS_KEY}`;
    telemetry.info(skipped);
    return { removed: 0, failed: 0, skipped };
  }
  const outcomes = await removeOrphans(ports, remove, at + REMOVAL_SECONDS);
  const said = [...outcomes.map((each) => each.sentence), ...sentences];
  telemetry.info("sweep", { sentences: said });
  await store.put(LATEST_SWEEP, JSON.stringify({ at, outcomes, sentences: said }));
  emitMetrics(telemetry, found, markers, outcomes);
  const count = (outcome: Outcome["outcome"]) => outcomes.filter((each) => each.outcome === outcome).length;
  return { removed: count("removed"), failed: count("failed"), skipped: null };
}

/** What a launch makes is looked at before the instances: what is made meanwhile is then not yet in the list. */
async function look(ports: SweepPorts): Promise<Found> {
  const { ec2, listing, site, launchTemplateId } = ports;
  const ours = { key: TAG.fleet, value: site.builders.fleet };
  const [volumes, interfaces, versions, identities] = await Promise.all([
    lookAt(() => listVolumes(ec2, ours)),
    lookAt(() => listInterfaces(ec2, ours)),
    lookAt(async () => {
      const listed = await listTemplateVersions(ec2, launchTemplateId);
      const standard = await readDefaultVersion(ec2, launchTemplateId);
      return listed.map((each) => ({ ...each, isDefault: each.version === standard }));
    }),
    lookAt(() => listing(IDENTITIES)),
  ]);
  const instances = await lookAt(async () => {
    const tagged = await listInstances(ec2, ours);
    const launched = await listInstances(ec2, { key: TEMPLATE_ID_TAG, value: launchTemplateId });
    return [...tagged, ...launched].map(launchOf);
  });
  return { instances, volumes, interfaces, versions, identities };
}

async function lookAt<T>(list: () => Promise<readonly T[]>): Promise<Look<T>> {
  try {
    return { seen: true, items: await list() };
  } catch (error) {
    if (error instanceof AwsCallFailed) return { seen: false, why: error.message };
    throw error;
  }
}

function launchOf({ state, tags }: TaggedInstance): LaunchedInstance {
  const versions = [tags[TAG.templateVersion], tags[TEMPLATE_VERSION_TAG]];
  return {
    live: state !== "terminated",
    launch: tags[TAG.launch] ?? null,
    templateVersions: versions.filter((each) => each !== undefined),
  };
}

const since = z.record(z.string(), z.number());
const markersSchema = z.object({
  markers: z.object({ volume: since, "network interface": since, "template version": since, identity: since }),
});

/** Markers that cannot be read are begun anew: that only delays removals. */
async function readMarkers({ store, telemetry }: SweepPorts): Promise<{ markers: Markers; etag: string }> {
  const stored = await store.get(MARKERS_KEY);
  if (stored === null) return { markers: NO_MARKERS, etag: "absent" };
  try {
    return { markers: markersSchema.parse(JSON.parse(stored.text)).markers, etag: stored.etag };
  } catch (error) {
    telemetry.warn(`${MARKERS_KEY} cannot be read: every marker begins anew`, { error });
    return { markers: NO_MARKERS, etag: stored.etag };
  }
}

function emitMetrics(telemetry: Telemetry, found: Found, markers: Markers, outcomes: readonly Outcome[]): void {
  const looks = {
    volume: [found.volumes],
    "network interface": [found.interfaces],
    "template version": [found.versions, found.instances],
    identity: [found.identities, found.versions, found.instances],
  };
  for (const kind of ORPHAN_KINDS) {
    const ofKind = outcomes.filter((each) => each.kind === kind);
    const count = (outcome: Outcome["outcome"]) => ofKind.filter((each) => each.outcome === outcome).length;
    // What was not seen has no number.
    if (looks[kind].every((each) => each.seen))
      telemetry.metric("OrphansFound", "Count", Object.keys(markers[kind]).length, { kind });
    telemetry.metric("OrphansRemoved", "Count", count("removed"), { kind });
    telemetry.metric("OrphanRemovalsFailed", "Count", count("failed"), { kind });
  }
  const sawAll = Object.values(looks).every((each) => each.every(({ seen }) => seen));
  const succeeded = sawAll && outcomes.every((each) => each.outcome !== "failed");
  telemetry.metric("SweepSucceeded", "Count", succeeded ? 1 : 0);
}
