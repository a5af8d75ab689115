// Copies to another region and account, and locks.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeCopies } from "../../shared/backup/copies.ts";
import { AWAY, HOME, HOUR, openBackupWorld } from "./backup-world.ts";
import { makeMember } from "./restore-sets.ts";

const ROLE = "arn:aws:iam::999988887777:role/toji-backup-copies";
const TARGET = { region: AWAY, kmsKeyId: "key-away" };

describe("copies of a set", () => {
  it("lie encrypted with the other region's key, whole, and say what they are", async () => {
    const world = openBackupWorld({ copies: [TARGET] });
    const set = await world.backUp("nightly-1");
    expect(set.copies).toMatchObject([{ region: AWAY, account: null, state: "complete", why: null }]);
    const copies = await world.snapshotsIn(AWAY);
    expect(copies.map(({ tags }) => tags["toji:copy-of"]).toSorted()).toEqual(
      set.members.map(({ snapshot }) => snapshot).toSorted(),
    );
    for (const each of copies)
      expect(each).toMatchObject({
        kmsKeyId: "key-away",
        encrypted: true,
        tags: { "toji:set": set.id, "toji:set-state": "unverified", "toji:set-members": "3" },
      });
    expect(world.valueOf("CopyFailed")).toBe(0);
  });

  it("are started once, however often it is looked", async () => {
    const world = openBackupWorld({ copies: [TARGET] });
    const run = world.execution("nightly-1");
    await world.complete(run, await world.order(run));
    const target = world.ports.backup.copies[0];
    for (let time = 0; time < 3; time += 1) expect(await run.copy(target)).toMatchObject({ state: "pending" });
    await world.wait(60);
    expect(await world.snapshotsIn(AWAY)).toHaveLength(3);
  });

  it("whose start was answered by nothing are found by tag", async () => {
    const world = openBackupWorld({ copies: [TARGET] });
    const run = world.execution("nightly-1");
    await world.complete(run, await world.order(run));
    const target = world.ports.backup.copies[0];
    world.aws.ec2In({ region: AWAY }).failNext("CopySnapshot", "InternalError", { applied: true });
    await expect(run.copy(target)).rejects.toMatchObject({ operation: "CopySnapshot" });
    // EC2 does not show it yet: nothing is started until it would.
    expect(await run.copy(target)).toMatchObject({ state: "pending" });
    await world.wait(300);
    expect(await run.copy(target)).toMatchObject({ state: "pending" });
    await world.wait(300);
    expect(await run.copy(target)).toMatchObject({ members: [{}, {}, {}] });
    expect(await world.snapshotsIn(AWAY)).toHaveLength(3);
  });

  it("go on later when the region takes no more at once", async () => {
    const world = openBackupWorld({ copies: [TARGET] });
    const run = world.execution("nightly-1");
    await world.complete(run, await world.order(run));
    const target = world.ports.backup.copies[0];
    world.aws.ec2In({ region: AWAY }).failNext("CopySnapshot", "ResourceLimitExceeded");
    expect(await run.copy(target)).toMatchObject({ state: "pending", members: [] });
    await world.wait(300);
    expect(await run.copy(target)).toMatchObject({ state: "pending", members: [{}, {}, {}] });
    await world.wait(60);
    expect(await world.snapshotsIn(AWAY)).toHaveLength(3);
  });

  it("go into another account by its role, shared with it first", async () => {
    const world = openBackupWorld({ copies: [{ ...TARGET, roleArn: ROLE }] });
    const set = await world.backUp("nightly-1");
    expect(set.copies).toMatchObject([{ account: "999988887777", state: "complete" }]);
    expect(await world.snapshotsIn(AWAY)).toEqual([]);
    expect(world.aws.ec2In({ region: AWAY, roleArn: ROLE }).storage.snapshots.inWorld()).toHaveLength(3);
    expect(world.aws.ec2.callCounts().ModifySnapshotAttribute).toBe(3);
  });

  it("that are slow have failed, with an alarm; the set itself stays good", async () => {
    const world = openBackupWorld({ copies: [{ ...TARGET, withinHours: 6 }] });
    world.aws.ec2In({ region: AWAY }).storage.snapshots.stall(true);
    const set = await world.backUp("nightly-1");
    expect(set.state).toBe("unverified");
    expect(set.copies).toMatchObject([{ state: "failed", why: "slow: not complete after 6 h" }]);
    expect(world.valueOf("CopyFailed")).toBe(1);
    expect(world.valueOf("BackupSucceeded")).toBe(1);
    expect(world.warnings.join()).toContain(`the copy of set ${set.id} to ${AWAY} failed: slow`);
  });

  it("that the machine gave up are recorded with the error's sentence and the account", async () => {
    const world = openBackupWorld({ copies: [{ ...TARGET, roleArn: ROLE }] });
    const run = world.execution("nightly-1");
    const progress = await world.complete(run, await world.order(run));
    const why = JSON.stringify({ errorType: "AwsCallFailed", errorMessage: "no right to the key" });
    const copies = [{ region: AWAY, account: null, state: "failed", why, members: [] }];
    expect(await run.end({ ...progress, copies })).toMatchObject({ outcome: "good" });
    expect((await world.readSet(run.setId)).copies).toEqual([
      { region: AWAY, account: "999988887777", state: "failed", why: "no right to the key", members: [] },
    ]);
  });
});

