// Snapshots: taken of an instance's volumes at one instant, copied, locked, shared, deleted.

import type { Clock } from "../../../shared/clock.ts";
import { ec2Error } from "./errors.ts";
import type { ModelVolume } from "./parts.ts";
import type { ForeignSnapshot, StorageTimes, VolumeContent } from "./state.ts";

/** EBS quotas: snapshots of one gp3 volume at work at once, and copies into one region. */
const MOST_PENDING_OF_A_VOLUME = 5;
const MOST_COPIES = 20;

/** EC2 gives copies no volume. */
const VOLUME_OF_COPIES = "vol-ffffffff";

export interface SnapshotLock {
  readonly mode: "governance" | "compliance";
  readonly days: number;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Until then a lock in compliance mode can still be changed. */
  readonly coolOffUntil: number;
}

export interface ModelSnapshot {
  /** Grows with every one that is made. */
  readonly number: number;
  readonly snapshotId: string;
  readonly volumeId: string;
  readonly sizeGiB: number;
  readonly description: string;
  readonly encrypted: boolean;
  readonly kmsKeyId: string | null;
  readonly isCopy: boolean;
  readonly startedAt: number;
  readonly visibleAt: number;
  readonly content: VolumeContent | null;
  readonly tags: Map<string, string>;
  /** Accounts that may copy it and make volumes of it. */
  readonly sharedWith: Set<string>;
  /** Infinity = its data never arrives. */
  completesAt: number;
  /** From when it is in error; Infinity = never. */
  failsAt: number;
  lock: SnapshotLock | null;
}

export interface SnapshotsSetting {
  readonly clock: Clock;
  readonly region: string;
  readonly times: StorageTimes;
  /** Seconds from a call until Describe shows what it made. */
  readonly visibleAfter: () => number;
}

/** What a call says of the snapshots it makes. */
export interface SnapshotWords {
  readonly description: string;
  readonly tags: ReadonlyMap<string, string>;
}

export interface CopyKey {
  readonly encrypted: boolean;
  readonly kmsKeyId: string | null;
}

export class Snapshots {
  readonly #setting: SnapshotsSetting;
  readonly #all = new Map<string, ModelSnapshot>();
  #made = 0;
  #failAfterSeconds: number | null = null;
  #stalled = false;

  constructor(setting: SnapshotsSetting) {
    this.#setting = setting;
  }

