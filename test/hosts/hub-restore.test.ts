// stop-hub and start-hub around an exchange of volumes: nothing starts on the root disk, and what ran runs again.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startHubAnswer, stopHubAnswer } from "../../shared/backup/host-answers.ts";
import { serveHttp } from "./builder-host.ts";
import type { Outcome } from "./commands.ts";
import { type Disk, HubHost, must, noDisks } from "./hub-host.ts";

const VERSION = "<methodResponse><params><param><value><int>1</int></value></param></params></methodResponse>";
const OFFLINE = "<methodResponse><fault><value><int>1014</int></value></fault></methodResponse>";

let host: HubHost;
let tree: Disk;
let database: Disk;
let reply: string;

beforeEach(async () => {
  host = new HubHost();
  tree = host.addDisk("tree", "xfs");
  database = host.addDisk("database", "ext4");
  host.addUnit("httpd.service");
  host.addUnit("koji-gc.timer");
  host.addUnit("kojira.service", { state: "inactive" });
  host.addUnit("postgresql-15.service");
  reply = VERSION;
  const hub = await serveHttp((_, response) => response.end(reply));
  host.closeAtEnd(() => hub.close());
  host.environment = {
    ...host.environment,
    TOJI_MOUNTS: `${tree.mount} ${database.mount}`,
    TOJI_HUB_URL: `${hub.url}/kojihub`,
    TOJI_DISK_WAIT: "0",
    TOJI_HUB_WAIT: "0",
  };
});

afterEach(() => host.remove());

function answer(outcome: Outcome): unknown {
  expect(outcome, outcome.stderr).toMatchObject({ exit: 0 });
  return JSON.parse(outcome.lastLine);
}

const stop = async () => stopHubAnswer.parse(answer(await host.run("stop-hub")));
const start = async () => startHubAnswer.parse(answer(await host.run("start-hub")));

/** As EC2 does it: the old volume is kept, and a new one comes with the same UUID under whatever device name. */
function attachVolume(image: string): string {
  const device = must("losetup", "--find", "--show", image).trim();
  host.closeAtEnd(() => must("losetup", "--detach", device));
  return device;
}

describe.skipIf(noDisks)(`stop-hub and start-hub${noDisks}`, () => {
  it("bring the hub up on the volumes that were put in place of its own", async () => {
    for (const disk of [tree, database]) {
      writeFileSync(join(disk.mount, "what"), "restored");
      must("sync", "-f", disk.mount);
      must("fsfreeze", "--freeze", disk.mount);
      await disk.copy(`${disk.image}.copy`);
      must("fsfreeze", "--unfreeze", disk.mount);
      writeFileSync(join(disk.mount, "what"), "damaged");
    }

    expect(await stop()).toEqual({
      stopped: ["koji-gc.timer", "httpd.service", "postgresql-15.service"],
      unmounted: [database.mount, tree.mount],
    });
    expect(existsSync(join(tree.mount, "what"))).toBe(false);
    for (const disk of [database, tree]) attachVolume(`${disk.image}.copy`);
    expect(await start()).toEqual({
      mounted: [tree.mount, database.mount],
      started: ["postgresql-15.service", "httpd.service", "koji-gc.timer"],
      hubAnswers: true,
    });

    for (const disk of [tree, database]) {
      expect(readFileSync(join(disk.mount, "what"), "utf8")).toBe("restored");
      const options = must("findmnt", "-no", "OPTIONS", disk.mount);
      expect(options).toContain("noatime");
    }
    expect(host.stateOf("kojira.service")).toBe("inactive");
  });

  it("may be repeated, and remember the first run", async () => {
    const first = await stop();
    expect(await stop()).toEqual(first);
    for (const disk of [tree, database]) attachVolume(disk.image);
    const { started } = await start();
    expect(await start()).toMatchObject({ started, hubAnswers: true });
  });

  it("start nothing while a volume is missing", async () => {
    await stop();
    attachVolume(tree.image);
    const outcome = await host.run("start-hub");
    expect(outcome).toMatchObject({ exit: 1 });
    expect(outcome.stderr).toMatch(/no disk holds the file system \S+ of \S+database/);
    expect(host.calls().filter((call) => call.startsWith("start"))).toEqual([]);
  });

  it("choose none of two volumes that are the same", async () => {
    await stop();
    await tree.copy(`${tree.image}.copy`);
    for (const image of [tree.image, `${tree.image}.copy`, database.image]) attachVolume(image);
    const outcome = await host.run("start-hub");
    expect(outcome).toMatchObject({ exit: 1 });
    expect(outcome.stderr).toMatch(/both \S+ and \S+ hold the file system/);
    expect(host.calls().filter((call) => call.startsWith("start"))).toEqual([]);
  });

  it("unmount nothing that is in use, and say so", async () => {
    const held = join(tree.mount, "held");
    writeFileSync(held, "");
    const holder = must("sh", "-c", `sleep 60 <'${held}' >/dev/null 2>&1 & echo $!`);
    try {
      const outcome = await host.run("stop-hub");
      expect(outcome).toMatchObject({ exit: 1 });
      expect(outcome.stderr).toContain(`${tree.mount} is in use`);
    } finally {
      process.kill(Number(holder), "SIGKILL");
    }
  });

  it("undo a stop that did not come to the end", async () => {
    host.refuse("stop", "httpd.service");
    expect(await host.run("stop-hub")).toMatchObject({ exit: 1 });
    expect(host.stateOf("koji-gc.timer")).toBe("inactive");
    expect(await start()).toMatchObject({ started: ["httpd.service", "koji-gc.timer"], hubAnswers: true });
  });

  it("say that the hub does not answer, be it offline or down", async () => {
    reply = OFFLINE;
    expect(await start()).toMatchObject({ started: [], hubAnswers: false });
    host.environment = { ...host.environment, TOJI_HUB_URL: "http://127.0.0.1:1/kojihub" };
    expect(await start()).toMatchObject({ hubAnswers: false });
  });

  it.each(["stop-hub", "start-hub"])("%s refuses what it cannot read", async (script) => {
    expect((await host.run(script, { TOJI_KEY: "" })).stderr).toContain("TOJI_KEY is missing");
    expect((await host.run(script, { TOJI_MOUNTS: "/" })).stderr).toContain("/ is no mount point");
    expect(await host.run(script, { TOJI_MOUNTS: "" })).toMatchObject({ exit: 2 });
    expect(host.calls()).toEqual([]);
  });
});
