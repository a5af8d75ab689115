// An account, or several, in several regions, with a hub to back up: the models, and clients that look like the SDK's.

import type { BackupClients, Place } from "../../shared/aws/backup-clients.ts";
import type { VirtualClock } from "./clock.ts";
import { DrillMachines } from "./drill-machine.ts";
import { EbsModel } from "./ebs.ts";
import type { Ec2Hooks, Ec2Options, FindForeign } from "./ec2/index.ts";
import { Ec2Model } from "./ec2/index.ts";
import { HubDisk, HubMachine, presignedOrder } from "./hub-machine.ts";
import type { Random } from "./random.ts";
import { RunCommands } from "./run-command.ts";
import { S3Model } from "./s3.ts";
import { SsmModel } from "./ssm.ts";

export interface BackupAwsOptions {
  readonly clock: VirtualClock;
  readonly random: Random;
  /** The hub's region. */
  readonly home: string;
  /** Others that copies may go to. */
  readonly regions?: readonly string[];
  /** Default 111122223333; roles of other accounts lead to models of their own. */
  readonly account?: string;
  readonly buckets: readonly string[];
  readonly ec2?: Partial<
    Omit<Ec2Options, "clock" | "random" | "latencySeconds" | "region" | "account" | "findForeign">
  >;
  /** Answers Step Functions' commands; default: none is known. */
  readonly sfn?: BackupClients["sfn"];
  readonly deliverySeconds?: number;
  /** Virtual seconds every AWS call takes; default 0. */
  readonly latencySeconds?: number;
}

export interface HubSeed {
  /** Value of the tag toji:hub. */
  readonly fleet: string;
  /** Tree and database on volumes of their own; default true. */
  readonly split?: boolean;
  readonly mounts?: { readonly tree: string; readonly database: string };
  readonly treeGiB?: number;
  readonly databaseGiB?: number;
  /** Builds that are there already; default 5. */
  readonly builds?: number;
  readonly orderSeconds?: number;
  readonly kmsKeyId?: string;
  /** EC2's own default for a boot volume is true. */
  readonly bootGoesWithInstance?: boolean;
}

export interface BackupAws {
  readonly clients: BackupClients;
  /** Of the hub's region and account. */
  readonly ec2: Ec2Model;
  readonly ebs: EbsModel;
  readonly s3: S3Model;
  readonly ssm: SsmModel;
  readonly commands: RunCommands;
  readonly drills: DrillMachines;
  ec2In(place: Place): Ec2Model;
  ebsIn(place: Place): EbsModel;
  /** The hub's instance, running. */
  addHub(seed: HubSeed): HubMachine;
}

const ACCOUNT = "111122223333";
const SUBNETS = [
  { id: "subnet-0a", letter: "a" },
  { id: "subnet-0b", letter: "b" },
];

interface Region {
  readonly ec2: Ec2Model;
  readonly ebs: EbsModel;
}

export function backupAws(options: BackupAwsOptions): BackupAws {
  const { clock, home, buckets, latencySeconds = 0, deliverySeconds = 2 } = options;
  const places = openPlaces(options);
  const commands = new RunCommands({ clock, deliverySeconds });
  const s3 = new S3Model({ clock, buckets, latencySeconds });
  const ssm = new SsmModel({ clock, commands, latencySeconds });
  const { ec2, ebs } = places.at({ region: home });
  const hubs = places.hubs;
  return {
    ec2,
    ebs,
    s3,
    ssm,
    commands,
    drills: places.drills,
    ec2In: (place) => places.at(place).ec2,
    ebsIn: (place) => places.at(place).ebs,
    addHub(seed) {
      const hub = openHub(clock, ec2, seed);
      hubs.set(hub.instanceId, hub);
      commands.register(hub.instanceId, hub);
      return hub;
    },
    clients: {
      home,
      // Each model answers a command with the output type of that command; `send` is overloaded beyond what can be said.
      s3: { send: ((command: object) => s3.send(command)) as BackupClients["s3"]["send"] },
      ssm: { send: ((command: object) => ssm.send(command)) as BackupClients["ssm"]["send"] },
      ec2: (place) => {
        const model = places.at(place).ec2;
        return { send: ((command: object) => model.send(command)) as ReturnType<BackupClients["ec2"]>["send"] };
      },
      ebs: (place) => {
        const model = places.at(place).ebs;
        return { send: ((command: object) => model.send(command)) as ReturnType<BackupClients["ebs"]>["send"] };
      },
      sfn: options.sfn ?? { send: () => Promise.reject(new Error("no model of Step Functions: pass `sfn`")) },
      presignGet: async (bucket, key, expiresInSeconds) => s3.presignGet(bucket, key, expiresInSeconds),
      presignCreateSnapshots: async (order, expiresInSeconds) =>
        presignedOrder(home, order, clock.now(), expiresInSeconds),
    },
  };
}

