// Drills on the sandbox's AWS: the steps in their order, and what becomes of the set and of what the drill made.

import { describe, expect, it } from "vitest";
import type { DrillFault } from "../../sandbox/world/drill-machine.ts";
import { listInstances } from "../../shared/aws/run-instance.ts";
import { copySnapshot, listSnapshots, tagResources, untagResources } from "../../shared/aws/snapshots.ts";
import { listVolumesByTag } from "../../shared/aws/volumes.ts";
import { readCatalogFile } from "../../shared/backup/catalog-file.ts";
import { beginDrill, judgeDrill, launchDrill, lookAtDrill, tearDownDrill } from "../../shared/backup/drill/index.ts";
import { BACKUP_TAG } from "../../shared/backup/tags.ts";
import { HOME } from "./restore-sets.ts";
import { Execution, FAR, RestoreWorld } from "./restore-world.ts";

const SET = "bs-20261123T020000Z-aaaaaaaa";

/** Begin, launch, look, judge and tear down, as statemachines/drill.asl.yaml has them. */
async function drill(world: RestoreWorld, name = "weekly-1", set: string | null = null) {
  const execution = new Execution(world, name, { set, by: "test" });
  const run = await execution.step("run", beginDrill);
  if (run.set === null) return { execution, run, verdict: null, teardown: null };
  await execution.step("instance", launchDrill);
  await execution.until("look", lookAtDrill, 60);
  let verdict: string;
  try {
    verdict = (await execution.step("verdict", judgeDrill)).outcome;
  } catch (error) {
    verdict = error instanceof Error ? error.name : String(error);
  }
  const teardown = await execution.until("teardown", tearDownDrill, 30);
  return { execution, run, verdict, teardown };
}

async function expectNothingLeft(world: RestoreWorld, id: string) {
  const tag = { key: BACKUP_TAG.drill, value: id };
  const instances = await world.run(() => listInstances(world.ec2, tag));
  expect(instances.filter(({ state }) => state !== "terminated")).toEqual([]);
  expect(await world.run(() => listVolumesByTag(world.ec2, tag))).toEqual([]);
  expect(await world.marks(SET)).toEqual([undefined]);
}

