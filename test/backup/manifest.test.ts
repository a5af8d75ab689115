// Manifests in the bucket: written once, changed by compare-and-swap, read strictly.

import { describe, expect, it } from "vitest";
import { openStore } from "../../shared/aws/store.ts";
import {
  createManifest,
  ManifestUnreadable,
  manifestKey,
  needManifest,
  parseManifest,
  readManifest,
  updateManifest,
} from "../../shared/backup/manifest.ts";
import { Bucket } from "../aws/bucket.ts";
import { openBackupWorld } from "./backup-world.ts";

/** A manifest as a backup writes it, in a bucket of its own. */
async function openSet() {
  const manifest = await openBackupWorld().backUp("nightly-1");
  const bucket = new Bucket();
  const store = openStore(bucket.clients, "b");
  await createManifest(store, manifest);
  return { bucket, store, manifest, id: manifest.id };
}

describe("a manifest", () => {
  it("reads as it was written", async () => {
    const { store, manifest, id } = await openSet();
    expect(await readManifest(store, id)).toEqual(manifest);
    expect(await readManifest(store, "bs-none")).toBeNull();
    await expect(needManifest(store, "bs-none")).rejects.toThrow("there is no backup set bs-none: ");
  });

  it("that is there is never written over by a first one", async () => {
    const { store, manifest } = await openSet();
    expect(await createManifest(store, { ...manifest, notes: ["another"] })).toEqual(manifest);
  });

  it("loses no change of writers that meet", async () => {
    const { store, id } = await openSet();
    const note = (text: string) => updateManifest(store, id, (each) => ({ ...each, notes: [...each.notes, text] }));
    await Promise.all([note("a"), note("b"), note("c")]);
    expect((await needManifest(store, id)).notes.toSorted()).toEqual(["a", "b", "c"]);
  });

  it("is left alone by a change that changes nothing, and by one that comes too late too often", async () => {
    const { bucket, store, id } = await openSet();
    const etag = bucket.objects.get(manifestKey(id))?.etag;
    await updateManifest(store, id, (each) => each);
    expect(bucket.objects.get(manifestKey(id))?.etag).toBe(etag);
    const stubborn = { ...store, put: (key: string, text: string) => store.put(key, text, "stale") };
    await expect(updateManifest(stubborn, id, (each) => ({ ...each }))).rejects.toMatchObject({
      name: "StoreConflict",
    });
  });

  it("that is damaged says where", async () => {
    const { bucket, id } = await openSet();
    const text = bucket.objects.get(manifestKey(id))?.text ?? "";
    const broken = text.replace('"grade": "application"', '"grade": "splendid"');
    expect(() => parseManifest(manifestKey(id), broken)).toThrow(ManifestUnreadable);
    expect(() => parseManifest(manifestKey(id), broken)).toThrow(/backup\/sets\/.*is no manifest.*grade/s);
    expect(() => parseManifest("k", "not json")).toThrow(ManifestUnreadable);
  });
});
