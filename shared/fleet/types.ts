// The values that pass between observe, decide and apply. All readonly, all plain data; times are epoch seconds.

import type { Market } from "../config/index.ts";
import type { HubState } from "../hub/index.ts";
import { type ForecastMemory, NO_FORECAST } from "./forecast/memory.ts";

export type InstanceState = "pending" | "running" | "shutting-down" | "terminated" | "stopping" | "stopped";

/** One EC2 instance that carries our fleet tag. Everything Toji knows about it is in its tags. */
export interface Instance {
  readonly instanceId: string;
  readonly state: InstanceState;
  readonly instanceType: string;
  readonly zone: string;
  readonly market: Market;
  readonly launchedAt: number;
  /** null = the tag is missing. */
  readonly slot: string | null;
  readonly profile: string | null;
  /** The slot's `update_ts` before this launch (null = never): a later one proves that this instance's kojid runs. */
  readonly checkInAfter: number | null;
  /** When Toji enabled the host for this instance; null = not yet. */
  readonly enabledAt: number | null;
  /** When Toji began to drain it; null = not draining. */
  readonly drainingAt: number | null;
  /** When EC2 announced that it takes this spot instance; null = not announced. */
  readonly spotNoticeAt: number | null;
  /** Version of the launch template made for this launch. */
  readonly templateVersion: string | null;
  /** The client token of its launch; names its identity object. */
  readonly launch: string | null;
  /** null = not known yet: a launch that EC2 does not list. */
  readonly imageId: string | null;
  /** When EC2 recommended a rebalance. It only informs. */
  readonly rebalanceAt: number | null;
  /** A person wants it kept: never drained, never terminated. */
  readonly pinned: boolean;
  /** A person wants it gone: drained at once, whatever the floor and the queue say. */
  readonly drainNow: boolean;
  /** EC2's reason for its end: it took the spot instance back. */
  readonly takenBySpot: boolean;
  /** Its tags are gone; slot, profile and launch are what its user data says. */
  readonly untagged: boolean;
}

/** A person's word that nothing is launched, drained or terminated for a while. */
export interface Hold {
  /** null = the whole fleet. */
  readonly profile: string | null;
  readonly since: number;
  readonly by: string;
  readonly reason: string;
  /** null = until it is released. */
  readonly until: number | null;
}

/** What persons asked for, besides the tags on single builders. */
export interface Hand {
  readonly holds: readonly Hold[];
}

export const NO_HAND: Hand = { holds: [] };

/** The hub as one pass saw it, or why it could not be seen. */
export type HubView =
  | {
      readonly seen: true;
      readonly version: string | null;
      readonly latencySeconds: number;
      /** Seconds by which the hub's clock is ahead of ours; `state` has the hub's own times. */
      readonly clockAhead: number;
      readonly state: HubState;
      readonly notes: readonly string[];
    }
  | { readonly seen: false; readonly offline: boolean; readonly version: string | null; readonly reason: string };

/** EC2 as one pass saw it: seen, not asked (the read-only plan without AWS), or asked without an answer. */
export type InstancesView =
  | { readonly kind: "seen"; readonly instances: readonly Instance[] }
  | { readonly kind: "not-asked" }
  | { readonly kind: "failed"; readonly reason: string };

/** What tags and packages say, looked up once and remembered. */
export interface Lookups {
  /** Arches of a build tag, by tag id or name. */
  readonly tagArches: Readonly<Record<string, { readonly arches: readonly string[]; readonly at: number }>>;
  /** Average build time of a package in seconds (null = no history). */
  readonly packageSeconds: Readonly<Record<string, { readonly seconds: number | null; readonly at: number }>>;
}

export interface Snapshot {
  readonly at: number;
  readonly hub: HubView;
  readonly ec2: InstancesView;
  readonly lookups: Lookups;
  readonly hand: Hand;
}

/** An (instance type, zone, market) that EC2 refused, and until when it is not tried. */
export interface FailedOffering {
  readonly instanceType: string;
  readonly zone: string;
  readonly market: Market;
  readonly code: string;
  readonly until: number;
}

/** A launch that EC2 has answered; it may take a while to list the instance. */
export interface RecentLaunch {
  readonly instanceId: string;
  readonly at: number;
  readonly profile: string;
  readonly instanceType: string;
  readonly zone: string;
  readonly market: Market;
}

/** How the boots of a profile have gone lately. */
export interface BootRecord {
  /** In a row. */
  readonly failures: number;
  /** When the newest failure was seen, and of which slot. */
  readonly failedAt: number;
  readonly failedSlot: string;
  /** How often in a row the breaker has opened, and until when it is open now. */
  readonly opened: number;
  readonly openUntil: number;
  /** Launch time of the newest builder that has been ready for work: older launches say nothing more. */
  readonly provenLaunch: number;
}