describe("a drill", () => {
  it.each([{ split: true }, { split: false }])("proves a sound set (split volumes: $split)", async ({ split }) => {
    const world = new RestoreWorld({ split });
    await world.makeSet(SET, "unverified");
    const { run, verdict, teardown } = await drill(world);
    expect([run.set, verdict, teardown?.status, teardown?.outcome]).toEqual([SET, "verified", "gone", "verified"]);
    const { state, drills } = await world.manifest(SET);
    expect(state).toBe("verified");
    expect(drills).toMatchObject([{ drill: run.drill, outcome: "verified", findings: [], counts: { builds: 5 } }]);
    await expectNothingLeft(world, run.drill);
  });

  it("measures the time from its start to the hub's answer, and never flatters it", async () => {
    const world = new RestoreWorld();
    await world.makeSet(SET, "unverified");
    const { execution } = await drill(world);
    const [made] = (await world.manifest(SET)).drills;
    const launched = world.aws.ec2.history().find(({ instanceId }) => instanceId !== world.hub.instanceId);
    // 700 s of uptime when the hub answers (sandbox/world/drill-machine.ts).
    const truth = (launched?.bootedAt ?? 0) + 700 - Date.parse(execution.startedAt) / 1000;
    expect(made?.rtoSeconds).toBeGreaterThanOrEqual(Math.floor(truth));
    expect(made?.rtoSeconds).toBeLessThan(truth + 120);
    expect(world.metric("RestoreSeconds")).toBe(made?.rtoSeconds);
    expect([world.metric("DrillVerified"), world.metric("DrillFailed")]).toEqual([1, 0]);
  });

  it("finds what is missing, and the set has failed, with its findings", async () => {
    const world = new RestoreWorld();
    world.hub.truncateFile("packages/p2/1/1/noarch/p2-0-1-1.noarch.rpm");
    await world.makeSet(SET, "unverified");
    const { run, verdict, teardown } = await drill(world);
    expect([verdict, teardown?.outcome]).toEqual(["failed", "failed"]);
    const { state, drills, notes } = await world.manifest(SET);
    expect(state).toBe("failed");
    expect(drills[0]?.findings).toMatchObject([{ kind: "wrong-size", count: 1 }]);
    expect(notes.at(-1)).toContain("found damage: wrong-size (1)");
    expect(world.metric("DrillFailed")).toBe(1);
    await expectNothingLeft(world, run.drill);
  });

  it("writes its verdict on every snapshot of the set, in every region, and into the catalog", async () => {
    const world = new RestoreWorld();
    const { members } = await world.makeSet(SET, "unverified");
    const far = world.ports.clients.ec2({ region: FAR });
    const tags = { [BACKUP_TAG.site]: world.ports.site.builders.fleet, [BACKUP_TAG.set]: SET };
    const order = { from: HOME, kmsKeyId: "key-far", tags, description: "" };
    await world.run(() => Promise.all(members.map(({ snapshot }) => copySnapshot(far, { ...order, snapshot }))));
    await drill(world);
    for (const ec2 of [world.ec2, far]) {
      const found = await world.run(() => listSnapshots(ec2, { key: BACKUP_TAG.set, value: SET }));
      expect(found.map((each) => each.tags[BACKUP_TAG.state])).toEqual(["verified", "verified", "verified"]);
    }
    const catalog = await world.run(() => readCatalogFile(world.ports.store));
    expect(catalog?.newestVerified?.id).toBe(SET);
  });

  it("is recorded when a region with copies does not answer: that is told", async () => {
    const world = new RestoreWorld();
    await world.makeSet(SET, "unverified");
    world.aws.ec2In({ region: FAR }).failNext("DescribeSnapshots", "UnauthorizedOperation", { times: 5 });
    expect((await drill(world)).verdict).toBe("verified");
    expect(world.warnings[0]).toContain(`the copies of ${SET} in ${FAR} do not say yet that it is verified`);
  });

  it.each<DrillFault>(["never-boots", "goes-silent", "console-cut", "hub-does-not-answer"])(
    "is no verdict when it could not be done (%s): the set stays what it was, and nothing is left",
    async (fault) => {
      const world = new RestoreWorld();
      await world.makeSet(SET, "verified");
      world.aws.drills.injectNext(fault);
      const { run, verdict, teardown } = await drill(world, "by-hand", SET);
      expect([verdict, teardown?.outcome]).toEqual(["DrillInconclusive", "none"]);
      expect(await world.manifest(SET)).toMatchObject({ state: "verified", drills: [] });
      expect(world.metric("DrillInconclusive")).toBe(1);
      await expectNothingLeft(world, run.drill);
    },
  );

  it("is no verdict when somebody terminates its instance", async () => {
    const world = new RestoreWorld();
    await world.makeSet(SET, "unverified");
    const execution = new Execution(world, "weekly-1", { set: null });
    await execution.step("run", beginDrill);
    const { instance } = await execution.step("instance", launchDrill);
    await world.clock.runUntil(world.clock.now() + 300);
    world.aws.ec2.terminateByPerson(instance);
    expect((await execution.until("look", lookAtDrill, 60)).status).toBe("gone");
    expect(await execution.fails(judgeDrill)).toContain("its instance is gone");
  });

  it("goes on when EC2 is too busy to be asked", async () => {
    const world = new RestoreWorld();
    await world.makeSet(SET, "unverified");
    const execution = new Execution(world, "weekly-1", { set: null });
    await execution.step("run", beginDrill);
    await execution.step("instance", launchDrill);
    world.aws.ec2.throttleNext(1, "DescribeInstances");
    expect((await execution.step("look", lookAtDrill)).status).toBe("pending");
    expect(world.warnings.at(-1)).toContain("RequestLimitExceeded");
  });
});

