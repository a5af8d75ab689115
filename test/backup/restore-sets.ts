// A backup set and its hub, for tests of drills and restores.

import type { HubInstance, HubVolume, Manifest, Member } from "../../shared/backup/types.ts";

export const HOME = "eu-west-1";
export const START = Date.parse("2026-11-23T02:00:00Z") / 1000;

export const makeVolume = (more: Partial<HubVolume> = {}): HubVolume => ({
  volume: "vol-tree",
  device: "/dev/sdf",
  sizeGiB: 1000,
  type: "gp3",
  iops: 6000,
  throughput: 500,
  encrypted: true,
  kmsKeyId: "arn:aws:kms:eu-west-1:111111111111:key/hub",
  deleteOnTermination: false,
  isBoot: false,
  ...more,
});

export const BOOT = makeVolume({ volume: "vol-boot", device: "/dev/xvda", sizeGiB: 20, isBoot: true });
export const TREE = makeVolume();
export const DATABASE = makeVolume({
  volume: "vol-database",
  device: "/dev/sdg",
  sizeGiB: 100,
  type: "io2",
  iops: 8000,
});

export const makeHub = (more: Partial<HubInstance> = {}): HubInstance => ({
  instanceId: "i-hub",
  instanceType: "m7a.xlarge",
  imageId: "ami-0hub",
  zone: "eu-west-1a",
  subnetId: "subnet-0aaa",
  securityGroups: ["sg-0aaa"],
  privateIp: "10.0.0.5",
  publicIp: null,
  allocationId: null,
  instanceProfile: null,
  keyName: null,
  terminationProtected: true,
  volumes: [BOOT, TREE, DATABASE],
  ...more,
});

export const makeMember = (volume: string, holds: string, more: Partial<Member> = {}): Member => ({
  snapshot: volume.replace("vol", "snap"),
  volume,
  region: HOME,
  state: "completed",
  sizeGiB: 100,
  holds,
  progress: "100%",
  startedAt: START,
  encrypted: true,
  tags: {},
  ...more,
});

export const MOUNTS = ["/mnt/koji", "/var/lib/pgsql"];

export const makeManifest = (more: Partial<Manifest> = {}): Manifest => ({
  version: 1,
  id: "bs-20261123T020000Z-1a2b3c4d",
  site: "koji",
  region: HOME,
  request: { kind: "scheduled", by: "nightly", reason: "" },
  startedAt: START,
  instant: START + 30,
  grade: "application",
  state: "verified",
  notes: [],
  members: [
    makeMember("vol-boot", "boot", { sizeGiB: 20 }),
    makeMember("vol-tree", "/mnt/koji", { sizeGiB: 1000 }),
    makeMember("vol-database", "/var/lib/pgsql"),
  ],
  hub: makeHub(),
  survey: null,
  freeze: {
    frozenAt: START + 30,
    thawedAt: START + 31,
    milliseconds: 900,
    thaw: "explicit",
    checkpoint: true,
    quiet: true,
  },
  changedBytes: null,
  dollarsPerMonth: null,
  copies: [],
  drills: [],
  expiring: null,
  expiredAt: null,
  ...more,
});
