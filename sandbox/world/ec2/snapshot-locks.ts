// LockSnapshot, UnlockSnapshot and DescribeLockedSnapshots: who may delete a snapshot, and from when.

import type {
  DescribeLockedSnapshotsCommandInput,
  DescribeLockedSnapshotsResult,
  LockSnapshotCommandInput,
  LockSnapshotResult,
  LockState,
  UnlockSnapshotCommandInput,
  UnlockSnapshotResult,
} from "@aws-sdk/client-ec2";
import { ec2Error, refuseFields, requireField } from "./errors.ts";
import { readFilters } from "./filters.ts";
import { onePage } from "./pages.ts";
import type { ModelSnapshot, SnapshotLock, Snapshots } from "./snapshots.ts";

const DAY = 86_400;

/** What a lock of this kind works on. */
export interface LockWorld {
  readonly snapshots: Snapshots;
  readonly account: string;
  now(): number;
}

export function lockStateOf({ mode, expiresAt, coolOffUntil }: SnapshotLock, now: number): LockState {
  if (expiresAt <= now) return "expired";
  if (mode === "governance") return "governance";
  return coolOffUntil > now ? "compliance-cooloff" : "compliance";
}

/** Locking what is locked changes the lock; in compliance mode it can only be made longer. */
export function lockSnapshot(world: LockWorld, input: LockSnapshotCommandInput): LockSnapshotResult {
  refuseFields("LockSnapshot", input, "DryRun");
  const snapshot = world.snapshots.find(requireField(input.SnapshotId, "SnapshotId"));
  const mode = requireField(input.LockMode, "LockMode");
  if (mode !== "governance" && mode !== "compliance") throw ec2Error("InvalidParameterValue", `LockMode ${mode}`);
  if ((input.LockDuration === undefined) === (input.ExpirationDate === undefined)) {
    throw ec2Error("InvalidParameterCombination", "Specify either LockDuration or ExpirationDate, not both");
  }
  if (mode === "governance" && input.CoolOffPeriod !== undefined) {
    throw ec2Error("InvalidParameterCombination", "CoolOffPeriod is not supported in governance mode");
  }
  const now = world.now();
  const expiresAt =
    input.ExpirationDate === undefined ? now + (input.LockDuration ?? 0) * DAY : input.ExpirationDate.getTime() / 1000;
  const days = Math.ceil((expiresAt - now) / DAY);
  if (days < 1 || days > 36_500) throw ec2Error("InvalidParameterValue", "LockDuration must be between 1 and 36500");
  const { lock } = snapshot;
  const isFixed = lock !== null && lockStateOf(lock, now) === "compliance";
  if (isFixed && (mode === "governance" || expiresAt < lock.expiresAt)) {
    throw ec2Error(
      "InvalidRequest",
      `The lock of ${snapshot.snapshotId} is in compliance mode: it can only be extended`,
    );
  }
  const coolOffUntil = mode === "compliance" && !isFixed ? now + (input.CoolOffPeriod ?? 0) * 3600 : 0;
  snapshot.lock = { mode, days, createdAt: now, expiresAt, coolOffUntil };
  return view(world, snapshot, snapshot.lock);
}

export function unlockSnapshot(world: LockWorld, input: UnlockSnapshotCommandInput): UnlockSnapshotResult {
  refuseFields("UnlockSnapshot", input, "DryRun");
  const snapshot = world.snapshots.find(requireField(input.SnapshotId, "SnapshotId"));
  const { lock, snapshotId } = snapshot;
  if (lock === null) throw ec2Error("SnapshotNotLocked", `The snapshot ${snapshotId} is not locked`);
  if (lockStateOf(lock, world.now()) === "compliance") {
    throw ec2Error("SnapshotLocked", `The snapshot ${snapshotId} is locked in compliance mode`);
  }
  snapshot.lock = null;
  return { SnapshotId: snapshotId };
}

/** Those that were ever locked and not unlocked, expired ones too. */
export function describeLockedSnapshots(
  world: LockWorld,
  input: DescribeLockedSnapshotsCommandInput,
): DescribeLockedSnapshotsResult {
  refuseFields("DescribeLockedSnapshots", input, "DryRun");
  const byId = input.SnapshotIds !== undefined && input.SnapshotIds.length > 0;
  const named = byId
    ? [...new Set(input.SnapshotIds)].map((id) => world.snapshots.find(id))
    : world.snapshots.visible();
  const passes = readFilters("DescribeLockedSnapshots", input.Filters);
  const locked = named.flatMap((each) => (each.lock === null ? [] : [{ ...each, lock: each.lock }]));
  const found = locked.filter(({ tags, lock }) => passes(tags, { "lock-state": [lockStateOf(lock, world.now())] }));
  const { items, next } = onePage(found, input, byId, "snapshotSet");
  return { Snapshots: items.map((each) => ({ OwnerId: world.account, ...view(world, each, each.lock) })), ...next };
}

function view({ now }: LockWorld, { snapshotId, startedAt }: ModelSnapshot, lock: SnapshotLock): LockSnapshotResult {
  const state = lockStateOf(lock, now());
  return {
    SnapshotId: snapshotId,
    LockState: state,
    LockDuration: lock.days,
    LockCreatedOn: new Date(lock.createdAt * 1000),
    LockDurationStartTime: new Date(Math.max(lock.createdAt, startedAt) * 1000),
    LockExpiresOn: new Date(lock.expiresAt * 1000),
    ...(state === "compliance-cooloff" ? { CoolOffPeriodExpiresOn: new Date(lock.coolOffUntil * 1000) } : {}),
  };
}
