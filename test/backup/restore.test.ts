// Restores on the sandbox's AWS: what is made, what is swapped, what is kept, and the way back.

import { describe, expect, it } from "vitest";
import { findHub } from "../../shared/aws/hub-instance.ts";
import { describeVolumes, listVolumesByTag } from "../../shared/aws/volumes.ts";
import { updateManifest } from "../../shared/backup/manifest.ts";
import {
  beginRestore,
  endRestore,
  makeVolumes,
  restoreHost,
  restoreKey,
  swapVolumes,
} from "../../shared/backup/restore/index.ts";
import { BACKUP_TAG } from "../../shared/backup/tags.ts";
import { Execution, RestoreWorld } from "./restore-world.ts";

const SET = "bs-20261123T020000Z-aaaaaaaa";
const POINT = "bs-20261123T040000Z-bbbbbbbb";
const STOP = { action: "stop-hub" };
const START = { action: "start-hub" };
const FORWARD = { direction: "forward" };
const BACK = { direction: "back" };

/** A hub with 5 builds and a proved set of them; then 2 more builds, and a file of an old one is lost. */
async function makeWorld() {
  const world = new RestoreWorld();
  await world.makeSet(SET, "verified");
  world.hub.importBuild();
  world.hub.importBuild();
  world.hub.truncateFile("packages/p2/1/1/noarch/p2-0-1-1.noarch.rpm");
  expect(world.hub.differences()).toHaveLength(1);
  return world;
}

const request = { set: SET, to: "replace", by: "anna", reason: "a file is lost" };

/** As far as the machine goes before it touches the hub. */
async function prepared(world: RestoreWorld, name = "restore-1") {
  const execution = new Execution(world, name, request);
  const run = await execution.step("run", beginRestore);
  await world.makeSet(POINT, "unverified");
  execution.state = { ...execution.state, restorePoint: { set: POINT } };
  const { volumes } = await execution.until("volumes", makeVolumes, 15);
  return { execution, run, made: volumes };
}

/** Volumes of the hub by device name. */
async function devices(world: RestoreWorld) {
  const { volumes } = await world.run(() => findHub(world.ec2, world.ports.site.builders.fleet));
  return new Map(volumes.map(({ device, volume }) => [device, volume]));
}

async function buildsOf(world: RestoreWorld) {
  return world.hub.mounts.diskOf("database")?.database?.builds.size;
}

