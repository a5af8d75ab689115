// What must always hold of backups, judged by EC2, the hub and the machines themselves, never by what Toji says.

import { BACKUP_TAG } from "../../shared/backup/index.ts";
import type { ModelSnapshot } from "../world/ec2/snapshots.ts";
import { compareDisks, HubDisk } from "../world/hub-machine/disk.ts";
import { AWAY, HOME } from "./site.ts";
import { type BackupWorld, BUCKET } from "./world.ts";

export const BACKUP_RULES = {
  "verified-stay": "once a region had its number of verified sets, it never had fewer",
  "only-sets-deleted": "nothing was deleted but whole sets of ours whose manifest said so before",
  "strangers-stay": "snapshots of others are all still there",
  "never-doubled": "no volume has two snapshots of one set",
  "never-frozen-long": "nothing was frozen for longer than the limit, and nothing stays paused",
  "failures-told": "every execution that failed raised an alarm",
  "drills-leave-nothing": "no instance and no volume of a drill outlived it",
  "verdicts-true": "a set is called verified only if its database and tree fit, and failed only if they do not",
} as const;
export type BackupRule = keyof typeof BACKUP_RULES;

export interface BackupViolation {
  readonly at: number;
  readonly rule: BackupRule;
  readonly detail: string;
}

/** Metrics that a failed execution of a machine must have raised since it began, any of them. */
const ALARMS: Readonly<Record<string, readonly string[]>> = {
  "toji-backup": ["BackupFailed"],
  "toji-drill": ["DrillFailed", "DrillInconclusive"],
  "toji-restore": ["RestoreFailed"],
};

export class BackupRules {
  readonly violations: BackupViolation[] = [];
  /** The fewest verified sets of each region since it first had its number. */
  readonly fewest = new Map<string, number>();
  readonly #world: BackupWorld;
  readonly #strangers: readonly { readonly region: string; readonly id: string }[];
  readonly #seen = new Map<string, ModelSnapshot & { readonly region: string }>();
  readonly #told = new Set<string>();
  readonly #judged = new Set<string>();

  constructor(world: BackupWorld, strangers: readonly { readonly region: string; readonly id: string }[]) {
    this.#world = world;
    this.#strangers = strangers;
  }

