// `toji backup now`, `drill`, `restore` and `status`: machines are started once, followed, and told in words.

import { describe, expect, it } from "vitest";
import { catalog, manifest, openBackupWorld, SET } from "./backup-world.ts";

const NAME = "on-demand-20261118T125320Z-1a2b";

describe("toji backup now", () => {
  it("starts the machine that the bucket names, and says how to follow it", async () => {
    const world = await openBackupWorld();
    const { code, stdout } = await world.toji("now", "--reason", "before\nthe upgrade");
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `begun: backup ${NAME}\nfollow it with \`toji backup status ${NAME}\``,
    });
    expect(world.script.model.execution(NAME)).toMatchObject({
      machineArn: world.script.model.arnOf("toji-backup"),
      input: '{"kind":"on-demand","by":"ann","reason":"before the upgrade"}',
    });
  });

  it("--wait stays until it has ended, and is a problem when it failed", async () => {
    let looks = 0;
    const good = await openBackupWorld({
      answers: { BackupLook: () => ({ status: ++looks < 3 ? "pending" : "complete" }) },
    });
    const done = await good.waited("now", "--wait");
    expect(done.code).toBe(0);
    expect(done.stdout.split("\n")).toEqual([
      `begun: backup ${NAME}`,
      "2026-11-18 12:53:35 UTC  WaitForSnapshots",
      `${NAME}: done, at the end in Done`,
      "begun 2026-11-18 12:53:20 UTC, took 2 min",
    ]);
    const bad = await openBackupWorld();
    bad.script.fail("BackupHost snapshot");
    const failed = await bad.waited("now", "--wait", "--json");
    expect(failed.code).toBe(1);
    expect(JSON.parse(failed.stdout)).toMatchObject({
      ok: false,
      execution: { status: "FAILED", error: "BackupHost snapshot does not work" },
    });
  });

  it("takes the machine from --machine or the environment, and needs no bucket then", async () => {
    const arn = "arn:aws:states:eu-west-1:000000000000:stateMachine:toji-backup";
    expect((await (await openBackupWorld({ catalog: null })).bare("now", "--machine", arn)).code).toBe(0);
    expect((await (await openBackupWorld({ catalog: null, env: { TOJI_BACKUP_MACHINE: arn } })).bare("now")).code).toBe(
      0,
    );
    const none = await openBackupWorld({ catalog: null });
    expect(await none.toji("now")).toMatchObject({ code: 1, stderr: expect.stringContaining("TOJI_BACKUP_MACHINE") });
    expect(await none.bare("now", "--machine", "toji-backup")).toMatchObject({ code: 2 });
    const gone = `${arn}-old`;
    expect(await none.bare("now", "--machine", gone)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("is the stack deployed"),
    });
  });

  it("says what the credentials lack", async () => {
    const world = await openBackupWorld();
    world.script.model.failNext("StartExecution", "AccessDeniedException");
    expect((await world.toji("now")).stderr).toMatch(/they need states:StartExecution on arn:aws/);
  });
});

describe("toji backup drill", () => {
  it("drills the set that is named, or lets the machine choose", async () => {
    const world = await openBackupWorld();
    expect(await world.json("drill", SET)).toMatchObject({
      ok: true,
      machine: "drill",
      input: { set: SET, by: "ann" },
    });
    const other = await openBackupWorld();
    expect(await other.json("drill", "--by", "bob")).toMatchObject({ input: { set: null, by: "bob" } });
    expect(other.script.model.executions()).toHaveLength(1);
  });

  it("starts nothing for a set that is not there", async () => {
    const world = await openBackupWorld();
    expect(await world.toji("drill", "bs-none")).toMatchObject({ code: 1, stderr: expect.stringContaining("bs-none") });
    expect(world.script.model.executions()).toEqual([]);
  });
});

