// The model of the hub's machine: what its scripts answer, and that nothing stays frozen or paused whatever goes wrong.

import { AttachVolumeCommand, CreateVolumeCommand, DetachVolumeCommand } from "@aws-sdk/client-ec2";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HubFault } from "../../sandbox/world/hub-machine.ts";
import {
  pauseAnswer,
  resumeAnswer,
  snapshotAnswer,
  startHubAnswer,
  stopHubAnswer,
  surveyAnswer,
  thawAnswer,
} from "../../shared/backup/host-answers.ts";
import { KEY, lastLine, openBackupWorld } from "./backup-world.ts";

const MOUNTS = "/mnt/koji /var/lib/pgsql";
const KEYED = { TOJI_KEY: KEY, TOJI_MOUNTS: MOUNTS };
const PAUSE = {
  TOJI_KEY: KEY,
  TOJI_UNITS: "koji-gc.timer koji-gc.service kojira.service none.timer",
  TOJI_WAIT: "120",
  TOJI_RESUME_AFTER: "1800",
};

function openHubWorld(...args: Parameters<typeof openBackupWorld>) {
  const world = openBackupWorld(...args);
  const { script, snapshotVariables } = world;
  const snapshot = async (changes: Readonly<Record<string, string>> = {}, limitSeconds = 120) => {
    const answer = await script("snapshot", await snapshotVariables(changes), limitSeconds);
    return snapshotAnswer.parse(lastLine(answer.StandardOutputContent));
  };
  return { ...world, snapshot };
}

describe("snapshot", () => {
  it("checkpoints, freezes, orders, thaws: a set of one instant in a window of about one call", async () => {
    const { snapshot, list, hub } = openHubWorld();
    const answer = await snapshot();
    expect(answer).toMatchObject({
      outcome: "answered",
      checkpoint: true,
      frozen: true,
      thaw: "explicit",
      milliseconds: 800,
      repeated: false,
      error: null,
    });
    expect((await list()).map(({ SnapshotId }) => SnapshotId)).toEqual(answer.snapshots.map((each) => each.snapshot));
    expect((await list())[0]?.Tags).toContainEqual({ Key: "toji:set", Value: KEY });
    expect(hub.mounts.freezes.map(({ mount, by }) => [mount, by])).toEqual([
      ["/mnt/koji", "explicit"],
      ["/var/lib/pgsql", "explicit"],
    ]);
    expect(hub.invariants()).toEqual([]);
  });

  it("sends the order once for a key, also when its answer was lost", async () => {
    const { snapshot, list, ec2 } = openHubWorld();
    ec2.failNext("CreateSnapshots", "InternalError", { applied: true });
    expect(await snapshot()).toMatchObject({ outcome: "unanswered", repeated: false, thaw: "explicit" });
    expect(await snapshot()).toMatchObject({ outcome: "unanswered", repeated: true });
    expect(await list()).toHaveLength(3);
  });

  it("reports EC2's refusal, and an address that is too old", async () => {
    const { snapshot, ec2, clock, address } = openHubWorld();
    ec2.failNext("CreateSnapshots", "ConcurrentSnapshotLimitExceeded");
    expect(await snapshot({ TOJI_KEY: "a" })).toMatchObject({ outcome: "refused", snapshots: [] });
    const old = await address({}, 60);
    await clock.runUntil(clock.now() + 61);
    const late = await snapshot({ TOJI_KEY: "b", TOJI_SNAPSHOT_URL: old });
    expect(late.error).toContain("RequestExpired");
    const nowhere = await snapshot({ TOJI_KEY: "c", TOJI_SNAPSHOT_URL: "https://toji.invalid/" });
    expect(nowhere).toMatchObject({ outcome: "refused", thaw: "explicit" });
    expect(await snapshot({ TOJI_KEY: "c" })).toMatchObject({ outcome: "answered", repeated: false });
  });

  it("takes a crash-consistent set only where that is accepted", async () => {
    const { snapshot, hub, list } = openHubWorld();
    hub.inject("freeze-fails");
    expect(await snapshot()).toMatchObject({ outcome: "not-frozen", frozen: false });
    expect(await list()).toEqual([]);
    hub.inject("freeze-fails");
    const accepted = await snapshot({ TOJI_ACCEPT_CRASH: "yes" });
    expect(accepted).toMatchObject({ outcome: "answered", frozen: false, thaw: "none", frozenAt: null });
    expect(accepted.error).toContain("could not be frozen");
    expect(await list()).toHaveLength(3);
  });

  it("claims no freeze when the timer came before EC2's answer", async () => {
    const { snapshot, hub } = openHubWorld({}, { orderSeconds: 60 });
    expect(await snapshot()).toMatchObject({ outcome: "answered", frozen: false, thaw: "timer" });
    expect(hub.mounts.freezes.map(({ by }) => by)).toEqual(["timer", "timer"]);
    expect(hub.invariants()).toEqual([]);
  });

  it("tells times by the hub's own clock", async () => {
    const { snapshot, hub, clock } = openHubWorld();
    hub.stepClock(-3600);
    const { frozenAt } = await snapshot();
    expect(frozenAt ?? 0).toBeLessThan(clock.now() - 3600);
  });

  it("takes what was written before the freeze and nothing that waits for its end", async () => {
    const { hub, clock, during, aws } = openHubWorld();
    hub.mounts.freeze("/mnt/koji", KEY, 20);
    const before = hub.files().length;
    const id = hub.importBuild();
    expect(hub.files()).toHaveLength(before);
    await during(() => clock.sleep(30));
    expect(hub.builds()).toContain(id);
    expect(hub.differences()).toEqual([]);
    expect(aws.ec2.callCounts().CreateSnapshots).toBeUndefined();
  });
});

