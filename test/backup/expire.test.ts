// Retention on the modelled account: whole sets go, in all places, and nothing else; cut off anywhere, the next run ends it.

import { describe, expect, it } from "vitest";
import { tagResources } from "../../shared/aws/snapshots.ts";
import { updateManifest } from "../../shared/backup/manifest.ts";
import { AWAY, type BackupInput, type BackupWorld, HOME, openBackupWorld } from "./backup-world.ts";

const DAY = 86_400;
const TARGET = { region: AWAY, kmsKeyId: "key-away" };
const ALL_ZERO = { hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

/** So many verified sets, one a day; the rules keep the newest two. */
async function openSets(count: number, config: BackupInput = {}) {
  const world = openBackupWorld({
    lock: { mode: "none" },
    retention: { ...ALL_ZERO, last: 2, minimumVerified: 2 },
    ...config,
  });
  const ids: string[] = [];
  for (let day = 0; day < count; day += 1) {
    const { id } = await world.backUp(`nightly-${day}`);
    await world.verify(id);
    ids.push(id);
    await world.wait(DAY);
  }
  return { world, ids };
}

const setsIn = async (world: BackupWorld, region: string) => [
  ...new Set((await world.snapshotsIn(region)).map(({ tags }) => tags["toji:set"] ?? "")),
];

describe("retention", () => {
  it("deletes what the plan lets go, in every region, and records it", async () => {
    const { world, ids } = await openSets(4, { copies: [TARGET] });
    expect(await world.expire()).toEqual({ expired: ids.slice(0, 2), stopped: [], refused: null });
    for (const region of [HOME, AWAY])
      expect((await setsIn(world, region)).toSorted()).toEqual(ids.slice(2).toSorted());
    const gone = await world.readSet(ids[0] ?? "");
    expect(gone.expiredAt).not.toBeNull();
    expect(gone.expiring?.reason).not.toBe("");
    expect(world.valueOf("RetentionRefused")).toBe(0);
    // The next run finds nothing to do.
    expect(await world.expire()).toEqual({ expired: [], stopped: [], refused: null });
  });

  it("never touches a snapshot that does not carry both tags", async () => {
    const { world, ids } = await openSets(3);
    const [first] = ids;
    const foreign = world.aws.ec2.storage.snapshots.inWorld()[0];
    foreign?.tags.delete("toji:backup");
    const { refused } = await world.expire();
    expect(refused).toContain(first);
    // Also when its deletion was decided before.
    await world.play(() =>
      updateManifest(world.ports.store, first ?? "", (each) => ({ ...each, expiring: { at: 1, reason: "old" } })),
    );
    await world.expire();
    expect(world.aws.ec2.storage.snapshots.inWorld()).toContain(foreign);
  });

  it("refuses when a verified set has lost a member, and says so by the metric", async () => {
    const { world, ids } = await openSets(4);
    world.aws.ec2.storage.snapshots.remove((await world.readSet(ids[3] ?? "")).members[0]?.snapshot ?? "");
    const before = (await world.snapshotsIn(HOME)).length;
    const { expired, refused } = await world.expire();
    expect(expired).toEqual([]);
    expect(refused).toContain("the catalog does not agree with AWS");
    expect((await world.snapshotsIn(HOME)).length).toBe(before);
    expect(world.valueOf("RetentionRefused")).toBe(1);
  });

  it("refuses while a place has too few verified sets", async () => {
    const { world } = await openSets(3);
    Object.assign(world.ports.backup, { copies: [{ ...TARGET, withinHours: 12 }] });
    expect((await world.expire()).refused).toContain(AWAY);
    expect(await setsIn(world, HOME)).toHaveLength(3);
  });

  it("sees nothing, does nothing, when one region cannot be looked at", async () => {
    const { world } = await openSets(4, { copies: [TARGET] });
    world.aws.ec2In({ region: AWAY }).failNext("DescribeSnapshots", "UnauthorizedOperation");
    await expect(world.expire()).rejects.toMatchObject({ code: "UnauthorizedOperation" });
    expect(await setsIn(world, HOME)).toHaveLength(4);
  });

  it("leaves a set that is locked, or that a drill reads", async () => {
    const { world, ids } = await openSets(4, { lock: { mode: "governance", days: 30 } });
    expect((await world.expire()).expired).toEqual([]);
    const open = await openSets(4);
    const [member] = (await open.world.readSet(open.ids[0] ?? "")).members;
    await open.world.play(() =>
      tagResources(open.world.ports.clients.ec2({ region: HOME }), [member?.snapshot ?? ""], {
        "toji:in-use": "drill-1",
      }),
    );
    expect((await open.world.expire()).expired).toEqual([open.ids[1]]);
    expect(await setsIn(world, HOME)).toHaveLength(ids.length);
  });

  it("cut off at any call, the next runs end what was begun", async () => {
    for (let calls = 1; calls <= 6; calls += 1) {
      const { world, ids } = await openSets(4);
      world.aws.ec2.failNext("DeleteSnapshot", "InternalError", { times: 1, applied: calls % 2 === 0 });
      await expect(world.expire()).rejects.toMatchObject({ operation: "DeleteSnapshot" });
      await world.expire();
      expect((await setsIn(world, HOME)).toSorted()).toEqual(ids.slice(2).toSorted());
      expect((await world.readSet(ids[0] ?? "")).expiredAt).not.toBeNull();
    }
  });

  it("a half-deleted set is ended even when the plan is refused", async () => {
    const { world, ids } = await openSets(3);
    const [first = ""] = ids;
    const [member] = (await world.readSet(first)).members;
    world.aws.ec2.storage.snapshots.remove(member?.snapshot ?? "");
    await world.play(() =>
      updateManifest(world.ports.store, first, (each) => ({ ...each, expiring: { at: 1, reason: "old" } })),
    );
    Object.assign(world.ports.backup.retention, { last: 0 });
    const answer = await world.expire();
    expect(answer.expired).toEqual([first]);
    expect(answer.refused).not.toBeNull();
    expect(await setsIn(world, HOME)).toEqual(expect.not.arrayContaining([first]));
  });

  it("a set that an image holds half deleted says so, and goes on when the image is gone", async () => {
    const { world, ids } = await openSets(4);
    const [first = ""] = ids;
    const last = (await world.readSet(first)).members.at(-1)?.snapshot ?? "";
    world.aws.ec2.failNext("DeleteSnapshot", "SnapshotLocked");
    const answer = await world.expire();
    expect(answer.stopped).toHaveLength(1);
    expect(answer.stopped[0]).toContain("is half deleted:");
    expect(world.warnings).toContain(answer.stopped[0]);
    expect((await world.expire()).expired).toContain(first);
    expect((await world.snapshotsIn(HOME)).map(({ snapshot }) => snapshot)).not.toContain(last);
  });
});