  /** Every one that is there, seen past EC2's delays. */
  inWorld(): ModelSnapshot[] {
    return [...this.#all.values()];
  }

  visible(): ModelSnapshot[] {
    const now = this.#setting.clock.now();
    return this.inWorld().filter(({ visibleAt }) => visibleAt <= now);
  }

  /** Throws InvalidSnapshot.NotFound. */
  find(snapshotId: string): ModelSnapshot {
    const found = this.visible().find((each) => each.snapshotId === snapshotId);
    if (found !== undefined) return found;
    throw ec2Error("InvalidSnapshot.NotFound", `The snapshot '${snapshotId}' does not exist.`);
  }

  /** As `find`, and throws IncorrectState unless it is complete. */
  findComplete(snapshotId: string): ModelSnapshot {
    const found = this.find(snapshotId);
    const state = this.stateOf(found);
    if (state === "completed") return found;
    throw ec2Error("IncorrectState", `Snapshot is in invalid state - ${state}`);
  }

  stateOf({ completesAt, failsAt }: ModelSnapshot): "pending" | "completed" | "error" {
    const now = this.#setting.clock.now();
    if (failsAt <= now) return "error";
    return completesAt <= now ? "completed" : "pending";
  }

  /** One instant over all volumes: what they hold now. If one is to fail, all of the call do. */
  take(volumes: readonly ModelVolume[], words: SnapshotWords): ModelSnapshot[] {
    for (const { volumeId } of volumes) this.#checkQuota(volumeId);
    const failsAt = this.#failAfterSeconds === null ? Number.POSITIVE_INFINITY : this.#now() + this.#failAfterSeconds;
    this.#failAfterSeconds = null;
    return volumes.map(({ volumeId, sizeGiB, encrypted, kmsKeyId, content }) => {
      const seconds = this.#stalled ? Number.POSITIVE_INFINITY : this.#setting.times.snapshot(sizeGiB);
      const own = { volumeId, sizeGiB, encrypted, kmsKeyId, content, isCopy: false, failsAt };
      return this.#add({ ...own, completesAt: this.#now() + seconds }, words);
    });
  }

  copy(source: ForeignSnapshot, { encrypted, kmsKeyId }: CopyKey, words: SnapshotWords): ModelSnapshot {
    const atWork = this.inWorld().filter((each) => each.isCopy && this.stateOf(each) === "pending");
    if (atWork.length >= MOST_COPIES) {
      const message = `Too many snapshot copies in progress. The limit is ${MOST_COPIES} for this destination region.`;
      throw ec2Error("ResourceLimitExceeded", message);
    }
    const { sizeGiB, content } = source;
    const seconds = this.#stalled ? Number.POSITIVE_INFINITY : this.#setting.times.copy(sizeGiB);
    const own = { volumeId: VOLUME_OF_COPIES, sizeGiB, content, encrypted, kmsKeyId, isCopy: true };
    const completesAt = this.#now() + seconds;
    return this.#add({ ...own, completesAt, failsAt: Number.POSITIVE_INFINITY }, words);
  }

  remove(snapshotId: string): void {
    this.#all.delete(snapshotId);
  }

  /** The next CreateSnapshots is answered, and so many seconds later all of its snapshots are in error. */
  failNextSet(afterSeconds = 30): void {
    this.#failAfterSeconds = afterSeconds;
  }

  /** A snapshot goes into error now, also one that was complete. */
  fail(snapshotId: string): void {
    this.#inWorld(snapshotId).failsAt = this.#now();
  }

  /** While true, snapshots and copies that are begun never complete. */
  stall(stalled: boolean): void {
    this.#stalled = stalled;
  }

  /** The rest of its data arrives now. */
  complete(snapshotId: string): void {
    this.#inWorld(snapshotId).completesAt = this.#now();
  }

  #add(
    own: Pick<
      ModelSnapshot,
      "volumeId" | "sizeGiB" | "encrypted" | "kmsKeyId" | "content" | "isCopy" | "completesAt" | "failsAt"
    >,
    { description, tags }: SnapshotWords,
  ): ModelSnapshot {
    this.#made++;
    const now = this.#now();
    const snapshotId = `snap-${regionDigits(this.#setting.region)}${this.#made.toString(16).padStart(14, "0")}`;
    const made = { number: this.#made, snapshotId, startedAt: now, visibleAt: now + this.#setting.visibleAfter() };
    const snapshot = { ...own, ...made, description, tags: new Map(tags), sharedWith: new Set<string>(), lock: null };
    this.#all.set(snapshotId, snapshot);
    return snapshot;
  }

  #checkQuota(volumeId: string): void {
    const pending = this.inWorld().filter((each) => each.volumeId === volumeId && this.stateOf(each) === "pending");
    if (pending.length < MOST_PENDING_OF_A_VOLUME) return;
    throw ec2Error(
      "ConcurrentSnapshotLimitExceeded",
      `Maximum allowed in-progress snapshots for ${volumeId} exceeded.`,
    );
  }

  #inWorld(snapshotId: string): ModelSnapshot {
    const snapshot = this.#all.get(snapshotId);
    if (snapshot === undefined) throw new Error(`the EC2 model has no snapshot ${snapshotId}`);
    return snapshot;
  }

  #now(): number {
    return this.#setting.clock.now();
  }
}

/** Ids of two regions never meet. */
function regionDigits(region: string): string {
  let sum = 0;
  for (const character of region) sum = (sum * 31 + character.charCodeAt(0)) % 0x1000;
  return sum.toString(16).padStart(3, "0");
}
