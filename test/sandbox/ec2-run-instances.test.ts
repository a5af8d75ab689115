// Instances launched by RunInstances with volumes of snapshots, and what a drill's instance says on its console.

import {
  CreateTagsCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  GetConsoleOutputCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import type { DrillFault } from "../../sandbox/world/drill-machine.ts";
import { runIsolatedInstance } from "../../shared/aws/run-instance.ts";
import { drillUserData } from "../../shared/backup/drill/user-data.ts";
import { type DrillLine, drillLine } from "../../shared/backup/host-answers.ts";
import { openBackupWorld } from "./backup-world.ts";
import { errorName } from "./ec2-world.ts";

const DRILL = "drill-1";

function openDrillWorld(...args: Parameters<typeof openBackupWorld>) {
  const world = openBackupWorld(...args);
  const { home } = world;
  const mounts = [
    { mount: "/mnt/koji", device: "/dev/sdf" },
    { mount: "/var/lib/pgsql", device: "/dev/sdg" },
  ];
  const userData = drillUserData({
    drill: DRILL,
    mounts,
    database: "koji",
    sample: 100,
    seed: "s",
    limitSeconds: 3600,
    scripts: () => "exit 9\n",
  });
  const launch = (snapshots: readonly string[], token = DRILL) =>
    runIsolatedInstance(home, {
      imageId: "ami-0b",
      instanceType: "m7a.large",
      subnetId: "subnet-0a",
      securityGroup: "sg-0d",
      userData,
      devices: snapshots.map((snapshot, index) => ({ device: `/dev/sd${"fg"[index]}`, snapshot, type: "gp3" })),
      tags: { "toji:drill": DRILL },
      token,
    });
  const console = async (InstanceId: string, Latest = true) => {
    const { Output = "" } = await home.send(new GetConsoleOutputCommand({ InstanceId, Latest }));
    return Buffer.from(Output, "base64").toString("utf8");
  };
  /** Drills the newest set and answers what the console says in lines of its own. */
  const drill = async (snapshots: readonly string[], seconds = 1200) => {
    const id = await launch(snapshots);
    await world.run(seconds);
    return { id, text: await console(id), lines: readLines(await console(id)) };
  };
  return { ...world, launch, console, drill };
}

function readLines(text: string): DrillLine[] {
  return text.split(/\r?\n/).flatMap((line) => {
    if (!line.startsWith("toji-drill ")) return [];
    try {
      return [drillLine.parse(JSON.parse(line.slice("toji-drill ".length)))];
    } catch {
      return [];
    }
  });
}

describe("RunInstances", () => {
  it("brings volumes of the snapshots beside the image's own, all tagged, and takes them with it", async () => {
    const { takeComplete, launch, home, run } = openDrillWorld();
    const [, tree = "", database = ""] = await takeComplete();
    const id = await launch([tree, database]);
    expect(await launch([tree, database])).toBe(id);
    expect(await errorName(launch([tree]).catch((error: Error) => Promise.reject(error.cause)))).toBe(
      "IdempotentParameterMismatch",
    );
    await run(60);
    const Filters = [{ Name: "tag:toji:drill", Values: [DRILL] }];
    const volumes = async () => (await home.send(new DescribeVolumesCommand({ Filters }))).Volumes ?? [];
    expect((await volumes()).map(({ SnapshotId, Size, State }) => [SnapshotId, Size, State])).toEqual([
      ["", 8, "in-use"],
      [tree, 500, "in-use"],
      [database, 50, "in-use"],
    ]);
    const { Reservations } = await home.send(new DescribeInstancesCommand({ Filters }));
    const [instance] = Reservations?.[0]?.Instances ?? [];
    expect(instance).toMatchObject({ InstanceId: id, SubnetId: "subnet-0a", State: { Name: "running" } });
    expect(instance?.PublicIpAddress).toBeUndefined();
    expect(instance?.IamInstanceProfile).toBeUndefined();
    await home.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    await run(120);
    expect(await volumes()).toEqual([]);
  });

  it("refuses snapshots that are not complete, unknown subnets, and pools without capacity", async () => {
    const { take, takeComplete, launch, home, run, ec2 } = openDrillWorld();
    const cause = (promise: Promise<unknown>) =>
      errorName(promise.catch((error: unknown) => Promise.reject(error instanceof Error ? error.cause : error)));
    const [young = ""] = await take();
    await run(20);
    expect(await cause(launch([young]))).toBe("IncorrectState");
    const [, tree = ""] = await takeComplete();
    ec2.setCapacity({ instanceType: "m7a.large" }, "none");
    expect(await cause(launch([tree]))).toBe("InsufficientInstanceCapacity");
    const words = { ImageId: "ami-0b", InstanceType: "m7a.large" as const, MinCount: 1, MaxCount: 1 };
    const nowhere = home.send(new RunInstancesCommand({ ...words, SubnetId: "subnet-0ff" }));
    expect(await errorName(nowhere)).toBe("InvalidSubnetID.NotFound");
  });

  it("can be protected against being terminated, as the hub is", async () => {
    const { hub, home } = openDrillWorld();
    const Resources = [hub.instanceId];
    expect(await errorName(home.send(new TerminateInstancesCommand({ InstanceIds: Resources })))).toBe(
      "OperationNotPermitted",
    );
    await home.send(new CreateTagsCommand({ Resources, Tags: [{ Key: "toji:hub", Value: "other" }] }));
    const Filters = [{ Name: "tag:toji:hub", Values: ["koji"] }];
    expect((await home.send(new DescribeInstancesCommand({ Filters }))).Reservations).toEqual([]);
  });
});

describe("a drill's instance", () => {
  it("says step by step that database and tree fit, among noise, over virtual minutes", async () => {
    const { takeComplete, drill } = openDrillWorld();
    const { lines, text } = await drill((await takeComplete()).slice(1));
    expect(lines.map(({ step }) => step)).toEqual([
      "booted",
      "mounted",
      "database",
      "checked",
      "sanitised",
      "hub",
      "verdict",
    ]);
    expect(lines.every(({ ok, drill: id }) => ok && id === DRILL)).toBe(true);
    expect(lines.at(-1)?.counts).toMatchObject({ builds: 5, rpms: 15 });
    expect(text).toContain("cloud-init[812]: toji-drill");
  });

  it("finds each kind of damage and names it", async () => {
    const { takeComplete, drill, hub } = openDrillWorld();
    const [missing = "", short = "", rotten = ""] = hub.files();
    hub.loseFile(missing);
    hub.truncateFile(short);
    hub.corruptFile(rotten);
    const { lines } = await drill((await takeComplete()).slice(1));
    expect(lines.at(-1)).toMatchObject({
      step: "verdict",
      ok: false,
      error: null,
      findings: [
        { kind: "missing-file", detail: missing, count: 1 },
        { kind: "wrong-size", detail: short, count: 1 },
        { kind: "wrong-checksum-of-archive", detail: rotten, count: 1 },
      ],
    });
  });

  it("gives an error as its verdict when PostgreSQL does not start, or a volume is not there", async () => {
    const { takeComplete, drill, hub } = openDrillWorld();
    hub.breakDatabase();
    const [, tree = "", database = ""] = await takeComplete();
    const broken = await drill([tree, database]);
    expect(broken.lines.at(-2)).toMatchObject({ step: "database", ok: false });
    expect(broken.lines.at(-1)?.error).toContain("PostgreSQL does not start");
    const other = openDrillWorld();
    const [, alone = ""] = await other.takeComplete();
    expect((await other.drill([alone])).lines.at(-1)?.error).toContain("the database");
  });

  it("may never boot, fall silent, be cut off, or have no hub", async () => {
    const cases: [DrillFault, string | undefined][] = [
      ["never-boots", undefined],
      ["goes-silent", "checked"],
      ["console-cut", "hub"],
      ["hub-does-not-answer", "verdict"],
    ];
    for (const [fault, lastStep] of cases) {
      const { takeComplete, drill, drills } = openDrillWorld();
      drills.injectNext(fault);
      const { lines, text } = await drill((await takeComplete()).slice(1));
      expect(lines.at(-1)?.step, fault).toBe(lastStep);
      if (fault === "console-cut") expect(text).toMatch(/"step":"verdict[^}]*$/);
    }
  });

  it("says nothing more once it is terminated, and what it said stays readable", async () => {
    const { takeComplete, launch, console, run, home } = openDrillWorld();
    const id = await launch((await takeComplete()).slice(1));
    await run(300);
    expect(await console(id, false)).toBe("");
    await home.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    await run(1200);
    expect(readLines(await console(id)).map(({ step }) => step)).toEqual(["booted", "mounted", "database"]);
  });
});
