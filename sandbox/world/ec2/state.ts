// What the EC2 model holds and how it is set up. Times in epoch seconds.

import type { InstanceStateName, RequestLaunchTemplateData } from "@aws-sdk/client-ec2";
import type { Market } from "../../../shared/config/index.ts";
import type { Cancel, VirtualClock } from "../clock.ts";
import type { Random } from "../random.ts";

/** A place and a way to run an instance. */
export interface Pool {
  readonly instanceType: string;
  readonly zone: string;
  readonly market: Market;
}

export type InstanceTags = Readonly<Record<string, string>>;

/** What the machine learns of itself when its user data runs. */
export interface BootedInstance extends Pool {
  readonly instanceId: string;
  /** Base64, as it was given. */
  readonly userData: string;
  readonly tags: InstanceTags;
}

export type SpotAction = "terminate" | "stop" | "hibernate";

/** What is written on a volume. Immutable: EC2 only carries it about, into snapshots and back onto volumes. */
export interface VolumeContent {
  /** What each written block of 512 KiB holds, by its index: equal values are equal blocks. */
  blocks(): ReadonlyMap<number, string>;
}

/** Called as events of the clock at the instant of the change. */
export interface Ec2Hooks {
  /** User data would run now. */
  onBoot?(instance: BootedInstance): void | Promise<void>;
  /** A stopped instance was started again: user data does not run a second time, but what boots with the machine does. */
  onStart?(instanceId: string): void | Promise<void>;
  /** The machine is off from now on, without a goodbye. */
  onGone?(instanceId: string): void | Promise<void>;
  /** `time`: when the action will be taken. */
  onSpotWarning?(instanceId: string, action: SpotAction, time: number): void | Promise<void>;
  onStateChange?(instanceId: string, state: InstanceStateName): void | Promise<void>;
}

/** Log-normal: half of all cases below the median, 95 % below p95. Seconds. */
export interface Spread {
  readonly median: number;
  readonly p95: number;
}

export interface Ec2Times {
  /** From the launch until Describe shows the instance. */
  readonly visible: Spread;
  /** From pending to running. */
  readonly running: Spread;
  /** From running until user data runs. */
  readonly userData: Spread;
  /** From shutting-down to terminated, and from stopping to stopped. */
  readonly shutdown: Spread;
  /** How long a terminated instance is still described. */
  readonly forgetSeconds: number;
}

export const DEFAULT_TIMES: Ec2Times = {
  visible: { median: 1.5, p95: 5 },
  running: { median: 35, p95: 60 },
  userData: { median: 15, p95: 30 },
  shutdown: { median: 12, p95: 45 },
  forgetSeconds: 3600,
};

/** Seconds. */
export interface StorageTimes {
  /** From CreateSnapshots until a snapshot is complete. */
  snapshot(sizeGiB: number): number;
  /** Of a copy into another region. */
  copy(sizeGiB: number): number;
  /** From creating to available, attaching to attached, and the way back. */
  readonly volume: number;
}

export const DEFAULT_STORAGE_TIMES: StorageTimes = {
  snapshot: (sizeGiB) => 90 + 0.5 * sizeGiB,
  copy: (sizeGiB) => 1200 + 8 * sizeGiB,
  volume: 6,
};

/** A snapshot of another region or account that may be copied here; null = none that this account may see. */
export type FindForeign = (region: string, snapshotId: string, account: string) => ForeignSnapshot | null;

export interface ForeignSnapshot {
  readonly isComplete: boolean;
  readonly sizeGiB: number;
  readonly encrypted: boolean;
  readonly content: VolumeContent | null;
}

export interface LaunchTemplateSeed {
  readonly id: string;
  readonly name: string;
  /** Its first and default version. */
  readonly data: RequestLaunchTemplateData;
}

export interface Ec2Options {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly subnets: readonly { readonly id: string; readonly zone: string }[];
  readonly launchTemplates?: readonly LaunchTemplateSeed[];
  /** Dollars per hour; asked once, at the launch. */
  readonly pricePerHour: (pool: Pool) => number;
  /** Default: from the size in the type's name. */
  readonly vcpus?: (instanceType: string) => number;
  /** vCPUs per market; default: no limit. */
  readonly quotas?: Partial<Readonly<Record<Market, number>>>;
  readonly times?: Partial<Ec2Times>;
  readonly storageTimes?: Partial<StorageTimes>;
  readonly hooks?: Ec2Hooks;
  /** Default eu-west-1. */
  readonly region?: string;
  /** Default 111122223333. */
  readonly account?: string;
  /** Where CopySnapshot finds what it copies; default: in this model. */
  readonly findForeign?: FindForeign;
  /** The tag whose value at launch is an instance's `slot` in the history. */
  readonly slotTag?: string;
  /** Virtual seconds every call takes; default 0. */
  readonly latencySeconds?: number;
}

/** An instance that exists, as an onlooker who needs no API sees it. */
export interface LiveInstance extends Pool {
  readonly instanceId: string;
  readonly imageId: string;
  readonly launchedAt: number;
  /** Since it was launched, or started again. */
  readonly startedAt: number;
  readonly state: InstanceStateName;
  readonly tags: InstanceTags;
}

/** Why an instance went, with EC2's own code. */
export type EndReason = "terminate-call" | "person" | "spot-interruption" | "guest-shutdown";

export interface ModelInstance extends Pool {
  /** Grows with every launch. */
  readonly number: number;
  readonly instanceId: string;
  readonly imageId: string;
  readonly subnetId: string;
  readonly securityGroupIds: readonly string[];
  readonly privateIp: string;
  readonly userData: string;
  readonly shutdownBehavior: "stop" | "terminate";
  readonly pricePerHour: number;
  readonly vcpus: number;
  readonly slot: string | null;
  readonly keyName: string | null;
  readonly instanceProfileArn: string | null;
  readonly publicIp: string | null;
  /** DisableApiTermination. */
  readonly terminationProtected: boolean;
  readonly launchedAt: number;
  visibleAt: number;
  readonly tags: Map<string, string>;
  /** Its last start: EC2's LaunchTime. */
  startedAt: number;
  state: InstanceStateName;
  reason: EndReason | null;
  runningSince: number | null;
  bootedAt: number | null;
  goneAt: number | null;
  endedAt: number | null;
  /** Seconds of the running periods that are over, each at least the minimum. */
  billedSeconds: number;
  /** Takes back what was to happen next in its life. */
  cancelNext: Cancel;
}

/** One instance that ever was, for checking rules over a whole run. */
export interface HistoryEntry extends Pool {
  readonly instanceId: string;
  /** Its slot tag at launch. */
  readonly slot: string | null;
  readonly launchedAt: number;
  /** When user data ran. */
  readonly bootedAt: number | null;
  /** When the machine went off. */
  readonly goneAt: number | null;
  /** When EC2 called it terminated. */
  readonly endedAt: number | null;
  readonly reason: EndReason | null;
}

export interface InstanceUsage {
  readonly instanceId: string;
  readonly instanceType: string;
  readonly market: Market;
  readonly seconds: number;
  readonly dollars: number;
}
