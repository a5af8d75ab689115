// backup/catalog.json: what the last look at all sets found, for the command line and for whoever asks how old the newest proof is.

import * as z from "zod";
import type { ObjectStore } from "../aws/store.ts";
import { gradeSchema, memberStateSchema, setStateSchema } from "./manifest.ts";

export const CATALOG_KEY = "backup/catalog.json";

/** backup/catalog.json is there and cannot be read. */
export class CatalogUnreadable extends Error {
  override readonly name = "CatalogUnreadable";
  readonly retryable = false;
}

const catalogSet = z.object({
  id: z.string(),
  /** Epoch seconds; null = no snapshot was taken. */
  instant: z.number().nullable(),
  startedAt: z.number(),
  grade: gradeSchema,
  state: setStateSchema,
  kind: z.string(),
  by: z.string(),
  freezeMilliseconds: z.number().nullable(),
  changedBytes: z.number().nullable(),
  dollarsPerMonth: z.number().nullable(),
  /** Of its newest drill. */
  rtoSeconds: z.number().nullable(),
  /** By region: snapshots that are completed, of those that should be there. */
  regions: z.record(z.string(), z.object({ completed: z.number(), expected: z.number() })),
  /** Those in the hub's region. */
  members: z.array(
    z.object({
      snapshot: z.string(),
      volume: z.string(),
      holds: z.string(),
      state: memberStateSchema,
      sizeGiB: z.number(),
    }),
  ),
  notes: z.array(z.string()),
});
export type CatalogSet = z.infer<typeof catalogSet>;

const catalogEntry = z.object({
  id: z.string(),
  instant: z.number(),
  grade: gradeSchema,
  state: setStateSchema,
  members: z.array(
    z.object({
      snapshot: z.string(),
      state: memberStateSchema,
      locked: z.boolean(),
      inUse: z.boolean(),
      region: z.string(),
    }),
  ),
});

export const catalogFile = z.object({
  /** When it was written, epoch seconds. */
  at: z.number(),
  site: z.string(),
  region: z.string(),
  /** ARNs of the state machines, so that the bucket alone is enough to start them. */
  machines: z.object({
    backup: z.string().nullable(),
    drill: z.string().nullable(),
    restore: z.string().nullable(),
  }),
  /** Newest first; those whose snapshots are gone are left out. */
  sets: z.array(catalogSet),
  /** Where tags, manifests and AWS say different things: sentences. */
  disagreements: z.array(z.string()),
  /** Snapshots of the hub's volumes that are in no set: sentences. Nothing deletes them. */
  unknown: z.array(z.string()),
  /** What is no trouble and yet worth knowing: snapshots of other volumes, volumes that are not encrypted. */
  others: z.array(z.string()).default([]),
  /** What would let the hub or its volumes vanish by a mistake: sentences. */
  protection: z.array(z.string()),
  newestVerified: z.object({ id: z.string(), instant: z.number() }).nullable(),
  /** As retention sees the sets; instants in epoch seconds. */
  entries: z.array(catalogEntry),
});
export type CatalogFile = z.infer<typeof catalogFile>;

/** Throws CatalogUnreadable. */
export function parseCatalogFile(text: string): CatalogFile {
  try {
    return catalogFile.parse(JSON.parse(text));
  } catch (error) {
    const sentence = `${CATALOG_KEY} cannot be read; the next look at the sets writes it anew`;
    throw new CatalogUnreadable(sentence, { cause: error });
  }
}

/** null = nobody has looked yet. */
export async function readCatalogFile(store: ObjectStore): Promise<CatalogFile | null> {
  const stored = await store.get(CATALOG_KEY);
  return stored === null ? null : parseCatalogFile(stored.text);
}

/** The newest look wins: what it says can be found out again at any time. */
export async function writeCatalogFile(store: ObjectStore, file: CatalogFile): Promise<void> {
  await store.put(CATALOG_KEY, `${JSON.stringify(file, null, 1)}\n`);
}
