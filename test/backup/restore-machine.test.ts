// The restore machine from its file, over the sandbox's hub: proved sets come back, a hub that does not come up gets its
// own volumes back, and a broken one can be restored at all.

import { StartExecutionCommand } from "@aws-sdk/client-sfn";
import { describe, expect, it } from "vitest";
import { backupSite } from "../../sandbox/backup/site.ts";
import { type BackupWorld, openBackupWorld } from "../../sandbox/backup/world.ts";
import { BACKUP_TAG, readCatalogFile } from "../../shared/backup/index.ts";

const START = Date.UTC(2026, 8, 7, 2) / 1000;
const HOUR = 3600;

/** A hub with one verified set; its id. */
async function withProvedSet(): Promise<{ world: BackupWorld; set: string }> {
  const world = openBackupWorld({ seed: 3, start: START, site: backupSite() });
  const { clock } = world;
  await world.startBackup("nightly-1", "nightly");
  await clock.runUntil(START + 6 * HOUR);
  await world.startDrill("drill-1", null);
  await clock.runUntil(START + 12 * HOUR);
  await world.watch();
  const file = await readCatalogFile(world.ports.store);
  expect(file?.sets[0]).toMatchObject({ state: "verified" });
  return { world, set: file?.sets[0]?.id ?? "" };
}

async function restore(world: BackupWorld, set: string, to: "replace" | "new-volumes") {
  const stateMachineArn = world.machines.arnOf("toji-restore");
  const input = JSON.stringify({ set, to, by: "an administrator", reason: "a test" });
  await world.machines.send(new StartExecutionCommand({ stateMachineArn, name: "restore-1", input }));
  await world.clock.runUntil(world.clock.now() + 24 * HOUR);
  return world.machines.execution("restore-1");
}

function volumesOf(world: BackupWorld): string[] {
  return world.aws.ec2.storage.disksOf(world.hub.instanceId).map(({ volumeId }) => volumeId);
}

describe("a restore in place of the hub's volumes", () => {
  it("takes a restore point, and the hub is as it was when the set was made", async () => {
    const { world, set } = await withProvedSet();
    const then = world.hub.builds();
    const later = world.hub.importBuild();
    const before = volumesOf(world);
    const { status } = await restore(world, set, "replace");
    expect(status).toBe("SUCCEEDED");
    expect(world.hub.builds()).toEqual(then);
    expect(world.hub.builds()).not.toContain(later);
    expect(world.hub.differences()).toEqual([]);
    expect(world.hub.units.active()).toEqual(expect.arrayContaining(["httpd.service", "postgresql.service"]));
    // The two data volumes were swapped, the boot volume was not.
    expect(volumesOf(world).filter((volume) => before.includes(volume))).toHaveLength(1);
    expect(world.machines.execution("before-restore-1").status).toBe("SUCCEEDED");
  });

  it("keeps the volumes that it took off", async () => {
    const { world, set } = await withProvedSet();
    const before = volumesOf(world);
    await restore(world, set, "replace");
    const disks = before.map((volume) => world.aws.ec2.storage.contentOf(volume));
    expect(disks).toHaveLength(3);
  });

  it("swaps back when the hub does not come up with the restored data", async () => {
    const { world, set } = await withProvedSet();
    const before = volumesOf(world);
    const builds = world.hub.builds();
    // As often as the machine tries.
    for (let time = 0; time < 3; time++) world.hub.inject("hub-does-not-answer");
    const { status, error } = await restore(world, set, "replace");
    expect({ status, error }).toEqual({ status: "FAILED", error: "RestoreFailed" });
    expect(volumesOf(world).toSorted()).toEqual(before.toSorted());
    expect(world.hub.builds()).toEqual(builds);
    expect(world.hub.units.active()).toEqual(expect.arrayContaining(["httpd.service", "postgresql.service"]));
    expect(world.board.raised("RestoreFailed")).toBeGreaterThan(0);
  });

  it("works for a hub whose PostgreSQL is dead: its restore point is what can be had", async () => {
    const { world, set } = await withProvedSet();
    const then = world.hub.builds();
    world.hub.breakDatabase();
    const { status } = await restore(world, set, "replace");
    expect(status).toBe("SUCCEEDED");
    expect(world.hub.builds()).toEqual(then);
    await world.watch();
    const point = (await readCatalogFile(world.ports.store))?.sets.find(({ kind }) => kind === "restore-point");
    expect(point).toMatchObject({ grade: "crash", state: "unverified" });
  });
});

it("makes volumes beside the hub's own, and touches nothing else", async () => {
  const { world, set } = await withProvedSet();
  const before = volumesOf(world);
  const { status, output } = await restore(world, set, "new-volumes");
  expect(status).toBe("SUCCEEDED");
  expect(volumesOf(world)).toEqual(before);
  expect(JSON.parse(output ?? "{}").volumes.volumes.length).toBeGreaterThanOrEqual(2);
  const marked = world.aws.ec2.storage.snapshots.inWorld().filter(({ tags }) => tags.has(BACKUP_TAG.inUse));
  expect(marked).toEqual([]);
});
