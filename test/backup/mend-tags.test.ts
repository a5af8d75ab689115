// Tags that lag behind a verdict are brought up to it; whatever else they say is left, and told.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AWAY, backupSite, HOME } from "../../sandbox/backup/site.ts";
import { openBackupWorld } from "../../sandbox/backup/world.ts";
import { BACKUP_TAG, readCatalogFile } from "../../shared/backup/index.ts";
import { laggingTags } from "../../shared/backup/mend-tags.ts";
import { makeManifest } from "./restore-sets.ts";

const STATES = ["pending", "unverified", "verified", "degraded", "failed"] as const;

it("never turns one verdict into another, and gives none where there is none", () => {
  fc.assert(
    fc.property(fc.constantFrom(...STATES), fc.option(fc.constantFrom(...STATES)), (state, said) => {
      const manifest = { ...makeManifest({ id: "bs-1" }), state };
      const tags = { [BACKUP_TAG.set]: "bs-1", ...(said === null ? {} : { [BACKUP_TAG.state]: said }) };
      const snapshots = [{ ...SNAPSHOT, tags }];
      const found = laggingTags([manifest], { snapshots });
      const isVerdict = state === "verified" || state === "failed" || state === "degraded";
      const isBehind = said === null || said === "pending" || said === "unverified";
      expect(found).toEqual(isVerdict && isBehind ? [{ set: "bs-1", state, snapshots: [SNAPSHOT.snapshot] }] : []);
      expect(laggingTags([{ ...manifest, expiring: { at: 0, reason: "old" } }], { snapshots })).toEqual([]);
    }),
  );
});

const SNAPSHOT = {
  ...{ snapshot: "snap-1", volume: "vol-1", state: "completed" as const, sizeGiB: 1, progress: "100%" },
  ...{ startedAt: 0, encrypted: true, description: "", kmsKeyId: null, stateMessage: null },
};

describe("a region that does not answer when a drill's verdict falls", () => {
  it("has it within the hour, and nothing disagrees", async () => {
    const world = openBackupWorld({ seed: 8, start: Date.UTC(2026, 8, 7, 2) / 1000, site: backupSite() });
    const { clock, aws, ports } = world;
    await world.startBackup("nightly-1", "nightly");
    await clock.runUntil(clock.now() + 6 * 3600);
    // The drill's own try, and that of the look right after it.
    aws.ec2In({ region: AWAY }).failNext("CreateTags", "RequestLimitExceeded", { times: 2 });
    await world.startDrill("drill-1", null);
    await clock.runUntil(clock.now() + 3 * 3600);
    const stateIn = (region: string) =>
      aws
        .ec2In({ region })
        .storage.snapshots.inWorld()
        .map(({ tags }) => tags.get(BACKUP_TAG.state));
    expect(new Set(stateIn(HOME))).toEqual(new Set(["verified"]));
    expect(new Set(stateIn(AWAY))).toEqual(new Set(["unverified"]));
    await world.watch();
    expect(new Set(stateIn(AWAY))).toEqual(new Set(["verified"]));
    expect((await readCatalogFile(ports.store))?.disagreements).toEqual([]);
  });
});