describe("a restore in place", () => {
  it("puts volumes of the set under the hub, and keeps those of before", async () => {
    const world = await makeWorld();
    const before = await devices(world);
    const { execution, run, made } = await prepared(world);
    await execution.step("stopped", restoreHost, STOP);
    await execution.until("swap", swapVolumes, 10, FORWARD);
    await execution.step("started", restoreHost, START);
    const record = await execution.step("end", endRestore);

    expect(world.hub.differences()).toEqual([]);
    expect(await buildsOf(world)).toBe(5);
    const after = await devices(world);
    expect(after.get("/dev/xvda")).toBe(before.get("/dev/xvda"));
    for (const { device, volume } of made) expect(after.get(device)).toBe(volume);
    const kept = await world.run(() => listVolumesByTag(world.ec2, { key: BACKUP_TAG.replaced, value: run.restore }));
    expect(kept.map(({ volume, state }) => [volume, state]).toSorted()).toEqual(
      [before.get("/dev/sdf"), before.get("/dev/sdg")].map((volume) => [volume, "available"]).toSorted(),
    );
    expect(record).toMatchObject({ outcome: "succeeded", by: "anna", restorePoint: POINT, error: null });
    expect(record.made.map(({ attached }) => attached)).toEqual([
      `${world.hub.instanceId} /dev/sdf`,
      `${world.hub.instanceId} /dev/sdg`,
    ]);
    expect(record.replaced.map(({ attached }) => attached)).toEqual([null, null]);
    const stored = await world.ports.store.get(restoreKey(run.restore));
    expect(JSON.parse(stored?.text ?? "")).toEqual(record);
    expect(await world.marks(SET)).toEqual([undefined]);
    expect([world.metric("RestoreSucceeded"), world.metric("RestoreFailed")]).toEqual([1, 0]);
    // What was stopped runs, and nothing that is attached goes with the instance.
    expect(world.hub.units.active()).toContain("httpd.service");
    const attached = await world.run(() =>
      describeVolumes(
        world.ec2,
        made.map(({ volume }) => volume),
      ),
    );
    expect(attached.flatMap(({ attachments }) => attachments.map((each) => each.deleteOnTermination))).toEqual([
      false,
      false,
    ]);
  });

  it("goes all the way back when the restored hub does not answer: the hub is as it was", async () => {
    const world = await makeWorld();
    const before = await devices(world);
    const builds = await buildsOf(world);
    const { execution } = await prepared(world);
    await execution.step("stopped", restoreHost, STOP);
    await execution.until("swap", swapVolumes, 10, FORWARD);
    world.hub.inject("hub-does-not-answer");
    expect(await execution.fails(restoreHost, START)).toContain("RestoreStuck");
    // SwapBack, StartHubAgain, EndAfterFailure. The file systems have to come off first.
    await execution.step("stoppedAgain", restoreHost, STOP);
    await execution.until("swap", swapVolumes, 10, BACK);
    await execution.step("started", restoreHost, START);
    const record = await execution.step("end", endRestore);
    expect(await devices(world)).toEqual(before);
    expect(await buildsOf(world)).toBe(builds);
    expect(record).toMatchObject({ outcome: "failed", error: expect.stringContaining("its API does not answer") });
    expect(record.made).toHaveLength(2);
    expect([world.metric("RestoreSucceeded"), world.metric("RestoreFailed")]).toEqual([0, 1]);
    expect(await world.marks(SET)).toEqual([undefined]);
  });

  it("goes back from a swap that was cut off half-way", async () => {
    const world = await makeWorld();
    const before = await devices(world);
    for (const looks of [0, 1, 2, 3, 4]) {
      const { execution } = await prepared(world, `restore-${looks}`);
      await execution.step("stopped", restoreHost, STOP);
      for (let look = 0; look < looks; look += 1) {
        await execution.step("swap", swapVolumes, FORWARD);
        await world.clock.runUntil(world.clock.now() + 4);
      }
      await execution.until("swap", swapVolumes, 10, BACK);
      await execution.step("started", restoreHost, START);
      await execution.step("end", endRestore);
      expect(await devices(world)).toEqual(before);
      expect(world.hub.differences()).toHaveLength(1);
      await world.run(() => world.ports.store.remove(`backup/sets/${POINT}.json`));
    }
  });

  it("gives up when a volume does not come off", async () => {
    const world = await makeWorld();
    const { execution } = await prepared(world);
    // The hub was not stopped: its file systems are mounted, and EC2 waits for them.
    await execution.step("swap", swapVolumes, FORWARD);
    await world.clock.runUntil(world.clock.now() + 901);
    expect(await execution.fails(swapVolumes, FORWARD)).toMatch(/RestoreStuck: .* not swapped forward after 15 min/);
  });

  it("touches nothing without a restore point, or when the mounts lie elsewhere", async () => {
    const world = await makeWorld();
    const execution = new Execution(world, "restore-1", request);
    await execution.step("run", beginRestore);
    expect(await execution.fails(makeVolumes)).toContain("no restore point was taken");
    await world.makeSet(POINT, "unverified");
    await world.run(() =>
      updateManifest(world.ports.store, POINT, (manifest) => ({
        ...manifest,
        survey: { hostname: "hub" },
        members: manifest.members.map((each) => ({ ...each, volume: "vol-elsewhere" })),
      })),
    );
    execution.state = { ...execution.state, restorePoint: { set: POINT } };
    expect(await execution.fails(makeVolumes)).toContain("/mnt/koji is on vol-elsewhere");
    expect(world.aws.ec2.callCounts().CreateVolume).toBeUndefined();
  });

  it("is refused while another hub carries the tag", async () => {
    const world = await makeWorld();
    const { execution } = await prepared(world);
    await execution.step("stopped", restoreHost, STOP);
    world.aws.addHub({ fleet: world.ports.site.builders.fleet });
    expect(await execution.fails(swapVolumes, FORWARD)).toContain("HubNotFound");
    expect(world.aws.ec2.callCounts().DetachVolume).toBeUndefined();
  });
});

