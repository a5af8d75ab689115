// The whole drill on loop devices: copies of frozen XFS volumes beside their originals, a real PostgreSQL, a hub over HTTP.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type HubServer, startHubServer } from "../../sandbox/server/hub.ts";
import { VirtualClock } from "../../sandbox/world/clock.ts";
import { createHub } from "../../sandbox/world/hub/index.ts";
import { readConsole } from "../../shared/backup/drill/console.ts";
import { judgeLines } from "../../shared/backup/drill/verdict.ts";
import type { DrillLine } from "../../shared/backup/host-answers.ts";
import { type FakeServer, serveHttp } from "./builder-host.ts";
import { missing, PATH, run } from "./commands.ts";
import { DRILL, noPostgres, Postgres } from "./koji-database.ts";
import type { KojiTree } from "./koji-tree.ts";

const noLoop = (() => {
  const absent = missing(
    "the packages xfsprogs and mount",
    "mkfs.xfs",
    "losetup",
    "fsfreeze",
    "lsblk",
    "blkid",
    "findmnt",
  );
  if (absent !== "" || noPostgres !== "" || process.env.CI) return absent || noPostgres;
  const free = spawnSync("losetup", ["-f"], { env: { PATH } });
  return free.status === 0 ? "" : " (skipped: this machine has no loop devices)";
})();

const DRILL_ID = "drill-20261123T020000Z-0a1b2c3d";
const VOLUMES = ["koji", "pgsql"] as const;
type Volume = (typeof VOLUMES)[number];

function command(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { env: { PATH }, encoding: "utf8" }).trim();
}

