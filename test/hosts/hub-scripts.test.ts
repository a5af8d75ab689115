// The hub's scripts as such: read by every sh, refusing what they cannot do, thawing and telling what the hub is.

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { surveyAnswer, thawAnswer } from "../../shared/backup/host-answers.ts";
import { missing, PATH, run } from "./commands.ts";
import { type Disk, HUB, HubHost, must, noDisks, SCRIPTS } from "./hub-host.ts";

const paths = SCRIPTS.map((name) => join(HUB, name));

const noShellcheck = missing("the package shellcheck", "shellcheck");
it.skipIf(noShellcheck)(`shellcheck finds nothing in the hub's scripts${noShellcheck}`, async () => {
  expect(await run("shellcheck", ["--shell", "sh", ...paths], { PATH })).toMatchObject({ exit: 0, stdout: "" });
});

const noBash = missing("the packages bash and dash", "bash", "dash");
it.skipIf(noBash)(`the hub's scripts are read by bash and dash${noBash}`, async () => {
  for (const path of paths) {
    expect(await run("bash", ["--posix", "-n", path], { PATH })).toMatchObject({ exit: 0, stderr: "" });
    expect(await run("dash", ["-n", path], { PATH })).toMatchObject({ exit: 0, stderr: "" });
  }
});