  /** Looks at everything now. */
  check(): void {
    const present = [HOME, AWAY].flatMap((region) =>
      this.#world.aws
        .ec2In({ region })
        .storage.snapshots.inWorld()
        .map((each) => ({ ...each, region })),
    );
    this.#checkVerified(present);
    this.#checkDeleted(present);
    this.#checkStrangers(present);
    this.#checkDoubles(present);
    for (const sentence of this.#world.hub.invariants()) this.#break("never-frozen-long", sentence, sentence);
    this.#checkExecutions();
    this.#checkVerdicts(present);
  }

  #break(rule: BackupRule, subject: string, detail: string): void {
    if (this.#told.has(`${rule} ${subject}`)) return;
    this.#told.add(`${rule} ${subject}`);
    this.violations.push({ at: this.#world.clock.now(), rule, detail });
  }

  #checkVerified(present: readonly (ModelSnapshot & { region: string })[]): void {
    const least = this.#world.ports.backup.retention.minimumVerified;
    for (const region of [HOME, AWAY]) {
      const { snapshots } = this.#world.aws.ec2In({ region }).storage;
      const there = present.filter((each) => each.region === region && each.tags.has(BACKUP_TAG.set));
      const sets = Map.groupBy(there, ({ tags }) => tags.get(BACKUP_TAG.set));
      const whole = [...sets.values()].filter(
        (members) =>
          members.length === Number(members[0]?.tags.get(BACKUP_TAG.members)) &&
          members.every(
            (each) => each.tags.get(BACKUP_TAG.state) === "verified" && snapshots.stateOf(each) === "completed",
          ),
      ).length;
      const before = this.fewest.get(region);
      if (before === undefined && whole < least) continue;
      this.fewest.set(region, Math.min(before ?? whole, whole));
      if (whole < least)
        this.#break("verified-stay", region, `${region} has ${whole} verified sets, ${least} should stay`);
    }
  }

  #checkDeleted(present: readonly (ModelSnapshot & { region: string })[]): void {
    const here = new Set(present.map(({ snapshotId }) => snapshotId));
    for (const [id, snapshot] of this.#seen) {
      if (here.has(id)) continue;
      this.#seen.delete(id);
      const set = snapshot.tags.get(BACKUP_TAG.set);
      const text = set === undefined ? null : this.#world.aws.s3.text(BUCKET, `backup/sets/${set}.json`);
      const manifest = text === null ? null : JSON.parse(text);
      if (manifest?.expiring === null || manifest === null)
        this.#break("only-sets-deleted", id, `${id} of ${snapshot.region} was deleted, and no set that expires has it`);
    }
    for (const each of present) this.#seen.set(each.snapshotId, each);
  }

  #checkStrangers(present: readonly { readonly snapshotId: string }[]): void {
    const here = new Set(present.map(({ snapshotId }) => snapshotId));
    for (const { id, region } of this.#strangers)
      if (!here.has(id)) this.#break("strangers-stay", id, `${id} of ${region} is gone`);
  }

  #checkDoubles(present: readonly (ModelSnapshot & { region: string })[]): void {
    const key = ({ tags, region, volumeId }: ModelSnapshot & { region: string }) =>
      `${tags.get(BACKUP_TAG.set)} ${region} ${tags.get(BACKUP_TAG.copyOf) ?? volumeId}`;
    const ours = present.filter(({ tags }) => tags.has(BACKUP_TAG.set));
    for (const [subject, several] of Map.groupBy(ours, key))
      if (several.length > 1) this.#break("never-doubled", subject, `${subject}: ${several.length} snapshots`);
  }

  #checkExecutions(): void {
    const { machines, board } = this.#world;
    for (const { arn, name, machineArn, status, startedAt, stoppedAt } of machines.executions()) {
      if (status === "RUNNING" || stoppedAt === null || this.#judged.has(arn)) continue;
      this.#judged.add(arn);
      const machine = machineArn.split(":").at(-1) ?? "";
      if (machine === "toji-drill") this.#checkLeftovers(name);
      if (status === "SUCCEEDED") continue;
      const told = (ALARMS[machine] ?? []).some((metric) => board.raised(metric, startedAt, stoppedAt) > 0);
      if (!told) this.#break("failures-told", arn, `${name} ended ${status} and no metric says so`);
    }
  }

  #checkLeftovers(execution: string): void {
    const { ec2 } = this.#world.aws;
    const instances = ec2.live().filter(({ tags, state }) => BACKUP_TAG.drill in tags && state !== "shutting-down");
    for (const { instanceId } of instances)
      this.#break("drills-leave-nothing", instanceId, `${instanceId} is left after ${execution}`);
  }

  /** A verdict against the data itself, as it was when the snapshots were taken. */
  #checkVerdicts(present: readonly (ModelSnapshot & { region: string })[]): void {
    const ours = present.filter(({ tags, region }) => region === HOME && tags.has(BACKUP_TAG.set));
    for (const [set = "", members] of Map.groupBy(ours, ({ tags }) => tags.get(BACKUP_TAG.set))) {
      const state = members[0]?.tags.get(BACKUP_TAG.state);
      if (state !== "verified" && state !== "failed") continue;
      const disks = members.flatMap(({ content }) => (content instanceof HubDisk ? [content] : []));
      const tree = disks.find((each) => each.tree !== null)?.tree;
      const database = disks.find((each) => each.database !== null)?.database;
      if (!tree || !database) continue;
      const isSound = !database.isBroken && compareDisks(database, tree).length === 0;
      if (isSound !== (state === "verified"))
        this.#break(
          "verdicts-true",
          set,
          `${set} is called ${state}, and its data ${isSound ? "fits" : "does not fit"}`,
        );
    }
  }
}
