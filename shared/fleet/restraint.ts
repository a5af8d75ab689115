// What keeps a step from being taken though it is due: a person's hold, or a hub and an EC2 that disagree. Pure.

import type { Site } from "../config/index.ts";
import { clockTime } from "./eligible.ts";
import { activeHolds } from "./hand.ts";
import type { Slot } from "./slots.ts";
import type { Breaker, Change, Hand } from "./types.ts";

/** The sentence of a hold that is in force for a profile; null = it may be launched, drained and terminated. */
export function holdOn(profile: string, hand: Hand, now: number): string | null {
  const hold = activeHolds(hand, now).find((each) => each.profile === null || each.profile === profile);
  if (hold === undefined) return null;
  const what = hold.profile === null ? "the fleet" : hold.profile;
  const end = hold.until === null ? "" : ` until ${clockTime(hold.until)}`;
  return `${what} is held by ${hold.by} since ${clockTime(hold.since)}${end}: ${hold.reason}`;
}

/** One builder at odds is a broken builder; from two on it may be the hub, or what EC2 shows. */
const FEWEST_AT_ODDS = 2;

/** Hub and EC2 say different things about too many builders; null = they agree well enough. */
export function findDisagreement(slots: readonly Slot[], site: Site): Breaker | null {
  const ghosts = slots.filter((slot) => slot.phase === "unknown");
  // One that never came up, and is drained since its host was enabled at the launch, is a failed boot: no disagreement.
  const running = slots.filter(({ phase, checkedIn }) => phase === "serving" || (phase === "draining" && checkedIn));
  const silent = running.filter((slot) => slot.silent);
  const atOdds = ghosts.length + silent.length;
  const fleet = ghosts.length + running.length;
  if (atOdds < FEWEST_AT_ODDS || atOdds <= site.builders.disagreementShare * fleet) return null;
  const what = [
    ...(silent.length === 0 ? [] : [`${silent.length} run at EC2 and are silent on the hub`]),
    ...(ghosts.length === 0 ? [] : [`${ghosts.length} check in on the hub and EC2 shows no instance`]),
  ];
  const reason = `hub and EC2 disagree about ${atOdds} of ${fleet} builders (${what.join(", ")}): nothing is drained or terminated until they agree`;
  return { stops: "terminations", profile: null, reason };
}

export interface Restrained {
  readonly changes: readonly Change[];
  readonly keep: readonly { readonly builder: string; readonly reason: string }[];
}

/** Takes back the drains and terminations that must not be; work is brought back and builders are enabled all the same. */
export function restrain(
  changes: readonly Change[],
  slots: readonly Slot[],
  hand: Hand,
  disagreement: Breaker | null,
  now: number,
): Restrained {
  const profiles = new Map(slots.map((slot) => [slot.name, slot.profile.name]));
  const allowed: Change[] = [];
  const keep: { builder: string; reason: string }[] = [];
  for (const change of changes) {
    const takesAway = change.kind === "drain" || change.kind === "terminate";
    const held = takesAway ? (holdOn(profiles.get(change.slot) ?? "", hand, now) ?? disagreement?.reason) : undefined;
    if (held === undefined) allowed.push(change);
    else keep.push({ builder: change.slot, reason: `no ${change.kind} (${change.reason}), for ${held}` });
  }
  return { changes: allowed, keep };
}