describe.skipIf(noLoop)(`drill${noLoop}`, () => {
  let directory: string;
  let postgres: Postgres;
  let tree: KojiTree;
  let sandbox: HubServer;
  let hub: FakeServer;
  /** Undone in reverse, when all is over. */
  const originals: (() => void)[] = [];
  /** Undone in reverse after each drill. */
  const copies: (() => void)[] = [];
  const undo = (actions: (() => void)[]) => {
    for (const action of actions.splice(0).reverse()) action();
  };

  function attach(image: string, undone: (() => void)[]): string {
    const device = command("losetup", "--find", "--show", image);
    undone.push(() => command("losetup", "--detach", device));
    return device;
  }

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "toji-drill-"));
    execFileSync("chmod", ["755", directory]);
    for (const volume of VOLUMES) {
      const [image, mount] = [join(directory, `${volume}.img`), join(directory, "hub", volume)];
      command("truncate", "--size", "400M", image);
      command("mkfs.xfs", "-q", image);
      const device = attach(image, originals);
      mkdirSync(mount, { recursive: true });
      command("mount", device, mount);
      originals.push(() => command("umount", mount));
    }
    postgres = new Postgres(join(directory, "hub/pgsql/15/data"));
    originals.push(() => postgres.stop());
    tree = postgres.addHub("koji", join(directory, "hub/koji"), { builds: 80, tasks: 2000 });
    // As a set is made: the database at rest and both volumes still; PostgreSQL goes on running.
    postgres.query("koji", "CHECKPOINT");
    for (const volume of VOLUMES) command("fsfreeze", "--freeze", join(directory, "hub", volume));
    for (const volume of VOLUMES)
      command("cp", "--sparse=always", join(directory, `${volume}.img`), join(directory, `${volume}.snapshot`));
    for (const volume of VOLUMES.toReversed()) command("fsfreeze", "--unfreeze", join(directory, "hub", volume));

    const clock = new VirtualClock();
    sandbox = await startHubServer({ hub: createHub({ clock }), clock });
    hub = await serveHttp((request, response) => {
      let body = "";
      request.on("data", (chunk) => {
        body += chunk;
      });
      request.on("end", async () => {
        const answered = answerFromDatabase(body);
        const headers = { "content-type": "text/xml" };
        response.end(answered ?? (await (await fetch(sandbox.url, { method: "POST", body, headers })).text()));
      });
    });
  });

  afterAll(async () => {
    undo(originals);
    hub?.close();
    await sandbox?.close();
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  });

  /** What the sandbox's hub has no answer to comes from the restored database, as a hub on it would answer. */
  function answerFromDatabase(body: string): string | null {
    const ask = (sql: string) =>
      execFileSync(
        "psql",
        ["-X", "-qAt", "-h", join(directory, "work/socket"), "-U", "postgres", "-d", "koji", "-c", sql],
        {
          env: { PATH },
          encoding: "utf8",
        },
      ).split("\n");
    const xml = (value: string) =>
      `<?xml version='1.0'?>\n<methodResponse><params><param>${value}</param></params></methodResponse>`;
    if (body.includes("<methodName>listTags</methodName>")) {
      const structs = ask("SELECT id FROM tag").filter((id) => id !== "");
      return xml(
        structs
          .map((id) => `<struct><member><name>id</name><value><int>${id}</int></value></member></struct>`)
          .join(""),
      );
    }
    if (!body.includes("<methodName>getBuild</methodName>")) return null;
    const nvr = /<string>(.*)<\/string>/.exec(body)?.[1] ?? "";
    const [found] = ask(
      `SELECT count(*) FROM build b JOIN package p ON p.id = b.pkg_id
        WHERE p.name || '-' || b.version || '-' || b.release = '${nvr}'`,
    );
    return xml(found === "1" ? `<member><name>nvr</name><value><string>${nvr}</string></value></member>` : "<nil/>");
  }

  beforeEach(() => {
    for (const volume of VOLUMES)
      command("cp", "--sparse=always", join(directory, `${volume}.snapshot`), join(directory, `${volume}.copy`));
  });

  afterEach(() => {
    undo(copies);
    rmSync(join(directory, "work"), { recursive: true, force: true });
  });

  /** Changes a copy as it lies on its volume, before the drill sees it. */
  function damage(volume: Volume, change: (root: string) => void): void {
    const root = mkdtempSync(join(directory, "damage-"));
    command("mount", "-o", "loop,nouuid", join(directory, `${volume}.copy`), root);
    try {
      change(root);
    } finally {
      command("umount", root);
    }
  }

  const cluster = () => join(directory, "drill/pgsql/15/data");

  async function drill(change: Record<string, string> = {}) {
    const devices = VOLUMES.map((volume) => attach(join(directory, `${volume}.copy`), copies));
    copies.push(() => {
      const pid = join(cluster(), "postmaster.pid");
      if (existsSync(pid))
        command(
          "runuser",
          "-u",
          "postgres",
          "--",
          "/bin/sh",
          "-c",
          `cd / && ${postgres.program("pg_ctl")} stop -m immediate -D ${cluster()}`,
        );
      for (const volume of VOLUMES) {
        if (spawnSync("mountpoint", ["-q", join(directory, "drill", volume)]).status === 0)
          command("umount", join(directory, "drill", volume));
      }
    });
    const outcome = await run("bash", [join(DRILL, "drill")], {
      PATH,
      TOJI_DRILL: DRILL_ID,
      TOJI_MOUNTS: VOLUMES.map((volume, at) => `${join(directory, "drill", volume)}=${devices[at]}`).join(" "),
      TOJI_DATABASE: "koji",
      TOJI_SAMPLE: "all",
      TOJI_SEED: DRILL_ID,
      TOJI_LIMIT: "300",
      TOJI_WORK: join(directory, "work"),
      TOJI_CONSOLE: "",
      TOJI_HUB_URL: `${hub.url}/kojihub`,
      ...named(devices, change),
    });
    const lines = readConsole(outcome.stdout, DRILL_ID);
    return {
      ...outcome,
      lines,
      steps: lines.map(({ step, ok }) => (ok ? step : `not ${step}`)),
      verdict: judgeLines(lines),
    };
  }

  /** `DEVICES` in a variable stands for the copies' devices. */
  function named(devices: readonly string[], change: Record<string, string>): Record<string, string> {
    return Object.fromEntries(
      Object.entries(change).map(([name, value]) => [name, value.replace("DEVICES", devices.join(" "))]),
    );
  }

  const restored = (sql: string) =>
    command("psql", "-X", "-qAt", "-h", join(directory, "work/socket"), "-U", "postgres", "-d", "koji", "-c", sql);
  const last = (lines: readonly DrillLine[]) => lines.at(-1);

  it("proves a copy whose original is mounted beside it, and leaves the original as it is", async () => {
    const outcome = await drill();
    expect(outcome).toMatchObject({ exit: 0, verdict: { outcome: "verified" } });
    expect(outcome.steps).toEqual(["booted", "mounted", "database", "checked", "sanitised", "hub", "verdict"]);
    expect(outcome.lastLine).toMatch(/^toji-drill \{"drill":"drill-.*"step":"verdict".*"ok":true,"findings":\[\]/);
    const checked = outcome.lines.find(({ step }) => step === "checked");
    expect(checked).toMatchObject({
      findings: [],
      counts: { builds: tree.builds.length, payloads: tree.files.length },
    });
    expect(restored("SELECT count(*) FROM sessions")).toBe("0");
    expect(postgres.query("koji", "SELECT count(*) FROM sessions")).toEqual(["2000"]);
  });

  it("knows the volumes by what they hold when their names are others here", async () => {
    const mounts = VOLUMES.map((volume, at) => `${join(directory, "drill", volume)}=/dev/toji-none-${at}`).join(" ");
    // The database's volume is found first, and is not taken for the tree's.
    const outcome = await drill({ TOJI_MOUNTS: mounts, TOJI_DEVICES: "DEVICES", TOJI_SAMPLE: "5" });
    expect(outcome).toMatchObject({ exit: 0, verdict: { outcome: "verified" } });
    expect(command("findmnt", "-no", "SOURCE", join(directory, "drill/pgsql"))).toMatch(/^\/dev\/loop/);
    expect(existsSync(join(directory, "drill/koji/packages"))).toBe(true);
  });

  it("names damage of the tree, and still goes on to the hub", async () => {
    const [gone, changed] = tree.files.filter(({ kind }) => kind === "rpm");
    if (gone === undefined || changed === undefined) throw new Error("the tree has two rpms");
    damage("koji", (root) => {
      rmSync(join(root, gone.path));
      const bytes = readFileSync(join(root, changed.path));
      writeFileSync(join(root, changed.path), bytes.fill(0, bytes.length - 3));
    });
    const outcome = await drill();
    expect(outcome.exit).toBe(1);
    expect(outcome.steps).toEqual(["booted", "mounted", "database", "not checked", "sanitised", "hub", "not verdict"]);
    const findings = [
      { kind: "missing-file", detail: gone.path, count: 1 },
      { kind: "wrong-payload", detail: changed.path, count: 1 },
    ];
    expect(last(outcome.lines)).toMatchObject({ findings, error: "database and tree do not fit together" });
    expect(outcome.verdict).toMatchObject({ outcome: "failed", findings });
  });

  it("says why a database does not start", async () => {
    damage("pgsql", (root) => {
      const control = join(root, "15/data/global/pg_control");
      writeFileSync(control, readFileSync(control).fill(0, 0, 64));
    });
    const outcome = await drill();
    expect(outcome).toMatchObject({ exit: 1, verdict: { outcome: "failed" } });
    expect(outcome.steps).toEqual(["booted", "mounted", "not database", "not verdict"]);
    expect(last(outcome.lines)?.error).toMatch(/^PostgreSQL does not start: .*(FATAL|PANIC)/);
  });

  it("says which volume holds no file system any more", async () => {
    writeFileSync(join(directory, "koji.copy"), Buffer.alloc(2 ** 20), { flag: "r+" });
    const outcome = await drill();
    expect(outcome.steps).toEqual(["booted", "not mounted", "not verdict"]);
    expect(last(outcome.lines)?.error).toContain(
      `holds nothing of what the hub has on ${join(directory, "drill/koji")}`,
    );
  });

  it("does not blame the set for a volume that was never attached", async () => {
    const outcome = await drill({
      TOJI_MOUNTS: `${join(directory, "drill/koji")}=/dev/toji-none`,
      TOJI_DEVICES: "/dev/toji-none",
    });
    expect(outcome.steps).toEqual(["booted", "not booted", "not verdict"]);
    expect(outcome.verdict).toMatchObject({
      outcome: "none",
      why: expect.stringContaining("nothing is attached as /dev/toji-none"),
    });
  });

  it("does not blame the set when the hub's API does not answer", async () => {
    const outcome = await drill({ TOJI_HUB_URL: "http://127.0.0.1:1/kojihub", TOJI_SAMPLE: "5" });
    expect(outcome.exit).toBe(1);
    expect(outcome.steps).toEqual(["booted", "mounted", "database", "checked", "sanitised", "not hub", "not verdict"]);
    expect(outcome.verdict).toMatchObject({
      outcome: "none",
      why: expect.stringContaining("no answer to getAPIVersion"),
    });
  });

  it("ends with a verdict when the time is up", async () => {
    const outcome = await drill({ TOJI_LIMIT: "1", TOJI_DEVICES: "DEVICES" });
    expect(outcome.exit).toBe(1);
    expect(outcome.steps.at(-1)).toBe("not verdict");
    expect(last(outcome.lines)?.error).toMatch(/took too long: all of the drill may take 1 seconds$/);
  });
});