/** A model for each region and account, made when it is first asked for. */
function openPlaces(options: BackupAwsOptions) {
  const { clock, random, home, regions = [], account = ACCOUNT, latencySeconds = 0 } = options;
  const known = new Set([home, ...regions]);
  const made = new Map<string, Region>();
  const hubs = new Map<string, HubMachine>();
  const findForeign: FindForeign = (region, snapshotId, asking) => {
    for (const [key, { ec2 }] of made) {
      const found = key.startsWith(`${region} `) ? ec2.storage.asForeign(snapshotId, asking) : null;
      if (found !== null) return found;
    }
    return null;
  };
  const open = (region: string, owner: string): Region => {
    if (!known.has(region)) throw new Error(`the sandbox has no region ${region}: name it in \`regions\``);
    const isHome = region === home && owner === account;
    const ec2 = new Ec2Model({
      pricePerHour: () => 0.1,
      ...options.ec2,
      subnets: options.ec2?.subnets ?? SUBNETS.map(({ id, letter }) => ({ id, zone: `${region}${letter}` })),
      hooks: isHome ? homeHooks(options.ec2?.hooks ?? {}, hubs, () => drills) : {},
      clock,
      random: random.fork(`ec2 ${region} ${owner}`),
      latencySeconds,
      region,
      account: owner,
      findForeign,
    });
    return { ec2, ebs: new EbsModel({ clock, storage: ec2.storage, latencySeconds }) };
  };
  const at = ({ region, roleArn }: Place): Region => {
    const owner = roleArn === undefined ? account : (roleArn.split(":")[4] ?? account);
    const key = `${region} ${owner}`;
    const place = made.get(key) ?? open(region, owner);
    made.set(key, place);
    return place;
  };
  const drills = new DrillMachines({ clock, ec2: at({ region: home }).ec2 });
  return { at, hubs, drills };
}

/** Hubs and drills live on instances; whatever else boots is the caller's. */
function homeHooks(own: Ec2Hooks, hubs: ReadonlyMap<string, HubMachine>, drills: () => DrillMachines): Ec2Hooks {
  return {
    ...own,
    onBoot: (instance) => (drills().boot(instance) ? undefined : own.onBoot?.(instance)),
    onStart: (instanceId) => {
      hubs.get(instanceId)?.start();
      return own.onStart?.(instanceId);
    },
    onGone: (instanceId) => {
      hubs.get(instanceId)?.lose();
      drills().lose(instanceId);
      return own.onGone?.(instanceId);
    },
  };
}

function openHub(clock: VirtualClock, ec2: Ec2Model, seed: HubSeed): HubMachine {
  const { split = true, treeGiB = 500, databaseGiB = 50, builds = 5, orderSeconds = 0.8 } = seed;
  const tree = seed.mounts?.tree ?? "/mnt/koji";
  const mounts = { tree, database: split ? (seed.mounts?.database ?? "/var/lib/pgsql") : tree };
  const key = seed.kmsKeyId === undefined ? {} : { encrypted: true, kmsKeyId: seed.kmsKeyId };
  const subnet = ec2.subnets[0] ?? { id: "subnet-0a", zone: "a" };
  const instanceId = ec2.storage.addInstance({
    instanceType: "m7a.xlarge",
    zone: subnet.zone,
    imageId: "ami-0b",
    subnetId: subnet.id,
    securityGroupIds: ["sg-0b"],
    vcpus: 4,
    tags: new Map([
      ["toji:hub", seed.fleet],
      ["Name", "koji-hub"],
    ]),
    keyName: "koji",
    instanceProfileArn: "arn:aws:iam::111122223333:instance-profile/koji-hub",
    publicIp: "203.0.113.5",
    terminationProtected: true,
    volumes: [
      { device: "/dev/xvda", sizeGiB: 30, deleteOnTermination: seed.bootGoesWithInstance ?? true, ...key },
      {
        device: "/dev/sdf",
        sizeGiB: treeGiB,
        content: HubDisk.empty({ tree: true, database: !split }),
        ...key,
      },
      ...(split
        ? [
            {
              device: "/dev/sdg",
              sizeGiB: databaseGiB,
              content: HubDisk.empty({ tree: false, database: true }),
              ...key,
            },
          ]
        : []),
    ],
  });
  ec2.storage.addAddress({ allocationId: "eipalloc-0b", publicIp: "203.0.113.5", instanceId });
  const hub = new HubMachine({ clock, ec2, instanceId, mounts, orderSeconds });
  for (let build = 0; build < builds; build++) hub.importBuild();
  return hub;
}
