// The order of snapshots on real disks: what stands still, what the copy recovers to, what a repeat does, what is refused.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type SnapshotAnswer, snapshotAnswer } from "../../shared/backup/host-answers.ts";
import type { Outcome } from "./commands.ts";
import { type Ec2Setting, SNAPSHOTS, startEc2 } from "./hub-ec2.ts";
import { Disk, type FileSystem, HubHost, must, noDisks, Postgres, type Writer } from "./hub-host.ts";

function answerOf(outcome: Outcome): SnapshotAnswer {
  expect(outcome, outcome.stderr).toMatchObject({ exit: 0, stderr: "" });
  return snapshotAnswer.parse(JSON.parse(outcome.lastLine));
}

function order(url: string, ...disks: readonly Disk[]): Record<string, string> {
  return {
    TOJI_MOUNTS: disks.map((disk) => disk.mount).join(" "),
    TOJI_FREEZE_LIMIT: "20",
    TOJI_ACCEPT_CRASH: "no",
    TOJI_SNAPSHOT_URL: url,
  };
}

function isFrozen(disk: Disk): boolean {
  try {
    must("fsfreeze", "--freeze", disk.mount);
  } catch {
    return true;
  }
  must("fsfreeze", "--unfreeze", disk.mount);
  return false;
}

describe.skipIf(noDisks)(`snapshot, under write load${noDisks}`, () => {
  let host: HubHost;
  beforeEach(() => {
    host = new HubHost();
  });
  afterEach(() => host.remove());

  const cases: [string, FileSystem[]][] = [
    ["one volume of xfs", ["xfs"]],
    ["one volume of ext4", ["ext4"]],
    ["a tree on ext4 and the database on xfs", ["ext4", "xfs"]],
  ];

  for (const [name, fileSystems] of cases) {
    it(`holds exactly what was committed when it was taken: ${name}`, async () => {
      const disks = fileSystems.map((fileSystem, index) => host.addDisk(index === 0 ? "tree" : "database", fileSystem));
      const [tree = host.addDisk("tree", "xfs"), database = tree] = disks;
      const postgres = host.addPostgres(database).create();
      mkdirSync(join(tree.mount, "packages"));
      const writers: Writer[] = [1, 2, 3].map((number) => host.addWriter(number, tree, postgres));
      let committed: readonly number[] = [];
      const ec2 = await startEc2(host, {
        onOrder: async () => {
          await Promise.all(disks.map((disk) => disk.copy(`${disk.image}.copy`)));
          committed = writers.map((writer) => writer.acknowledged);
        },
      });
      await Promise.all(writers.map((writer) => writer.progress()));

      const answer = answerOf(await host.run("snapshot", order(ec2.url("load"), ...disks)));

      expect(answer).toMatchObject({ outcome: "answered", checkpoint: true, frozen: true, thaw: "explicit" });
      expect(answer).toMatchObject({ snapshots: SNAPSHOTS.slice(0, disks.length), error: null, repeated: false });
      console.info(`freeze window, ${name}: ${answer.milliseconds} ms, with an API call of 800 ms`);
      await Promise.all(writers.map((writer) => writer.progress()));

      const copies = disks.map((disk) => {
        const copy = new Disk(`${disk.image}.copy`, `${disk.mount}-copy`, disk.fileSystem);
        host.disks.push(copy);
        return copy.attach(...(disk.fileSystem === "xfs" ? ["nouuid"] : []));
      });
      const [treeCopy = tree, databaseCopy = treeCopy] = copies;
      const restored = new Postgres(join(databaseCopy.mount, "pgdata"), join(host.directory, "socket-copy"));
      host.closeAtEnd(() => restored.stop());
      must("rm", "-f", join(restored.directory, "postmaster.pid"));
      restored.start();
      writers.forEach((_, index) => {
        const rows = `from work where writer = ${index + 1}`;
        const [count = 0, newest = 0] = restored.query(`select count(*), max(number) ${rows}`).split("|").map(Number);
        expect(count).toBe(newest);
        // The one on its way may have been written, and its acknowledgement not.
        expect([committed[index], (committed[index] ?? 0) + 1]).toContain(newest);
        expect(existsSync(join(treeCopy.mount, `${index + 1}.${newest}`))).toBe(true);
      });
      expect(isFrozen(tree)).toBe(false);
    });
  }
});

