// A backup from its first step to its last, on a modelled hub: good, repeated, cut off, and gone wrong.

import { describe, expect, it } from "vitest";
import { acquireLease } from "../../shared/aws/lease.ts";
import { LEASE_KEY } from "../../shared/backup/index.ts";
import { openBackupWorld, START } from "./backup-world.ts";

const DRILL = {
  imageId: "ami-0b",
  instanceType: "m7a.large",
  subnet: { id: "subnet-0a", zone: "eu-west-1a" },
  securityGroup: "sg-0b",
};

describe("a backup", () => {
  for (const split of [true, false])
    it(`of a hub with ${split ? "split volumes" : "one volume"} is one application-consistent set`, async () => {
      const world = openBackupWorld({}, { split });
      const set = await world.backUp("nightly-1");
      expect(set).toMatchObject({
        state: "unverified",
        grade: "application",
        notes: [],
        request: { kind: "scheduled", by: "nightly" },
        freeze: { thaw: "explicit", checkpoint: true, quiet: true },
        survey: { hubVersion: "1.35.3" },
      });
      expect(set.members.map(({ holds }) => holds).toSorted()).toEqual(
        split ? ["/mnt/koji", "/var/lib/pgsql", "boot"] : ["/mnt/koji", "boot"],
      );
      expect(set.members.every(({ state, encrypted }) => state === "completed" && encrypted)).toBe(true);
      expect(set.instant).toBe(set.freeze.frozenAt);
      expect(set.hub.allocationId).not.toBeNull();
      expect(set.changedBytes).toBeGreaterThan(0);
      expect(world.hub.invariants()).toEqual([]);
      expect(world.valueOf("BackupSucceeded")).toBe(1);
      expect(world.valueOf("FreezeMilliseconds")).toBe(800);
    });

  it("says on its snapshots what the set is, should the bucket be lost", async () => {
    const world = openBackupWorld();
    const set = await world.backUp("nightly-1");
    const tags = (await world.snapshotsIn("eu-west-1")).map((each) => each.tags);
    expect(tags).toHaveLength(3);
    for (const each of tags)
      expect(each).toMatchObject({
        "toji:backup": "toji",
        "toji:set": set.id,
        "toji:set-members": "3",
        "toji:set-state": "unverified",
        "toji:set-grade": "application",
        "toji:set-instant": new Date((set.instant ?? 0) * 1000).toISOString(),
      });
    expect(tags.map((each) => each["toji:holds"]).toSorted()).toEqual(["/mnt/koji", "/var/lib/pgsql", "boot"]);
  });

  it("leaves out the boot volume when the site says so", async () => {
    const world = openBackupWorld({ bootVolume: false });
    const set = await world.backUp("nightly-1");
    expect(set.state).toBe("unverified");
    expect(set.members.map(({ holds }) => holds).toSorted()).toEqual(["/mnt/koji", "/var/lib/pgsql"]);
  });

  it("measures what changed since the set before", async () => {
    const world = openBackupWorld();
    const first = await world.backUp("nightly-1");
    await world.wait(86_400);
    world.hub.importBuild();
    const second = await world.backUp("nightly-2");
    expect(second.changedBytes).toBeGreaterThan(0);
    expect(second.changedBytes).toBeLessThan(first.changedBytes ?? 0);
    expect(second.dollarsPerMonth).toBeCloseTo(((second.changedBytes ?? 0) / 2 ** 30) * 0.05);
  });

  it("every step may run twice", async () => {
    const world = openBackupWorld();
    const run = world.execution("nightly-1");
    const first = await run.begin();
    const again = await run.begin();
    expect({ ...again, epoch: first.epoch }).toEqual(first);
    const progress: Record<string, unknown> = { run: first };
    for (const action of ["survey", "pause", "snapshot", "resume"]) {
      await run.host(action, progress);
      progress[action] = await run.host(action, progress);
    }
    // The second pause found what the first had stopped.
    expect(progress.snapshot).toMatchObject({ outcome: "answered", repeated: true, frozen: true });
    const sealed = await world.complete(run, progress);
    expect(await run.seal(progress)).toEqual(sealed.seal);
    expect(await run.lock(progress)).toEqual(await run.lock(progress));
    expect(await run.end(sealed)).toEqual(await run.end(sealed));
    expect(await world.readSet(run.setId)).toMatchObject({ state: "unverified", grade: "application" });
    expect(await world.snapshotsIn("eu-west-1")).toHaveLength(3);
  });

  it("asks for a drill at once when the site wants one of each set", async () => {
    const world = openBackupWorld({ drill: { ...DRILL, everySet: true } });
    const run = world.execution("nightly-1");
    const progress = await world.complete(run, await world.order(run));
    expect(await run.end(progress)).toEqual({ outcome: "good", drill: true });
  });
});

