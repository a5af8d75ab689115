// Sweeps over the models of EC2 and S3: what goes, what stays, and what happens when something gets in between.

import { CreateTagsCommand } from "@aws-sdk/client-ec2";
import { beforeEach, describe, expect, it } from "vitest";
import type { AwsClients } from "../../shared/aws/clients.ts";
import { LATEST_SWEEP, runSweep, TAG } from "../../shared/fleet/index.ts";
import { openSweepWorld } from "./sweep-world.ts";

let world: ReturnType<typeof openSweepWorld>;
beforeEach(() => {
  world = openSweepWorld();
});

const HALF_AN_HOUR = 1800;
const sentences = (): string[] => world.stored(LATEST_SWEEP).sentences;
const metricOf = (name: string, kind?: string) =>
  world.metrics.findLast((each) => each.name === name && each.kind === kind)?.value;

/** One of each kind: a launch whose instance was lost, with what it left behind. */
async function leaveOneOfEach(): Promise<void> {
  await world.loseParts(await world.launch({ slot: "b-01", token: "t1" }));
}

describe("a sweep", () => {
  it("marks what it finds; the next one, after the bound, removes it and leaves the rest", async () => {
    await leaveOneOfEach();
    const alive = await world.launch({ slot: "b-02", token: "t2" });
    const before = await world.left();
    expect(await runSweep(world.ports)).toEqual({ removed: 0, failed: 0, skipped: null });
    expect(await world.left()).toEqual(before);
    await world.wait(HALF_AN_HOUR);
    expect(await runSweep(world.ports)).toEqual({ removed: 4, failed: 0, skipped: null });
    expect(await world.left()).toEqual({
      volumes: [expect.stringContaining("in-use")],
      interfaces: [expect.stringContaining("in-use")],
      versions: ["toji launch t2 of b-01", "base"],
      identities: ["identities/b-02/t2.pem"],
    });
    expect(sentences()).toEqual([
      "volume vol-00000000000000001 (60 GiB) is attached to nothing for 30 min: deleted",
      "network interface eni-00000000000000002 is attached to nothing for 30 min: deleted",
      "template version 2 (toji launch t1 of b-01) belongs to no instance for 30 min: deleted",
      "identities/b-01/t1.pem belongs to no instance for 30 min: deleted",
    ]);
    expect(world.aws.ec2.live().map((each) => each.instanceId)).toEqual([alive]);
  });

  it("removes nothing twice, forgets the markers of what is gone, and counts", async () => {
    await leaveOneOfEach();
    await runSweep(world.ports);
    expect(metricOf("OrphansFound", "volume")).toBe(1);
    expect(metricOf("SweepSucceeded")).toBe(1);
    await world.wait(HALF_AN_HOUR);
    await runSweep(world.ports);
    expect(metricOf("OrphansRemoved", "identity")).toBe(1);
    expect(await runSweep(world.ports)).toEqual({ removed: 0, failed: 0, skipped: null });
    const none = { volume: {}, "network interface": {}, "template version": {}, identity: {} };
    expect(world.stored("fleet/orphans.json").markers).toEqual(none);
    for (const kind of Object.keys(none)) expect(metricOf("OrphansFound", kind)).toBe(0);
  });

  it("keeps what an instance uses that has lost its tags, and what a stopped one needs", async () => {
    await world.launch({ slot: "b-01", token: "t1", tagged: false });
    const stopped = await world.launch({ slot: "b-02", token: "t2" });
    await world.wait(200);
    world.aws.ec2.stopInstance(stopped);
    const before = await world.left();
    for (let round = 0; round < 3; round++) {
      await runSweep(world.ports);
      await world.wait(HALF_AN_HOUR);
    }
    expect(await world.left()).toEqual(before);
  });

  it("keeps the base version, and one that a person made", async () => {
    await world.makeVersion("tried by hand");
    for (let round = 0; round < 2; round++) {
      await runSweep(world.ports);
      await world.wait(HALF_AN_HOUR);
    }
    expect((await world.left()).versions).toEqual(["tried by hand", "base"]);
  });

  it("begins anew when its markers cannot be read", async () => {
    await leaveOneOfEach();
    await runSweep(world.ports);
    await world.wait(HALF_AN_HOUR);
    await world.store.put("fleet/orphans.json", "{");
    expect(await runSweep(world.ports)).toMatchObject({ removed: 0 });
    expect(world.warnings).toEqual(["fleet/orphans.json cannot be read: every marker begins anew"]);
    await world.wait(HALF_AN_HOUR);
    expect(await runSweep(world.ports)).toMatchObject({ removed: 4 });
  });
});

