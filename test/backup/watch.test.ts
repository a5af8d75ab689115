// The hourly look: the catalog in the bucket, the numbers, strangers, and what would let the hub vanish.

import { CreateSnapshotsCommand } from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import { readCatalogFile } from "../../shared/backup/index.ts";
import { AWAY, HOME, HOUR, openBackupWorld } from "./backup-world.ts";

describe("a look at all sets", () => {
  it("writes what the command line shows", async () => {
    const world = openBackupWorld({ copies: [{ region: AWAY, kmsKeyId: "key-away" }] });
    const set = await world.backUp("nightly-1");
    await world.verify(set.id);
    await world.wait(10 * HOUR);
    const answer = await world.watch();
    const file = await world.play(() => readCatalogFile(world.ports.store));
    expect(file).toMatchObject({
      site: "toji",
      region: HOME,
      machines: { backup: "arn:backup" },
      disagreements: [],
      unknown: [],
      newestVerified: { id: set.id, instant: set.instant },
      entries: [{ id: set.id, state: "verified", instant: set.instant }],
      sets: [
        {
          id: set.id,
          state: "unverified",
          regions: { [HOME]: { completed: 3, expected: 3 }, [AWAY]: { completed: 3, expected: 3 } },
          freezeMilliseconds: 800,
        },
      ].map((each) => ({ ...each, state: "verified" })),
    });
    expect(file?.entries[0]?.members).toHaveLength(6);
    expect(answer.newestVerifiedAgeHours).toBeCloseTo((world.clock.now() - (set.instant ?? 0)) / HOUR, 1);
    expect(world.valueOf("NewestVerifiedAgeHours")).toBeGreaterThan(10);
    expect(world.valueOf("Sets", "verified")).toBe(1);
    expect(world.valueOf("Sets", "failed")).toBe(0);
    expect(world.valueOf("CatalogDisagreements")).toBe(0);
  });

  it("has no age to tell while nothing is verified", async () => {
    const world = openBackupWorld();
    expect(await world.watch()).toMatchObject({ sets: 0, newestVerifiedAgeHours: null });
    expect(world.valueOf("NewestVerifiedAgeHours")).toBeNull();
  });

  it("is refreshed by the end of a backup, which keeps the machines' names", async () => {
    const world = openBackupWorld();
    await world.watch();
    const { id } = await world.backUp("nightly-1");
    const file = await world.play(() => readCatalogFile(world.ports.store));
    expect(file?.sets.map((each) => each.id)).toEqual([id]);
    expect(file?.machines.drill).toBe("arn:drill");
  });

  it("that fails at a backup's end fails no backup", async () => {
    const world = openBackupWorld();
    const run = world.execution("nightly-1");
    const progress = await world.complete(run, await world.order(run));
    world.aws.ec2.failNext("DescribeImages", "UnauthorizedOperation");
    expect(await run.end(progress)).toMatchObject({ outcome: "good" });
    expect(world.warnings.join()).toContain("the catalog is not up to date until the next hourly look");
  });

  it("tells snapshots that nobody knows, and leaves them", async () => {
    const world = openBackupWorld();
    const set = await world.backUp("nightly-1");
    const order = new CreateSnapshotsCommand({
      InstanceSpecification: { InstanceId: world.hub.instanceId, ExcludeBootVolume: true },
      Description: "before the upgrade",
    });
    await world.play(() => world.ports.clients.ec2({ region: HOME }).send(order));
    await world.wait(HOUR);
    expect(await world.watch()).toMatchObject({ unknown: 2, disagreements: 0 });
    expect(world.warnings.filter((each) => each.includes('"before the upgrade"'))).toHaveLength(2);
    expect(world.valueOf("UnknownSnapshots")).toBe(2);
    expect(world.aws.ec2.storage.snapshots.inWorld()).toHaveLength(set.members.length + 2);
  });

  it("tells snapshots of other machines in one sentence, without an alarm", async () => {
    const world = openBackupWorld();
    await world.backUp("nightly-1");
    const other = world.aws.ec2.storage.addInstance({
      ...{ instanceType: "t3.small", vcpus: 2, imageId: "ami-0c", zone: `${HOME}a`, tags: new Map() },
      ...{ subnetId: "subnet-0a", securityGroupIds: [], volumes: [{ device: "/dev/xvda", sizeGiB: 20 }] },
    });
    const order = new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId: other } });
    for (let time = 0; time < 3; time++) await world.play(() => world.ports.clients.ec2({ region: HOME }).send(order));
    await world.wait(HOUR);
    expect(await world.watch()).toMatchObject({ unknown: 0 });
    expect(world.valueOf("UnknownSnapshots")).toBe(0);
    const file = await world.play(() => readCatalogFile(world.ports.store));
    expect(file?.others).toEqual([
      expect.stringContaining(`3 more snapshots are of volumes that no set knows, in ${HOME}: 60 GiB`),
    ]);
  });

  it("says where tags, manifests and AWS do not agree", async () => {
    const world = openBackupWorld();
    const set = await world.backUp("nightly-1");
    world.aws.ec2.storage.snapshots.remove(set.members[0]?.snapshot ?? "");
    expect((await world.watch()).disagreements).toBeGreaterThan(0);
    expect(world.warnings.join()).toContain(`its snapshot ${set.members[0]?.snapshot} in ${HOME} is missing`);
  });

  it("reports a manifest that cannot be read", async () => {
    const world = openBackupWorld();
    await world.play(() => world.ports.store.put("backup/sets/bs-broken.json", "{}"));
    expect(await world.watch()).toMatchObject({ disagreements: 1 });
    expect(world.warnings.join()).toContain("backup/sets/bs-broken.json is no manifest");
  });

  it("finds a hub that one mistake could delete, and a hub that is not there", async () => {
    const world = openBackupWorld();
    await world.watch();
    // The boot volume goes with the instance.
    expect(world.warnings.join()).toContain("is deleted with the instance");
    expect(world.valueOf("HubUnprotected")).toBe(1);
    world.aws.ec2.stopInstance(world.hub.instanceId);
    await world.wait(300);
    await world.watch();
    expect(world.warnings.at(-1)).toContain("carries the tag toji:hub=toji and is stopped");
  });

  it("closes sets whose execution is over and left no verdict", async () => {
    const world = openBackupWorld();
    const empty = world.execution("stopped-before-the-order");
    await empty.begin();
    await empty.end({ error: { Error: "x", Cause: "x" } });
    const run = world.execution("stopped-by-a-person");
    await world.order(run);
    await world.wait(96 * HOUR);
    await world.watch();
    expect((await world.readSet(run.setId)).state).toBe("pending");
    await world.wait(2 * HOUR);
    await world.watch();
    const set = await world.readSet(run.setId);
    expect(set).toMatchObject({ state: "degraded", grade: "crash" });
    expect(set.notes).toContain("its execution ended without a verdict");
    expect((await world.readSet(empty.setId)).state).toBe("failed");
  });
});