describe("toji backup restore", () => {
  it("prints the plan, asks for the id, and starts the machine once it is typed back", async () => {
    const world = await openBackupWorld({ typed: `${SET}\n` });
    const { code, stdout } = await world.toji("restore", SET, "--to", "replace", "--reason", "disk gone");
    expect(code).toBe(0);
    expect(stdout.split("\n").slice(0, -2)).toEqual([
      `restores ${SET} of 2026-11-18 02:53:20 UTC (10 h ago), verified, application; its drill took 25 min`,
      "1. takes a restore point: a backup set of i-0hub as it is now",
      "2. makes 2 new volumes in eu-west-1a:",
      "   from        holds           size     type",
      "   snap-0tree  /mnt/koji       100 GiB  gp3, 3000 IOPS, 125 MiB/s",
      "   snap-0db    /var/lib/pgsql  100 GiB  gp3, 3000 IOPS, 125 MiB/s",
      "3. stops the hub (httpd, kojira, PostgreSQL and what else uses them) and unmounts /mnt/koji and /var/lib/pgsql: users get no answer from here on",
      "4. swaps the volumes:",
      "   /dev/sdf (/mnt/koji): vol-0tree goes, a new one comes",
      "   /dev/sdg (/var/lib/pgsql): vol-0db goes, a new one comes",
      "5. mounts them, starts the hub, and asks its API",
      "keeps vol-0tree, vol-0db: detached, never deleted",
      "does not touch the boot volume vol-0boot",
      "if a step fails, the old volumes are put back and the hub is started from them",
      "WARNING: what the hub did in the last 10 h will be gone from it: builds, tags, repos; the restore point keeps it aside",
    ]);
    expect(world.asked).toHaveLength(1);
    const { input } = world.script.model.execution("restore-20261118T125320Z-1a2b");
    expect(JSON.parse(input)).toEqual({
      set: SET,
      to: "replace",
      by: "ann",
      reason: "disk gone",
      acceptUnproven: false,
    });
  });

  it.each(["", "yes", "y", SET.slice(0, -1), `${SET}x`, SET.toUpperCase()])(
    "does nothing when %j is typed",
    async (typed) => {
      const world = await openBackupWorld({ typed });
      const { code, stderr } = await world.toji("restore", SET, "--to", "new-volumes");
      expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining("nothing was done") });
      expect(world.script.model.executions()).toEqual([]);
    },
  );

  it("is not asked with --confirm, and only that answers with --json", async () => {
    const world = await openBackupWorld();
    expect(await world.json("restore", SET, "--to", "new-volumes", "--confirm", SET)).toMatchObject({ ok: true });
    expect(world.asked).toEqual([]);
    expect(await world.toji("restore", SET, "--to", "replace", "--confirm", "bs-other")).toMatchObject({ code: 1 });
    expect(await world.toji("restore", SET, "--to", "replace", "--json")).toMatchObject({ code: 2, stdout: "" });
    expect(world.script.model.executions()).toHaveLength(1);
  });

  it.each([
    ["pending", /is pending/],
    ["degraded", /is degraded/],
    ["failed", /is failed/],
    ["unverified", /no drill has proved .*toji backup drill bs-.*--accept-unproven/],
  ] as const)("is refused for a set that is %s", async (state, sentence) => {
    const world = await openBackupWorld({ manifests: [manifest({ state })], typed: SET });
    const { code, stderr } = await world.toji("restore", SET, "--to", "replace");
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringMatching(sentence) });
    expect({ asked: world.asked, started: world.script.model.executions() }).toEqual({ asked: [], started: [] });
  });

  it("takes an unproven set only when that is said, and warns", async () => {
    const world = await openBackupWorld({ manifests: [manifest({ state: "unverified", drills: [] })], typed: SET });
    const { code, stdout } = await world.toji("restore", SET, "--to", "new-volumes", "--accept-unproven");
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("WARNING: no drill has proved"),
    });
    expect(JSON.parse(world.script.model.executions()[0]?.input ?? "")).toMatchObject({ acceptUnproven: true });
  });

  it("to new volumes touches nothing of the hub, and takes the boot volume too", async () => {
    const world = await openBackupWorld({ typed: SET });
    const { stdout } = await world.toji("restore", SET, "--to", "new-volumes");
    expect(stdout).toContain("makes 3 new volumes in eu-west-1a:");
    expect(stdout).toContain("the hub does not notice");
    expect(stdout).not.toMatch(/stops the hub|swaps/);
  });
});