describe.skipIf(noDisks)(`snapshot${noDisks}`, () => {
  let host: HubHost;
  let disk: Disk;
  let other: Disk;
  let postgres: Postgres;
  let key: string;
  let tests = 0;
  beforeAll(() => {
    host = new HubHost();
    disk = host.addDisk("koji", "xfs");
    other = host.addDisk("other", "ext4");
    postgres = host.addPostgres(disk).create();
  });
  beforeEach(() => {
    tests += 1;
    key = `bs-20261123T0200${String(tests).padStart(2, "0")}Z-0a1b2c3d`;
  });
  afterEach(() => {
    expect([isFrozen(disk), isFrozen(other)]).toEqual([false, false]);
  });
  afterAll(() => host.remove());

  async function setting(ec2Setting: Ec2Setting = {}) {
    const ec2 = await startEc2(host, { milliseconds: 20, disks: 1, ...ec2Setting });
    return { ec2, environment: { ...order(ec2.url(key), disk), TOJI_KEY: key } };
  }

  it("answers a repeat with the first run's answer, and sends nothing", async () => {
    const { ec2, environment } = await setting();
    const first = answerOf(await host.run("snapshot", environment));
    const second = answerOf(await host.run("snapshot", environment));
    expect(second).toEqual({ ...first, repeated: true });
    expect(ec2.orders(key)).toBe(1);
  });

  it("takes one set when two runs come at once", async () => {
    const { ec2, environment } = await setting({ milliseconds: 300 });
    const answers = await Promise.all([host.run("snapshot", environment), host.run("snapshot", environment)]);
    expect(answers.map((each) => answerOf(each).repeated).sort()).toEqual([false, true]);
    expect(ec2.orders(key)).toBe(1);
  });

  it("shows the signed address to no log, no ledger and no list of processes", async () => {
    let seen = "";
    const { environment } = await setting({
      onOrder: async () => {
        seen = must("ps", "axww", "-o", "args");
      },
    });
    const outcome = await host.run("snapshot", environment);
    expect(answerOf(outcome).outcome).toBe("answered");
    expect(seen).toContain("curl --disable --config -");
    for (const text of [seen, outcome.stdout, host.ledgerText()]) expect(text).not.toContain("5ec2e7");
  });

  it("tells a refusal of EC2, which is final for this set", async () => {
    const body =
      "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not &quot;authorized&quot;.</Message></Error></Errors></Response>";
    const { ec2, environment } = await setting({ reply: () => ({ status: 403, body }) });
    const answer = answerOf(await host.run("snapshot", environment));
    expect(answer).toMatchObject({ outcome: "refused", snapshots: [], frozen: true, thaw: "explicit" });
    expect(answer.error).toContain("EC2 refused CreateSnapshots: UnauthorizedOperation, You are not");
    expect(answerOf(await host.run("snapshot", environment))).toEqual({ ...answer, repeated: true });
    expect(ec2.orders(key)).toBe(1);
  });

  it.each([
    ["breaks off", null],
    ["is an error of EC2's own", { status: 503, body: "<Error><Code>RequestLimitExceeded</Code></Error>" }],
    ["names no snapshot", { status: 200, body: "<CreateSnapshotsResponse/>" }],
  ])("knows nothing of the set when the answer %s, and sends no second order", async (_, reply) => {
    const { ec2, environment } = await setting({ reply: () => reply });
    const answer = answerOf(await host.run("snapshot", environment));
    expect(answer).toMatchObject({ outcome: "unanswered", snapshots: [], frozen: true, thaw: "explicit" });
    expect(answer.error).toContain("by their tag");
    expect(answerOf(await host.run("snapshot", environment))).toMatchObject({ outcome: "unanswered", repeated: true });
    expect(ec2.orders(key)).toBe(1);
  });

  it("may be sent again when EC2 was not reached", async () => {
    const { ec2, environment } = await setting();
    const unreachable = { ...environment, TOJI_SNAPSHOT_URL: "https://127.0.0.1:1/?key=none" };
    const answer = answerOf(await host.run("snapshot", unreachable));
    expect(answer).toMatchObject({ outcome: "refused", frozen: true, thaw: "explicit", repeated: false });
    expect(answerOf(await host.run("snapshot", environment))).toMatchObject({ outcome: "answered", repeated: false });
    expect(ec2.orders(key)).toBe(1);
  });

  it("claims nothing when the timer thawed before the answer came", async () => {
    const { environment } = await setting({
      onOrder: async () => {
        must("fsfreeze", "--unfreeze", disk.mount);
      },
    });
    const answer = answerOf(await host.run("snapshot", environment));
    expect(answer).toMatchObject({ outcome: "answered", frozen: false, thaw: "timer" });
  });

  it("gives up waiting for the answer before the timer comes", async () => {
    const { ec2, environment } = await setting({ milliseconds: 10_000 });
    const answer = answerOf(await host.run("snapshot", { ...environment, TOJI_FREEZE_LIMIT: "2" }));
    expect(answer).toMatchObject({ outcome: "unanswered", frozen: true, thaw: "explicit" });
    expect(ec2.orders(key)).toBe(1);
  });

  it("leaves a file system alone that somebody else has frozen, and orders nothing", async () => {
    const { ec2, environment } = await setting();
    must("fsfreeze", "--freeze", other.mount);
    const both = { ...environment, TOJI_MOUNTS: `${disk.mount} ${other.mount}` };
    const outcome = await host.run("snapshot", both);
    expect(answerOf(outcome)).toMatchObject({ outcome: "not-frozen", frozen: false, thaw: "none", frozenAt: null });
    expect(answerOf(outcome).error).toContain(`${other.mount} could not be frozen: it is frozen already`);
    expect([isFrozen(disk), isFrozen(other)]).toEqual([false, true]);
    expect(ec2.orders(key)).toBe(0);

    // Nothing was sent, so the next run starts anew.
    must("fsfreeze", "--unfreeze", other.mount);
    expect(answerOf(await host.run("snapshot", both))).toMatchObject({ outcome: "answered", repeated: false });
  });

  it("sends the order unfrozen where the site accepts that", async () => {
    const { ec2, environment } = await setting();
    must("fsfreeze", "--freeze", other.mount);
    const crash = { TOJI_MOUNTS: `${disk.mount} ${other.mount}`, TOJI_ACCEPT_CRASH: "yes" };
    const answer = answerOf(await host.run("snapshot", { ...environment, ...crash }));
    expect(answer).toMatchObject({ outcome: "answered", frozen: false, thaw: "none", milliseconds: null });
    expect(answer.error).toContain("frozen already");
    must("fsfreeze", "--unfreeze", other.mount);
    expect(ec2.orders(key)).toBe(1);
  });

  it("needs a CHECKPOINT, unless the site accepts less", async () => {
    const { ec2, environment } = await setting();
    postgres.stop();
    const refused = answerOf(await host.run("snapshot", environment));
    expect(refused).toMatchObject({ outcome: "not-frozen", checkpoint: false, frozen: false });
    expect(refused.error).toContain("PostgreSQL made no CHECKPOINT");
    const accepted = answerOf(await host.run("snapshot", { ...environment, TOJI_ACCEPT_CRASH: "yes" }));
    postgres.start();
    expect(accepted).toMatchObject({ outcome: "answered", checkpoint: false, frozen: true, thaw: "explicit" });
    expect(ec2.orders(key)).toBe(1);
  });

  it("finds out that the database lies elsewhere", async () => {
    const { environment } = await setting();
    const answer = answerOf(await host.run("snapshot", { ...environment, TOJI_MOUNTS: other.mount }));
    expect(answer).toMatchObject({ outcome: "not-frozen", frozen: false });
    expect(answer.error).toContain("add its mount point to backup.mounts");
  });

  it("arms systemd's timer where there is systemd, and goes without where that fails", async () => {
    const { environment } = await setting();
    host.bootSystemd();
    expect(answerOf(await host.run("snapshot", environment))).toMatchObject({ frozen: true, thaw: "explicit" });
    expect(host.calls()).toEqual([`systemd-run toji-thaw-${key}-1`]);

    host.refuse("any", "systemd-run");
    const again = { ...environment, TOJI_KEY: `${key}-again` };
    expect(answerOf(await host.run("snapshot", again))).toMatchObject({ frozen: true, thaw: "explicit" });
  });

  it("freezes nothing any more once the backup was given up", async () => {
    const { ec2, environment } = await setting();
    const thaw = { TOJI_KEY: key, TOJI_MOUNTS: disk.mount };
    expect(JSON.parse((await host.run("thaw", thaw)).lastLine)).toEqual({ thawed: [], already: [disk.mount] });
    const outcome = await host.run("snapshot", environment);
    expect(outcome).toMatchObject({ exit: 1 });
    expect(outcome.stderr).toContain("was given up");
    expect(ec2.orders(key)).toBe(0);
  });
});