describe("what changes between the look and the removal", () => {
  /** The second sweep, with something that happens right after its markers are written. */
  async function sweepWith(meanwhile: () => Promise<unknown> | unknown) {
    await runSweep(world.ports);
    await world.wait(HALF_AN_HOUR);
    const { store } = world.ports;
    const put: typeof store.put = async (key, ...rest) => {
      const written = await store.put(key, ...rest);
      if (key === "fleet/orphans.json") await meanwhile();
      return written;
    };
    return await runSweep({ ...world.ports, store: { ...store, put } });
  }

  it("is seen: a volume and an interface that are attached again stay", async () => {
    await leaveOneOfEach();
    const other = await world.launch({ slot: "b-02", token: "t2" });
    const result = await sweepWith(async () => {
      world.aws.ec2.attach("vol-00000000000000001", other);
      world.aws.ec2.attach("eni-00000000000000002", other);
    });
    expect(result).toEqual({ removed: 2, failed: 0, skipped: null });
    expect(sentences().slice(0, 2)).toEqual([
      "volume vol-00000000000000001 (60 GiB) is attached to nothing for 30 min: left alone, it is in-use now",
      "network interface eni-00000000000000002 is attached to nothing for 30 min: left alone, it is in-use now",
    ]);
    expect(await world.volumes()).toHaveLength(2);
  });

  it("is seen: a volume that is pinned now, or no longer ours, stays", async () => {
    await leaveOneOfEach();
    const tag = (id: string, Key: string) =>
      world.aws.clients.ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key, Value: "another" }] }));
    await sweepWith(async () => {
      await tag("vol-00000000000000001", TAG.pin);
      await tag("eni-00000000000000002", TAG.fleet);
    });
    expect(sentences()[0]).toContain("left alone, it carries the tag toji:pin now");
    expect(sentences()[1]).toContain("left alone, its tag toji:fleet has changed");
  });

  it("is seen: an identity that a launch writes anew stays", async () => {
    await world.prepare("b-01", "t1");
    await sweepWith(() => world.store.put("identities/b-01/t1.pem", "another key"));
    expect(sentences()).toContain(
      "identities/b-01/t1.pem belongs to no instance for 30 min: left alone, a launch has just written it anew",
    );
    expect((await world.left()).identities).toEqual(["identities/b-01/t1.pem"]);
  });

  it("is fine when it has gone: whoever removed it has done the work", async () => {
    await leaveOneOfEach();
    const result = await sweepWith(async () => {
      await world.store.remove("identities/b-01/t1.pem");
      await runSweep(world.ports);
    });
    expect(result).toEqual({ removed: 1, failed: 0, skipped: null });
    expect(sentences().filter((each) => each.endsWith(": gone already"))).toHaveLength(3);
    expect(metricOf("SweepSucceeded")).toBe(1);
  });
});

describe("another sweep at work", () => {
  it("is known by the markers it has just written: this one stops and removes nothing", async () => {
    await leaveOneOfEach();
    await runSweep(world.ports);
    await world.wait(HALF_AN_HOUR);
    const before = await world.left();
    const { store } = world.ports;
    const get: typeof store.get = async (key) => {
      const read = await store.get(key);
      // The rival has seen the same and marks the same, in the same instant but one.
      if (read !== null)
        await store.put(
          key,
          read.text.replace(/"at":(\d+)/, (_, at) => `"at":${Number(at) + 1}`),
        );
      return read;
    };
    const rival = await runSweep({ ...world.ports, store: { ...store, get } });
    expect(rival.skipped).toBe("no sweep: another one is at work and has just written fleet/orphans.json");
    expect(await world.left()).toEqual(before);
  });
});