describe("toji backup status", () => {
  it("lists what ran last, and is a problem when the newest of a machine failed", async () => {
    const world = await openBackupWorld();
    await world.toji("now");
    await world.toji("drill");
    await world.script.run();
    const { code, stdout } = await world.toji("status");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^machine +execution +status +begun +took\n/);
    expect(stdout).toMatch(/^backup +on-demand-20261118T125320Z-1a2b +done/m);
    world.script.fail("RestoreBegin");
    await world.toji("restore", SET, "--to", "new-volumes", "--confirm", SET);
    await world.script.run();
    expect(await world.toji("status")).toMatchObject({ code: 1, stdout: expect.stringMatching(/^restore .*FAILED/m) });
  });

  it("tells where one is and why it failed", async () => {
    const world = await openBackupWorld({ answers: { BackupLook: { status: "pending" } } });
    await world.toji("now");
    await world.script.run(90);
    expect((await world.toji("status", NAME)).stdout).toMatch(
      /: running, now in WaitForSnapshots\nbegun .*, running for 90 s$/,
    );
    const bad = await openBackupWorld();
    bad.script.fail("BackupHost pause");
    await bad.toji("now");
    await bad.script.run();
    expect(await bad.toji("status", NAME)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/: FAILED, at the end in Failed\n.*\nwhy: BackupHost pause does not work$/),
    });
    const drill = await openBackupWorld({ answers: { DrillTeardown: { status: "gone", outcome: "failed" } } });
    await drill.toji("drill");
    await drill.script.run();
    expect((await drill.toji("status", "drill-on-demand-20261118T125320Z-1a2b")).stdout).toMatch(
      /why: The drill found damage/,
    );
  });

  it("knows a name nowhere", async () => {
    const world = await openBackupWorld();
    expect(await world.toji("status", "nightly-1")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("nightly-1"),
    });
    expect((await world.toji("status")).stdout).toContain("toji backup now");
  });
});

describe("toji backup, called wrongly", () => {
  it.each([
    [[], /say what to do: backup now, backup list/],
    [["lst"], /there is no "backup lst", did you mean "backup list"\?/],
    [["toString"], /there is no "backup toString": now, list/],
    [["now", "tonight"], /now takes no "tonight"/],
    [["now", "--to", "replace"], /now takes no --to/],
    [["list", "--wait"], /list takes no --wait/],
    [["show"], /name the set: backup show bs-/],
    [["restore", SET], /--to new-volumes/],
    [["restore", SET, "--to", "elsewhere"], /--to elsewhere: --to new-volumes/],
    [["drill", "a", "b"], /drill takes no "b"/],
    [["list", "--endpoint", "localhost:1"], /--endpoint localhost:1/],
    [["now", "--by", " "], /--by/],
    [["retention", "--nwo", "x"], /--nwo/],
  ])("%j is one sentence and exit 2", async (args, sentence) => {
    const world = await openBackupWorld({ catalog: catalog() });
    const { code, stdout, stderr } = await world.toji(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(sentence);
    expect(stderr.split("\n")).toHaveLength(1);
    expect(world.script.model.executions()).toEqual([]);
  });

  it("names the region, unless there is an endpoint", async () => {
    const world = await openBackupWorld({ env: { AWS_REGION: "" } });
    expect(await world.toji("list")).toMatchObject({ code: 2, stderr: expect.stringContaining("--region eu-west-1") });
    await world.toji("list", "--endpoint", "http://127.0.0.1:4082");
    expect(world.opened.at(-1)).toMatchObject({ region: "us-east-1", endpoint: "http://127.0.0.1:4082" });
  });

  it("--help names every action", async () => {
    const { code, stdout } = await (await openBackupWorld()).bare("now", "--help");
    expect(code).toBe(0);
    for (const action of ["now", "list", "show", "drill", "restore", "retention", "status"]) {
      expect(stdout).toMatch(new RegExp(`backup ${action}`));
    }
  });
});