/** What Toji must remember between passes. Losing it costs at most one hold time and one repeated refusal. */
export interface Memory {
  readonly failedOfferings: readonly FailedOffering[];
  /** Since when a slot's builder has been without tasks. */
  readonly idleSince: Readonly<Record<string, number>>;
  /** Newest instance seen in a slot, and how many launches of it brought none: both are part of the client token,
   * so that a launch that is over is never replayed and one that is under way is never doubled. */
  readonly lastInstance: Readonly<Record<string, string>>;
  readonly launchFailures: Readonly<Record<string, number>>;
  /** By slot: the instance whose host a person has disabled, for the tags that show it may be taken away. */
  readonly leftAlone: Readonly<Record<string, string>>;
  /** By slot: when a launch got no answer. It may have brought an instance: the same launch again tells. */
  readonly uncertain: Readonly<Record<string, number>>;
  /** By slot: what was launched into it, or listed in it, in the last minutes. */
  readonly launched: Readonly<Record<string, RecentLaunch>>;
  /** By profile. */
  readonly boots: Readonly<Record<string, BootRecord>>;
  /** Instances whose end has been learned from (a failed boot, a spot loss), and when. */
  readonly learned: Readonly<Record<string, number>>;
  /** Since when the hub has not been seen. */
  readonly hubOfflineSince: number | null;
  /** When it was seen again after that. */
  readonly hubBackAt: number | null;
  readonly lookups: Lookups;
  readonly forecast: ForecastMemory;
}

export const EMPTY_MEMORY: Memory = {
  failedOfferings: [],
  idleSince: {},
  lastInstance: {},
  launchFailures: {},
  leftAlone: {},
  uncertain: {},
  launched: {},
  boots: {},
  learned: {},
  hubOfflineSince: null,
  hubBackAt: null,
  lookups: { tagArches: {}, packageSeconds: {} },
  forecast: NO_FORECAST,
};

/** Where a slot stands. Derived from EC2 and the hub in every pass, never stored. */
export type SlotPhase =
  | "empty"
  | "launching"
  | "booting"
  | "serving"
  | "draining"
  | "stopping"
  | "stopped"
  | "lost"
  | "unknown";

export interface OfferingChoice {
  readonly instanceType: string;
  readonly market: Market;
  readonly subnetId: string;
  readonly zone: string;
  readonly pricePerHour: number;
}

/** One step towards what the fleet should be. `reason` is the sentence a person reads. */
export type Change =
  | {
      readonly kind: "adopt";
      readonly slot: string;
      readonly instanceId: string;
      /** The tags it gets back. */
      readonly tags: Readonly<Record<string, string>>;
      readonly reason: string;
    }
  | { readonly kind: "enable"; readonly slot: string; readonly instanceId: string; readonly reason: string }
  | { readonly kind: "cancel-drain"; readonly slot: string; readonly instanceId: string; readonly reason: string }
  | {
      readonly kind: "free-tasks";
      readonly slot: string;
      /** A stopped instance that may be started again; null = there is none, or a person had disabled its host. */
      readonly instanceId: string | null;
      readonly taskIds: readonly number[];
      readonly reason: string;
    }
  | { readonly kind: "enable-lost"; readonly slot: string; readonly reason: string }
  | {
      readonly kind: "disable-lost";
      readonly slot: string;
      readonly instanceId: string | null;
      readonly reason: string;
    }
  | {
      readonly kind: "launch";
      readonly slot: string;
      readonly profile: string;
      readonly token: string;
      readonly checkInAfter: number | null;
      /** A builder was lost here, and the hub holds tasks for it: its host is and stays enabled. */
      readonly intoLost: boolean;
      /** The hub has not heard of the host for so long that it gives it nothing: it is enabled before its builder is up. */
      readonly enablesHost: boolean;
      /** In the order to try: all of one market together. */
      readonly offerings: readonly OfferingChoice[];
      readonly reason: string;
    }
  | {
      readonly kind: "drain";
      readonly slot: string;
      readonly instanceId: string;
      /** It cannot serve: no demand calls this drain off. */
      readonly forGood: boolean;
      readonly reason: string;
    }
  | {
      readonly kind: "terminate";
      readonly slot: string;
      readonly instanceId: string;
      /** Nobody has checked in since its launch, so what the hub holds for the slot is not on this instance. */
      readonly neverCheckedIn: boolean;
      readonly reason: string;
    };

export type Launch = Extract<Change, { kind: "launch" }>;

export interface BinQueue {
  readonly channel: string;
  readonly arch: string;
  readonly free: number;
  readonly oldestSeconds: number;
  readonly weight: number;
}

export interface BuilderView {
  readonly slot: string;
  readonly profile: string;
  readonly phase: SlotPhase;
  readonly instanceId: string | null;
  readonly instanceType: string | null;
  readonly market: Market | null;
  readonly pricePerHour: number;
  readonly tasks: number;
  readonly load: number;
}

export interface UnservedTask {
  readonly taskId: number;
  readonly method: string;
  readonly channel: string;
  readonly arch: string;
  readonly reason: string;
}

/** The record of one pass: what was seen, what will change and why, what stays and why. */
export interface Decision {
  readonly at: number;
  readonly queue: readonly BinQueue[];
  readonly builders: readonly BuilderView[];
  readonly changes: readonly Change[];
  readonly keep: readonly { readonly builder: string; readonly reason: string }[];
  readonly unserved: readonly UnservedTask[];
  readonly notes: readonly string[];
  /** Dollars per hour of all instances that are not terminated. */
  readonly pricePerHour: number;
  /** What is stopped until somebody looks or time passes: raised as alarms. */
  readonly breakers: readonly Breaker[];
  readonly memory: Memory;
}

export interface Breaker {
  /** "launches": of that profile. "terminations": of the whole fleet. */
  readonly stops: "launches" | "terminations";
  readonly profile: string | null;
  readonly reason: string;
}