describe("whatever fails in the middle of a freeze", () => {
  it("everything is thawed within its limit, and the machine answers again", async () => {
    const faults: HubFault[] = [
      "hangs-frozen",
      "hangs-after-order",
      "reboots-frozen",
      "freeze-fails",
      "checkpoint-fails",
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...faults),
        fc.integer({ min: 5, max: 60 }),
        fc.boolean(),
        async (fault, limit, split) => {
          const { script, snapshotVariables, hub, ec2 } = openHubWorld({}, { split });
          const mounts = hub.mounts.all().join(" ");
          await script("pause", PAUSE);
          hub.inject(fault);
          const variables = { TOJI_MOUNTS: mounts, TOJI_FREEZE_LIMIT: String(limit) };
          await script("snapshot", await snapshotVariables(variables), 90);
          expect(hub.invariants()).toEqual([]);
          expect(mounts.split(" ").some((mount) => hub.mounts.isFrozen(mount))).toBe(false);
          // Two hours later the dead-man's resume has come, too.
          expect(hub.units.isActive("kojira.service")).toBe(true);
          const again = await script("snapshot", await snapshotVariables(variables), 90);
          const { repeated } = snapshotAnswer.parse(lastLine(again.StandardOutputContent));
          expect(repeated).toBe(fault === "hangs-after-order");
          expect(ec2.callCounts().CreateSnapshots ?? 0).toBe(1);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("thaw ends it at once, and the key is given up", async () => {
    const { script, snapshotVariables, hub } = openHubWorld();
    hub.mounts.freeze("/mnt/koji", KEY, 60);
    const thaw = async () => thawAnswer.parse(lastLine((await script("thaw", KEYED)).StandardOutputContent));
    const running = script("thaw", KEYED);
    expect(thawAnswer.parse(lastLine((await running).StandardOutputContent))).toEqual({
      thawed: ["/mnt/koji"],
      already: ["/var/lib/pgsql"],
    });
    expect(await thaw()).toMatchObject({ thawed: [] });
    const late = await script("snapshot", await snapshotVariables());
    expect(late).toMatchObject({ Status: "Failed", StandardErrorContent: expect.stringContaining("given up") });
  });
});

describe("pause and resume", () => {
  it("stop what deletes, wait for what is at work, and start exactly what ran", async () => {
    const { script, hub } = openHubWorld();
    const [first = 0] = hub.builds();
    expect(hub.deleteBuild(first, 60)).toBe(true);
    const paused = pauseAnswer.parse(
      lastLine((await script("pause", { ...PAUSE, TOJI_RESUME_AFTER: "20000" })).StandardOutputContent),
    );
    expect(paused).toEqual({
      paused: ["koji-gc.timer", "kojira.service"],
      idle: ["koji-gc.service", "none.timer"],
      busy: [],
    });
    expect(hub.differences()).toEqual([]);
    expect(hub.deleteBuild(hub.builds()[0] ?? 0)).toBe(false);
    const resumed = resumeAnswer.parse(lastLine((await script("resume", { TOJI_KEY: KEY })).StandardOutputContent));
    expect(resumed).toEqual({ resumed: ["koji-gc.timer", "kojira.service"], failed: [] });
    expect(hub.units.isActive("kojira.service")).toBe(true);
  });

  it("name what is still at work after the wait: a snapshot then would miss files that have rows", async () => {
    const { script, hub } = openHubWorld();
    hub.deleteBuild(hub.builds()[0] ?? 0, 20_000);
    const answer = pauseAnswer.parse(lastLine((await script("pause", PAUSE)).StandardOutputContent));
    expect(answer.busy).toEqual(["koji-gc.service"]);
    expect(hub.differences()?.map(({ kind }) => kind)).toEqual(Array(3).fill("missing-file"));
  });
});

describe("the hub's instance", () => {
  it("takes no command while it is off, and comes up with its volumes mounted and its units running", async () => {
    const { script, hub, ec2, run } = openHubWorld();
    const files = hub.files();
    await script("pause", { ...PAUSE, TOJI_RESUME_AFTER: "90000" });
    ec2.stopInstance(hub.instanceId);
    await run(300);
    expect(await script("resume", { TOJI_KEY: KEY })).toMatchObject({ StatusDetails: "DeliveryTimedOut" });
    expect(hub.differences()).toBeNull();
    ec2.startInstance(hub.instanceId);
    await run(300);
    expect(hub.files()).toEqual(files);
    expect(hub.units.isActive("kojira.service")).toBe(true);
    expect(await script("thaw", KEYED)).toMatchObject({ Status: "Success" });
  });

  it("that reboots in the middle of a deletion never commits it", async () => {
    const { hub, run } = openHubWorld();
    const [first = 0] = hub.builds();
    hub.deleteBuild(first, 60);
    hub.reboot();
    await run(300);
    expect(hub.builds()).toContain(first);
    expect(hub.differences()).toHaveLength(3);
  });
});

describe("survey", () => {
  it("says which mount lies on which volume", async () => {
    const { script, volumes } = openHubWorld();
    const variables = { TOJI_MOUNTS: MOUNTS, TOJI_DATABASE: "koji" };
    const answer = surveyAnswer.parse(lastLine((await script("survey", variables)).StandardOutputContent));
    const [, tree, database] = (await volumes()).map(({ VolumeId = "" }) => VolumeId.replace("-", ""));
    expect(answer.mounts.map(({ mount, serials }) => [mount, ...serials])).toEqual([
      ["/mnt/koji", tree],
      ["/var/lib/pgsql", database],
    ]);
  });

  it("fails with a sentence, as every script does", async () => {
    const { script } = openHubWorld();
    const wrong = await script("survey", { TOJI_MOUNTS: "/srv", TOJI_DATABASE: "koji" });
    expect(wrong).toMatchObject({ Status: "Failed", ResponseCode: 1 });
    expect(wrong.StandardErrorContent).toContain("/srv is no mount point");
    expect(await script("explode", {})).toMatchObject({ Status: "Failed", ResponseCode: 2 });
    expect(await script("pause", { TOJI_KEY: KEY, TOJI_WAIT: "soon" })).toMatchObject({ ResponseCode: 2 });
  });
});

describe("stop-hub and start-hub", () => {
  it("let go of the volumes, and find others by what they hold", async () => {
    const { script, hub, takeComplete, home, run, volumes } = openHubWorld();
    const [, tree = "", database = ""] = await takeComplete();
    const old = hub.builds();
    hub.importBuild();
    const stopped = stopHubAnswer.parse(lastLine((await script("stop-hub", KEYED)).StandardOutputContent));
    expect(stopped.unmounted).toEqual(["/var/lib/pgsql", "/mnt/koji"]);
    expect(stopped.stopped).toContain("httpd.service");
    const replaced = (await volumes()).slice(1);
    for (const [index, SnapshotId] of [tree, database].entries()) {
      const VolumeId = replaced[index]?.VolumeId ?? "";
      await home.send(new DetachVolumeCommand({ VolumeId }));
      const made = await home.send(new CreateVolumeCommand({ SnapshotId, AvailabilityZone: "eu-west-1a" }));
      await run(20);
      const Device = index === 0 ? "/dev/sdf" : "/dev/sdg";
      const words = { VolumeId: made.VolumeId ?? "", InstanceId: hub.instanceId, Device };
      await home.send(new AttachVolumeCommand(words));
    }
    await run(20);
    const started = startHubAnswer.parse(lastLine((await script("start-hub", KEYED)).StandardOutputContent));
    expect(started).toMatchObject({ mounted: ["/mnt/koji", "/var/lib/pgsql"], hubAnswers: true });
    expect(hub.builds()).toEqual(old);
    expect(hub.differences()).toEqual([]);
  });

  it("says what is missing when no volume is attached", async () => {
    const { script, volumes, ec2 } = openHubWorld();
    await script("stop-hub", KEYED);
    ec2.detach((await volumes())[1]?.VolumeId ?? "");
    const answer = await script("start-hub", KEYED);
    expect(answer.StandardErrorContent).toContain("no disk holds the file system of /mnt/koji");
  });
});