describe("the verdict on copies (property)", () => {
  const members = ["vol-a", "vol-b", "vol-c"].map((volume) => makeMember(volume, "boot"));
  const copyOfSome = fc.record({
    snapshot: fc.integer({ min: 1, max: 1000 }).map((number) => `snap-copy-${number}`),
    state: fc.constantFrom("pending", "completed", "error"),
    startedAt: fc.integer({ min: 0, max: 10 * HOUR }),
    stateMessage: fc.constant(null),
    copyOf: fc.constantFrom("snap-a", "snap-b", "snap-c", "snap-of-another-set"),
  });
  const copies = fc.uniqueArray(copyOfSome, { selector: ({ snapshot }) => snapshot, maxLength: 8 });

  it("is complete only when each member has a completed copy and none is under way; what is missing has no good copy", () => {
    fc.assert(
      fc.property(copies, fc.integer({ min: 0, max: 20 * HOUR }), (there, now) => {
        const verdict = judgeCopies(members, there, { withinHours: 6 }, now);
        const good = there.filter(({ state }) => state !== "error");
        for (const { snapshot } of verdict.missing) expect(good.some(({ copyOf }) => copyOf === snapshot)).toBe(false);
        for (const { snapshot } of verdict.members) expect(there.some((each) => each.snapshot === snapshot)).toBe(true);
        expect(verdict.why === null).toBe(verdict.state !== "failed");
        if (verdict.state !== "complete") return;
        expect(verdict.missing).toEqual([]);
        for (const { snapshot } of members)
          expect(there.filter((each) => each.copyOf === snapshot && each.state === "completed").length).toBeGreaterThan(
            0,
          );
        expect(
          good.filter((each) => each.copyOf !== "snap-of-another-set").every(({ state }) => state === "completed"),
        ).toBe(true);
      }),
    );
  });
});

describe("locks", () => {
  it("are on all snapshots in all places for the configured days", async () => {
    const world = openBackupWorld({ copies: [TARGET], lock: { mode: "compliance", days: 30 } });
    await world.backUp("nightly-1");
    for (const region of [HOME, AWAY]) {
      const snapshots = world.aws.ec2In({ region }).storage.snapshots.inWorld();
      expect(snapshots.map(({ lock }) => lock?.mode)).toEqual(["compliance", "compliance", "compliance"]);
      expect(snapshots[0]?.lock?.days).toBe(30);
    }
  });

  it("are none when the site wants none", async () => {
    const world = openBackupWorld({ lock: { mode: "none" } });
    const run = world.execution("nightly-1");
    const progress = await world.complete(run, await world.order(run));
    expect(await run.lock(progress)).toEqual({ locked: [] });
    expect(world.aws.ec2.storage.snapshots.inWorld().every((each) => each.lock === null)).toBe(true);
  });
});