describe("a restore to new volumes", () => {
  it("makes each volume once, whatever answer is lost, and leaves the hub alone", async () => {
    const world = await makeWorld();
    const before = await devices(world);
    const execution = new Execution(world, "restore-1", { ...request, to: "new-volumes" });
    const run = await execution.step("run", beginRestore);
    world.aws.ec2.failNext("CreateVolume", "InternalError", { applied: true });
    await execution.fails(makeVolumes);
    const { volumes } = await execution.until("volumes", makeVolumes, 15);
    const { error: _lost, ...state } = execution.state;
    execution.state = state;
    const record = await execution.step("end", endRestore);
    expect(record.outcome).toBe("succeeded");
    const made = await world.run(() => listVolumesByTag(world.ec2, { key: BACKUP_TAG.restore, value: run.restore }));
    expect(made.map(({ volume, state: word }) => [volume, word]).toSorted()).toEqual(
      volumes.map(({ volume }) => [volume, "available"]).toSorted(),
    );
    expect(made.map(({ tags }) => tags[BACKUP_TAG.holds]).toSorted()).toEqual(["/mnt/koji", "/var/lib/pgsql", "boot"]);
    expect(await devices(world)).toEqual(before);
    expect(await execution.fails(swapVolumes, FORWARD)).toContain("replaces nothing");
    expect(await execution.fails(restoreHost, STOP)).toContain("replaces nothing");
  });

  it("works without a hub", async () => {
    const world = await makeWorld();
    world.aws.ec2.stopInstance(world.hub.instanceId);
    await world.clock.runUntil(world.clock.now() + 120);
    const execution = new Execution(world, "restore-1", { ...request, to: "new-volumes" });
    expect(await execution.step("run", beginRestore)).toMatchObject({ instanceId: null });
    expect((await execution.until("volumes", makeVolumes, 15)).volumes).toHaveLength(3);
    const inPlace = new Execution(world, "restore-2", request);
    await execution.step("end", endRestore);
    expect(await inPlace.fails(beginRestore)).toContain("HubNotFound");
  });
});

describe("the begin of a restore", () => {
  it("takes an unproved set only when that is accepted", async () => {
    const world = new RestoreWorld();
    await world.makeSet(SET, "unverified");
    const execution = new Execution(world, "restore-1", request);
    expect(await execution.fails(beginRestore)).toContain("no drill has proved");
    expect(await world.marks(SET)).toEqual([undefined]);
    await execution.step("end", endRestore);
    const accepted = new Execution(world, "restore-2", { ...request, acceptUnproven: true });
    expect((await accepted.step("run", beginRestore)).volumes).toHaveLength(2);
  });

  it("lets one restore at a time begin, and a failed one leaves a record", async () => {
    const world = await makeWorld();
    const first = new Execution(world, "restore-1", request);
    const { restore } = await first.step("run", beginRestore);
    expect(await first.step("run", beginRestore)).toMatchObject({ restore });
    const second = new Execution(world, "restore-2", request);
    expect(await second.fails(beginRestore)).toContain("TurnTaken: restore-1 is at work");
    const record = await second.step("end", endRestore);
    expect(record).toMatchObject({
      outcome: "failed",
      error: expect.stringContaining("restore-1 is at work"),
      made: [],
    });
    // It has taken nothing from the first.
    expect(await world.marks(SET)).toEqual([restore]);
  });
});