describe("an order whose answer was lost", () => {
  it("is found by its tag and never sent again; the hub's record still proves the freeze", async () => {
    const world = openBackupWorld();
    world.aws.ec2.failNext("CreateSnapshots", "InternalError", { applied: true });
    const run = world.execution("nightly-1");
    const progress = await world.order(run);
    expect(progress.snapshot).toMatchObject({ outcome: "unanswered", frozen: true });
    await world.complete(run, progress);
    expect(await world.readSet(run.setId)).toMatchObject({ state: "unverified", grade: "application" });
    expect(await world.snapshotsIn("eu-west-1")).toHaveLength(3);
  });

  it("is not sent again when the hub stood still after it: the set is no better than crash-consistent", async () => {
    const world = openBackupWorld();
    world.hub.inject("hangs-after-order");
    const run = world.execution("nightly-1");
    const progress: Record<string, unknown> = { run: await run.begin() };
    for (const action of ["survey", "pause"]) progress[action] = await run.host(action, progress);
    await expect(run.host("snapshot", progress)).rejects.toMatchObject({ name: "HostCommandFailed" });
    progress.snapshot = await run.host("snapshot", progress);
    expect(progress.snapshot).toMatchObject({ repeated: true, frozen: false });
    await run.host("resume", progress);
    await world.complete(run, progress);
    expect(await world.readSet(run.setId)).toMatchObject({ state: "degraded", grade: "crash" });
    expect(await world.snapshotsIn("eu-west-1")).toHaveLength(3);
    expect(world.hub.invariants()).toEqual([]);
  });

  it("is told by EC2 alone when the hub cannot be reached any more", async () => {
    const world = openBackupWorld({ acceptCrashConsistent: true });
    const run = world.execution("nightly-1");
    const progress = { ...(await world.order(run)) };
    world.hub.disconnect();
    const repeated = await run.host("snapshot", progress);
    expect(repeated).toMatchObject({ outcome: "answered", repeated: true, frozen: false });
    const sealed = await world.complete(run, { ...progress, snapshot: repeated });
    expect(await run.end(sealed)).toMatchObject({ outcome: "good" });
    const set = await world.readSet(run.setId);
    expect(set).toMatchObject({ state: "unverified", grade: "crash" });
    expect(set.notes.join()).toContain("the hub's record of the order could not be read");
    expect(world.valueOf("SetDowngraded")).toBe(1);
  });
});

