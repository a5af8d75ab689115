// One writer at a time: a lease in the bucket, taken by conditional writes, with an epoch that only grows (the fencing token).

import * as z from "zod";
import type { Clock } from "../clock.ts";
import { type ObjectStore, StoreConflict } from "./store.ts";

const leaseSchema = z.compile(z.object({ owner: z.string(), epoch: z.number().int(), until: z.number() }));
type LeaseRecord = z.infer<typeof leaseSchema>;

/** The lease ran out or was taken over while it was thought to be held. */
export class LeaseLost extends Error {
  override readonly name = "LeaseLost";
  readonly retryable = true;
}

export interface Lease {
  /** Grows with every change of hands; written into everything its holder records. */
  readonly epoch: number;
  /** Seconds for which nobody else can hold it. */
  remaining(): number;
  /** Throws LeaseLost when somebody took over. */
  renew(): Promise<void>;
  release(): Promise<void>;
}

/** Another holder, and until when. */
export interface LeaseHeld {
  readonly heldBy: string;
  readonly until: number;
}

/** Takes the lease if it is free, expired or already ours; `seconds` is how long it lasts unless renewed. */
export async function acquireLease(
  store: ObjectStore,
  clock: Clock,
  key: string,
  owner: string,
  seconds: number,
): Promise<Lease | LeaseHeld> {
  const stored = await store.get(key);
  const current = stored === null ? null : readRecord(stored.text);
  if (current !== null && current.owner !== owner && isHeld(current, clock.now())) {
    return { heldBy: current.owner, until: current.until };
  }
  const record: LeaseRecord = { owner, epoch: (current?.epoch ?? 0) + 1, until: clock.now() + seconds };
  try {
    const { etag } = await store.put(key, JSON.stringify(record), stored?.etag ?? "absent");
    return holdLease(store, clock, key, record, etag, seconds);
  } catch (error) {
    if (error instanceof StoreConflict) return { heldBy: "another invocation", until: clock.now() + seconds };
    throw error;
  }
}

/** No lease lasts so long: whoever took it had a clock that was wrong by more than any outage may last. */
const LONGEST_LEASE_SECONDS = 3600;

function isHeld({ until }: LeaseRecord, now: number): boolean {
  return until > now && until <= now + LONGEST_LEASE_SECONDS;
}

/** An unreadable record is treated as expired: its holder's next conditional write will fail. */
function readRecord(text: string): LeaseRecord | null {
  try {
    const parsed = leaseSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

function holdLease(
  store: ObjectStore,
  clock: Clock,
  key: string,
  first: LeaseRecord,
  etag: string,
  seconds: number,
): Lease {
  let record = first;
  let tag = etag;
  const write = async (until: number) => {
    const next = { ...record, until };
    try {
      tag = (await store.put(key, JSON.stringify(next), tag)).etag;
      record = next;
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error;
      record = { ...record, until: 0 };
      throw new LeaseLost("another invocation has taken the lease over: this one stops", { cause: error });
    }
  };
  return {
    epoch: first.epoch,
    remaining: () => record.until - clock.now(),
    renew: () => write(clock.now() + seconds),
    release: () => write(0),
  };
}
