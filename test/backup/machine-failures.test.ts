// Every task of the backup machine may fail, once or for good, before or after it has acted: the hub is thawed, what was
// paused runs again, the lease is free, an alarm is raised, and no set is doubled.

import { describe, expect, it } from "vitest";
import type { AroundCall } from "../../sandbox/backup/functions.ts";
import { backupSite } from "../../sandbox/backup/site.ts";
import { type BackupWorld, openBackupWorld } from "../../sandbox/backup/world.ts";
import { allStates, backupMachines, readDefinition } from "../../sandbox/machines/index.ts";
import { BACKUP_TAG, LEASE_KEY } from "../../shared/backup/index.ts";

const START = Date.UTC(2026, 8, 7, 2) / 1000;
const DAY = 86_400;

/** What a task's calls are known by: the function, and what it is asked to do. */
interface Task {
  readonly state: string;
  readonly name: string;
  readonly action: string | undefined;
}

const anything = new Proxy<Record<string, string>>(
  {},
  {
    get: (_, name) => `arn:${String(name)}`,
    getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true }),
  },
);
const definition = readDefinition(backupMachines().BackupMachine.text, anything);
const tasks = [...allStates(definition)].flatMap(([state, each]): Task[] => {
  if (each.Type !== "Task" || each.Resource?.startsWith("arn:aws:states") === true) return [];
  const action =
    "Parameters" in each &&
    each.Parameters !== null &&
    typeof each.Parameters === "object" &&
    "action" in each.Parameters
      ? String(each.Parameters.action)
      : undefined;
  return [{ state, name: (each.Resource ?? "").replace("arn:", ""), action }];
});

/** Those of the way back are tried on their own, below. */
const FORWARD = tasks.filter(({ state }) => !["Thaw", "ResumeAfterFailure", "Alarm"].includes(state));

function isFor({ name, action }: Task, called: string, event: unknown): boolean {
  const asked = typeof event === "object" && event !== null && "action" in event ? event.action : undefined;
  return name === called && asked === action;
}

class Broken extends Error {
  override readonly name = "Broken";
}

async function runBackup(around: AroundCall): Promise<BackupWorld> {
  const world = openBackupWorld({ seed: 1, start: START, site: backupSite(), around });
  await world.startBackup("nightly-1", "nightly");
  await world.clock.runUntil(START + DAY);
  return world;
}

function snapshotsOfSet(world: BackupWorld): number {
  return world.aws.ec2.storage.snapshots.inWorld().filter(({ tags }) => tags.has(BACKUP_TAG.set)).length;
}

function expectCalm(world: BackupWorld): void {
  const { hub, aws } = world;
  expect(hub.mounts.freezes.filter(({ to }) => to === null)).toEqual([]);
  expect(hub.invariants()).toEqual([]);
  expect(hub.units.active()).toEqual(expect.arrayContaining(["koji-gc.timer", "kojira.service"]));
  const lease = JSON.parse(aws.s3.text("toji-sandbox", LEASE_KEY) ?? '{"until":0}');
  expect(lease.until).toBeLessThan(world.clock.now());
  expect([0, 3]).toContain(snapshotsOfSet(world));
}

it("has its tasks from the file", () => {
  expect(FORWARD.map(({ state }) => state)).toEqual(
    expect.arrayContaining(["Begin", "Survey", "Pause", "Snapshot", "Resume", "Look", "Seal", "Copy", "Lock", "End"]),
  );
});

it("ends well when nothing fails", async () => {
  const world = await runBackup((_name, _event, run) => run());
  expect(world.machines.execution("nightly-1").status).toBe("SUCCEEDED");
  expect(world.board.raised("BackupFailed")).toBe(0);
  expectCalm(world);
  expect(snapshotsOfSet(world)).toBe(3);
});

describe.each(FORWARD)("$state", (task) => {
  it.each(["before", "after"] as const)("that fails for good %s it has acted: thawed, resumed, alarm", async (when) => {
    // Only the way forward fails: the way back has tasks of the same functions.
    let isFailed = false;
    const world = await runBackup(async (name, event, run) => {
      if (!isFor(task, name, event) || isWayBack(event)) return await run();
      isFailed = true;
      if (when === "after") await run();
      throw new Broken("it broke");
    });
    expect(isFailed).toBe(true);
    expectCalm(world);
    const { status } = world.machines.execution("nightly-1");
    if (task.state === "Copy") {
      expect(status).toBe("SUCCEEDED");
      expect(world.board.raised("CopyFailed")).toBeGreaterThan(0);
    } else {
      expect(status).toBe("FAILED");
      expect(world.board.raised("BackupFailed")).toBeGreaterThan(0);
    }
  });

  it.each(["before", "after"] as const)(
    "that fails once %s it has acted is tried again, and the set is whole",
    async (when) => {
      let left = 1;
      const world = await runBackup(async (name, event, run) => {
        if (!isFor(task, name, event) || left === 0) return await run();
        left -= 1;
        if (when === "after") await run();
        throw new Broken("it broke once");
      });
      expect(left).toBe(0);
      expect(world.machines.execution("nightly-1").status).toBe("SUCCEEDED");
      expectCalm(world);
      expect(snapshotsOfSet(world)).toBe(3);
    },
  );
});

describe("the way back", () => {
  it.each(["thaw", "resume"])("goes on when %s fails too, and the hub's own timers do it", async (action) => {
    const world = await runBackup(async (name, event, run) => {
      const asked = typeof event === "object" && event !== null && "action" in event ? event.action : undefined;
      if (name === "BackupHost" && (asked === action || asked === "snapshot")) throw new Broken("the hub is gone");
      return await run();
    });
    expect(world.machines.execution("nightly-1").status).toBe("FAILED");
    expect(world.board.raised("BackupFailed")).toBeGreaterThan(0);
    expectCalm(world);
  });

  it("fails the execution, which is an alarm of its own, when even the alarm cannot be written", async () => {
    const world = await runBackup(async (name, event, run) => {
      if (name === "BackupEnd" || (name === "BackupHost" && JSON.stringify(event).includes('"action":"snapshot"')))
        throw new Broken("nothing works");
      return await run();
    });
    expect(world.machines.execution("nightly-1")).toMatchObject({ status: "FAILED", error: "BackupFailed" });
    expect(world.hub.invariants()).toEqual([]);
  });
});

/** A failure was caught before. */
function isWayBack(event: unknown): boolean {
  if (typeof event !== "object" || event === null || !("progress" in event)) return false;
  const { progress } = event;
  return typeof progress === "object" && progress !== null && "error" in progress;
}