describe("every step of a drill", () => {
  it("may be repeated, and its answer may be lost", async () => {
    const world = new RestoreWorld();
    await world.makeSet(SET, "unverified");
    const execution = new Execution(world, "weekly-1", { set: null });
    const first = await execution.step("run", beginDrill);
    expect(await execution.step("run", beginDrill)).toEqual(first);
    world.aws.ec2.failNext("RunInstances", "InternalError", { applied: true });
    await execution.fails(launchDrill);
    const { instance } = await execution.step("instance", launchDrill);
    expect((await execution.step("instance", launchDrill)).instance).toBe(instance);
    await execution.until("look", lookAtDrill, 60);
    const verdict = await execution.step("verdict", judgeDrill);
    await world.clock.runUntil(world.clock.now() + 600);
    expect(await execution.step("verdict", judgeDrill)).toEqual(verdict);
    expect((await world.manifest(SET)).drills).toEqual([verdict]);
    await execution.until("teardown", tearDownDrill, 30);
    expect((await execution.step("teardown", tearDownDrill)).status).toBe("gone");
    expect(world.aws.ec2.history().filter(({ instanceId }) => instanceId !== world.hub.instanceId).length).toBe(1);
    await expectNothingLeft(world, first.drill);
  });

  it("that comes after a launch whose answer was lost waits for the instance, and removes it", async () => {
    const world = new RestoreWorld();
    await world.makeSet(SET, "unverified");
    const execution = new Execution(world, "weekly-1", { set: null });
    const { drill: id } = await execution.step("run", beginDrill);
    world.aws.ec2.failNext("RunInstances", "InternalError", { applied: true });
    await execution.fails(launchDrill);
    await execution.until("teardown", tearDownDrill, 30);
    expect(world.aws.ec2.live().map(({ instanceId }) => instanceId)).toEqual([world.hub.instanceId]);
    await expectNothingLeft(world, id);
  });

  it("leaves alone what is not the drill's", async () => {
    const world = new RestoreWorld();
    await world.makeSet(SET, "unverified");
    await drill(world);
    const live = world.aws.ec2.live().map(({ instanceId }) => instanceId);
    expect(live).toEqual([world.hub.instanceId]);
    expect(world.aws.ec2.storage.disksOf(world.hub.instanceId).length).toBe(3);
    expect(world.hub.differences()).toEqual([]);
  });
});

describe("the begin of a drill", () => {
  it("ends at once when every set has its verdict", async () => {
    const world = new RestoreWorld();
    await world.makeSet(SET, "verified");
    expect((await drill(world)).run.set).toBeNull();
    // Nothing holds the lease.
    expect((await drill(world, "by-hand", SET)).verdict).toBe("verified");
  });

  it("lets one drill at a time begin, and the other says who is at work", async () => {
    const world = new RestoreWorld();
    await world.makeSet(SET, "unverified");
    const execution = new Execution(world, "weekly-1", { set: null });
    const { drill: id } = await execution.step("run", beginDrill);
    const other = new Execution(world, "by-hand", { set: SET });
    expect(await other.fails(beginDrill)).toContain("TurnTaken: weekly-1 is at work");
    await other.until("teardown", tearDownDrill, 30);
    // The other's teardown takes nothing from the first.
    expect(await world.marks(SET)).toEqual([id]);
    await execution.step("instance", launchDrill);
  });

  it("leaves a set to the restore that reads it, and takes it from a drill that is over", async () => {
    const world = new RestoreWorld();
    const { members } = await world.makeSet(SET, "unverified");
    const ids = members.map(({ snapshot }) => snapshot);
    await world.run(() => tagResources(world.ec2, ids, { [BACKUP_TAG.inUse]: "rs-1" }));
    const execution = new Execution(world, "by-hand", { set: SET });
    expect(await execution.fails(beginDrill)).toContain("the restore rs-1 reads bs-20261123T020000Z-aaaaaaaa");
    await execution.until("teardown", tearDownDrill, 30);
    expect(await world.marks(SET)).toEqual(["rs-1"]);
    await world.run(() => tagResources(world.ec2, ids, { [BACKUP_TAG.inUse]: "dr-1" }));
    expect((await drill(world)).verdict).toBe("verified");
  });

  it("refuses sets that no drill can help, and sets whose snapshots are gone", async () => {
    const world = new RestoreWorld();
    await world.makeSet(SET, "degraded");
    const execution = new Execution(world, "by-hand", { set: SET });
    expect(await execution.fails(beginDrill)).toContain("DrillRefused: bs-20261123T020000Z-aaaaaaaa is degraded");
    const unknown = new Execution(world, "by-hand", { set: "bs-none" });
    expect(await unknown.fails(beginDrill)).toContain("there is no backup set bs-none");
    const { members } = await world.makeSet("bs-2", "unverified");
    await world.run(() =>
      untagResources(
        world.ec2,
        members.map(({ snapshot }) => snapshot),
        [BACKUP_TAG.set],
      ),
    );
    const gone = new Execution(world, "by-hand", { set: "bs-2" });
    expect(await gone.fails(beginDrill)).toMatch(/snap-\w+, snap-\w+, snap-\w+ of bs-2 is gone or not complete/);
  });
});
