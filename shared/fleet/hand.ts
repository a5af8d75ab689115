// The operator's hand: holds that a person has put on the fleet or on a profile, as one object in the bucket.

import * as z from "zod";
import type { ObjectStore } from "../aws/store.ts";
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
  const reason = `${HAND_KEY} cannot be read: hold or release once more`;
  return { profile: null, since: now, by: "toji", reason, until: null };
}
