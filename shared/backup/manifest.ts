// Manifests: one JSON object for each set in the bucket, written before the set is made and changed by compare-and-swap.

import * as z from "zod";
import { type ObjectListing, type ObjectStore, StoreConflict } from "../aws/store.ts";
import { inPieces } from "../aws/tag-set.ts";
import type { Manifest } from "./types.ts";

/** The object is there and is no manifest that this version can read. */
export class ManifestUnreadable extends Error {
  override readonly name = "ManifestUnreadable";
  readonly retryable = false;
}

/** There is no set of this id. */
export class SetUnknown extends Error {
  override readonly name = "SetUnknown";
  readonly retryable = false;
  constructor(id: string) {
    super(`there is no backup set ${id}: "toji backup list" shows those that are`);
  }
}

const PREFIX = "backup/sets/";
export const manifestKey = (id: string) => `${PREFIX}${id}.json`;

const texts = z.array(z.string()).readonly();
const maybe = z.number().nullable();

export const gradeSchema = z.enum(["application", "crash", "torn"]);
export const setStateSchema = z.enum(["pending", "unverified", "verified", "degraded", "failed"]);
export const memberStateSchema = z.enum(["pending", "completed", "error", "recoverable", "recovering", "missing"]);

const member = z.object({
  snapshot: z.string(),
  volume: z.string(),
  region: z.string(),
  state: memberStateSchema,
  sizeGiB: z.number(),
  holds: z.string(),
  progress: z.string(),
  startedAt: z.number(),
  encrypted: z.boolean(),
  tags: z.record(z.string(), z.string()),
});

const hubVolume = z.object({
  volume: z.string(),
  device: z.string(),
  sizeGiB: z.number(),
  type: z.string(),
  iops: maybe,
  throughput: maybe,
  encrypted: z.boolean(),
  kmsKeyId: z.string().nullable(),
  deleteOnTermination: z.boolean(),
  isBoot: z.boolean(),
});

export const hubInstanceSchema = z.object({
  instanceId: z.string(),
  instanceType: z.string(),
  imageId: z.string(),
  zone: z.string(),
  subnetId: z.string(),
  securityGroups: texts,
  privateIp: z.string().nullable(),
  publicIp: z.string().nullable(),
  allocationId: z.string().nullable(),
  instanceProfile: z.string().nullable(),
  keyName: z.string().nullable(),
  terminationProtected: z.boolean(),
  volumes: z.array(hubVolume).readonly(),
});

export const requestSchema = z.object({
  kind: z.enum(["scheduled", "on-demand", "restore-point", "pre-cutover"]).default("on-demand"),
  by: z.string().default("unknown"),
  reason: z.string().default(""),
});

export const copyRecordSchema = z.object({
  region: z.string(),
  // The machine says none for a copy that it gave up: CloudFormation takes no null.
  account: z.string().nullable().default(null),
  state: z.enum(["complete", "pending", "failed"]),
  why: z.string().nullable(),
  members: z.array(z.object({ snapshot: z.string(), copyOf: z.string() })).readonly(),
});

const drillVerdict = z.object({
  drill: z.string(),
  at: z.number(),
  outcome: z.enum(["verified", "failed"]),
  findings: z.array(z.object({ kind: z.string(), detail: z.string(), count: z.number() })).readonly(),
  rtoSeconds: maybe,
  counts: z.record(z.string(), z.number()),
});

const manifestSchema: z.ZodType<Manifest> = z.object({
  version: z.literal(1),
  id: z.string(),
  site: z.string(),
  region: z.string(),
  request: requestSchema,
  startedAt: z.number(),
  instant: maybe,
  grade: gradeSchema,
  state: setStateSchema,
  notes: texts,
  members: z.array(member).readonly(),
  hub: hubInstanceSchema,
  survey: z.unknown(),
  freeze: z.object({
    frozenAt: maybe,
    thawedAt: maybe,
    milliseconds: maybe,
    thaw: z.enum(["explicit", "timer", "none"]),
    checkpoint: z.boolean(),
    quiet: z.boolean(),
  }),
  changedBytes: maybe,
  dollarsPerMonth: maybe,
  copies: z.array(copyRecordSchema).readonly(),
  drills: z.array(drillVerdict).readonly(),
  expiring: z.object({ at: z.number(), reason: z.string() }).nullable(),
  expiredAt: maybe,
});

/** Throws ManifestUnreadable, with the key and what is wrong in it. */
export function parseManifest(key: string, text: string): Manifest {
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    const sentence = `${key} is no manifest that this version reads; look at its earlier versions in the bucket: ${why}`;
    throw new ManifestUnreadable(sentence, { cause: error });
  }
}

/** null = there is none. */
export async function readManifest(store: ObjectStore, id: string): Promise<Manifest | null> {
  const key = manifestKey(id);
  const stored = await store.get(key);
  return stored === null ? null : parseManifest(key, stored.text);
}

/** Throws SetUnknown when there is none. */
export async function needManifest(store: ObjectStore, id: string): Promise<Manifest> {
  const manifest = await readManifest(store, id);
  if (manifest === null) throw new SetUnknown(id);
  return manifest;
}

/** Manifests stay for ever, so they become many. */
const READS_AT_ONCE = 20;

/** Every manifest, those of expired sets too, and a sentence for each that cannot be read. */
export async function listManifests(store: ObjectStore, listing: ObjectListing) {
  const manifests: Manifest[] = [];
  const unreadable: string[] = [];
  for (const listed of inPieces(await listing(PREFIX), READS_AT_ONCE)) {
    const read = await Promise.all(listed.map(async ({ key }) => ({ key, stored: await store.get(key) })));
    for (const { key, stored } of read) {
      try {
        if (stored !== null) manifests.push(parseManifest(key, stored.text));
      } catch (error) {
        if (!(error instanceof ManifestUnreadable)) throw error;
        unreadable.push(error.message);
      }
    }
  }
  return { manifests, unreadable };
}

/** Writes the first manifest of a set; one that is there already stays and is returned. */
export async function createManifest(store: ObjectStore, manifest: Manifest): Promise<Manifest> {
  const key = manifestKey(manifest.id);
  try {
    await store.put(key, text(manifest), "absent");
    return manifest;
  } catch (error) {
    if (!(error instanceof StoreConflict)) throw error;
    return await needManifest(store, manifest.id);
  }
}

/** Writers of one manifest meet at most now and then: a backup's end, a drill, retention. */
const MOST_TRIES = 5;

/** `change` gets the manifest as it is now, anew whenever another writer came first. Its own object = nothing is written. */
export async function updateManifest(
  store: ObjectStore,
  id: string,
  change: (manifest: Manifest) => Manifest,
): Promise<Manifest> {
  const key = manifestKey(id);
  for (let left = MOST_TRIES; ; left -= 1) {
    const stored = await store.get(key);
    if (stored === null) throw new SetUnknown(id);
    const before = parseManifest(key, stored.text);
    const after = change(before);
    if (after === before) return before;
    try {
      await store.put(key, text(after), stored.etag);
      return after;
    } catch (error) {
      if (!(error instanceof StoreConflict) || left <= 1) throw error;
    }
  }
}

function text(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 1)}\n`;
}