describe("one backup at a time", () => {
  it("a second one says who holds the lease, and its end leaves the first alone", async () => {
    const world = openBackupWorld();
    const first = world.execution("nightly-1");
    const progress = { run: await first.begin() };
    await first.host("pause", progress);
    const second = world.execution("on-demand-1");
    await expect(second.begin({ kind: "on-demand", by: "eva", reason: "" })).rejects.toThrow(
      "the backup nightly-1 is under way (its lease ends by 2026-11-23T02:45:",
    );
    const error = { Error: "BackupBusy", Cause: JSON.stringify({ errorType: "BackupBusy", errorMessage: "busy" }) };
    // What stands still on the hub is the first one's.
    expect(await second.host("thaw", { error })).toEqual({ thawed: [], already: [] });
    expect(await second.host("resume", { error })).toEqual({ resumed: [], failed: [] });
    expect(await second.end({ error })).toEqual({ outcome: "failed", drill: false });
    expect(world.hub.units.isActive("koji-gc.timer")).toBe(false);
    expect(world.valueOf("BackupFailed")).toBe(1);
    await expect(second.begin()).rejects.toMatchObject({ name: "BackupBusy" });
    await first.host("snapshot", progress);
  });

  it("a step that would touch the hub stops when the lease went to another", async () => {
    const world = openBackupWorld();
    const run = world.execution("nightly-1");
    const progress = { run: await run.begin() };
    await world.wait(46 * 60);
    const taken = await world.play(() => acquireLease(world.ports.store, world.clock, LEASE_KEY, "other", 600));
    expect("heldBy" in taken).toBe(false);
    await expect(run.host("pause", progress)).rejects.toMatchObject({ name: "BackupBusy" });
    await expect(run.host("snapshot", progress)).rejects.toMatchObject({ name: "BackupBusy" });
    expect(world.hub.units.isActive("koji-gc.timer")).toBe(true);
  });

  it("the lease is free after the end", async () => {
    const world = openBackupWorld();
    await world.backUp("nightly-1");
    await expect(world.execution("nightly-2").begin()).resolves.toMatchObject({ region: "eu-west-1" });
  });
});

describe("a hub that is not as it should be", () => {
  it("without the tag: the backup fails with what to do, and the lease goes back", async () => {
    const world = openBackupWorld();
    world.aws.ec2.stopInstance(world.hub.instanceId);
    await world.wait(300);
    const run = world.execution("nightly-1");
    await expect(run.begin()).rejects.toThrow("carries the tag toji:hub=toji and is stopped: start it");
    const error = { Error: "HubNotFound", Cause: '{"errorType":"HubNotFound","errorMessage":"no hub"}' };
    expect(await run.end({ error })).toEqual({ outcome: "failed", drill: false });
    expect(world.warnings).toContain(`the backup ${run.setId} failed: no hub`);
    const stored = await world.play(() => world.ports.store.get(LEASE_KEY));
    expect(JSON.parse(stored?.text ?? "{}")).toMatchObject({ owner: "nightly-1", until: 0 });
  });

  it("freezing fails: no set, unless the site accepts a crash-consistent one, and then it says so", async () => {
    const strict = openBackupWorld();
    strict.hub.inject("freeze-fails");
    const run = strict.execution("nightly-1");
    await expect(strict.order(run)).rejects.toThrow(
      "the site does not accept a crash-consistent set: /mnt/koji could not",
    );
    expect(await strict.snapshotsIn("eu-west-1")).toEqual([]);
    expect(strict.hub.invariants()).toEqual([]);

    const lenient = openBackupWorld({ acceptCrashConsistent: true });
    lenient.hub.inject("freeze-fails");
    const set = await lenient.backUp("nightly-1");
    expect(set).toMatchObject({ state: "unverified", grade: "crash" });
    expect(set.notes.join()).toContain("could not be frozen");
    expect(lenient.valueOf("SetDowngraded")).toBe(1);
  });

  it("a deleter that does not end: no set, unless the site accepts a crash-consistent one", async () => {
    const strict = openBackupWorld();
    const build = strict.hub.importBuild();
    strict.hub.deleteBuild(build, 3600);
    const run = strict.execution("nightly-1");
    await expect(strict.order(run)).rejects.toThrow(
      "koji-gc.service still at work after 300 s: a set made now could miss",
    );

    const lenient = openBackupWorld({ acceptCrashConsistent: true });
    lenient.hub.deleteBuild(lenient.hub.importBuild(), 3600);
    const set = await lenient.backUp("nightly-1");
    expect(set).toMatchObject({ grade: "crash", freeze: { quiet: false } });
    expect(set.notes).toContain("at work during the freeze: koji-gc.service");
  });

  it("EC2 refuses the order: no set, and EC2's reason is told", async () => {
    const world = openBackupWorld();
    world.aws.ec2.failNext("CreateSnapshots", "UnauthorizedOperation");
    await expect(world.order(world.execution("nightly-1"))).rejects.toThrow("EC2 refused to take the snapshots:");
    expect(world.hub.invariants()).toEqual([]);
  });

  it("it is gone in mid-freeze: thawed by its timer, resumed by its timer, and recorded as failed", async () => {
    const world = openBackupWorld();
    world.hub.inject("hangs-frozen");
    const run = world.execution("nightly-1");
    const progress: Record<string, unknown> = { run: await run.begin() };
    for (const action of ["survey", "pause"]) progress[action] = await run.host(action, progress);
    await expect(run.host("snapshot", progress)).rejects.toMatchObject({ name: "HostCommandFailed" });
    world.hub.disconnect();
    await expect(run.host("thaw", progress)).rejects.toThrow("ended as");
    const error = { Error: "HostCommandFailed", Cause: '{"errorMessage":"the hub is gone"}' };
    expect(await run.end({ ...progress, error })).toMatchObject({ outcome: "failed" });
    expect(await world.readSet(run.setId)).toMatchObject({ state: "failed", instant: null, members: [] });
    expect((await world.readSet(run.setId)).notes).toContain("the backup failed: the hub is gone");
    await world.wait(3600);
    expect(world.hub.invariants()).toEqual([]);
    expect(world.hub.units.isActive("koji-gc.timer")).toBe(true);
  });

  it("its clock is wrong by a day: the set's instant is EC2's", async () => {
    const world = openBackupWorld();
    world.hub.stepClock(86_400);
    const set = await world.backUp("nightly-1");
    expect(Math.abs((set.instant ?? 0) - START)).toBeLessThan(300);
    expect(set.notes.join()).toContain("the hub's clock is");
  });
});