describe.skipIf(noDisks)(`on real disks${noDisks}`, () => {
  let host: HubHost;
  let tree: Disk;
  let database: Disk;

  beforeAll(() => {
    host = new HubHost();
    tree = host.addDisk("tree", "ext4");
    database = host.addDisk("database", "xfs");
  });

  afterAll(() => host.remove());

  const SNAPSHOT = { TOJI_FREEZE_LIMIT: "20", TOJI_ACCEPT_CRASH: "no", TOJI_SNAPSHOT_URL: "https://127.0.0.1:1/" };

  it.each([
    [{ TOJI_KEY: "a b" }, "TOJI_KEY is missing or ill-formed"],
    [{ TOJI_FREEZE_LIMIT: "0" }, "TOJI_FREEZE_LIMIT is missing or ill-formed"],
    [{ TOJI_DATABASE: "ko-ji" }, "TOJI_DATABASE is missing or ill-formed"],
    [{ TOJI_ACCEPT_CRASH: "maybe" }, "TOJI_ACCEPT_CRASH must be yes or no"],
    [{ TOJI_SNAPSHOT_URL: "http://example.org/" }, "TOJI_SNAPSHOT_URL is missing"],
    [{ TOJI_SNAPSHOT_URL: 'https://a/"' }, "TOJI_SNAPSHOT_URL is ill-formed"],
    [{ TOJI_MOUNTS: "" }, "TOJI_MOUNTS is missing"],
    [{ TOJI_MOUNTS: "/mnt/../etc" }, "/mnt/../etc is no mount point"],
    [{ TOJI_MOUNTS: "/usr/share" }, "/usr/share is not a mount point"],
    [{ TOJI_MOUNTS: "/proc" }, "is a file system of type proc"],
  ])("snapshot refuses what it cannot do: %j", async (env, sentence) => {
    const outcome = await host.run("snapshot", { ...SNAPSHOT, TOJI_MOUNTS: tree.mount, ...env });
    expect(outcome).toMatchObject({ exit: 2, stdout: "" });
    expect(outcome.stderr).toContain(sentence);
    expect(outcome.stderr).not.toContain("https://");
  });

  it("snapshot refuses the root file system, whatever it is called", async () => {
    // Under another name it is only one more mount of the same file system: the number of its device tells.
    const name = join(host.directory, "root-again");
    must("mkdir", name);
    must("mount", "--bind", "/", name);
    try {
      for (const mount of ["/", name]) {
        const outcome = await host.run("snapshot", { ...SNAPSHOT, TOJI_MOUNTS: mount });
        expect(outcome).toMatchObject({ exit: 2 });
        expect(outcome.stderr).toMatch(/is not frozen: it holds \/,|not a mount point|file system of type/);
      }
    } finally {
      must("umount", name);
    }
  });

  it("snapshot refuses a file system that holds its ledger, or that it writes its output to", async () => {
    const env = { ...SNAPSHOT, TOJI_MOUNTS: tree.mount };
    const state = await host.run("snapshot", { ...env, TOJI_STATE: join(tree.mount, "state") });
    expect(state).toMatchObject({ exit: 2 });
    expect(state.stderr).toContain(`it holds ${join(tree.mount, "state")}`);

    const exported = Object.entries({ ...host.environment, ...env }).map(([name, value]) => `${name}=${value}`);
    const command = `exec sh '${join(HUB, "snapshot")}' >'${join(tree.mount, "output")}'`;
    const output = await host.start("env", [...exported, "sh", "-c", command]);
    expect(output).toMatchObject({ exit: 2 });
    expect(output.stderr).toContain("fd/1");
  });

  it("thaw thaws what is frozen, the last first, and is content when nothing is", async () => {
    const env = { TOJI_MOUNTS: `${tree.mount} ${database.mount} /mnt/none` };
    for (const disk of [tree, database]) must("fsfreeze", "--freeze", disk.mount);
    const first = await host.run("thaw", env);
    expect(first).toMatchObject({ exit: 0, stderr: "" });
    expect(thawAnswer.parse(JSON.parse(first.lastLine))).toEqual({
      thawed: [database.mount, tree.mount],
      already: ["/mnt/none"],
    });
    const second = await host.run("thaw", env);
    expect(JSON.parse(second.lastLine)).toEqual({ thawed: [], already: ["/mnt/none", database.mount, tree.mount] });
  });

  it("survey tells versions, schema, and where the database and the mounts lie", async () => {
    const postgres = host.addPostgres(database).create();
    postgres.query("create table repo (id int, opts jsonb)");
    postgres.query("create table locks (name text)");
    const outcome = await host.run("survey", { TOJI_MOUNTS: `${tree.mount} ${database.mount}` });
    expect(outcome, outcome.stderr).toMatchObject({ exit: 0 });
    const survey = surveyAnswer.parse(JSON.parse(outcome.lastLine));
    expect(survey.schema).toMatchObject({ "repo.opts": true, locks: true, repo_queue: false, "build.draft": false });
    expect(survey.database).toMatchObject({
      name: "koji",
      dataDirectory: join(database.mount, "pgdata"),
      mount: database.mount,
    });
    expect(survey.postgresVersion).toMatch(/^\d+\.\d+/);
    expect(survey.mounts).toMatchObject([
      { mount: tree.mount, filesystem: "ext4", serials: [] },
      { mount: database.mount, filesystem: "xfs", serials: [] },
    ]);
    for (const mount of survey.mounts) {
      expect(mount.device).toMatch(/^\/dev\/loop/);
      expect(mount.options).toContain("noatime");
      expect(mount.sizeBytes).toBeGreaterThan(mount.usedBytes);
    }
    postgres.stop();
    const silent = await host.run("survey", { TOJI_MOUNTS: tree.mount });
    expect(silent).toMatchObject({ exit: 1 });
    expect(silent.stderr).toContain("PostgreSQL did not answer about the database koji");
  });

  it("survey names the volumes by the serial numbers of their disks", async () => {
    // As lsblk prints them for a partition, and for LVM over two volumes.
    const lsblk = `#!/bin/sh\necho 'TYPE="lvm" SERIAL=""'\necho 'TYPE="disk" SERIAL="vol0b"'\necho 'TYPE="disk" SERIAL="vol0a"'\n`;
    host.addCommand("lsblk", lsblk);
    host.addCommand(
      "runuser",
      "#!/bin/sh\ncase $* in *size*) echo 1 ;; *directory*) echo / ;; *probe*) echo '{}' ;; *) echo 15 ;; esac\n",
    );
    const outcome = await host.run("survey", { TOJI_MOUNTS: tree.mount });
    expect(surveyAnswer.parse(JSON.parse(outcome.lastLine)).mounts[0]?.serials).toEqual(["vol0a", "vol0b"]);
  });
});
