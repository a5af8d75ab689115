// A bucket with backup sets in it, machines whose functions are scripted, and the `toji backup` command pointed at them.

import { PutObjectCommand } from "@aws-sdk/client-s3";
import type { SceneClients } from "../../cli/backup/scene.ts";
import { backupCommand } from "../../cli/commands/backup.ts";
import { main } from "../../cli/main.ts";
import { S3Model } from "../../sandbox/world/s3.ts";
import type { CatalogFile } from "../../shared/backup/catalog-file.ts";
import type { HubVolume, Manifest, Member } from "../../shared/backup/types.ts";
import { type Answers, openScript, START } from "../statemachines/scripted.ts";
import type { Ran } from "./run-toji.ts";

export const BUCKET = "toji-bucket";
export const SET = "bs-20261118T020000Z-0000000a";
export { START };

const HOUR = 3600;

const volume = (name: string, device: string, isBoot = false): HubVolume => ({
  ...{ volume: name, device, isBoot, sizeGiB: 100, type: "gp3", iops: 3000, throughput: 125 },
  ...{ encrypted: true, kmsKeyId: null, deleteOnTermination: false },
});

const member = (snapshot: string, ofVolume: string, holds: string): Member => ({
  ...{ snapshot, volume: ofVolume, holds, region: "eu-west-1", state: "completed", sizeGiB: 100 },
  ...{ progress: "100%", startedAt: START - 11 * HOUR, encrypted: true, tags: {} },
});

export function manifest(change: Partial<Manifest> = {}): Manifest {
  return {
    version: 1,
    id: SET,
    site: "toji",
    region: "eu-west-1",
    request: { kind: "scheduled", by: "nightly", reason: "" },
    startedAt: START - 11 * HOUR,
    instant: START - 10 * HOUR,
    grade: "application",
    state: "verified",
    notes: [],
    members: [
      member("snap-0boot", "vol-0boot", "boot"),
      member("snap-0tree", "vol-0tree", "/mnt/koji"),
      member("snap-0db", "vol-0db", "/var/lib/pgsql"),
    ],
    hub: {
      ...{
        instanceId: "i-0hub",
        instanceType: "m7i.2xlarge",
        imageId: "ami-0hub",
        zone: "eu-west-1a",
        subnetId: "subnet-0a",
      },
      ...{ securityGroups: ["sg-0a"], privateIp: "10.0.0.5", publicIp: null, allocationId: "eipalloc-0a" },
      ...{ instanceProfile: null, keyName: "ops", terminationProtected: true },
      volumes: [volume("vol-0boot", "/dev/xvda", true), volume("vol-0tree", "/dev/sdf"), volume("vol-0db", "/dev/sdg")],
    },
    survey: null,
    freeze: {
      ...{ frozenAt: START - 10 * HOUR, thawedAt: START - 10 * HOUR + 1.3, milliseconds: 1300 },
      ...{ thaw: "explicit", checkpoint: true, quiet: true },
    },
    changedBytes: 5 * 2 ** 30,
    dollarsPerMonth: 0.25,
    copies: [],
    drills: [
      {
        drill: "d1",
        at: START - 8 * HOUR,
        outcome: "verified",
        findings: [],
        rtoSeconds: 1500,
        counts: { rpms: 20000 },
      },
    ],
    expiring: null,
    expiredAt: null,
    ...change,
  };
}

type CatalogSet = CatalogFile["sets"][number];

export function catalogSet(change: Partial<CatalogSet> = {}): CatalogSet {
  return {
    ...{ id: SET, instant: START - 10 * HOUR, startedAt: START - 11 * HOUR, grade: "application", state: "verified" },
    ...{ kind: "scheduled", by: "nightly", freezeMilliseconds: 1300, changedBytes: 5 * 2 ** 30, dollarsPerMonth: 0.25 },
    ...{ rtoSeconds: 1500, regions: { "eu-west-1": { completed: 3, expected: 3 } }, members: [], notes: [] },
    ...change,
  };
}

export function catalog(change: Partial<CatalogFile> = {}): CatalogFile {
  const arn = (name: string) => `arn:aws:states:eu-west-1:000000000000:stateMachine:toji-${name}`;
  return {
    ...{ at: START - 600, site: "toji", region: "eu-west-1", sets: [catalogSet()] },
    machines: { backup: arn("backup"), drill: arn("drill"), restore: arn("restore") },
    ...{
      disagreements: [],
      unknown: [],
      others: [],
      protection: [],
      newestVerified: { id: SET, instant: START - 10 * HOUR },
    },
    entries: [],
    ...change,
  };
}

/** What is in the bucket at first; null = nothing is. */
interface Stored {
  readonly catalog?: CatalogFile | null;
  readonly manifests?: readonly Manifest[];
  readonly answers?: Answers;
  readonly env?: Readonly<Record<string, string>>;
  /** What the person types when asked. */
  readonly typed?: string;
}

export async function openBackupWorld({ answers, env, typed, ...stored }: Stored = {}) {
  const script = openScript(answers);
  const s3 = new S3Model({ clock: script.clock, buckets: [BUCKET] });
  // Each model answers a command with the output type of that command.
  const clients: SceneClients = {
    s3: { send: ((command: object) => s3.send(command)) as SceneClients["s3"]["send"] },
    sfn: { send: ((command: object) => script.model.send(command)) as SceneClients["sfn"]["send"] },
    presignGet: async () => "",
  };
  const put = (Key: string, body: object) =>
    s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: JSON.stringify(body) }));
  const first = stored.catalog === undefined ? catalog() : stored.catalog;
  if (first !== null) await put("backup/catalog.json", first);
  for (const each of stored.manifests ?? [manifest()]) await put(`backup/sets/${each.id}.json`, each);
  const asked: string[] = [];
  const opened: unknown[] = [];
  const world = {
    open(region: string, options: object) {
      opened.push({ region, ...options });
      return clients;
    },
    clock: script.clock,
    env: { AWS_REGION: "eu-west-1", ...env },
    userName: () => "ann",
    token: () => "1a2b",
    async ask(question: string) {
      asked.push(question);
      return typed ?? "";
    },
  };
  return {
    script,
    s3,
    asked,
    opened,
    /** `toji backup ...` without the bucket. */
    async bare(...args: string[]): Promise<Ran> {
      const said = { out: [] as string[], err: [] as string[] };
      const io = { out: (text: string) => said.out.push(text), err: (text: string) => said.err.push(text) };
      const code = await main(["backup", ...args], io, { backup: backupCommand(world) });
      return { code, stdout: said.out.join("\n"), stderr: said.err.join("\n") };
    },
    async toji(...args: string[]): Promise<Ran> {
      return await this.bare(...args, "--bucket", BUCKET);
    },
    async json(...args: string[]) {
      return JSON.parse((await this.toji(...args, "--json")).stdout);
    },
    /** For --wait: the command and the world's time go on together. */
    async waited(...args: string[]): Promise<Ran> {
      const ran = script.clock.actor(() => this.toji(...args));
      await script.run();
      return await ran;
    },
  };
}
