// A hub on the sandbox's AWS with a set of its snapshots, and the steps of the drill and restore machines in their order.

import { CreateSnapshotsCommand } from "@aws-sdk/client-ec2";
import { type BackupAws, backupAws } from "../../sandbox/world/backup-aws.ts";
import { VirtualClock } from "../../sandbox/world/clock.ts";
import type { HubMachine } from "../../sandbox/world/hub-machine.ts";
import { Random } from "../../sandbox/world/random.ts";
import { findHub } from "../../shared/aws/hub-instance.ts";
import { listSnapshots } from "../../shared/aws/snapshots.ts";
import { createManifest, needManifest } from "../../shared/backup/manifest.ts";
import { memberOf } from "../../shared/backup/places.ts";
import { type BackupPorts, openBackupPorts } from "../../shared/backup/ports.ts";
import { BACKUP_TAG } from "../../shared/backup/tags.ts";
import type { Manifest, SetState } from "../../shared/backup/types.ts";
import { siteSchema } from "../../shared/config/index.ts";
import { makeProfile } from "../fleet/world.ts";
import { HOME, makeManifest, START } from "./restore-sets.ts";

export const FAR = "eu-central-1";
const BUCKET = "toji";

/** On a single volume the tree's mount point holds the database too. */
function makeSite(split: boolean) {
  return siteSchema.parse({
    hub: { url: "https://hub.test/kojihub", topUrl: "https://hub.test/kojifiles" },
    builders: { subnets: [{ id: "subnet-0a", zone: `${HOME}a` }], profiles: [makeProfile()] },
    backup: {
      mounts: split ? {} : { database: "/mnt/koji" },
      copies: [{ region: FAR, kmsKeyId: "key-far" }],
      drill: {
        imageId: "ami-0d",
        instanceType: "m7a.large",
        subnet: { id: "subnet-0a", zone: `${HOME}a` },
        securityGroup: "sg-0d",
      },
    },
  });
}

/** The text of every script here; the machines of the sandbox go by the variables before it. */
const script = (name: string) => `# ${name}\n`;

export interface Metric {
  readonly name: string;
  readonly value: number;
}

export class RestoreWorld {
  readonly clock = new VirtualClock(START);
  readonly aws: BackupAws;
  readonly hub: HubMachine;
  readonly ports: BackupPorts;
  readonly metrics: Metric[] = [];
  readonly warnings: string[] = [];

  constructor({ split = true }: { readonly split?: boolean } = {}) {
    const { clock } = this;
    const site = makeSite(split);
    this.aws = backupAws({ clock, random: new Random(1), home: HOME, regions: [FAR], buckets: [BUCKET] });
    this.hub = this.aws.addHub({ fleet: site.builders.fleet, split, kmsKeyId: "key-hub" });
    this.ports = openBackupPorts({
      site,
      clock,
      clients: this.aws.clients,
      region: HOME,
      bucket: BUCKET,
      script,
      telemetry: {
        info: () => undefined,
        warn: (sentence) => this.warnings.push(sentence),
        metric: (name, _unit, value) => this.metrics.push({ name, value }),
      },
    });
  }

  get ec2() {
    return this.ports.clients.ec2({ region: HOME });
  }

  /** Runs work to its end while virtual time passes as it needs. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    let isOver = false;
    const result = this.clock.actor(work).finally(() => {
      isOver = true;
    });
    // Its error is the caller's, below.
    result.catch(() => undefined);
    while (!isOver) await this.clock.runUntil(this.clock.now() + 1);
    return await result;
  }

  /** A set of the hub as it is now, complete, with its manifest; as a backup leaves it. */
  async makeSet(id: string, state: SetState, more: Partial<Manifest> = {}): Promise<Manifest> {
    return await this.run(async () => {
      const hub = await findHub(this.ec2, this.ports.site.builders.fleet);
      const tags = { [BACKUP_TAG.site]: this.ports.site.builders.fleet, [BACKUP_TAG.set]: id };
      const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
      await this.ec2.send(
        new CreateSnapshotsCommand({
          InstanceSpecification: { InstanceId: hub.instanceId },
          TagSpecifications: [{ ResourceType: "snapshot", Tags }],
        }),
      );
      await this.clock.sleep(3600);
      const found = await listSnapshots(this.ec2, { key: BACKUP_TAG.set, value: id });
      const { tree, database } = this.ports.backup.mounts;
      const holds = new Map([
        [this.hub.mounts.volumeOf(database), database],
        [this.hub.mounts.volumeOf(tree), tree],
      ]);
      const members = found.map((each) => ({
        ...memberOf(each, HOME),
        holds: holds.get(each.volume) ?? "boot",
      }));
      const instant = this.clock.now() - 3600;
      const site = this.ports.site.builders.fleet;
      return await createManifest(this.ports.store, makeManifest({ id, site, state, hub, members, instant, ...more }));
    });
  }

  async manifest(id: string): Promise<Manifest> {
    return await needManifest(this.ports.store, id);
  }

  /** Sets by the mark of who reads them. */
  async marks(id: string): Promise<(string | undefined)[]> {
    const found = await this.run(() => listSnapshots(this.ec2, { key: BACKUP_TAG.set, value: id }));
    return [...new Set(found.map(({ tags }) => tags[BACKUP_TAG.inUse]))];
  }

  metric(name: string): number | undefined {
    return this.metrics.findLast((each) => each.name === name)?.value;
  }
}

type Step = (ports: BackupPorts, event: unknown) => Promise<object>;

/** One execution of a machine: what each step answers is in the state that the next one gets. */
export class Execution {
  readonly name: string;
  readonly startedAt: string;
  readonly world: RestoreWorld;
  state: Readonly<Record<string, unknown>>;

  constructor(world: RestoreWorld, name: string, input: Readonly<Record<string, unknown>>) {
    this.world = world;
    this.name = name;
    this.startedAt = new Date(world.clock.now() * 1000).toISOString();
    this.state = input;
  }

  /** The step's answer, put where the machine puts it. */
  async step<Answer extends object>(
    path: string,
    run: (ports: BackupPorts, event: unknown) => Promise<Answer>,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const { name: execution, startedAt, state: progress } = this;
    const answer = await this.world.run(() => run(this.world.ports, { execution, startedAt, progress, ...more }));
    this.state = { ...this.state, [path]: answer };
    return answer;
  }

  /** As a Catch does: the error is in the state, and the machine goes on elsewhere. */
  async fails(run: Step, more: Readonly<Record<string, string>> = {}): Promise<string> {
    try {
      await this.step("unused", run, more);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const Cause = JSON.stringify({ errorType: error.name, errorMessage: error.message });
      this.state = { ...this.state, error: { Error: error.name, Cause } };
      return `${error.name}: ${error.message}`;
    }
    throw new Error(`${run.name} was expected to fail`);
  }

  /** Repeats a step, with a pause of virtual time, until its answer's status is another one. */
  async until<Answer extends { readonly status: string }>(
    path: string,
    run: (ports: BackupPorts, event: unknown) => Promise<Answer>,
    pauseSeconds: number,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    for (let left = 2000; left > 0; left -= 1) {
      const answer = await this.step(path, run, more);
      if (answer.status !== "pending") return answer;
      await this.world.clock.runUntil(this.world.clock.now() + pauseSeconds);
    }
    throw new Error(`${run.name} is pending for ever`);
  }
}