describe("a look that fails", () => {
  it.each([
    ["DescribeVolumes", ["volume"]],
    ["DescribeNetworkInterfaces", ["network interface"]],
    ["DescribeLaunchTemplateVersions", ["template version", "identity"]],
    ["DescribeInstances", ["template version", "identity"]],
  ])("at %s spares %s, removes the rest, and is no success", async (operation, kinds) => {
    await leaveOneOfEach();
    await runSweep(world.ports);
    await world.wait(HALF_AN_HOUR);
    world.aws.ec2.throttleNext(1, operation);
    expect(await runSweep(world.ports)).toMatchObject({ removed: 4 - kinds.length });
    for (const kind of kinds) expect(sentences()).toContainEqual(expect.stringContaining(`no ${kind} is removed: `));
    expect(metricOf("SweepSucceeded")).toBe(0);
    expect(await runSweep(world.ports)).toMatchObject({ removed: kinds.length });
    expect(metricOf("SweepSucceeded")).toBe(1);
  });

  it("at the identities spares them", async () => {
    await leaveOneOfEach();
    await runSweep(world.ports);
    await world.wait(HALF_AN_HOUR);
    world.aws.s3.failNext("ListObjectsV2", "SlowDown");
    expect(await runSweep(world.ports)).toMatchObject({ removed: 3 });
    expect((await world.left()).identities).toHaveLength(1);
  });
});

describe("a removal that fails", () => {
  it("is said, warned of and counted, does not stop the others, and is tried again", async () => {
    await leaveOneOfEach();
    await runSweep(world.ports);
    await world.wait(HALF_AN_HOUR);
    world.aws.ec2.failNext("DeleteVolume", "UnauthorizedOperation");
    expect(await runSweep(world.ports)).toEqual({ removed: 3, failed: 1, skipped: null });
    const what = "volume vol-00000000000000001 (60 GiB) is attached to nothing for 30 min";
    expect(sentences()[0]).toBe(
      `${what}: not deleted, DeleteVolume failed (UnauthorizedOperation): UnauthorizedOperation (injected)`,
    );
    expect(world.warnings).toEqual([`${what}: not deleted`]);
    expect(metricOf("OrphanRemovalsFailed", "volume")).toBe(1);
    expect(metricOf("SweepSucceeded")).toBe(0);
    await world.wait(600);
    expect(await runSweep(world.ports)).toEqual({ removed: 1, failed: 0, skipped: null });
  });

  it("because time runs out is left for the next sweep", async () => {
    world = openSweepWorld(8);
    for (let number = 1; number <= 12; number++) await inTurn(() => world.makeVersion(`toji launch t${number}`));
    await inTurn(() => runSweep(world.ports));
    await world.wait(HALF_AN_HOUR);
    const first = await inTurn(() => runSweep(world.ports));
    expect(first.failed).toBe(0);
    expect(first.removed).toBeGreaterThan(0);
    expect(first.removed).toBeLessThan(12);
    expect(sentences()).toContainEqual(expect.stringContaining("left for the next sweep"));
    await inTurn(() => runSweep(world.ports));
    expect((await inTurn(() => world.left())).versions).toEqual(["base"]);
  });

  /** Where calls take time, the clock must run while they do. */
  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done: T[] = [];
    world.clock.after(0, async () => void done.push(await work()));
    while (done.length === 0) await world.wait(10);
    const [result] = done;
    if (result === undefined) throw new Error("no result");
    return result;
  }
});

describe("a sweep that is cut off", () => {
  /** Clients that die with the n-th call that changes something: after it took effect. */
  function dyingAfter(changes: number): AwsClients {
    let left = changes;
    const dying =
      (send: (command: object) => Promise<object>) =>
      async (command: object): Promise<object> => {
        if (left <= 0) throw new Error("cut off");
        const answer = await send(command);
        if (/^(Delete|Put)/.test(command.constructor.name)) left -= 1;
        if (left <= 0) throw new Error("cut off");
        return answer;
      };
    const { ec2, s3 } = world.aws;
    return {
      ...world.aws.clients,
      ec2: { send: dying((command) => ec2.send(command)) as AwsClients["ec2"]["send"] },
      s3: { send: dying((command) => s3.send(command)) as AwsClients["s3"]["send"] },
    };
  }

  it.each([1, 2, 3, 4, 5, 6])("at its change number %s leaves nothing that the next one does not finish", async (n) => {
    await leaveOneOfEach();
    await runSweep(world.ports);
    await world.wait(HALF_AN_HOUR);
    await expect(runSweep(world.portsOf(dyingAfter(n)))).rejects.toThrow("cut off");
    await world.wait(600);
    await runSweep(world.ports);
    expect(await world.left()).toEqual({ volumes: [], interfaces: [], versions: ["base"], identities: [] });
  });
});