describe("a set that does not become whole", () => {
  it("one member in error makes it torn: degraded, and the alarm says so", async () => {
    const world = openBackupWorld();
    world.aws.ec2.storage.snapshots.failNextSet();
    const run = world.execution("nightly-1");
    const progress = await world.complete(run, await world.order(run));
    expect(progress).toMatchObject({ look: { status: "failed" }, seal: { state: "degraded", grade: "torn" } });
    expect(await run.end(progress)).toEqual({ outcome: "degraded", drill: false });
    expect(world.valueOf("SetTorn")).toBe(1);
    expect(world.valueOf("BackupFailed")).toBe(1);
    expect(world.warnings.join()).toContain("is torn:");
  });

  it("snapshots that never end are late after completionHours", async () => {
    const world = openBackupWorld({ completionHours: 2 });
    world.aws.ec2.storage.snapshots.stall(true);
    const run = world.execution("nightly-1");
    const progress = await world.complete(run, await world.order(run));
    expect(progress).toMatchObject({ look: { status: "late" }, seal: { state: "degraded" } });
    expect(world.clock.now() - START).toBeGreaterThan(2 * 3600);
  });

  it("a failure after the order leaves a set that counts for nothing, and its record", async () => {
    const world = openBackupWorld();
    const run = world.execution("nightly-1");
    const progress = await world.order(run);
    const error = { Error: "States.Timeout", Cause: "" };
    expect(await run.end({ ...progress, error })).toMatchObject({ outcome: "failed" });
    const set = await world.readSet(run.setId);
    expect(set.state).toBe("degraded");
    expect(set.notes).toContain("the backup failed: a step took longer than it may");
  });

  it("changed blocks that cannot be counted are no failure", async () => {
    const world = openBackupWorld();
    const run = world.execution("nightly-1");
    const progress = await world.order(run);
    const { ebs } = world.ports.clients;
    const refuse = () => ({ send: () => Promise.reject(Object.assign(new Error("no"), { name: "AccessDenied" })) });
    Object.assign(world.ports.clients, { ebs: refuse });
    await world.complete(run, progress);
    Object.assign(world.ports.clients, { ebs });
    const set = await world.readSet(run.setId);
    expect(set).toMatchObject({ state: "unverified", changedBytes: null, dollarsPerMonth: null });
    expect(set.notes.join()).toContain("its cost is not known");
  });
});
