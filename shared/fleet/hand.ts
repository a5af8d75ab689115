// The operator's hand: holds that a person has put on the fleet or on a profile, as one object in the bucket.

import * as z from "zod";
import { type ObjectStore, StoreConflict } from "../aws/store.ts";
import { type Hand, type Hold, NO_HAND } from "./types.ts";

export const HAND_KEY = "fleet/hand.json";

const seconds = z.number();
const handSchema = z.object({
  holds: z.array(
    z.object({
      profile: z.string().nullable(),
      since: seconds,
      by: z.string(),
      reason: z.string(),
      until: seconds.nullable(),
    }),
  ),
});

export interface StoredHand {
  readonly hand: Hand;
  /** For a conditional write: the etag, or "absent". */
  readonly etag: string;
}

/** What cannot be read may have been a hold, so it is one. */
export async function readHand(store: Pick<ObjectStore, "get">, now: number): Promise<StoredHand> {
  const stored = await store.get(HAND_KEY);
  if (stored === null) return { hand: NO_HAND, etag: "absent" };
  return { hand: parseHand(stored.text) ?? { holds: [unreadable(now)] }, etag: stored.etag };
}

function parseHand(text: string): Hand | null {
  try {
    return handSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function unreadable(now: number): Hold {
  const reason = `${HAND_KEY} cannot be read, and may have held it: \`toji fleet release\` writes it anew`;
  return { profile: null, since: now, by: "toji", reason, until: null };
}

/** In place of the one on the same profile (or fleet), if there is one. Pure. */
export function addHold(hand: Hand, hold: Hold): Hand {
  return { holds: [...releaseHold(hand, hold.profile).holds, hold] };
}

/** `profile` null = the hold on the whole fleet; those on profiles stay. Pure. */
export function releaseHold(hand: Hand, profile: string | null): Hand {
  return { holds: hand.holds.filter((each) => each.profile !== profile) };
}

/** The holds that are in force, in the order in which they were made. Pure. */
export function activeHolds(hand: Hand, now: number): readonly Hold[] {
  return hand.holds.filter(({ until }) => until === null || until > now);
}

export interface HandChange {
  /** What was in force when the change was made, and what is now. */
  readonly before: Hand;
  readonly after: Hand;
}

/** Two persons at once are rare, and each try is one read and one write. */
const MOST_TRIES = 5;

/**
 * Reads, drops what has expired, changes, and writes on condition that nobody wrote meanwhile; if somebody did, all of
 * it again on what is there then. Throws StoreConflict when others keep writing, AwsCallFailed.
 */
export async function changeHand(
  store: Pick<ObjectStore, "get" | "put">,
  now: number,
  change: (hand: Hand) => Hand,
): Promise<HandChange> {
  for (let tries = 1; ; tries++) {
    const stored = await readHand(store, now);
    const before = { holds: activeHolds(stored.hand, now) };
    const after = change(before);
    if (JSON.stringify(after) === JSON.stringify(stored.hand)) return { before, after };
    try {
      await store.put(HAND_KEY, JSON.stringify(after), stored.etag);
      return { before, after };
    } catch (error) {
      if (!(error instanceof StoreConflict) || tries >= MOST_TRIES) throw error;
    }
  }
}
