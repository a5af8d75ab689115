// Ninety days of backups with everything that goes wrong in them; and that the rules would notice if they were broken.

import { DeleteSnapshotCommand } from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import { addStrangers, FAULTS } from "../../sandbox/backup/faults.ts";
import { runQuarter } from "../../sandbox/backup/quarter.ts";
import { type BackupRule, BackupRules } from "../../sandbox/backup/rules.ts";
import { AWAY, backupSite, HOME } from "../../sandbox/backup/site.ts";
import { type BackupWorld, openBackupWorld } from "../../sandbox/backup/world.ts";
import { BACKUP_TAG } from "../../shared/backup/index.ts";

const START = Date.UTC(2026, 8, 7) / 1000;
const DAY = 86_400;

it("breaks no rule in a quarter of a year, whatever happens", { timeout: 240_000 }, async () => {
  const quarter = await runQuarter("1", 90);
  expect(quarter.violations).toEqual([]);
  expect(quarter.faults).toHaveLength(FAULTS.length);
  // It was no idle quarter: sets were proved, failed, copied too late, and let go.
  expect(quarter.sets.verified).toBeGreaterThanOrEqual(2);
  expect(quarter.expired).toBeGreaterThan(20);
  expect(quarter.alarms).toMatchObject({ SetTorn: 1, CopyFailed: 1, DrillFailed: 1 });
  expect(quarter.alarms.BackupFailed).toBeGreaterThan(3);
  expect(Object.keys(quarter.fewestVerified).toSorted()).toEqual([AWAY, HOME]);
  expect(Math.max(...quarter.freezeMilliseconds)).toBeLessThanOrEqual(2000);
});

/** Two sets, both proved, and rules that have seen them. */
async function provedWorld(): Promise<{ world: BackupWorld; rules: BackupRules }> {
  const world = openBackupWorld({ seed: 5, start: START, site: backupSite({ "drill.everySet": true }) });
  const rules = new BackupRules(world, await addStrangers(world));
  for (let night = 0; night < 2; night++) {
    await world.startBackup(`nightly-${night}`, "nightly");
    await world.clock.runUntil(START + (night + 1) * DAY);
    rules.check();
  }
  expect(rules.violations).toEqual([]);
  expect(rules.fewest.get(HOME)).toBe(2);
  return { world, rules };
}

function members(world: BackupWorld, region: string, tagged: boolean): string[] {
  const { snapshots } = world.aws.ec2In({ region }).storage;
  return snapshots
    .inWorld()
    .filter(({ tags }) => (tags.get(BACKUP_TAG.site) === world.site.builders.fleet) === tagged)
    .map(({ snapshotId }) => snapshotId);
}

const broken = ({ violations }: BackupRules): BackupRule[] =>
  [...new Set(violations.map(({ rule }) => rule))].toSorted();

describe("the rules notice", () => {
  it("a member of a proved set that is gone", async () => {
    const { world, rules } = await provedWorld();
    const [first = ""] = members(world, AWAY, true);
    world.aws.ec2In({ region: AWAY }).storage.snapshots.remove(first);
    rules.check();
    expect(broken(rules)).toEqual(["only-sets-deleted", "verified-stay"]);
  });

  it("a stranger's snapshot that is gone", async () => {
    const { world, rules } = await provedWorld();
    const [stranger = ""] = members(world, HOME, false);
    await world.aws.clients.ec2({ region: HOME }).send(new DeleteSnapshotCommand({ SnapshotId: stranger }));
    rules.check();
    expect(broken(rules)).toEqual(["only-sets-deleted", "strangers-stay"]);
  });

  it("a set that is called proved though its tree is damaged", async () => {
    const { world, rules } = await provedWorld();
    const [lost = ""] = world.hub.files();
    world.hub.loseFile(lost);
    await world.startBackup("nightly-3", "nightly");
    await world.clock.runUntil(START + 3 * DAY);
    rules.check();
    expect(rules.violations).toEqual([]);
    // Somebody calls it proved by hand.
    for (const each of world.aws.ec2.storage.snapshots.inWorld())
      if (each.tags.get(BACKUP_TAG.state) === "failed") each.tags.set(BACKUP_TAG.state, "verified");
    rules.check();
    expect(broken(rules)).toEqual(["verdicts-true"]);
  });
});
